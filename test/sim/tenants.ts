/** Several fleets, each a tenant's, in one log: agents bear the same names, records hold several. */
import type { FleetOptions } from '../../src/simulation/fleet-options.ts';
import { integer, type Random } from '../../src/simulation/random.ts';
import { hash53 } from '../../src/state/hash53.ts';
import { recordsOf, type Sent } from './fleet-log.ts';

/** Partitions of each topic: on purpose not alike. */
const PARTITIONS: Readonly<Record<string, number>> = {
  reasoning: 3,
  gateway: 2,
  governance: 1,
  metrics: 4,
};
/** Records of one topic that are written as one, at most. */
const TOGETHER_MAX = 5;

/** What fleets of several tenants write, in order of time; the first one's agents bear no tenant. */
export function tenantsOf(of: (seed: number) => FleetOptions, seed: number, count: number): Sent[] {
  const all: Sent[] = [];
  for (let n = 0; n < count; n += 1) {
    const tenant = n === 0 ? {} : { tenant: `tenant-${n}` };
    all.push(...recordsOf({ ...of(seed * 1000 + n), ...tenant }).sent);
  }
  return all.sort((a, b) => a.ms - b.ms);
}

/**
 * The same as a collector would write it: some records without a key on any partition, some together
 * as one array, whoever they are about. Ids are of the producers, so they are what they were.
 */
export function collected(sent: readonly Sent[], random: Random): Sent[] {
  const written: Sent[] = [];
  const waiting = new Map<string, Sent[]>();
  const flush = (topic: string) => {
    const held = waiting.get(topic) ?? [];
    const last = held.at(-1);
    if (last === undefined) return;
    waiting.delete(topic);
    const count = PARTITIONS[topic] ?? 1;
    const partition = integer(random, 0, count - 1);
    const [only] = held;
    const value =
      held.length === 1 && only !== undefined
        ? only.value
        : `[${held.map((one) => one.value).join(',')}]`;
    written.push({ ms: last.ms, topic, partition, key: '', value });
  };
  for (const record of sent) {
    const isLoose = hash53(Buffer.from(`${record.topic} ${record.key}`)) % 2 === 0;
    if (!isLoose) {
      const partition = hash53(Buffer.from(record.key)) % (PARTITIONS[record.topic] ?? 1);
      written.push({ ...record, partition });
      continue;
    }
    const held = waiting.get(record.topic) ?? [];
    const first = held[0];
    // What waits longest is written before it would be late.
    if (first !== undefined && record.ms - first.ms > 5_000) flush(record.topic);
    waiting.set(record.topic, [...(waiting.get(record.topic) ?? []), record]);
    if ((waiting.get(record.topic) ?? []).length >= integer(random, 1, TOGETHER_MAX))
      flush(record.topic);
  }
  for (const topic of waiting.keys()) flush(topic);
  return written.sort((a, b) => a.ms - b.ms);
}
