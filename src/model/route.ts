/** Route: a handler of the control-facing listener as data; no server in sight. */

/** What a caller's token may be good for. A consumer has what its configuration lists, and no more. */
export const SCOPES = [
  'posture.read',
  'control.poll',
  'ssf.manage',
  'ssf.read',
  'approvals.read',
  'approvals.write',
  'metrics.read',
] as const;
/** One of SCOPES, or what the token of a source is good for: to send to it, and nothing else. */
export type Scope = (typeof SCOPES)[number] | 'ingest';

/** How large a body may be, for routes that take bytes. */
export interface BodyLimits {
  /** As it comes over the wire. */
  readonly wireBytesMax: number;
  /** Once it is inflated. */
  readonly inflatedBytesMax: number;
  /** Inflated bytes for each of the wire; the first MiB is free. */
  readonly ratioMax: number;
}

/** A request that was bounded and authenticated before a handler sees it. */
export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Decoded values of the `:name` parts of the path. */
  readonly params: Readonly<Record<string, string>>;
  /** Each name at most once: a query that repeats one is refused before. */
  readonly query: Readonly<Record<string, string>>;
  /** Names in lower case. `authorization` is not among them. */
  readonly headers: Readonly<Record<string, string>>;
  /** As received, at most 1 MiB; empty where there was none, and where the route takes bytes. */
  readonly body: string;
  /** Where the route takes bytes: the body, inflated. */
  readonly bytes?: Buffer;
  /** Who asks, by the token; null only where the route asks for nobody. */
  readonly caller: string | null;
  /** Aborted when the caller hangs up or the server stops: long polls end. */
  readonly signal: AbortSignal;
}

/** An answer; `body` is sent as it is. An iterable is sent part by part, and ends with the signal. */
export interface ApiResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer | AsyncIterable<string>;
}

/** One route. The table of routes is data, and what is not in it is 404. */
export interface Route {
  readonly method: ApiRequest['method'];
  /** For example `/v1/posture/:agent`. */
  readonly path: string;
  /** What a caller's token must be good for; null: anybody, for what is public by its standard. */
  readonly scope: Scope | null;
  readonly handle: (request: ApiRequest) => Promise<ApiResponse>;
  /** Given: the body is bytes, gzip or plain, within these limits. Absent: text of 1 MiB at most. */
  readonly takes?: BodyLimits;
  /** Asked before the body is read: an answer that refuses the request, or null where it may come. */
  readonly admit?: (caller: string | null) => ApiResponse | null;
  /** How a refusal by the server is said on this route; absent: RFC 9457. */
  readonly refusal?: (status: number, detail: string, contentType: string) => ApiResponse;
}
