/** A lane for broker tests: keeps what it was told, and positions as a database would. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type {
  LaneHandler,
  Log,
  PartitionLag,
  Rec,
  SliceControl,
  StartPosition,
  TopicPartition,
} from '../../src/model/ports.ts';

/** Positions that outlive a member, as the table `progress` does. */
export type Positions = Map<string, number>;

/** What a test may change of a recorder. */
export interface RecorderOptions {
  readonly positions?: Positions;
  /** Runs before a slice takes effect; its answer replaces 'done'. */
  readonly onSlice?: (
    records: readonly Rec[],
    control: SliceControl,
  ) => Promise<'done' | 'fenced' | undefined>;
  readonly onAssigned?: () => Promise<void>;
}

/** Key of a partition. */
export function keyOf(at: TopicPartition): string {
  return `${at.topic}/${at.partition}`;
}

/** Asserts the promises of LaneHandler while it records: no overlap, order, nothing before assigned. */
export class Recorder implements LaneHandler {
  readonly positions: Positions;
  readonly slices: { records: readonly Rec[]; end: number }[] = [];
  readonly applied: Rec[] = [];
  readonly assignments: (readonly PartitionLag[])[] = [];
  readonly lost: TopicPartition[] = [];
  readonly failures: Error[] = [];
  /** Broken promises, as text: asserted empty by `finish`. */
  readonly complaints: string[] = [];
  lags: readonly PartitionLag[] = [];
  readonly held = new Set<string>();
  readonly #options: RecorderOptions;
  #busy = 0;

  constructor(options: RecorderOptions = {}) {
    this.#options = options;
    this.positions = options.positions ?? new Map();
  }

  async assigned(partitions: readonly PartitionLag[]): Promise<readonly StartPosition[]> {
    return this.#alone('assigned', async () => {
      this.assignments.push(partitions);
      await this.#options.onAssigned?.();
      for (const at of partitions) this.held.add(keyOf(at));
      return partitions.map(({ topic, partition, low }) => ({
        topic,
        partition,
        offset: this.positions.get(keyOf({ topic, partition })) ?? low,
      }));
    });
  }

  revoked(partitions: readonly TopicPartition[]): void {
    this.lost.push(...partitions);
    for (const at of partitions) this.held.delete(keyOf(at));
  }

  async slice(records: readonly Rec[], control: SliceControl): Promise<'done' | 'fenced'> {
    return this.#alone('slice', async () => {
      this.slices.push({ records, end: control.end });
      const answer = await this.#options.onSlice?.(records, control);
      if (answer === 'fenced' || !control.live()) return 'fenced';
      for (const record of records) this.#apply(record);
      return 'done';
    });
  }

  progress(lag: readonly PartitionLag[]): void {
    if (this.#busy > 0) this.complaints.push('progress while another call was at work');
    this.lags = lag;
  }

  failed(cause: Error): void {
    this.failures.push(cause);
  }

  /** Values of one partition in the order they took effect. */
  values(at: TopicPartition): string[] {
    const mine = this.applied.filter((record) => keyOf(record) === keyOf(at));
    return mine.map((record) => String(record.value));
  }

  /** Fails on every broken promise. */
  finish(): void {
    assert.deepEqual(this.complaints, []);
  }

  #apply(record: Rec): void {
    const key = keyOf(record);
    const next = this.positions.get(key) ?? 0;
    if (!this.held.has(key)) this.complaints.push(`${key} delivered while not held`);
    if (record.offset < next) this.complaints.push(`${key}: ${record.offset} after ${next - 1}`);
    this.positions.set(key, record.offset + 1);
    this.applied.push(record);
  }

  async #alone<T>(name: string, work: () => Promise<T>): Promise<T> {
    if (this.#busy > 0) this.complaints.push(`${name} while another call was at work`);
    this.#busy += 1;
    try {
      return await work();
    } finally {
      this.#busy -= 1;
    }
  }
}

/** Waits until `isSo`; fails with `what` after `deadlineMs`. Says nothing about how fast it came. */
export async function until(what: string, isSo: () => boolean, deadlineMs = 20_000): Promise<void> {
  const deadline = Date.now() + deadlineMs;
  while (!isSo()) {
    assert.ok(Date.now() < deadline, `timed out waiting until ${what}`);
    await sleep(20);
  }
}

/** A log that keeps nothing. */
export const quietLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
