/** Front: an HTTP server that lies about what stands behind it, the same for every target. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Lie } from './counterpart.ts';

/** A request as a target sees it. */
export interface TargetRequest {
  readonly method: string;
  /** With leading slash, without query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What a target answers; `body` is sent as JSON unless it is a string. */
export interface TargetReply {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A target's own work. */
export type Target = (request: TargetRequest) => TargetReply | Promise<TargetReply>;

/** A running front. */
export interface Front {
  /** For example `http://127.0.0.1:41234`. */
  readonly url: string;
  /**
   * What it does from now on; `serve-on` and `ignore` are the target's own and pass here. Resolves
   * when what it did late is done, for callers that have all given up.
   */
  lie(mode: Lie | 'honest'): Promise<void>;
  /** Requests that came in, oldest first. */
  readonly seen: readonly TargetRequest[];
  close(): Promise<void>;
}

/**
 * Starts a front before a target: a function, or the URL of one. Only what would change something is
 * lied about: reads are answered, except that `fail` fails them too.
 */
export async function startFront(target: Target | string): Promise<Front> {
  const work = typeof target === 'string' ? forwardTo(target) : target;
  const seen: TargetRequest[] = [];
  const late = new Set<Promise<void>>();
  let mode: Lie | 'honest' = 'honest';
  const server = createServer((request, response) => {
    const serving = serve(request, response, work, mode, seen)
      .catch(() => void response.destroy())
      .finally(() => late.delete(serving));
    late.add(serving);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    seen,
    lie: async (next) => {
      mode = next;
      await Promise.all(late);
    },
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function serve(
  incoming: IncomingMessage,
  response: ServerResponse,
  work: Target,
  mode: Lie | 'honest',
  seen: TargetRequest[],
): Promise<void> {
  const request = await read(incoming);
  seen.push(request);
  const changes = request.method !== 'GET';
  if (mode === 'fail') return send(response, { status: 503, body: 'out of order' });
  if (changes && mode === 'refuse') return send(response, { status: 403, body: 'forbidden' });
  if (changes && mode === 'approval') {
    return send(response, { status: 202, body: { state: 'approval_required' } });
  }
  if (changes && mode === 'slow') {
    // Does it only when whoever asked has stopped waiting.
    await new Promise<void>((resolve) => incoming.socket.once('close', () => resolve()));
    await work(request);
    return;
  }
  const reply = await work(request);
  if (changes && mode === 'lose-reply') return void response.destroy();
  send(response, reply);
}

async function read(incoming: IncomingMessage): Promise<TargetRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const url = new URL(incoming.url ?? '/', 'http://target.invalid');
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(incoming.headers)) headers[name] = String(value);
  return {
    method: incoming.method ?? 'GET',
    path: url.pathname,
    query: url.searchParams,
    headers,
    body: Buffer.concat(chunks).toString('utf8'),
  };
}

function send(response: ServerResponse, { status, body, headers }: TargetReply): void {
  const isText = typeof body === 'string';
  response.writeHead(status, {
    'content-type': isText ? 'text/plain' : 'application/json',
    ...headers,
  });
  response.end(status === 204 ? undefined : isText ? body : JSON.stringify(body));
}

function forwardTo(base: string): Target {
  return async ({ method, path, query, headers, body }) => {
    const { host: _, connection: __, 'content-length': ___, ...kept } = headers;
    const search = query.size === 0 ? '' : `?${query}`;
    const init = method === 'GET' ? {} : { body };
    const reply = await fetch(`${base}${path}${search}`, { method, headers: kept, ...init });
    return { status: reply.status, body: await reply.text() };
  };
}
