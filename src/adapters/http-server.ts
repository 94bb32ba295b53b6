/** HTTP server: a table of routes for callers with tokens; bounded, denies by default. */
import type { Server } from 'node:http';
import type { BlockList, Socket } from 'node:net';
import { Readable } from 'node:stream';
import {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerOptions,
  fastify,
} from 'fastify';
import { OperatingError } from '../model/errors.ts';
import type { Clock, Log } from '../model/ports.ts';
import type { ApiResponse, Route } from '../model/route.ts';
import { answerBroken, BODY_TITLES, problemBody, statusOf } from './http-answers.ts';
import { type Body, BodyRefused, type BodyRoom, createBodyRoom, readBytes } from './http-bodies.ts';
import { type CallerLimits, type Consumer, createGate, type Gate } from './http-callers.ts';
import { flat, joined } from './http-headers.ts';
import { listed, networksOf } from './http-networks.ts';

/** How a server is set up. */
export interface HttpServerOptions {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** PEM texts; absent: plain HTTP. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /**
   * Addresses and networks of the proxies in front. Where it is given nobody else may connect, and the
   * caller's address is what they say.
   */
  readonly trustProxy?: readonly string[];
  readonly consumers: readonly Consumer[];
  readonly limits?: Partial<CallerLimits>;
  /** A request must have arrived within this, its headers within half of it, ms. Default 10,000. */
  readonly arriveWithinMs?: number;
  /** How long answers under way may take when it closes, ms. Default 2,000. */
  readonly closeWithinMs?: number;
  /** Key of the configuration that it is made of, for messages. Default: control.listener. */
  readonly key?: string;
}

/** Every answer there was, by what it was. */
export const HTTP_COUNTS = [
  'answered',
  'unauthenticated',
  'forbidden',
  'limited',
  'not-found',
  'refused',
  'failed',
] as const;
/** Answers by kind, and how many requests are open. */
export type HttpCounts = Readonly<Record<(typeof HTTP_COUNTS)[number] | 'open', number>>;

/** A running server. */
export interface HttpServer {
  /** For example `http://127.0.0.1:8443`. */
  readonly url: string;
  readonly port: number;
  counts(): HttpCounts;
  /** Takes no more, ends long polls, waits a moment for what is being answered. Idempotent. */
  close(): Promise<void>;
}

const BODY_BYTES_MAX = 1024 * 1024;
const HEADER_BYTES_MAX = 16 * 1024;
const PARAM_CHARACTERS_MAX = 512;
const CONNECTIONS_MAX = 1024;
const ARRIVAL_MS = 10_000;
/** How often Node looks who is late, ms; its own default of 30 s would be the real limit. */
const LATE_LOOK_MS = 500;
/** A connection that moves no byte this long is cut, ms: above the longest poll and its beats. */
const STUCK_MS = 60_000;
/** Bodies of routes that take bytes, all together; while they are put together twice of it. */
const BODIES_BYTES_MAX = 96 * 1024 * 1024;
const LIMITS: CallerLimits = { perMinute: 1200, openMax: 64, strangersPerMinute: 30 };
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

interface Running {
  readonly gate: Gate;
  readonly clock: Clock;
  readonly log: Log;
  readonly counts: Record<keyof HttpCounts, number>;
  /** One for each request under way. */
  readonly open: Set<AbortController>;
  readonly proxies: BlockList | null;
  readonly room: BodyRoom;
  /** What is known of a request before its body is read. */
  readonly begun: WeakMap<FastifyRequest, Begun>;
  readonly key: string;
}

interface Begun {
  readonly route: Route;
  readonly caller: string | null;
  body: Body | null;
  isOver: boolean;
}

/**
 * Starts to listen. Rejects with CONFIG_INVALID where address, port or certificate cannot be used.
 * Handlers that reject are answered 503 where trying again may help, else 500; nothing of the cause
 * goes out.
 */
