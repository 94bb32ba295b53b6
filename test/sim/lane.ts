/** A lane over a log and a store in memory: reads, commits, dies and comes back as it is told. */
import type { Rec, StartPosition, TopicPartition } from '../../src/model/ports.ts';
import type { PipelineOptions } from '../../src/pipeline/options.ts';
import { createPipeline, type Pipeline } from '../../src/pipeline.ts';
import type { LaneStore } from './lane-store.ts';
import type { MemoryLog } from './memory-log.ts';

/** A lane under control. */
export interface Lane {
  /** Partitions with records that were not read yet. */
  waiting(): TopicPartition[];
  /** Event the log would give next of a partition: its offset. */
  offset(at: TopicPartition): number;
  /** Reads up to `most` records of a partition as one slice. */
  read(at: TopicPartition, most: number): void;
  /** Writes what there is to write. */
  commit(): void;
  /** The process dies: what was not committed is lost, and a new one takes over from the store. */
  crash(): void;
  /** Every stream has ended: decides what can be decided, and commits. */
  drain(): void;
  readonly pipeline: Pipeline;
}

/** Takes every step there is. */
export function finish(steps: Iterator<undefined, void>): void {
  while (steps.next().done !== true);
}

/** Opens a lane. `nowMs` stands still, so that no source ever counts as idle; or is asked for with each slice. */
export function openLane(
  log: MemoryLog,
  store: LaneStore,
  options: PipelineOptions,
  nowMs: number | ((records: readonly Rec[]) => number),
): Lane {
  const nowOf = typeof nowMs === 'number' ? () => nowMs : nowMs;
  const offsets = new Map<string, number>();
  const keyOf = ({ topic, partition }: TopicPartition) => `${topic}/${partition}`;
  const takeOver = (): Pipeline => {
    const pipeline = createPipeline(options);
    const { pages, deltas, ...state } = store.load();
    // As they are handed over while they are read: all but the last of them come before the rest.
    for (const page of pages) finish(pipeline.loading({ pages: [page], deltas: [] }));
    for (const delta of deltas.slice(0, -1))
      finish(pipeline.loading({ pages: [], deltas: [delta] }));
    const left = { ...state, pages: [], deltas: deltas.slice(-1) };
    finish(pipeline.restoring(left, store.watermarkMs, store.counters));
    offsets.clear();
    const starts: readonly StartPosition[] = pipeline.assign(log.partitions(), nowOf([]));
    for (const start of starts) offsets.set(keyOf(start), start.offset);
    return pipeline;
  };
  let pipeline = takeOver();
  const commit = () => {
    if (!pipeline.dirty()) return;
    store.apply(pipeline.commit());
    pipeline.committed();
  };
  const offset = (at: TopicPartition) => offsets.get(keyOf(at)) ?? 0;
  return {
    get pipeline() {
      return pipeline;
    },
    waiting: () => log.partitions().filter((at) => offset(at) < at.end),
    offset,
    read(at, most) {
      const records = log.read(at, offset(at), most);
      const last = records.at(-1);
      if (last === undefined) return;
      offsets.set(keyOf(at), last.offset + 1);
      pipeline.slice(records, last.offset + 1, log.end(at), nowOf(records));
    },
    commit,
    crash() {
      pipeline = takeOver();
    },
    drain() {
      pipeline.drain();
      commit();
    },
  };
}

/** A clock that goes with the records, and is never behind `fromMs`: what is read is fresh. */
export function clockOfRecords(fromMs: number): (records: readonly Rec[]) => number {
  return (records) => Math.max(fromMs, records.at(-1)?.timestampMs ?? fromMs);
}

/** Sources that no clock makes idle. */
export function neverIdle(options: PipelineOptions): PipelineOptions {
  const timings = options.timings.map((one) => ({ ...one, idleAfterMs: Number.POSITIVE_INFINITY }));
  return { ...options, timings };
}

/** Reads everything in the order of the records' own time, one record a slice, and drains. */
export function readInOrder(lane: Lane, log: MemoryLog): void {
  for (;;) {
    let first: TopicPartition | undefined;
    let firstMs = Number.POSITIVE_INFINITY;
    for (const at of lane.waiting()) {
      const [next] = log.read(at, lane.offset(at), 1);
      if (next === undefined || next.timestampMs >= firstMs) continue;
      first = at;
      firstMs = next.timestampMs;
    }
    if (first === undefined) break;
    lane.read(first, 1);
  }
  lane.drain();
}
