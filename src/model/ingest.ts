/** Ingest: what arrives over HTTP on its way into a log, and what the sender is told of it. */

/** What one request appends: one or several values of one topic, all or none. */
export interface LogEntry {
  readonly topic: string;
  /** Raw, in order; each is a record. */
  readonly values: readonly Buffer[];
  /** What the sender said of them that a decoder may want one day; no credentials. */
  readonly headers: Readonly<Record<string, string>>;
  readonly receivedMs: number;
  /** Items in the values that were found whole, and those that were not, as the sender is told. */
  readonly accepted: number;
  readonly rejected: number;
  /** The sender's own name for the request, hashed, and what it sent under it. */
  readonly idempotency: { readonly keyHash: Buffer; readonly bodyHash: Buffer } | null;
}

/** What became of an entry. 'known': it was appended before under this key, and nothing was now. */
export type Appended =
  | {
      readonly type: 'appended' | 'known';
      /** Offset of its first record; null where it has none, or where the log does not tell. */
      readonly firstOffset: number | null;
      readonly accepted: number;
      readonly rejected: number;
    }
  /** The key was used for another body. */
  | { readonly type: 'conflict' };

/** Why nothing more is taken for the moment, in words for the sender, and when to come again. */
export interface Pressure {
  readonly reason: string;
  readonly waitSeconds: number;
}

/** Where requests are appended. Implementations: the event log, and a topic of Kafka. */
export interface IngestLog {
  /** Resolves once the entry is durable. Rejects with OperatingError: it may be, or not. */
  append(entry: LogEntry): Promise<Appended>;
  /** Null while there is room. */
  pressure(): Pressure | null;
}

/** Items of a request, counted without being read in full. */
export interface ItemTally {
  readonly items: number;
  /** Items, or parts above them, that cannot be read. */
  readonly broken: number;
  /** What is wrong with the first of these, at most 256 characters; empty where nothing is. */
  readonly detail: string;
}

/** What is found of one item of JSON before it is stored. */
export interface ItemFinding {
  /** Why no decoder could read it; null where one can. */
  readonly fault: string | null;
  /** True where others in one record with it would be refused, or marked, for what it is. */
  readonly isAlone: boolean;
}
/** Looks at one item of JSON. */
export type ItemCheck = (item: Buffer) => ItemFinding;

/** What a route of ingest is for: three signals of OpenTelemetry, decisions of OPA, anything else. */
export const INGEST_PATHS = [
  '/v1/traces',
  '/v1/logs',
  '/v1/metrics',
  '/v1/events',
  '/v1/opa/logs',
] as const;
/** One of INGEST_PATHS. */
export type IngestPath = (typeof INGEST_PATHS)[number];

/** What became of requests of one source. */
export const INGEST_COUNTS = [
  'requests',
  'bytes',
  'accepted',
  'rejected',
  'repeated',
  'malformed',
  'refused',
  'held-off',
  'failed',
] as const;
/** By source name. */
export type IngestCounts = Readonly<
  Record<string, Readonly<Record<(typeof INGEST_COUNTS)[number], number>>>
>;
