/** A small real control plane over HTTP that can be told to lie. */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { type ControlPlaneState, LeaseBook } from './leases.ts';
import { createChooser, HONEST, type Lie, type LieMode, readLie } from './lies.ts';
import { readControlRequest } from './request.ts';
import { secretBytes, signatureProblem } from './signature.ts';

/** How a control plane is started. */
export interface ControlPlaneOptions {
  /** 0 takes any free port. */
  readonly port: number;
  /** Default 127.0.0.1: /lie and the views ask for no credentials. */
  readonly host?: string;
  /** `whsec_<base64>`, the same as the observer's. */
  readonly secret: string;
  /** JSON file that survives restarts; null or absent keeps everything in memory. */
  readonly statePath?: string | null;
  /** Its clock, ms since 1970; a controlled one in tests. */
  readonly nowMs?: () => number;
}

/** A running control plane. */
export interface ControlPlane {
  /** For example `http://127.0.0.1:8090`. */
  readonly url: string;
  readonly port: number;
  /** What it really did, whatever it told. */
  state(): ControlPlaneState;
  /** Stops listening and cuts open connections. */
  close(): Promise<void>;
}

interface Plane {
  readonly book: LeaseBook;
  readonly secret: Buffer;
  readonly nowMs: () => number;
  lie: Lie;
  choose: () => LieMode;
  readonly closing: AbortController;
}

/** What is to be sent back; `lost` = nothing at all, the connection breaks. */
type Reply =
  | { readonly status: number; readonly body: unknown; readonly etag?: boolean }
  | { readonly lost: true };

const BODY_BYTES_MAX = 64 * 1024;

/** Starts listening. Rejects when the port is taken or the secret is no secret. */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const nowMs = options.nowMs ?? Date.now;
  const plane: Plane = {
    book: new LeaseBook(options.statePath ?? null, nowMs),
    secret: secretBytes(options.secret),
    nowMs,
    lie: HONEST,
    choose: createChooser(HONEST),
    closing: new AbortController(),
  };
  const server = createServer((request, response) => {
    handle(plane, request, response).catch((cause: unknown) => {
      const message = cause instanceof Error ? cause.name : 'unnamed';
      if (!response.headersSent) send(request, response, problem(500, message));
      else response.destroy();
    });
  });
  const host = options.host ?? '127.0.0.1';
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, host, resolve);
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : options.port;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    port,
    state: () => plane.book.state(),
    close: () => {
      plane.closing.abort();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      return closed;
    },
  };
}

async function handle(
  plane: Plane,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = URL.parse(request.url ?? '/', 'http://plane.invalid');
  if (url === null) return send(request, response, problem(400, 'unreadable path'));
  const route = `${request.method} ${url.pathname}`;
  if (route === 'POST /control') {
    const reply = await control(plane, request);
    return 'lost' in reply ? void request.socket.destroy() : send(request, response, reply);
  }
  if (route === 'POST /lie') return send(request, response, await changeLie(plane, request));
  send(request, response, view(plane, route, url.searchParams));
}

/** Signature, then the lie if this request drew one, then the work. */
async function control(plane: Plane, request: IncomingMessage): Promise<Reply> {
  const body = await readBody(request);
  if (body === null) return problem(413, `at most ${BODY_BYTES_MAX} bytes`);
  const unsigned = signatureProblem(plane.secret, request.headers, body, plane.nowMs());
  if (unsigned !== null) return problem(401, unsigned);
  const key = String(request.headers['webhook-id']);
  const asked = readControlRequest(body.toString('utf8'), key);
  if (typeof asked === 'string') return problem(400, asked);
  const digest = createHash('sha256').update(body).digest('hex');
  if (!plane.book.receive(key, digest)) return problem(409, 'this key came with another body');
  const mode = plane.choose();
  if (mode === 'fail') return problem(503, 'out of order');
  if (mode === 'accept-and-ignore') return { status: 200, body: { state: 'applied' } };
  if (mode === 'approval') return { status: 202, body: { state: 'approval_required' } };
  if (mode === 'slow') await pause(plane.lie.delayMs, null, { signal: plane.closing.signal });
  const effect = plane.book.apply(key, asked);
  if (mode === 'lose-reply') return { lost: true };
  if (effect === 'past') return problem(409, 'its time is over');
  if (effect === 'ended') return problem(409, 'the lease was released');
  if (effect === 'full') return problem(503, 'too many leases');
  return { status: 200, body: { state: effect } };
}

async function changeLie(plane: Plane, request: IncomingMessage): Promise<Reply> {
  const body = await readBody(request);
  const lie = body === null ? 'the body is too long' : readLie(body.toString('utf8'));
  if (typeof lie === 'string') return problem(400, lie);
  plane.lie = lie;
  plane.choose = createChooser(lie);
  return { status: 200, body: lie };
}

function view(plane: Plane, route: string, query: URLSearchParams): Reply {
  const { book } = plane;
  if (route === 'GET /posture') {
    const agent = query.get('agent');
    if (agent === null || agent === '') return problem(400, 'agent is needed');
    const of = (name: string) => query.get(name) || null;
    const body = book.posture(agent, of('session'), of('tool'), of('class'));
    return { status: 200, body, etag: true };
  }
  if (route === 'GET /leases') return { status: 200, body: book.state(), etag: true };
  if (route === 'GET /sessions') {
    const held = book.active().filter((lease) => lease.subject.session !== null);
    const rows = held.map(({ subject, verb, leaseId, expiresAt }) => {
      return { agent: subject.agent, session: subject.session, verb, leaseId, expiresAt };
    });
    return { status: 200, body: { sessions: rows }, etag: true };
  }
  if (route === 'GET /tools') {
    const rows = book.active().flatMap(({ subject, leaseId, expiresAt }) =>
      subject.tools.map((tool) => {
        return { tool, agent: subject.agent, session: subject.session, leaseId, expiresAt };
      }),
    );
    return { status: 200, body: { tools: rows }, etag: true };
  }
  return problem(404, 'POST /control, POST /lie, GET /posture /leases /sessions /tools');
}

function problem(status: number, reason: string): Reply {
  return { status, body: { state: status === 409 ? 'refused' : 'error', reason } };
}

function send(request: IncomingMessage, response: ServerResponse, reply: Reply): void {
  if ('lost' in reply) return;
  const body = escapedJson(reply.body);
  response.setHeader('x-content-type-options', 'nosniff');
  response.setHeader('cache-control', 'no-cache');
  if (reply.etag === true) {
    const etag = `"${createHash('sha256').update(body).digest('hex').slice(0, 32)}"`;
    response.setHeader('etag', etag);
    if (request.headers['if-none-match'] === etag) {
      response.writeHead(304).end();
      return;
    }
  }
  response.writeHead(reply.status, { 'content-type': 'application/json' }).end(body);
}

/**
 * JSON in which no name of an agent can act: not as markup where a page shows it, not as a control
 * or direction character where a terminal does.
 */
function escapedJson(value: unknown): string {
  const risky = /[<>&\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;
  return JSON.stringify(value).replace(
    risky,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** The body, or null when it is too long. */
async function readBody(request: IncomingMessage): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    // Read on to the end, keeping nothing: an early reply would break the sender's connection.
    if (bytes <= BODY_BYTES_MAX) chunks.push(chunk);
  }
  return bytes <= BODY_BYTES_MAX ? Buffer.concat(chunks) : null;
}
