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

/** Notes of one process. All times are ms on its clock. */
export class Standing {
  readonly partitions = new Map<string, ReadStanding>();
  /** The core that works; null where none does. */
  pipeline: Pipeline | null = null;
  /** True once the lane was loaded, or another was seen to hold it. */
  started = false;
  database: DatabaseStanding;
  #lane: LaneState = 'starting';
  #laneMs: number;
  #beatMs: number;

  constructor(nowMs: number) {
    this.database = { up: true, sinceMs: nowMs, code: null };
    this.#laneMs = nowMs;
    this.#beatMs = nowMs;
  }

  get lane(): { readonly state: LaneState; readonly sinceMs: number } {
    return { state: this.#lane, sinceMs: this.#laneMs };
  }

  /** When the daemon's own work last made a step. */
  get beatMs(): number {
    return this.#beatMs;
  }

  /** The lane is in another state now. */
  becomes(state: LaneState, nowMs: number): void {
    this.#beatMs = nowMs;
    if (state === 'standby' || state === 'working') this.started = true;
    if (state === this.#lane) return;
    this.#lane = state;
    this.#laneMs = nowMs;
  }

  /** Nothing is read any more, for now. */
  left(nowMs: number): void {
    this.pipeline = null;
    this.partitions.clear();
    this.becomes('starting', nowMs);
  }

  /** Something was done: the loop is not stuck. */
  beat(nowMs: number): void {
    this.#beatMs = nowMs;
  }

  /** The database answered, or did not. */
  heard(code: string | null, nowMs: number): void {
    const up = code === null;
    if (up === this.database.up) return;
    this.database = { up, code, sinceMs: nowMs };
  }

  /** Takes partitions over; forgets all others. */
  assigned(partitions: readonly PartitionLag[], nowMs: number): void {
    this.partitions.clear();
    for (const { topic, partition, next, end } of partitions)
      this.partitions.set(`${topic}/${partition}`, {
        ...{ topic, partition, next, end, recordMs: null, arrivedMs: nowMs },
      });
  }

  /** Where reading of a partition begins. */
  begins(at: TopicPartition, offset: number): void {
    const known = this.partitions.get(`${at.topic}/${at.partition}`);
    if (known !== undefined) known.next = offset;
  }

  /** Log ends as the broker says. */
  ends(lags: readonly PartitionLag[]): void {
    for (const { topic, partition, end } of lags) {
      const known = this.partitions.get(`${topic}/${partition}`);
      if (known !== undefined) known.end = Math.max(end, known.next);
    }
  }

  /** A slice was taken: the last record of it, and where reading goes on. */
  read(last: Rec, next: number, end: number, nowMs: number): void {
    const known = this.partitions.get(`${last.topic}/${last.partition}`);
    if (known === undefined) return;
    known.next = next;
    known.end = Math.max(end, next);
    known.recordMs = last.timestampMs;
    known.arrivedMs = nowMs;
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