export async function startHttpServer(
  routes: readonly Route[],
  options: HttpServerOptions,
  clock: Clock,
  log: Log,
): Promise<HttpServer> {
  const running: Running = {
    gate: createGate(options.consumers, { ...LIMITS, ...options.limits }),
    clock,
    log,
    counts: { ...zeroCounts(), open: 0 },
    open: new Set(),
    proxies: options.trustProxy === undefined ? null : networksOf(options.trustProxy),
    room: createBodyRoom(BODIES_BYTES_MAX),
    begun: new WeakMap(),
    key: options.key ?? 'control.listener',
  };
  const app = createApp(options, running);
  addRoutes(app, routes, running);
  const url = await listen(app, options);
  return {
    url,
    port: Number(new URL(url).port),
    counts: () => ({ ...running.counts, open: running.open.size }),
    close: once(() => close(app, running, options.closeWithinMs ?? 2_000)),
  };
}

function zeroCounts(): Record<(typeof HTTP_COUNTS)[number], number> {
  return {
    ...{ answered: 0, unauthenticated: 0, forbidden: 0, limited: 0 },
    ...{ 'not-found': 0, refused: 0, failed: 0 },
  };
}

function createApp(options: HttpServerOptions, running: Running): FastifyInstance {
  const arrivalMs = options.arriveWithinMs ?? ARRIVAL_MS;
  const plain: FastifyServerOptions = {
    bodyLimit: BODY_BYTES_MAX,
    exposeHeadRoutes: false,
    requestTimeout: arrivalMs,
    keepAliveTimeout: 65_000,
    connectionTimeout: STUCK_MS,
    forceCloseConnections: 'idle',
    trustProxy: options.trustProxy === undefined ? false : [...options.trustProxy],
    routerOptions: { maxParamLength: PARAM_CHARACTERS_MAX, caseSensitive: true },
    frameworkErrors: (_error, _request, reply) => {
      running.counts.refused += 1;
      answerNow(reply, 400, 'Bad request', 'the path cannot be read');
    },
    clientErrorHandler: (error, socket) => {
      running.counts.refused += 1;
      answerBroken(error.code, socket as Socket);
    },
  };
  const http = {
    ...{ maxHeaderSize: HEADER_BYTES_MAX, headersTimeout: arrivalMs / 2 },
    connectionsCheckingInterval: LATE_LOOK_MS,
  };
  const app = (
    options.tls === undefined
      ? fastify({ ...plain, http })
      : fastify({ ...plain, https: { ...http, ...options.tls, minVersion: 'TLSv1.2' } } as never)
  ) as FastifyInstance;
  // Bodies are text for the handlers: what they may be is theirs to say.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));
  app.setNotFoundHandler((_request, reply) => {
    running.counts['not-found'] += 1;
    answerNow(reply, 404, 'Not found', 'no such route; docs/posture.md lists them');
  });
  app.setErrorHandler((error, request, reply) => answerFault(error, request, reply, running));
  const { proxies } = running;
  if (proxies !== null)
    app.addHook('onRequest', async (request, reply) => {
      const peer = request.raw.socket.remoteAddress ?? '';
      if (listed(proxies, peer)) return;
      running.counts.forbidden += 1;
      // Fastify goes on to the handler unless the hook hands the reply back.
      return answerNow(reply, 403, 'Forbidden', `only the proxies of ${running.key} may connect`);
    });
  app.server.maxConnections = CONNECTIONS_MAX;
  return app;
}

