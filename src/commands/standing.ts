/** Standing: how the daemon stands at this moment, noted by those who work, read by who asks. */
import type { PartitionLag, Rec, TopicPartition } from '../model/ports.ts';
import type { Pipeline } from '../pipeline.ts';

/** What the lane does. standby: another process has it. */
export const LANE_STATES = ['starting', 'standby', 'loading', 'working'] as const;
/** One of LANE_STATES. */
export type LaneState = (typeof LANE_STATES)[number];

/** How far reading is in one partition. */
export interface ReadStanding extends TopicPartition {
  next: number;
  end: number;
  /** Append time of the record last read; null before the first. */
  recordMs: number | null;
  /** When it came here, or when the partition was taken over. */
  arrivedMs: number;
}

/** Where the database is, as its last word said. */
export interface DatabaseStanding {
  readonly up: boolean;
  readonly sinceMs: number;
  /** Code of the failure; null while it is up. */
  readonly code: string | null;
}

/** One lane, as far as this process has it. */
export interface LaneStanding {
  state: 'loading' | 'working';
  sinceMs: number;
  readonly partitions: Map<string, ReadStanding>;
  /** The core that works; null where none does. */
  pipeline: Pipeline | null;
}

/** Notes of one process. All times are ms on its clock. */
export class Standing {
  /** Lanes that this process has, or is loading. */
  readonly lanes = new Map<number, LaneStanding>();
  /** True once a lane was loaded, or another process was seen to hold it. */
  started = false;
  database: DatabaseStanding;
  /** What it does while it has no lane. */
  #without: 'starting' | 'standby' = 'starting';
  #withoutMs: number;
  #beatMs: number;

  constructor(nowMs: number) {
    this.database = { up: true, sinceMs: nowMs, code: null };
    this.#withoutMs = nowMs;
    this.#beatMs = nowMs;
  }

  /** What the process does: it works once all lanes that it has are loaded. */
  get lane(): { readonly state: LaneState; readonly sinceMs: number } {
    const lanes = [...this.lanes.values()];
    if (lanes.length === 0) return { state: this.#without, sinceMs: this.#withoutMs };
    const loading = lanes.filter(({ state }) => state === 'loading');
    const [state, those] =
      loading.length > 0 ? (['loading', loading] as const) : (['working', lanes] as const);
    return { state, sinceMs: Math.max(...those.map(({ sinceMs }) => sinceMs)) };
  }

  /** Every partition that is read, of all lanes. */
  get partitions(): readonly ReadStanding[] {
    return [...this.lanes.values()].flatMap(({ partitions }) => [...partitions.values()]);
  }

  /** When the daemon's own work last made a step. */
  get beatMs(): number {
    return this.#beatMs;
  }

  /** Something was done: the loop is not stuck. */
  beat(nowMs: number): void {
    this.#beatMs = nowMs;
  }

  /** Another process has the work. */
  waits(nowMs: number): void {
    this.started = true;
    if (this.#without !== 'standby') this.#withoutMs = nowMs;
    this.#without = 'standby';
  }

  /** It is ours to begin, and nothing is loaded yet. */
  begins(nowMs: number): void {
    if (this.#without !== 'starting') this.#withoutMs = nowMs;
    this.#without = 'starting';
  }

  /** Nothing of a lane is read any more, for now; without a number: of any. */
  left(nowMs: number, lane?: number): void {
    if (lane === undefined) this.lanes.clear();
    else this.lanes.delete(lane);
    this.begins(nowMs);
  }

  /** A lane is being loaded into this core, which is handed back. */
  made(lane: number, pipeline: Pipeline): Pipeline {
    const known = this.lanes.get(lane);
    if (known !== undefined) known.pipeline = pipeline;
    return pipeline;
  }

  /** The lane is loaded, and reads. */
  works(lane: number, nowMs: number): void {
    const known = this.lanes.get(lane);
    if (known === undefined) return;
    known.state = 'working';
    known.sinceMs = nowMs;
    this.started = true;
  }

  /** The database answered, or did not. */
  heard(code: string | null, nowMs: number): void {
    const up = code === null;
    if (up === this.database.up) return;
    this.database = { up, code, sinceMs: nowMs };
  }

  /** A lane takes partitions over, and loads. */
  assigned(lane: number, partitions: readonly PartitionLag[], nowMs: number): void {
    const read = partitions.map(({ topic, partition, next, end }): [string, ReadStanding] => [
      `${topic}/${partition}`,
      { ...{ topic, partition, next, end }, recordMs: null, arrivedMs: nowMs },
    ]);
    this.lanes.set(lane, {
      ...{ state: 'loading', sinceMs: nowMs, pipeline: null },
      partitions: new Map(read),
    });
  }

  /** Where reading of a partition begins. */
  reads(lane: number, at: TopicPartition, offset: number): void {
    const known = this.#partitionOf(lane, at);
    if (known !== undefined) known.next = offset;
  }

  /** Log ends as the broker says. */
  ends(lane: number, lags: readonly PartitionLag[]): void {
    for (const { end, ...at } of lags) {
      const known = this.#partitionOf(lane, at);
      if (known !== undefined) known.end = Math.max(end, known.next);
    }
  }

  /** A slice was taken: the last record of it, and where reading goes on. */
  read(lane: number, last: Rec, next: number, end: number, nowMs: number): void {
    const known = this.#partitionOf(lane, last);
    if (known === undefined) return;
    known.next = next;
    known.end = Math.max(end, next);
    known.recordMs = last.timestampMs;
    known.arrivedMs = nowMs;
  }

  #partitionOf(lane: number, { topic, partition }: TopicPartition): ReadStanding | undefined {
    return this.lanes.get(lane)?.partitions.get(`${topic}/${partition}`);
  }
}

/** How far a partition is behind its log, in records and in time. 0 at its end. */
export function behindOf(
  { next, end, recordMs, arrivedMs }: ReadStanding,
  nowMs: number,
): { readonly records: number; readonly ms: number } {
  const records = Math.max(0, end - next);
  if (records === 0) return { records, ms: 0 };
  return { records, ms: Math.max(0, nowMs - (recordMs ?? arrivedMs)) };
}
