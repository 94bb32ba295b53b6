/** Taking partitions over: what their logs hold, where to begin, and ends to be believed. */
import { assert } from '../model/errors.ts';
import type { PartitionLag, StartPosition, TopicPartition } from '../model/ports.ts';
import { type OffsetRange, partitionKey } from './kafka-face.ts';
import { BEYOND_END_MAX } from './kafka-gate.ts';

/** What taking over needs of its surroundings. */
export interface TakeoverWorld {
  /** True: nothing passes unless every partition of the topics is assigned. */
  readonly whole: boolean;
  /** Ranges of the topics, asked again until they are known or `isWanted` says no. */
  readonly ranges: (isWanted: () => boolean) => Promise<readonly OffsetRange[]>;
  /** A moment between two questions. */
  readonly wait: () => Promise<void>;
}

/** What came of it. `part`: others hold some of the partitions, and all of them were wanted. */
export type Taken =
  | { readonly type: 'part'; readonly partitions: number }
  | {
      readonly type: 'taken';
      readonly lag: readonly PartitionLag[];
      readonly positions: readonly StartPosition[];
    };

/**
 * Asks for the ranges of what is assigned, `start` for the positions in them, and for the ranges again
 * where a position lies beyond an end. `recreated` are keys of partitions whose log is another one than
 * before. Null where `isWanted` turned false, or `start` had no answer; the caller asks `isWanted` itself.
 */
export async function takeOver(
  world: TakeoverWorld,
  assigned: readonly TopicPartition[],
  recreated: ReadonlySet<string>,
  isWanted: () => boolean,
  start: (lag: readonly PartitionLag[]) => Promise<readonly StartPosition[] | null>,
): Promise<Taken | null> {
  const known = await world.ranges(isWanted);
  if (world.whole && assigned.length < known.length)
    return { type: 'part', partitions: known.length };
  const lag = assigned.map((at) => {
    const range = rangeOf(at, known);
    return recreated.has(partitionKey(at)) ? { ...range, isRecreated: true } : range;
  });
  const positions = await start(lag);
  if (positions === null || !isWanted()) return null;
  return { type: 'taken', lag: await confirmEnds(world, isWanted, lag, positions), positions };
}

/** The ranges again until no position lies beyond an end, or often enough to believe it. */
async function confirmEnds(
  world: TakeoverWorld,
  isWanted: () => boolean,
  lag: readonly PartitionLag[],
  positions: readonly StartPosition[],
): Promise<readonly PartitionLag[]> {
  const wanted = new Map(positions.map((at) => [partitionKey(at), at.offset]));
  const isBeyond = (at: PartitionLag) => (wanted.get(partitionKey(at)) ?? 0) > at.end;
  let sure = lag;
  for (let again = 1; again < BEYOND_END_MAX && isWanted() && sure.some(isBeyond); again++) {
    await world.wait();
    const known = await world.ranges(isWanted);
    sure = lag.map((at) => rangeOf(at, known));
  }
  return sure;
}

function rangeOf(
  { topic, partition }: TopicPartition,
  known: readonly OffsetRange[],
): PartitionLag {
  const range = known.find((at) => at.topic === topic && at.partition === partition);
  assert(range !== undefined, `no offsets for assigned partition ${topic}/${partition}`);
  return { topic, partition, next: range.low, end: range.end, low: range.low };
}