function addRoutes(app: FastifyInstance, routes: readonly Route[], running: Running): void {
  const allowed = new Map<string, string[]>();
  const ofBytes = routes.filter(({ takes }) => takes !== undefined);
  for (const route of routes) {
    allowed.set(route.path, [...(allowed.get(route.path) ?? []), route.method]);
    if (route.takes === undefined) addRoute(app, route, running);
  }
  if (ofBytes.length > 0)
    app.register((inner, _options, ready) => {
      inner.removeAllContentTypeParsers();
      inner.addContentTypeParser('*', async (request: FastifyRequest, payload: Readable) => {
        const begun = running.begun.get(request);
        if (begun?.route.takes === undefined) return undefined;
        begun.body = await readBytes(payload, request.headers, begun.route.takes, running.room);
        // Whoever hung up meanwhile is not there to let go of it.
        if (begun.isOver) begun.body.release();
        return begun.body;
      });
      for (const route of ofBytes) addRoute(inner, route, running);
      ready();
    });
  for (const [path, methods] of allowed)
    app.route({
      method: METHODS.filter((method) => !methods.includes(method)),
      url: path,
      handler: (_request, reply) => {
        running.counts.refused += 1;
        reply.header('allow', methods.join(', '));
        answerNow(reply, 405, 'Method not allowed', `this route answers ${methods.join(', ')}`);
      },
    });
}

function addRoute(app: FastifyInstance, route: Route, running: Running): void {
  app.route({
    method: route.method,
    url: route.path,
    // Before the body is read: who may not ask does not make us read.
    onRequest: async (request, reply) => {
      const caller = admit(route, request, reply, running);
      if (caller === 'answered') return reply;
      const begun: Begun = { route, caller, body: null, isOver: false };
      running.begun.set(request, begun);
      reply.raw.once('close', () => {
        begun.isOver = true;
        begun.body?.release();
        if (caller !== null) running.gate.leave(caller);
      });
      const refused = route.admit?.(caller) ?? null;
      if (refused === null) return;
      running.counts.limited += 1;
      return send(reply, refused);
    },
    handler: async (request, reply) =>
      await serve(route, request, reply, running.begun.get(request) ?? null, running),
  });
}

/** Name of the caller, null where the route asks for none, or `answered`: it may not pass. */
function admit(
  route: Route,
  request: FastifyRequest,
  reply: FastifyReply,
  { gate, clock, log, counts }: Running,
): string | null | 'answered' {
  const { scope } = route;
  const refuse = (status: number, title: string, detail: string) =>
    answerOn(route, request, reply, status, title, detail);
  const said = gate.admit(request.headers.authorization, scope, request.ip, clock.nowMs());
  switch (said.type) {
    case 'caller':
      return said.name;
    case 'nobody':
      return null;
    case 'unknown':
      counts.unauthenticated += 1;
      if (said.first) log.warn({ address: request.ip }, 'listener: a token that nobody has');
      reply.header('www-authenticate', 'Bearer realm="plumbline"');
      refuse(401, 'Unauthorized', 'send Authorization: Bearer with a token of yours');
      return 'answered';
    case 'forbidden':
      counts.forbidden += 1;
      log.warn({ caller: said.name, scope }, 'listener: the token is not good for that');
      refuse(403, 'Forbidden', `the token lacks the scope ${scope ?? ''}`);
      return 'answered';
    case 'limited':
      counts.limited += 1;
      reply.header('retry-after', String(said.waitSeconds));
      refuse(429, 'Too many requests', 'ask less often; long polls are there for that');
      return 'answered';
  }
}

async function serve(
  route: Route,
  request: FastifyRequest,
  reply: FastifyReply,
  begun: Begun | null,
  running: Running,
): Promise<FastifyReply> {
  const query = flat(request.query);
  if (query === null) {
    running.counts.refused += 1;
    return answerNow(reply, 400, 'Bad request', 'a query parameter is given twice');
  }
  const ended = new AbortController();
  running.open.add(ended);
  reply.raw.once('close', () => {
    running.open.delete(ended);
    ended.abort();
  });
  const { authorization: _kept, ...headers } = request.headers;
  const response = await route.handle({
    method: route.method,
    params: { ...(request.params as Readonly<Record<string, string>>) },
    query,
    headers: joined(headers),
    body: typeof request.body === 'string' ? request.body : '',
    ...(route.takes === undefined ? {} : { bytes: begun?.body?.bytes ?? Buffer.alloc(0) }),
    caller: begun?.caller ?? null,
    signal: ended.signal,
  });
  running.counts.answered += 1;
  return send(reply, response);
}

