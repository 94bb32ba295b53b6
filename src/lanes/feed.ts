/** Feed: a partition of the internal topic, read as the source partitions it carries. */
import type { LaneCommit, LanePosition } from '../model/effects.ts';
import { OperatingError } from '../model/errors.ts';
import type {
  Broker,
  LaneHandler,
  Log,
  PartitionLag,
  Rec,
  SliceControl,
  SliceOutcome,
  TopicPartition,
} from '../model/ports.ts';
import type { Claimed } from '../observer/takeover.ts';
import type { LaneStore, MissingRecords } from '../observer.ts';
import { decodeBundle, type Mark } from './bundle.ts';

/** What a feed is made of. */
export interface FeedParts {
  /** Number of the lane: its partition of the internal topic. */
  readonly lane: number;
  readonly topic: string;
  /** First and last offsets of every source partition, as last known. */
  readonly ends: () => readonly PartitionLag[];
  /** Told of records of a source that nobody could read any more. */
  readonly onMissing: (gap: MissingRecords) => void;
  /** Source partitions that are to pause or to go on: whoever forwards them is asked. */
  readonly onPause: (partitions: readonly TopicPartition[], paused: boolean) => void;
  /**
   * Called between pieces of what came: a slice of bundles holds thousands of events, and what waits for an
   * answer meanwhile is commits, with rows that other lanes need. Absent: nothing waits.
   */
  readonly giveWay?: () => Promise<void>;
  readonly log: Log;
}

/** A record of the internal topic that is still needed, by what it carries of one source partition. */
interface Carried {
  readonly internal: number;
  /** Offset of the last record of the partition in it. */
  readonly last: number;
}

interface Source extends TopicPartition {
  /** What lies below was taken before, or is not this lane's. */
  cursor: number;
  /** Oldest first; those the lane no longer needs are forgotten at each commit. */
  carried: Carried[];
}

/**
 * The lane behind it sees a Broker with the source partitions. Copies of what it has had, by whoever
 * appended them, are dropped: each re-keyer appends without gaps from where it began, so the first
 * copies stand in order. Where reading must begin again is written with every commit.
 */
export class LaneFeed {
  readonly #parts: FeedParts;
  readonly #sources = new Map<string, Source>();
  readonly #opened = Promise.withResolvers<number>();
  #handler: LaneHandler | null = null;
  #lags: PartitionLag[] = [];
  #isOver = false;
  #isFenced = false;
  /** Of the internal topic: what is stored, and where reading stands. */
  #stored: { low: number; next: number } = { low: 0, next: 0 };
  readonly #moves = new WeakMap<LaneCommit, LaneCommit['moves'][number]>();
  #at = 0;
  #unbundled = 0;

  constructor(parts: FeedParts) {
    this.#parts = parts;
    // Whoever opens it may have lost the lane before it asks.
    this.#opened.promise.catch(() => undefined);
  }

  /** Offset of the internal topic to read from, once the lane is claimed and loaded. */
  get opened(): Promise<number> {
    return this.#opened.promise;
  }

  /** Where reading stands in the internal topic. */
  get next(): number {
    return this.#at;
  }

  /** May what the lane has in memory be gone on with? Not once a commit was refused. */
  get isSound(): boolean {
    return this.#handler !== null && !this.#isOver && !this.#isFenced;
  }

  /** The broker the lane is made with. */
  get broker(): Broker {
    return {
      start: (handler) => this.#start(handler),
      pause: (partitions) => this.#parts.onPause(partitions, true),
      resume: (partitions) => this.#parts.onPause(partitions, false),
      lag: async () => this.#lag(),
      stop: async () => this.close(),
    };
  }

  /** The lane's store, which then keeps the position in the internal topic too. */
  store(inner: LaneStore): LaneStore {
    const { topic, lane } = this.#parts;
    const own = { topic, partition: lane };
    return {
      claim: async (partitions, take) => {
        const claimed = await inner.claim([...partitions, own], take);
        return this.#claimed(claimed);
      },
      commit: async (commit) => {
        // The lane goes on while it is written: a second try is to move no further than the first.
        const move = this.#moves.get(commit) ?? this.#moveOf(commit);
        this.#moves.set(commit, move);
        const outcome = await inner.commit({ ...commit, moves: [...commit.moves, move] });
        if (outcome === 'done') this.#stored = { low: move.to.low, next: move.to.next };
        else this.#isFenced = true;
        return outcome;
      },
      requests: async () => await inner.requests(),
    };
  }

