/** A simulated fleet as a log: three partitions a topic, keyed by agent, arrival disordered. */

import { KINDS, type Kind, type WireEvent } from '../../src/model/event.ts';
import type { Truth } from '../../src/simulation/emission.ts';
import { createFleet } from '../../src/simulation/fleet.ts';
import type { FleetOptions } from '../../src/simulation/fleet-options.ts';
import { integer, type Random } from '../../src/simulation/random.ts';
import { encodeEvent } from '../../src/source/canonical.ts';
import { hash53 } from '../../src/state/hash53.ts';
import { createMemoryLog, type MemoryLog } from './memory-log.ts';

const PARTITIONS = 3;

/** A record of the fleet, on its way to its partition. */
export interface Sent {
  readonly ms: number;
  readonly topic: string;
  readonly partition: number;
  readonly key: string;
  readonly value: string;
}

/** Everything a fleet writes until it rests, and what was really done. */
export function recordsOf(options: FleetOptions): { sent: Sent[]; truths: Truth[] } {
  const fleet = createFleet(options);
  const sent: Sent[] = [];
  const truths: Truth[] = [];
  for (let next = fleet.next(); next !== null; next = fleet.next()) {
    const { atMs: ms, topic, key, event, truth } = next;
    const partition = hash53(Buffer.from(key)) % PARTITIONS;
    sent.push({ ms, topic, partition, key, value: encodeEvent(event) });
    if (truth !== null) truths.push(truth);
  }
  return { sent, truths };
}

const SIGNS: Readonly<Record<Kind, Partial<WireEvent>>> = {
  reasoning: { category: 'heartbeat', reasoning: { intents: [], claims: [] } },
  gateway: {
    category: 'heartbeat',
    action: { phase: 'result', tool: 'health', decision: 'allow', outcome: 'ok' },
  },
  governance: { category: 'heartbeat', governance: { change: 'flag.changed' } },
  metrics: {
    category: 'heartbeat',
    metric: { name: 'up', type: 'gauge', temporality: 'none', value: 1 },
  },
};

/** Adds `count` signs of life to every partition, spread over the time of the fleet. */
export function withHeartbeats(sent: readonly Sent[], count: number): Sent[] {
  const fromMs = sent[0]?.ms ?? 0;
  const stepMs = ((sent.at(-1)?.ms ?? 0) - fromMs) / count;
  const beats: Sent[] = [];
  for (let n = 1; n <= count; n += 1) {
    const ms = Math.round(fromMs + n * stepMs);
    for (const topic of KINDS)
      for (let partition = 0; partition < PARTITIONS; partition += 1) {
        const key = `beacon-${partition}`;
        const id = `${key}/${n}`;
        const time = { eventNs: `${ms}000000` };
        const event = { id, kind: topic, time, agent: { id: key }, ...SIGNS[topic] } as WireEvent;
        beats.push({ ms, topic, partition, key, value: encodeEvent(event) });
      }
  }
  return [...sent, ...beats].sort((a, b) => a.ms - b.ms);
}

/** The log as it would be if every record arrived at once and in order. */
export function inOrder(sent: readonly Sent[]): MemoryLog {
  const log = createMemoryLog();
  for (const { ms, ...record } of sent) log.append({ ...record, timestampMs: ms });
  return log;
}

/**
 * The log as it would be if each record came up to `latenessMs` late, and one in `duplicates` came
 * twice. Records carry the times they would have in order: the broker's clock is not evidence.
 */
export function disordered(
  sent: readonly Sent[],
  random: Random,
  latenessMs: number,
  duplicates: number,
): MemoryLog {
  const arrivals: { readonly record: Sent; readonly at: number }[] = [];
  for (const record of sent) {
    arrivals.push({ record, at: record.ms + integer(random, 0, latenessMs) });
    if (integer(random, 1, duplicates) === 1)
      arrivals.push({ record, at: record.ms + integer(random, 0, latenessMs) });
  }
  arrivals.sort((a, b) => a.at - b.at);
  return inOrder(arrivals.map(({ record }) => record));
}