function send(reply: FastifyReply, { status, headers = {}, body }: ApiResponse): FastifyReply {
  reply
    .code(status)
    .header('x-content-type-options', 'nosniff')
    .header('cache-control', 'no-cache');
  for (const [name, value] of Object.entries(headers)) reply.header(name, value);
  if (body === undefined) return reply.send();
  // As bytes: to a text fastify would add a charset that the handler did not name.
  if (typeof body === 'string') return reply.send(Buffer.from(body, 'utf8'));
  if (Buffer.isBuffer(body)) return reply.send(body);
  return reply.send(Readable.from(body));
}

function answerNow(
  reply: FastifyReply,
  status: number,
  title: string,
  detail: string,
): FastifyReply {
  return reply
    .code(status)
    .header('content-type', 'application/problem+json')
    .send(Buffer.from(problemBody(status, title, detail), 'utf8'));
}

/** A refusal as the route says them, where it has a way of its own. */
function answerOn(
  { refusal }: Route,
  request: FastifyRequest,
  reply: FastifyReply,
  status: number,
  title: string,
  detail: string,
): FastifyReply {
  if (refusal === undefined) return answerNow(reply, status, title, detail);
  return send(reply, refusal(status, detail, request.headers['content-type'] ?? ''));
}

/** What a handler, or fastify, could not do. The cause stays in here. */
function answerFault(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  running: Running,
): FastifyReply {
  const { counts, log } = running;
  if (error instanceof BodyRefused) return answerBody(error, request, reply, running);
  const status = statusOf(error);
  if (status === 413) {
    counts.refused += 1;
    return answerNow(reply, 413, 'Content too large', `a body has ${BODY_BYTES_MAX} bytes at most`);
  }
  if (status >= 400 && status < 500) {
    counts.refused += 1;
    return answerNow(reply, 400, 'Bad request', 'the request cannot be read');
  }
  counts.failed += 1;
  const code = error instanceof OperatingError ? error.code : 'unnamed';
  log.error({ code, fault: error instanceof Error ? error.name : 'unnamed' }, 'listener: failed');
  if (error instanceof OperatingError && error.retryable) {
    reply.header('retry-after', '1');
    return answerNow(reply, 503, 'Service unavailable', 'try again in a moment');
  }
  return answerNow(reply, 500, 'Internal error', 'the log of the observer has the reason');
}

function answerBody(
  { status, message }: BodyRefused,
  request: FastifyRequest,
  reply: FastifyReply,
  { counts, begun }: Running,
): FastifyReply {
  counts[status === 429 ? 'limited' : 'refused'] += 1;
  if (status === 429) reply.header('retry-after', '1');
  if (status === 415) reply.header('accept-encoding', 'gzip');
  // What is left of it is not read: the connection ends with the answer.
  reply.header('connection', 'close');
  const title = BODY_TITLES[status];
  const route = begun.get(request)?.route;
  if (route === undefined) return answerNow(reply, status, title, message);
  return answerOn(route, request, reply, status, title, message);
}

async function listen(
  app: FastifyInstance,
  { host, port, key = 'control.listener' }: HttpServerOptions,
): Promise<string> {
  try {
    const begun: Promise<string> = app.listen({ host, port });
    return await begun;
  } catch (cause) {
    const code = typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : '?';
    const why =
      code === 'EADDRINUSE'
        ? 'is in use; stop what listens there or choose another port'
        : `cannot be listened on (${String(code)}); choose another host or port`;
    const message = `${key}: ${host}:${port} ${why}`;
    throw new OperatingError('CONFIG_INVALID', message, { retryable: false, cause });
  }
}

async function close(app: FastifyInstance, running: Running, withinMs: number): Promise<void> {
  for (const request of running.open) request.abort();
  const server: Server = app.server;
  const late = new AbortController();
  const cut = running.clock.sleep(withinMs, late.signal).then(() => server.closeAllConnections());
  await app.close();
  late.abort();
  await cut;
}

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | null = null;
  return () => {
    done ??= work();
    return done;
  };
}