  /** Fresh ends of the sources' logs. */
  progress(ends: readonly PartitionLag[]): void {
    const known = new Map(ends.map((at) => [keyOf(at), at]));
    if (this.#handler === null || this.#isOver) return;
    const added = ends.find((at) => !this.#sources.has(keyOf(at)));
    if (added !== undefined) {
      this.#handler.failed(layoutChanged(added));
      return;
    }
    this.#lags = this.#lags.map((at) => ({ ...at, end: known.get(keyOf(at))?.end ?? at.end }));
    this.#handler.progress(this.#lag());
  }

  /** Records of the internal partition, in order. */
  async slice(records: readonly Rec[], control: SliceControl): Promise<SliceOutcome> {
    let outcome: SliceOutcome = 'held';
    for (const [at, record] of records.entries()) {
      if (this.#handler === null || this.#isOver) return 'held';
      if (record.offset < this.#at) continue;
      this.#at = record.offset;
      const isLast = at === records.length - 1;
      outcome = await this.#unbundle(record, isLast ? control : goingOn(control));
      if (outcome === 'fenced') return 'fenced';
      this.#at = record.offset + 1;
    }
    return outcome;
  }

  /** The lane is gone or over: nothing is delivered any more. */
  close(): void {
    this.#isOver = true;
    this.#handler = null;
    this.#opened.reject(new Error('the lane was closed before it was open'));
  }

  async #start(handler: LaneHandler): Promise<void> {
    this.#lags = this.#parts.ends().map((at) => ({ ...at, low: 0, next: 0 }));
    try {
      const starts = await handler.assigned(this.#lags);
      for (const { topic, partition, offset } of starts)
        this.#sources.set(keyOf({ topic, partition }), {
          ...{ topic, partition, cursor: offset, carried: [] },
        });
      this.#at = Math.min(this.#stored.low, this.#stored.next);
      this.#handler = this.#isOver ? null : handler;
      this.#opened.resolve(this.#at);
    } catch (cause) {
      this.#opened.reject(cause);
      throw cause;
    }
  }

  #claimed(claimed: Claimed): Claimed {
    const { topic, lane } = this.#parts;
    const isOwn = (at: TopicPartition) => at.topic === topic && at.partition === lane;
    const positions: LanePosition[] = [];
    for (const position of claimed.state.positions) {
      if (isOwn(position)) this.#stored = { low: position.low, next: position.next };
      else positions.push(position);
    }
    // What was forwarded and taken since the ends were asked for is no log that was cut short.
    const next = new Map(positions.map((at) => [keyOf(at), at.next]));
    for (const [n, at] of this.#lags.entries())
      this.#lags[n] = { ...at, end: Math.max(at.end, next.get(keyOf(at)) ?? 0) };
    return { ...claimed, state: { ...claimed.state, positions } };
  }

  /** Reading begins again at the oldest bundle that holds something unreleased. */
  #moveOf({ moves }: LaneCommit): LaneCommit['moves'][number] {
    for (const { to } of moves) {
      const source = this.#sources.get(keyOf(to));
      if (source === undefined) continue;
      const kept = source.carried.findIndex(({ last }) => last >= to.low);
      source.carried = kept < 0 ? [] : source.carried.slice(kept);
    }
    let low = this.#at;
    for (const { carried } of this.#sources.values())
      if (carried[0] !== undefined) low = Math.min(low, carried[0].internal);
    const { topic, lane: partition } = this.#parts;
    return { from: this.#stored.next, to: { topic, partition, low, next: this.#at } };
  }

  #lag(): readonly PartitionLag[] {
    return this.#lags.map((at) => ({ ...at, next: this.#sources.get(keyOf(at))?.cursor ?? 0 }));
  }

  #endOf(source: Source): number {
    const lag = this.#lags.find((at) => keyOf(at) === keyOf(source));
    return Math.max(lag?.end ?? 0, source.cursor);
  }

  async #unbundle(record: Rec, control: SliceControl): Promise<SliceOutcome> {
    const read = decodeBundle(record.value ?? Buffer.alloc(0));
    if (!read.ok) {
      this.#unreadable(record, read.reason);
      return 'held';
    }
    const { gaps, records, marks } = read.bundle;
    this.#checkLayout([...gaps, ...records, ...marks]);
    for (const gap of gaps) {
      const source = this.#sources.get(keyOf(gap));
      if (source === undefined || gap.to <= source.cursor) continue;
      const from = Math.max(gap.from, source.cursor);
      if (from < gap.to) this.#parts.onMissing({ ...gap, from });
      source.cursor = gap.to;
    }
    let outcome: SliceOutcome = 'held';
    const runs = [...runsOf(this.#fresh(records))];
    for (const [at, [source, run]] of runs.entries()) {
      const handler = this.#handler;
      if (handler === null) return 'held';
      const last = run.at(-1) as Rec;
      source.carried.push({ internal: record.offset, last: last.offset });
      source.cursor = last.offset + 1;
      outcome = await handler.slice(run, {
        ...(at < runs.length - 1 ? goingOn(control) : control),
        end: this.#endOf(source),
        next: source.cursor,
      });
      if (outcome === 'fenced') return 'fenced';
      await this.#parts.giveWay?.();
    }
    await this.#marked(marks);
    return outcome;
  }

  /** A topic that has grown since: its records are not passed over, the lane begins anew with them. */
  #checkLayout(named: readonly TopicPartition[]): void {
    const topics = new Set(this.#lags.map(({ topic }) => topic));
    const added = named.find((at) => !this.#sources.has(keyOf(at)) && topics.has(at.topic));
    if (added !== undefined) throw layoutChanged(added);
  }

  /** Records that were not taken before, each with its source. */
  *#fresh(records: readonly Rec[]): Generator<readonly [Source, Rec]> {
    const reached = new Map<Source, number>();
    for (const record of records) {
      const source = this.#sources.get(keyOf(record));
      if (source === undefined) continue;
      if (record.offset < (reached.get(source) ?? source.cursor)) continue;
      reached.set(source, record.offset + 1);
      yield [source, record];
    }
  }

  async #marked(marks: readonly Mark[]): Promise<void> {
    const passed = marks.flatMap((mark) => {
      const source = this.#sources.get(keyOf(mark));
      if (source === undefined || mark.next < source.cursor) return [];
      source.cursor = mark.next;
      const { topic, partition, next, newestMs } = mark;
      return { topic, partition, next, newestMs, end: this.#endOf(source) };
    });
    if (passed.length > 0) await this.#handler?.passed?.(passed);
  }

  /** Only we write there: somebody else did, or a disk lost something. It is a gap like any other. */
  #unreadable({ offset }: Rec, reason: string): void {
    const { topic, lane, log, onMissing } = this.#parts;
    this.#unbundled += 1;
    log.error({ topic, lane, offset, reason }, 'a bundle cannot be read; what it held is missing');
    onMissing({ topic, partition: lane, from: offset, to: offset + 1 });
  }
}

/** Consecutive records of one source. */
function* runsOf(
  records: Iterable<readonly [Source, Rec]>,
): Generator<readonly [Source, readonly Rec[]]> {
  let source: Source | null = null;
  let run: Rec[] = [];
  for (const [of, record] of records) {
    if (source !== null && of !== source) {
      yield [source, run];
      run = [];
    }
    source = of;
    run.push(record);
  }
  if (source !== null) yield [source, run];
}

function layoutChanged({ topic, partition }: TopicPartition): OperatingError {
  return new OperatingError(
    'BROKER_LAYOUT',
    `${topic}/${partition} was not there when the lane was opened: it is opened anew`,
    { retryable: true },
  );
}

function keyOf(at: TopicPartition): string {
  return `${at.topic}/${at.partition}`;
}

/** There is more of what came: only with the last of it all is stored. */
function goingOn({ stored: _, ...control }: SliceControl): SliceControl {
  return { ...control, more: true };
}
