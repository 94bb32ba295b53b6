/** The workload: seeded events of the simulated fleet, as records of four topics × four partitions. */
import type { Kind } from '../src/model/event.ts';
import { KINDS } from '../src/model/event.ts';
import type { Rec } from '../src/model/ports.ts';
import { createFleet } from '../src/simulation/fleet.ts';
import { encodeEvent } from '../src/source/canonical.ts';

/** Seed of every workload. Another seed is another workload. */
export const SEED = 'bench-1';
/** Slices that share a commit: 100 ms of the loop bring so many at 20,000 events a second. */
export const SLICES_PER_COMMIT = 4;
/** Partitions of each topic. */
export const PARTITIONS = 4;
/** The fleet that makes the events; said in each result. */
export const FLEET = {
  seed: SEED,
  agents: 2000,
  sessionsPerHour: 20_000,
  badShare: 0.02,
  // A fixed time in the past: nothing is in the future of whoever reads it.
  startMs: Date.UTC(2026, 0, 1),
} as const;

/** One event on its way. */
export interface Sent {
  readonly topic: Kind;
  readonly key: string;
  readonly value: string;
  readonly atMs: number;
}

/** The first `count` events of the fleet, in time order. */
export function fleetEvents(count: number): Sent[] {
  const fleet = createFleet(FLEET);
  return fleet.take(count).map(({ topic, key, event, atMs }) => ({
    topic,
    key,
    value: encodeEvent(event),
    atMs,
  }));
}

/** The same events as records of partitions; the key decides the partition. */
export function fleetRecords(events: readonly Sent[]): Map<string, Rec[]> {
  const logs = new Map<string, Rec[]>();
  for (const topic of KINDS)
    for (let partition = 0; partition < PARTITIONS; partition += 1)
      logs.set(`${topic}/${partition}`, []);
  for (const { topic, key, value, atMs } of events) {
    const partition = partitionOf(key);
    const log = logs.get(`${topic}/${partition}`) ?? [];
    log.push({
      topic,
      partition,
      offset: log.length,
      timestampMs: atMs,
      key: Buffer.from(key),
      value: Buffer.from(value),
    });
  }
  return logs;
}

/** Slices of at most `most` records, oldest partition first: a drain in which no topic runs ahead. */
export function* slicesOf(logs: ReadonlyMap<string, readonly Rec[]>, most: number) {
  const at = new Map<string, number>();
  for (;;) {
    let oldest: readonly Rec[] | null = null;
    let oldestMs = Number.POSITIVE_INFINITY;
    let from = 0;
    for (const [name, log] of logs) {
      const next = at.get(name) ?? 0;
      const ms = log[next]?.timestampMs;
      if (ms === undefined || ms >= oldestMs) continue;
      oldest = log;
      oldestMs = ms;
      from = next;
    }
    const first = oldest?.[from];
    if (oldest === null || first === undefined) return;
    const slice = oldest.slice(from, from + most);
    at.set(`${first.topic}/${first.partition}`, from + slice.length);
    yield slice;
  }
}

function partitionOf(key: string): number {
  let hash = 0;
  for (let at = 0; at < key.length; at += 1) hash = (Math.imul(hash, 31) + key.charCodeAt(at)) | 0;
  return (hash >>> 0) % PARTITIONS;
}
