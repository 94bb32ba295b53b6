/** Event log as a broker: one lane reads all topics in the order in which they were appended. */
import { OperatingError } from '../model/errors.ts';
import type {
  Broker,
  Clock,
  Database,
  LaneHandler,
  Log,
  PartitionLag,
  Rec,
  StartPosition,
  TopicPartition,
} from '../model/ports.ts';
import { firstUnread, type LogRecord, readHeads, readLog } from './event-log.ts';
import type { Bell } from './event-log-writer.ts';

/** What is read, and who is told. */
export interface EventLogBrokerOptions {
  readonly topics: readonly string[];
  readonly bell: Bell;
  readonly clock: Clock;
  readonly log: Log;
  /** Told of offsets that retention took away before they were read. Must not throw. */
  readonly onGap?: (gap: TopicPartition & { readonly from: number; readonly to: number }) => void;
}

/** What another process appended is seen after this at the latest, ms; our own rings. */
const POLL_MS = 250;
const PROGRESS_MS = 1000;
const RETRY_MS = 500;
const READ_MAX = { records: 500, bytes: 4 * 1024 * 1024 } as const;
const SLICE_BYTES_MAX = 1024 * 1024;

/**
 * A broker over the table `event_log`. Every topic has the partition 0; one that nothing was appended to
 * is empty. A position behind what retention took away is told as a gap and reading goes on; one beyond
 * the end is BROKER_LAYOUT: it is another log. While the database is away reading waits for it.
 */
export function createEventLogBroker(
  db: Pick<Database, 'query'>,
  options: EventLogBrokerOptions,
): Broker {
  return new EventLogBroker(db, options);
}

class EventLogBroker implements Broker {
  readonly #db: Pick<Database, 'query'>;
  readonly #options: EventLogBrokerOptions;
  readonly #next = new Map<string, number>();
  readonly #paused = new Set<string>();
  readonly #stopping = new AbortController();
  /** Where to read on among all topics; null: to be looked up. */
  #cursor: number | null = null;
  #resumes = 0;
  #isDead = false;
  #loop: Promise<void> | null = null;
  #progressMs = Number.NEGATIVE_INFINITY;

  constructor(db: Pick<Database, 'query'>, options: EventLogBrokerOptions) {
    this.#db = db;
    this.#options = options;
  }

