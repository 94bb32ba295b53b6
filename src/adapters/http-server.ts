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
import { answerBroken, problemBody } from './http-answers.ts';
import { type Body, BodyRefused, type BodyRoom, createBodyRoom, readBytes } from './http-bodies.ts';
import {
  type Admission,
  type CallerLimits,
  type Consumer,
  createGate,
  type Gate,
} from './http-callers.ts';
import { type HttpCounts, zeroCounts } from './http-counts.ts';
import { flat, joined } from './http-headers.ts';
import { listed, networksOf } from './http-networks.ts';
import {
  BROKEN_PATH,
  faultOf,
  NO_ROUTE,
  notAdmitted,
  notTaken,
  otherMethod,
  pastProxies,
  type Refusal,
  TEXT_BYTES_MAX,
  TWICE,
} from './http-refusals.ts';

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

/** A running server. */
export interface HttpServer {
  /** For example `http://127.0.0.1:8443`. */
  readonly url: string;
  readonly port: number;
  counts(): HttpCounts;
  /** Takes no more, ends long polls, waits a moment for what is being answered. Idempotent. */
  close(): Promise<void>;
}

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

function createApp(options: HttpServerOptions, running: Running): FastifyInstance {
  const arrivalMs = options.arriveWithinMs ?? ARRIVAL_MS;
  const plain: FastifyServerOptions = {
    bodyLimit: TEXT_BYTES_MAX,
    exposeHeadRoutes: false,
    requestTimeout: arrivalMs,
    keepAliveTimeout: 65_000,
    connectionTimeout: STUCK_MS,
    forceCloseConnections: 'idle',
    trustProxy: options.trustProxy === undefined ? false : [...options.trustProxy],
    routerOptions: { maxParamLength: PARAM_CHARACTERS_MAX, caseSensitive: true },
    frameworkErrors: (_error, _request, reply) => {
      refuse(reply, BROKEN_PATH, running);
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
    refuse(reply, NO_ROUTE, running);
  });
  app.setErrorHandler((error, request, reply) => answerFault(error, request, reply, running));
  const { proxies } = running;
  if (proxies !== null)
    app.addHook('onRequest', async (request, reply) => {
      const peer = request.raw.socket.remoteAddress ?? '';
      if (listed(proxies, peer)) return;
      // Fastify goes on to the handler unless the hook hands the reply back.
      return refuse(reply, pastProxies(running.key), running);
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
        refuse(reply, otherMethod(methods), running);
      },
    });
}

function addRoute(app: FastifyInstance, route: Route, running: Running): void {
  app.route({
    method: route.method,
    url: route.path,
    // Before the body is read: who may not ask does not make us read.
    onRequest: async (request, reply) => {
      const said = admit(route, request, running);
      if (said.type !== 'caller' && said.type !== 'nobody')
        return refuseOn(route, request, reply, notAdmitted(said, route.scope), running);
      const caller = said.type === 'caller' ? said.name : null;
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

/** What the gate says of whoever asks. The log has tokens that nobody has, and those not good for it. */
function admit(
  { scope }: Route,
  request: FastifyRequest,
  { gate, clock, log }: Running,
): Admission {
  const said = gate.admit(request.headers.authorization, scope, request.ip, clock.nowMs());
  if (said.type === 'unknown' && said.first)
    log.warn({ address: request.ip }, 'listener: a token that nobody has');
  if (said.type === 'forbidden')
    log.warn({ caller: said.name, scope }, 'listener: the token is not good for that');
  return said;
}

async function serve(
  route: Route,
  request: FastifyRequest,
  reply: FastifyReply,
  begun: Begun | null,
  running: Running,
): Promise<FastifyReply> {
  const query = flat(request.query);
  if (query === null) return refuse(reply, TWICE, running);
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

/** A refusal as RFC 9457 says it. */
function refuse(reply: FastifyReply, refusal: Refusal, running: Running): FastifyReply {
  const { status, title, detail } = refusal;
  return begin(reply, refusal, running)
    .code(status)
    .header('content-type', 'application/problem+json')
    .send(Buffer.from(problemBody(status, title, detail), 'utf8'));
}

/** A refusal as the route says it, where it has a way of its own. */
function refuseOn(
  route: Route | undefined,
  request: FastifyRequest,
  reply: FastifyReply,
  refusal: Refusal,
  running: Running,
): FastifyReply {
  if (route?.refusal === undefined) return refuse(reply, refusal, running);
  const contentType = request.headers['content-type'] ?? '';
  const said = route.refusal(refusal.status, refusal.detail, contentType);
  return send(begin(reply, refusal, running), said);
}

/** Counts a refusal, and sets its headers. */
function begin(reply: FastifyReply, refusal: Refusal, { counts }: Running): FastifyReply {
  counts[refusal.counts] += 1;
  return reply.headers(refusal.headers ?? {});
}

/** What a handler, or fastify, could not do. The cause stays in here. */
function answerFault(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  running: Running,
): FastifyReply {
  if (error instanceof BodyRefused) {
    const route = running.begun.get(request)?.route;
    return refuseOn(route, request, reply, notTaken(error), running);
  }
  const fault = faultOf(error);
  if (fault.counts === 'failed') {
    const code = error instanceof OperatingError ? error.code : 'unnamed';
    const name = error instanceof Error ? error.name : 'unnamed';
    running.log.error({ code, fault: name }, 'listener: failed');
  }
  return refuse(reply, fault, running);
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
