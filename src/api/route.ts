/** Route: the shape of every handler; request data in, response data out, no server in sight. */

/** A request that was bounded and authenticated before a handler sees it. */
export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Decoded values of the `:name` parts of the path. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** As received, at most 1 MiB; empty where there was none. */
  readonly body: string;
  /** Who asks, by the token; null only where the route asks for nobody. */
  readonly caller: string | null;
  /** Aborted when the caller hangs up or the server stops: long polls end. */
  readonly signal: AbortSignal;
}

/** An answer; `body` is sent as it is. */
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
  readonly scope: string | null;
  readonly handle: (request: ApiRequest) => Promise<ApiResponse>;
}

/** RFC 9457 problem body. `code` is one of ours where there is one; `detail` says what to do. */
export function problem(status: number, title: string, detail: string): ApiResponse {
  return {
    status,
    headers: { 'content-type': 'application/problem+json' },
    body: JSON.stringify({ type: 'about:blank', title, status, detail }),
  };
}

/** A JSON answer. */
export function json(
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): ApiResponse {
  return {
    status,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(value),
  };
}
