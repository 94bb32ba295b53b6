/** Re-keyer: reads the sources, however keyed, and forwards each record to its lanes. */
import { OperatingError } from '../model/errors.ts';
import type {
  Clock,
  LaneHandler,
  Log,
  OutRecord,
  PartitionLag,
  Rec,
  SliceControl,
  SliceOutcome,
  StartPosition,
  TopicPartition,
} from '../model/ports.ts';
import { encodeBundle, type Gap, type Mark, sizeOfRecord } from './bundle.ts';
import { Pace, type Reading } from './pace.ts';

/** What the re-keyer is told of a record: whose it is, and the highest event time in it. */
export interface Addressed {
  /** Lanes that need it: at least one. */
  readonly lanes: readonly number[];
  /** Highest event time that counts, ms; null: there is none. */
  readonly newestMs: number | null;
}

/** What it is made of. */
export interface RekeyerParts {
  /** Total, like the decoder it asks. */
  readonly address: (rec: Rec) => Addressed;
  readonly lanes: number;
  /** The internal topic: one partition a lane. */
  readonly topic: string;
  /** Resolves when all of it is durable, in this order. What is tried again may be there twice. */
  readonly publish: (records: readonly OutRecord[]) => Promise<void>;
  /** Where the group stands by Kafka's account; partitions it never read are left out. */
  readonly committed: (partitions: readonly TopicPartition[]) => Promise<readonly StartPosition[]>;
  /**
   * Of the partitions held these are to wait, and no others: they are far ahead of the slowest, and what they
   * bring would wait in every lane until that one has come as far. Called whenever it changes.
   */
  readonly hold: (partitions: readonly TopicPartition[]) => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** Stage 1. A `LaneHandler`: what it says is stored was forwarded, whoever reads it. */
export interface Rekeyer extends LaneHandler {
  /** Offsets that are never delivered: lanes are told so in their place. */
  missing(gap: Gap): void;
  /** Sends marks that are due, until the signal aborts. Rejects where nothing can be sent any more. */
  run(signal: AbortSignal): Promise<void>;
  /** How far each partition held was forwarded in event time. */
  reached(): readonly Forwarded[];
  /**
   * Event time of the slowest partition elsewhere that is not at its end; null: none is behind. To be said
   * every second or so; those held here are known at each slice.
   */
  elsewhere(slowestMs: number | null): void;
  counters(): { readonly records: number; readonly bundles: number; readonly bytes: number };
}

/** How far a source partition was forwarded. */
export interface Forwarded extends TopicPartition {
  /** Highest event time seen in it since it was taken over, ms; null: none. */
  readonly newestMs: number | null;
  /**
   * Where nothing came of it yet and it is not at its end: event time of the first event of any partition
   * since then, ms, and it is taken to stand there; null: nothing came of any.
   */
  readonly heardMs: number | null;
  /** Everything in its log was read. */
  readonly isAtEnd: boolean;
  /** Offset of the first record that was not. */
  readonly next: number;
}

/** Most records and payload bytes of one bundle, unless one record alone has more. */
const BUNDLE_RECORDS = 500;
const BUNDLE_BYTES = 256 * 1024;
/** What may wait for other slices that are at hand. */
const PENDING_RECORDS = 2000;
const PENDING_BYTES = 2 * 1024 * 1024;
const PENDING_MS = 50;
/** A lane hears at the latest after so long how far partitions were forwarded. */
const MARKS_MS = 250;
const LOOK_MS = 50;
const PATIENCE_MS = 60_000;
const RETRY_MS = 200;

/** Makes it. */
export function createRekeyer(parts: RekeyerParts): Rekeyer {
  return new Stage(parts);
}

/** What one lane is to be sent. */
interface Outgoing {
  readonly full: Buffer[];
  gaps: Gap[];
  records: Rec[];
  bytes: number;
  /** Partitions of which the lane has not heard how far they are. */
  readonly untold: Set<string>;
  toldMs: number;
}

class Stage implements Rekeyer {
  readonly #parts: RekeyerParts;
  readonly #lanes: readonly Outgoing[];
  /** Partitions held: how far they were read. */
  readonly #read = new Map<string, Reading>();
  /** How far they were forwarded: where reading begins when they stay ours over a rebalance. */
  readonly #forwarded = new Map<string, number>();
  readonly #pace: Pace;
  #pending = { records: 0, bytes: 0, sinceMs: 0 };
  #turn: Promise<unknown> = Promise.resolve();
  #counted = { records: 0, bundles: 0, bytes: 0 };
  #failure: Error | null = null;

