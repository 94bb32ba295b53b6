/** Traffic of the latency benchmark: who sends what and when, sent in time or recorded at once. */
import { createKafkaPublisher } from '../src/adapters/kafka.ts';
import { ensureTopics } from '../src/adapters/kafka-topics.ts';
import { KINDS, type WireEvent } from '../src/model/event.ts';
import { createFleet } from '../src/simulation/fleet.ts';
import { encodeEvent } from '../src/source/canonical.ts';
import { freshDatabase, type providePostgres, silentLog } from '../test/integration/postgres.ts';
import type { provideKafka } from '../test/integration/provider.ts';
import { start } from './child.ts';
import type { DaemonInput } from './e2e-daemon.ts';
import { PROBE_AGENTS, probe, probeAgent, wallMs } from './latency-parts.ts';
import { FLEET, PARTITIONS } from './workload.ts';

type Kafka = Awaited<ReturnType<typeof provideKafka>>;
type Postgres = Awaited<ReturnType<typeof providePostgres>>;

/** How much, for how long, and how many of it are probes. */
export interface Traffic {
  /** Events a second. */
  readonly rate: number;
  /** One event in so many is a probe. */
  readonly every: number;
  readonly warmMs: number;
  readonly forMs: number;
}

/** What is drained to find the saturation: so much of the same traffic, recorded at about half of that. */
export const RECORDED = { rate: 5000, forMs: 60_000 } as const;

/** Events a second that the daemon drains from full topics, everything on, wall time. */
export async function saturationOf(kafka: Kafka, postgres: Postgres): Promise<number> {
  const prefix = `latency-${process.pid}-full-`;
  const client = { brokers: kafka.brokers, clientId: 'bench', log: silentLog };
  await ensureTopics(
    client,
    KINDS.map((kind) => ({ topic: `${prefix}${kind}`, partitions: PARTITIONS })),
  );
  const events = await record(client, prefix);
  const fresh = await freshDatabase(postgres);
  try {
    const given: DaemonInput = {
      ...{ brokers: kafka.brokers, topics: [], group: `${prefix}group`, events },
      ...{ prefix, database: fresh.url },
    };
    const { drainMs } = await start<{ readonly drainMs: number }>('e2e-daemon.ts', given).answer;
    return (1000 * events) / drainMs;
  } finally {
    await fresh.drop();
  }
}

/** Fills the topics with what the levels play, as fast as they take it; returns how many events. */
async function record(
  client: Parameters<typeof createKafkaPublisher>[0],
  prefix: string,
): Promise<number> {
  const publisher = createKafkaPublisher(client);
  const traffic = { ...RECORDED, warmMs: 0, every: Number.POSITIVE_INFINITY };
  const { topicOf, next } = scheduled(traffic, prefix, wallMs() - RECORDED.forMs);
  let events = 0;
  for (let batch = take(next, 2000); batch.length > 0; batch = take(next, 2000)) {
    await publisher.publish(batch.map(({ event, dueMs }) => sentAs(topicOf(event), event, dueMs)));
    events += batch.length;
  }
  await publisher.close();
  return events;
}

function take<T>(next: () => T | null, most: number): T[] {
  const taken: T[] = [];
  for (let one = taken.length < most ? next() : null; one !== null; ) {
    taken.push(one);
    one = taken.length < most ? next() : null;
  }
  return taken;
}

/** An event as a record. `dueMs`: when it was to be sent. */
export function sentAs(topic: string, event: WireEvent, dueMs: number) {
  const timestampMs = Math.floor(dueMs);
  return { topic, key: event.agent?.id ?? '', value: encodeEvent(event), timestampMs };
}

/** Every event with its time, in order: agents of the probes, then the fleet with a probe now and then. */
export function scheduled(level: Traffic, prefix: string, startMs: number) {
  const untilMs = startMs + level.warmMs + level.forMs;
  // About 25 events a session: the fleet is as large as the rate asks for.
  const sessionsPerHour = (level.rate * 3600) / 25;
  const agents = Math.max(50, Math.round(level.rate));
  const fleet = createFleet({ ...FLEET, agents, sessionsPerHour, startMs: 0, badShare: 0 });
  const { every } = level;
  let registered = 0;
  let count = 0;
  let probes = 0;
  const next = (): { event: WireEvent; probe: number | null; dueMs: number } | null => {
    if (registered < PROBE_AGENTS) {
      registered += 1;
      return { event: probeAgent(registered - 1, startMs), probe: null, dueMs: startMs };
    }
    count += 1;
    // The pace is that of the level: the fleet gives kinds, sizes and who follows whom.
    const dueMs = startMs + (count * 1000) / level.rate;
    if (dueMs >= untilMs) return null;
    if (count % every === 0 && dueMs >= startMs + level.warmMs) {
      probes += 1;
      return { event: probe(probes - 1, dueMs), probe: probes - 1, dueMs };
    }
    const emission = fleet.next();
    if (emission === null) throw new Error('the fleet has come to rest');
    return { event: moved(emission.event, emission.atMs, Math.floor(dueMs)), probe: null, dueMs };
  };
  return { next, topicOf: ({ kind }: WireEvent) => `${prefix}${kind}` };
}

/** The event, at another time, and what it says of times moved with it: an approval would have lapsed before it came. */
function moved(event: WireEvent, fromMs: number, toMs: number): WireEvent {
  const time = { ...event.time, eventNs: `${toMs}000000` };
  const approval = event.governance?.approval;
  if (approval === undefined) return { ...event, time };
  const { validFromMs, validToMs, ...others } = approval;
  const shifted = {
    ...(validFromMs === undefined ? {} : { validFromMs: validFromMs - fromMs + toMs }),
    ...(validToMs === undefined ? {} : { validToMs: validToMs - fromMs + toMs }),
  };
  return {
    ...event,
    time,
    governance: { ...event.governance, approval: { ...others, ...shifted } },
  } as WireEvent;
}
