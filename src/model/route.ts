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
/** One of SCOPES. */
export type Scope = (typeof SCOPES)[number];

/** A request that was bounded and authenticated before a handler sees it. */
export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Decoded values of the `:name` parts of the path. */
  readonly params: Readonly<Record<string, string>>;
  /** Each name at most once: a query that repeats one is refused before. */
  readonly query: Readonly<Record<string, string>>;
  /** Names in lower case. `authorization` is not among them. */
  readonly headers: Readonly<Record<string, string>>;
  /** As received, at most 1 MiB; empty where there was none. */
  readonly body: string;
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
}