  constructor(parts: RekeyerParts) {
    this.#parts = parts;
    this.#pace = new Pace(parts.hold);
    this.#lanes = Array.from({ length: parts.lanes }, () => ({
      ...{ full: [], gaps: [], records: [], bytes: 0 },
      ...{ untold: new Set<string>(), toldMs: 0 },
    }));
  }

  counters(): { records: number; bundles: number; bytes: number } {
    return { ...this.#counted };
  }

  async assigned(partitions: readonly PartitionLag[]): Promise<readonly StartPosition[]> {
    return await this.#inTurn(async () => {
      // What was not sent is read again: everything is sought anew.
      this.#dropPending();
      const unknown = partitions.filter((at) => !this.#forwarded.has(keyOf(at)));
      const committed = new Map(
        (unknown.length === 0 ? [] : await this.#parts.committed(unknown)).map((at) => [
          keyOf(at),
          at.offset,
        ]),
      );
      this.#read.clear();
      this.#pace.begin(this.#parts.clock.nowMs());
      return partitions.map((at) => {
        const key = keyOf(at);
        const { topic, partition } = at;
        const offset = this.#forwarded.get(key) ?? committed.get(key) ?? 0;
        this.#forwarded.set(key, offset);
        this.#read.set(key, {
          topic,
          partition,
          next: offset,
          end: at.end,
          newestMs: null,
          calmMs: null,
        });
        // A predecessor may have died before it told all lanes how far it was.
        for (const lane of this.#lanes) lane.untold.add(key);
        return { topic, partition, offset };
      });
    });
  }

  revoked(partitions: readonly TopicPartition[]): void {
    for (const at of partitions) {
      this.#read.delete(keyOf(at));
      this.#forwarded.delete(keyOf(at));
    }
    this.#pace.moved(this.#read, this.#parts.clock.nowMs());
  }

  missing({ topic, partition, from, to }: Gap): void {
    for (const lane of this.#lanes) {
      // Gaps stand before the records of their bundle.
      if (lane.records.length > 0) this.#seal(lane, []);
      lane.gaps.push({ topic, partition, from, to });
    }
  }

  async slice(records: readonly Rec[], control: SliceControl): Promise<SliceOutcome> {
    return await this.#inTurn(async () => {
      const [first] = records;
      const last = records.at(-1);
      if (first === undefined || last === undefined || !control.live()) return 'fenced';
      const read = this.#read.get(keyOf(first));
      if (read === undefined) return 'fenced';
      if (this.#pending.records === 0) this.#pending.sinceMs = this.#parts.clock.nowMs();
      for (const record of records) this.#add(record, read);
      read.next = control.next ?? last.offset + 1;
      read.end = Math.max(control.end, read.next);
      for (const lane of this.#lanes) lane.untold.add(keyOf(first));
      this.#pace.moved(this.#read, this.#parts.clock.nowMs());
      if (control.more === true && !this.#isFull()) return 'held';
      await this.#flush(() => control.live());
      return control.live() ? 'done' : 'fenced';
    });
  }

  progress(lags: readonly PartitionLag[]): void {
    for (const at of lags) {
      const key = keyOf(at);
      const read = this.#read.get(key);
      if (read === undefined) continue;
      // Read over: markers of transactions, or what was aborted. Lanes would wait for it at the end of a log.
      if (at.next > read.next) for (const lane of this.#lanes) lane.untold.add(key);
      read.next = Math.max(read.next, at.next);
      read.end = Math.max(at.end, read.next);
    }
    this.#pace.moved(this.#read, this.#parts.clock.nowMs());
  }

  reached(): readonly Forwarded[] {
    return [...this.#read.values()].map(({ topic, partition, next, end, newestMs }) => {
      const isAtEnd = next >= end;
      const heardMs = isAtEnd || newestMs !== null ? null : this.#pace.heardMs;
      return { topic, partition, newestMs, heardMs, isAtEnd, next };
    });
  }

  elsewhere(slowestMs: number | null): void {
    this.#pace.elsewhere(this.#read, slowestMs, this.#parts.clock.nowMs());
  }

  failed(cause: Error): void {
    this.#failure = cause;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    while (!signal.aborted) {
      await clock.sleep(LOOK_MS, signal);
      if (signal.aborted) return;
      if (this.#failure !== null) throw this.#failure;
      await this.#inTurn(async () => {
        if (this.#isDue()) await this.#flush(() => !signal.aborted);
      });
    }
  }

  #add(record: Rec, read: Reading): void {
    const { lanes, newestMs } = this.#parts.address(record);
    if (newestMs !== null && newestMs > (read.newestMs ?? Number.NEGATIVE_INFINITY))
      read.newestMs = newestMs;
    this.#pace.heard(newestMs);
    const size = sizeOfRecord(record);
    this.#counted.records += 1;
    for (const number of lanes) {
      const lane = this.#lanes[number] as Outgoing;
      const isFull = lane.records.length >= BUNDLE_RECORDS || lane.bytes + size > BUNDLE_BYTES;
      if (isFull && lane.records.length > 0) this.#seal(lane, []);
      lane.records.push(record);
      lane.bytes += size;
      this.#pending.bytes += size;
    }
    this.#pending.records += 1;
  }

  #isFull(): boolean {
    const { records, bytes, sinceMs } = this.#pending;
    if (records >= PENDING_RECORDS || bytes >= PENDING_BYTES) return true;
    return this.#parts.clock.nowMs() - sinceMs >= PENDING_MS;
  }

  #isDue(): boolean {
    const nowMs = this.#parts.clock.nowMs();
    if (this.#pending.records > 0) return nowMs - this.#pending.sinceMs >= PENDING_MS;
    return this.#lanes.some(
      ({ untold, gaps, toldMs }) =>
        gaps.length > 0 || (untold.size > 0 && nowMs - toldMs >= MARKS_MS),
    );
  }

  /** Everything that waits, to every lane it is for; and where it is time, how far things are. */
  async #flush(isWanted: () => boolean): Promise<void> {
    const nowMs = this.#parts.clock.nowMs();
    const records: OutRecord[] = [];
    const told: [Outgoing, readonly string[]][] = [];
    const reached = new Map([...this.#read].map(([key, { next }]) => [key, next]));
    this.#lanes.forEach((lane, number) => {
      const isSomething = lane.records.length > 0 || lane.full.length > 0 || lane.gaps.length > 0;
      if (!isSomething && (lane.untold.size === 0 || nowMs - lane.toldMs < MARKS_MS)) return;
      const keys = [...lane.untold];
      this.#seal(lane, this.#marks(keys));
      told.push([lane, keys]);
      lane.toldMs = nowMs;
      for (const value of lane.full.splice(0)) {
        records.push({ topic: this.#parts.topic, partition: number, key: null, value });
        this.#counted.bundles += 1;
        this.#counted.bytes += value.length;
      }
    });
    this.#pending = { records: 0, bytes: 0, sinceMs: nowMs };
    try {
      if (records.length > 0) await this.#send(records, isWanted);
    } catch (cause) {
      // A mark now would say that these were forwarded. Nothing is sent until positions are sought anew.
      this.#dropPending();
      this.#read.clear();
      throw cause;
    }
    const isTold = (key: string) => this.#read.get(key)?.next === reached.get(key);
    for (const [lane, keys] of told)
      for (const key of keys) if (isTold(key)) lane.untold.delete(key);
    for (const [key, next] of reached) if (this.#forwarded.has(key)) this.#forwarded.set(key, next);
  }

  #marks(keys: readonly string[]): Mark[] {
    return keys.flatMap((key) => {
      const read = this.#read.get(key);
      if (read === undefined) return [];
      const { topic, partition, next, newestMs } = read;
      return { topic, partition, next, newestMs };
    });
  }

  #seal(lane: Outgoing, marks: readonly Mark[]): void {
    const { gaps, records } = lane;
    if (gaps.length + records.length + marks.length > 0)
      lane.full.push(encodeBundle({ gaps, records, marks }));
    lane.gaps = [];
    lane.records = [];
    lane.bytes = 0;
  }

  /** The same again until it is there: never past what failed. */
  async #send(records: readonly OutRecord[], isWanted: () => boolean): Promise<void> {
    const { publish, clock, log } = this.#parts;
    const endMs = clock.nowMs() + PATIENCE_MS;
    for (;;) {
      try {
        await publish(records);
        return;
      } catch (cause) {
        const mayHeal = cause instanceof OperatingError && cause.retryable;
        if (!mayHeal || !isWanted() || clock.nowMs() > endMs) throw cause;
        log.warn({ code: cause.code }, 'bundles could not be sent; the same are sent again');
        await clock.sleep(RETRY_MS);
      }
    }
  }

  #dropPending(): void {
    for (const lane of this.#lanes) {
      lane.full.length = 0;
      lane.gaps = [];
      lane.records = [];
      lane.bytes = 0;
      lane.untold.clear();
    }
    this.#pending = { records: 0, bytes: 0, sinceMs: 0 };
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#turn;
    const turn = (async () => {
      await before.catch(() => undefined);
      return await work();
    })();
    this.#turn = turn.catch(() => undefined);
    return await turn;
  }
}

function keyOf(at: TopicPartition): string {
  return `${at.topic}/${at.partition}`;
}