  async start(handler: LaneHandler): Promise<void> {
    const heads = await readHeads(this.#db, this.#options.topics);
    const starts = await handler.assigned(heads);
    for (const { topic, low } of heads)
      this.#next.set(topic, starts.find((one) => one.topic === topic)?.offset ?? low);
    this.#skipGone(heads);
    if (!this.#stopping.signal.aborted) this.#loop = this.#run(handler);
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const { topic } of partitions) this.#paused.add(topic);
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const { topic } of partitions) {
      if (!this.#paused.delete(topic)) continue;
      // Reading has gone past what it holds: it is looked up where that begins.
      this.#cursor = null;
      this.#resumes += 1;
    }
    this.#options.bell.ring();
  }

  async lag(): Promise<readonly PartitionLag[]> {
    const heads = await readHeads(this.#db, this.#options.topics);
    return heads.map((head) => ({ ...head, next: this.#next.get(head.topic) ?? head.low }));
  }

  async stop(deadlineMs: number): Promise<void> {
    this.#stopping.abort();
    if (this.#loop !== null) {
      const waited = new AbortController();
      const loop = this.#loop.finally(() => waited.abort());
      await Promise.race([loop, this.#options.clock.sleep(deadlineMs, waited.signal)]);
    }
    this.#isDead = true;
  }

  async #run(handler: LaneHandler): Promise<void> {
    const { signal } = this.#stopping;
    let isAway = false;
    while (!signal.aborted) {
      try {
        await this.#round(handler);
        isAway = false;
      } catch (cause) {
        if (!(cause instanceof ReadFailure) || !cause.isPassing) {
          const why = cause instanceof ReadFailure ? cause.cause : cause;
          if (!this.#isDead) handler.failed(why instanceof Error ? why : new Error(String(why)));
          return;
        }
        if (!isAway) this.#options.log.warn({}, 'the event log cannot be read; waiting for it');
        isAway = true;
        await this.#options.clock.sleep(RETRY_MS, signal);
      }
    }
  }

  /** Reads once and delivers what came; waits for news where nothing did. */
  async #round(handler: LaneHandler): Promise<void> {
    const { bell, clock } = this.#options;
    const { signal } = this.#stopping;
    const rung = bell.count();
    const heads = await this.#reading(() => this.lag());
    this.#skipGone(heads);
    if (clock.nowMs() - this.#progressMs >= PROGRESS_MS) {
      this.#progressMs = clock.nowMs();
      handler.progress(heads.map((head) => ({ ...head, next: this.#nextOf(head.topic) })));
    }
    const records = await this.#reading(() => this.#read());
    if (records.length > 0) await this.#deliver(handler, records, heads);
    else await bell.after(rung, POLL_MS, signal);
  }

  async #read(): Promise<readonly LogRecord[]> {
    const positions = this.#options.topics
      .filter((topic) => !this.#paused.has(topic))
      .map((topic): StartPosition => ({ topic, partition: 0, offset: this.#nextOf(topic) }));
    if (positions.length === 0) return [];
    const resumes = this.#resumes;
    // Looked up after every resume; while nothing is there it is looked up each time.
    const from = this.#cursor ?? (await firstUnread(this.#db, positions));
    if (from === null) return [];
    const records = await readLog(this.#db, positions, from, READ_MAX);
    const last = records.at(-1);
    // A topic may have been resumed while we read: what it holds lies before that.
    if (last !== undefined && resumes === this.#resumes) this.#cursor = last.appendNo + 1;
    return records;
  }

  async #deliver(
    handler: LaneHandler,
    records: readonly LogRecord[],
    heads: readonly PartitionLag[],
  ): Promise<void> {
    const slices = slicesOf(records);
    // One may go on while others are delivered: what follows is not handed over before what was passed by.
    const passedBy = new Set<string>();
    for (const [at, slice] of slices.entries()) {
      const [first] = slice;
      const last = slice.at(-1);
      if (first === undefined || last === undefined) continue;
      if (this.#stopping.signal.aborted) return;
      // Paused since it was read: it is read again when it goes on.
      if (this.#paused.has(first.topic)) passedBy.add(first.topic);
      if (passedBy.has(first.topic)) continue;
      const next = last.offset + 1;
      const end = heads.find(({ topic }) => topic === first.topic)?.end ?? next;
      const outcome = await handler.slice(slice, {
        heartbeat: async () => undefined,
        live: () => !this.#isDead,
        end: Math.max(end, next),
        more: at + 1 < slices.length || records.length >= READ_MAX.records,
      });
      if (this.#isDead) return;
      if (outcome === 'fenced') throw fenced(first);
      this.#next.set(first.topic, next);
    }
  }

  /** What retention took away is passed over and told; a log that ends before our position is another. */
  #skipGone(heads: readonly PartitionLag[]): void {
    for (const { topic, partition, low, end } of heads) {
      const next = this.#nextOf(topic);
      if (next > end) throw beyondEnd(topic, next, end);
      if (next >= low) continue;
      this.#next.set(topic, low);
      this.#options.onGap?.({ topic, partition, from: next, to: low });
    }
  }

  #nextOf(topic: string): number {
    return this.#next.get(topic) ?? 0;
  }

  /** Tells a database that is away from what the handler or this program threw. */
  async #reading<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      throw new ReadFailure(cause);
    }
  }
}

/** The log could not be read. */
class ReadFailure extends Error {
  readonly isPassing: boolean;

  constructor(cause: unknown) {
    super('the event log could not be read', { cause });
    this.isPassing = cause instanceof OperatingError && cause.retryable;
  }
}

/** Records by topic, each in its order and in pieces of bounded size; topics as they first appear. */
function slicesOf(records: readonly LogRecord[]): readonly (readonly Rec[])[] {
  const open = new Map<string, { records: Rec[]; bytes: number }>();
  const slices: Rec[][] = [];
  for (const { topic, offset, receivedMs, headers, value } of records) {
    let slice = open.get(topic);
    if (slice === undefined || slice.bytes + value.length > SLICE_BYTES_MAX) {
      slice = { records: [], bytes: 0 };
      open.set(topic, slice);
      slices.push(slice.records);
    }
    slice.bytes += value.length;
    slice.records.push({
      ...{ topic, partition: 0, offset, timestampMs: receivedMs },
      ...{ key: null, headers, value },
    });
  }
  return slices;
}

function beyondEnd(topic: string, position: number, end: number): OperatingError {
  return new OperatingError(
    'BROKER_LAYOUT',
    `topic ${topic}: our position ${position} lies beyond the end of the event log (${end}): the ` +
      'log was emptied or is another one. Restore the database whole, or start with a new group name',
    { retryable: false },
  );
}

function fenced({ topic }: TopicPartition): OperatingError {
  return new OperatingError(
    'LANE_FENCED',
    `topic ${topic}: another instance owns the lane now; this one stops without having written ` +
      'anything more',
    { retryable: false },
  );
}
