/** The ports: what the core needs of the world, in the core's words. */
import type { Bookmark } from './bookmark.ts';

/** A partition of a topic. A file is a topic with one partition. */
export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** Where to start reading: the offset of the first record wanted. */
export interface StartPosition extends TopicPartition {
  readonly offset: number;
  /** Record that must still be where it was: if another one is there, it is another log. */
  readonly proof?: Bookmark;
}

/** One raw record as a broker delivers it. */
export interface Rec {
  readonly topic: string;
  readonly partition: number;
  /** Safe integer, growing within the partition; not necessarily dense. */
  readonly offset: number;
  /** When the broker or reader got it, ms since 1970. */
  readonly timestampMs: number;
  readonly key: Buffer | null;
  /** Null for a tombstone. */
  readonly value: Buffer | null;
  /** Headers that are texts, names in lower case, bounded; absent where there are none. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** How far a partition has been read. */
export interface PartitionLag extends TopicPartition {
  /** Offset of the next record to be delivered. */
  readonly next: number;
  /** Offset one past the last record in the log, as last known. */
  readonly end: number;
  /** Offset of the oldest record still held. */
  readonly low: number;
  /** Another log of this name: positions in the one before mean nothing here. Absent: not known. */
  readonly isRecreated?: boolean;
}

/** What a lane is told while it works on a slice. */
export interface SliceControl {
  /** Keeps the membership alive; rejects when the group is rebalancing. */
  heartbeat(): Promise<void>;
  /** False once the partitions were taken away: whatever is done now must fail. */
  live(): boolean;
  /** Offset one past the last record of the partition, as the broker said with this slice. */
  readonly end: number;
  /** Where reading goes on after this slice. Absent: one past the offset of its last record. */
  readonly next?: number;
  /** True where another slice is at hand, or in a stream as good as that: both may be stored at once. Absent: none is. */
  readonly more?: boolean;
  /** Called when this slice, and so every one before it, is stored; for one that is held. */
  readonly stored?: () => void;
}

/**
 * What came of a slice. 'done': it is stored, and so is every slice before it. 'held': it took effect
 * and is stored with a later one or within a moment; whoever loses the lane before that reads it again.
 * 'fenced': somebody else owns the lane now.
 */
export type SliceOutcome = 'done' | 'held' | 'fenced';

/** How far a partition was read by somebody else, who hands over what is this lane's. */
export interface Passed extends TopicPartition {
  readonly next: number;
  /** Offset one past the last record in the log, as last known. */
  readonly end: number;
  /** Highest event time in what was passed, ms; null: none is known. */
  readonly newestMs: number | null;
}

/** A partition that stands, or stood, still. */
export interface Standstill extends TopicPartition {
  readonly next: number;
  readonly end: number;
  /** Since when, ms on the clock of the broker's adapter. */
  readonly sinceMs: number;
}

/** What a broker calls. Calls for one handler never overlap, except `revoked`. */
export interface LaneHandler {
  /** Takes over partitions; resolves to where reading starts, one entry for each partition. */
  assigned(partitions: readonly PartitionLag[]): Promise<readonly StartPosition[]>;
  /** Partitions are gone: drop their state, synchronously. */
  revoked(partitions: readonly TopicPartition[]): void;
  /** Records of one partition in order. Only what is stored may be told to anybody as read. */
  slice(records: readonly Rec[], control: SliceControl): Promise<SliceOutcome>;
  /** Partitions were read on without a record for this lane. Where a broker calls it at all. */
  passed?(partitions: readonly Passed[]): Promise<void>;
  /** Fresh knowledge of log ends, at least each few seconds. */
  progress(lag: readonly PartitionLag[]): void;
  /** These stand still although there is more to read. Where a broker calls it at all. */
  stuck?(partitions: readonly Standstill[]): void;
  /** These go on again. */
  freed?(partitions: readonly Standstill[]): void;
  /** The source went wrong in a way that cannot heal by itself. */
  failed(cause: Error): void;
}

/** A record to publish. */
export interface OutRecord {
  readonly topic: string;
  /** Partition it goes to; absent: by its key. Only Kafka has several. */
  readonly partition?: number;
  readonly key: string | null;
  readonly value: string | Buffer;
  /** ms since 1970; absent means now. */
  readonly timestampMs?: number;
  /** Headers of a record; only Kafka keeps them. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A source of ordered logs. Implementations: adapters/kafka, adapters/jsonl, test/sim. */
export interface Broker {
  /** Joins and delivers until stopped. Resolves when running; rejects when it cannot start. */
  start(handler: LaneHandler): Promise<void>;
  /** Idempotent; survives rebalances. */
  pause(partitions: readonly TopicPartition[]): void;
  /** Idempotent. */
  resume(partitions: readonly TopicPartition[]): void;
  lag(): Promise<readonly PartitionLag[]>;
  /** Stops fetching, waits for the slice at hand, leaves. */
  stop(deadlineMs: number): Promise<void>;
}

/** Writes records; resolves when they are durable. */
export interface Publisher {
  publish(records: readonly OutRecord[]): Promise<void>;
  close(): Promise<void>;
}

/** A row as the database returns it. bigint columns arrive as strings. */
export type Row = Readonly<Record<string, unknown>>;

/** Runs one statement with bound parameters ($1, $2, …). */
export type Query = (sql: string, params?: readonly unknown[]) => Promise<readonly Row[]>;

/** Columns of a row as the server keeps them: numbers with their first byte first. Null: null. */
export type CopiedRow = readonly (Buffer | null)[];

/**
 * Runs statements without parameters, one of them `copy … to stdout (format binary)`, and resolves to its
 * rows. For bytes that are many: rows of a query hold them as text of twice their length.
 */
export type Copy = (sql: string) => Promise<readonly CopiedRow[]>;

/** A PostgreSQL database. Implementation: adapters/postgres. */
export interface Database {
  /** Runs `work` in one READ COMMITTED transaction; rolls back when it rejects. */
  transaction<T>(work: (query: Query, copy: Copy) => Promise<T>): Promise<T>;
  query: Query;
  /** Runs several statements of one text without parameters (migrations). */
  script(query: Query, sql: string): Promise<void>;
  /**
   * Takes a session advisory lock on a connection of its own, or says null when another holds it.
   * `lost` fires once if that connection breaks: the holder must stop writing.
   */
  tryLock(name: string, lost: (cause: Error) => void): Promise<{ release(): Promise<void> } | null>;
  close(): Promise<void>;
}

/** The only way to read or wait for time. */
export interface Clock {
  /** ms since 1970. */
  nowMs(): number;
  /** Resolves after `ms`, or at once when the signal is aborted. Never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Structured log. Fields carry ids and codes, never payload text. */
export interface Log {
  debug(fields: Readonly<Record<string, unknown>>, message: string): void;
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
}

/** An HTTP request of ours. The URL comes from configuration only. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Whole request, ms. */
  readonly timeoutMs: number;
  /** How much of the answer is read. Default: 64 KiB. */
  readonly replyBytesMax?: number;
}

/** Its answer; the body is cut where the request says. */
export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** `cause` of the OperatingError an Http rejects with: decides between trying again and not knowing. */
export interface HttpFailure {
  /** False: certainly nothing reached the other side. True: it may have acted, the reply is lost. */
  readonly sent: boolean;
  /** What broke, for example ECONNREFUSED or TIMEOUT; never payload text. */
  readonly code: string;
}

/** Sends one request. Follows no redirect. Rejects with OperatingError (cause: HttpFailure). */
export type Http = (request: HttpRequest) => Promise<HttpResponse>;
