/** Fills four topics with what a seeded fleet would have written, keyed by agent. */
import { createKafkaPublisher } from '../../../src/adapters/kafka.ts';
import { ensureTopics } from '../../../src/adapters/kafka-topics.ts';
import type { SourceConfig } from '../../../src/model/config/source.ts';
import { KINDS, type Kind, type Trust } from '../../../src/model/event.ts';
import type { OutRecord } from '../../../src/model/ports.ts';
import { createFleet } from '../../../src/simulation/fleet.ts';
import { encodeEvent } from '../../../src/source/canonical.ts';
import { quietLog } from '../kafka-lane-recorder.ts';

/** What was loaded. */
export interface Loaded {
  readonly events: number;
  /** Misdeeds among them, by kind. */
  readonly misdeeds: Readonly<Record<string, number>>;
  readonly firstMs: number;
  readonly lastMs: number;
}

/** What to load. */
export interface LoadOptions {
  readonly brokers: readonly string[];
  readonly prefix: string;
  readonly partitions: number;
  readonly seed: string;
  readonly events: number;
  /** Event time of the first record, ms. */
  readonly startMs: number;
}

const TRUST: Readonly<Record<Kind, Trust>> = {
  reasoning: 'agent',
  gateway: 'gateway',
  governance: 'policy',
  metrics: 'platform',
};
const BATCH = 2_000;
const DAY_MS = 86_400_000;

/** The four sources over these topics. */
export function sourcesOf(prefix: string): SourceConfig[] {
  return KINDS.map((kind) => ({
    name: kind,
    topic: `${prefix}${kind}`,
    decoder: 'canonical',
    trust: TRUST[kind],
    kinds: [kind],
    lateness: '5s',
    idleAfter: '1s',
    // The clock of the test is behind the events, so that no lease runs out.
    maxFutureSkew: '7d',
  }));
}

/** Makes the topics and publishes. Misbehaviour of all kinds, in one session of sixteen. */
export async function load(options: LoadOptions): Promise<Loaded> {
  const kafka = { brokers: options.brokers, clientId: 'plt-crash-load', log: quietLog };
  const settings = { 'retention.ms': '-1' };
  await ensureTopics(
    kafka,
    KINDS.map((kind) => {
      return { topic: `${options.prefix}${kind}`, partitions: options.partitions, settings };
    }),
  );
  const fleet = createFleet({
    seed: options.seed,
    agents: 300,
    startMs: options.startMs,
    sessionsPerHour: 3_000,
    badShare: 1 / 16,
  });
  const misdeeds: Record<string, number> = {};
  const publisher = createKafkaPublisher(kafka);
  // Before any look at that clock: what counts of it is the same in every run.
  const timestampMs = options.startMs - DAY_MS;
  let events = 0;
  let lastMs = options.startMs;
  try {
    while (events < options.events) {
      const emissions = fleet.take(Math.min(BATCH, options.events - events));
      const records: OutRecord[] = [];
      for (const { topic, key, event, atMs, truth } of emissions) {
        const value = encodeEvent(event);
        records.push({ topic: `${options.prefix}${topic}`, key, value, timestampMs });
        if (truth !== null) misdeeds[truth.kind] = (misdeeds[truth.kind] ?? 0) + 1;
        lastMs = atMs;
      }
      await publisher.publish(records);
      events += records.length;
    }
  } finally {
    await publisher.close();
  }
  return { events, misdeeds, firstMs: options.startMs, lastMs };
}
