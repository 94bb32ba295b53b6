/** Fills topics that fit no lane: several tenants, unlike partition counts, records without keys. */
import { createKafkaPublisher } from '../../../src/adapters/kafka.ts';
import { ensureTopics } from '../../../src/adapters/kafka-topics.ts';
import type { SourceConfig } from '../../../src/model/config/source.ts';
import { KINDS, type Kind, type Trust } from '../../../src/model/event.ts';
import type { OutRecord } from '../../../src/model/ports.ts';
import { integer, stream } from '../../../src/simulation/random.ts';
import { createTenants } from '../../../src/simulation/tenants.ts';
import { encodeEvent } from '../../../src/source/canonical.ts';
import { hash53 } from '../../../src/state/hash53.ts';
import { quietLog } from '../kafka-lane-recorder.ts';

/** What was written. */
export interface Loaded {
  readonly events: number;
  readonly records: number;
  readonly lastMs: number;
}

/** What to write. */
export interface LoadOptions {
  readonly brokers: readonly string[];
  readonly prefix: string;
  readonly seed: string;
  readonly events: number;
  /** Fleets; the first one's agents bear no tenant. */
  readonly tenants: number;
  /** Event time of the first record, ms. */
  readonly startMs: number;
}

const PARTITIONS: Readonly<Record<Kind, number>> = {
  reasoning: 4,
  gateway: 3,
  governance: 1,
  metrics: 2,
};
const TRUST: Readonly<Record<Kind, Trust>> = {
  reasoning: 'agent',
  gateway: 'gateway',
  governance: 'policy',
  metrics: 'platform',
};
const BATCH = 2_000;
const DAY_MS = 86_400_000;
const TOGETHER_MAX = 6;

/** The four sources over these topics. No partition counts as idle: what is late would depend on the clock. */
export function sourcesOf(prefix: string): SourceConfig[] {
  return KINDS.map((kind) => ({
    name: kind,
    topic: `${prefix}${kind}`,
    decoder: 'canonical',
    trust: TRUST[kind],
    kinds: [kind],
    lateness: '10s',
    idleAfter: '1h',
    // The clock of the test is behind the events, so that no lease runs out.
    maxFutureSkew: '7d',
  }));
}

interface Emitted {
  readonly topic: Kind;
  readonly key: string;
  readonly value: string;
  readonly atMs: number;
}

/** The events of all fleets in order of time: each a tenant's, with agents of the same names. */
function* emitted({ seed, tenants, startMs }: LoadOptions): Generator<Emitted> {
  const fleet = createTenants(
    { seed, agents: 300, startMs, sessionsPerHour: 3_000, badShare: 1 / 16 },
    tenants,
  );
  for (let one = fleet.next(); one !== null; one = fleet.next()) {
    const key = `${one.event.tenant ?? '-'}/${one.key}`;
    yield { topic: one.topic as Kind, key, value: encodeEvent(one.event), atMs: one.atMs };
  }
}

/** Makes the topics. */
export async function makeTopics({ brokers, prefix }: LoadOptions): Promise<void> {
  const kafka = { brokers, clientId: 'plt-members-load', log: quietLog };
  const settings = { 'retention.ms': '-1' };
  await ensureTopics(
    kafka,
    KINDS.map((kind) => ({ topic: `${prefix}${kind}`, partitions: PARTITIONS[kind], settings })),
  );
}

/**
 * Publishes. Half of the agents' records are keyed by agent; those of the others lie on any partition,
 * without a key, up to six together as an array, whoever they are about.
 */
export async function load(options: LoadOptions): Promise<Loaded> {
  const { brokers, prefix, seed } = options;
  const publisher = createKafkaPublisher({ brokers, clientId: 'plt-members-load', log: quietLog });
  const random = stream(seed, 'collector');
  // Before any look at that clock: what counts of it is the same in every run.
  const timestampMs = options.startMs - DAY_MS;
  const waiting = new Map<Kind, Emitted[]>();
  let batch: OutRecord[] = [];
  let events = 0;
  let records = 0;
  let lastMs = options.startMs;
  const flush = (topic: Kind) => {
    const held = waiting.get(topic) ?? [];
    const last = held.at(-1);
    if (last === undefined) return;
    waiting.delete(topic);
    const values = held.map(({ value }) => value);
    batch.push({
      ...{ topic: `${prefix}${topic}`, partition: integer(random, 0, PARTITIONS[topic] - 1) },
      ...{ key: null, value: values.length === 1 ? (values[0] ?? '') : `[${values.join(',')}]` },
      timestampMs,
    });
  };
  try {
    for (const one of emitted(options)) {
      if (events >= options.events) break;
      events += 1;
      lastMs = one.atMs;
      const number = hash53(Buffer.from(one.key));
      if (number % 2 === 0) {
        const partition = Math.floor(number / 2) % PARTITIONS[one.topic];
        const topic = `${prefix}${one.topic}`;
        batch.push({ topic, partition, key: one.key, value: one.value, timestampMs });
      } else {
        const held = waiting.get(one.topic) ?? [];
        if (held[0] !== undefined && one.atMs - held[0].atMs > 3_000) flush(one.topic);
        const now = [...(waiting.get(one.topic) ?? []), one];
        waiting.set(one.topic, now);
        if (now.length >= integer(random, 1, TOGETHER_MAX)) flush(one.topic);
      }
      if (batch.length < BATCH) continue;
      records += batch.length;
      await publisher.publish(batch);
      batch = [];
    }
    for (const topic of KINDS) flush(topic);
    records += batch.length;
    await publisher.publish(batch);
  } finally {
    await publisher.close();
  }
  return { events, records, lastMs };
}
