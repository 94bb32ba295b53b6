/** Shared Signals endpoints: metadata, keys, streams, status, verification, subjects. */
import { idOf } from '../model/ids.ts';
import type { Clock } from '../model/ports.ts';
import {
  EXCLUDED_MAX,
  POLL,
  PUSH,
  type ReceiverRule,
  type SignalKeys,
  type SignalStore,
  type SignalStream,
  STREAM_EVENTS,
  STREAM_STATUSES,
  type StreamStatus,
  streamNotice,
  subjectKey,
} from '../model/signals.ts';
import { type ApiRequest, type ApiResponse, json, problem, type Route } from './route.ts';
import { pollStream } from './ssf-poll.ts';
import {
  bodyOf,
  ownMembersProblem,
  type StreamCommon,
  streamAsked,
  streamShown,
} from './ssf-stream.ts';

/** What a token must be good for: `manage` changes streams, `read` looks at them and fetches signals. */
export const SIGNAL_SCOPES = { manage: 'ssf.manage', read: 'ssf.read' } as const;

/** What the endpoints are made of. */
export interface SignalRouteParts {
  readonly store: SignalStore;
  readonly keys: SignalKeys;
  readonly clock: Clock;
  /** A number nobody can guess: ids of streams are made of it. */
  readonly nonce: () => string;
}

/** How they are set up. */
export interface SignalRouteOptions {
  /** Address at which receivers reach us; a path in it is part of every endpoint. */
  readonly issuer: string;
  readonly receivers: ReadonlyMap<string, ReceiverRule>;
  readonly eventsSupported: readonly string[];
  /** Default 60 s. */
  readonly verifyEveryMs?: number;
  /** Default 7 days. */
  readonly inactivityMs?: number;
}

/** A polling receiver that is silent this long is paused, ms. */
export const INACTIVITY_MS = 7 * 86_400_000;

interface Desk extends SignalRouteParts {
  readonly common: StreamCommon;
  readonly receivers: ReadonlyMap<string, ReceiverRule>;
}

type Body = Readonly<Record<string, unknown>>;

/** Every endpoint of the transmitter. A receiver sees its own stream; all others are 404 to it. */
export function signalRoutes(
  parts: SignalRouteParts,
  options: SignalRouteOptions,
): readonly Route[] {
  const issuer = options.issuer.replace(/\/+$/, '');
  const path = URL.parse(issuer)?.pathname.replace(/\/+$/, '') ?? '';
  const desk: Desk = {
    ...parts,
    receivers: options.receivers,
    common: {
      issuer,
      eventsSupported: options.eventsSupported,
      verifyEveryMs: options.verifyEveryMs ?? 60_000,
      inactivityMs: options.inactivityMs ?? INACTIVITY_MS,
    },
  };
  const { manage, read } = SIGNAL_SCOPES;
  const route = (
    method: Route['method'],
    at: string,
    scope: Route['scope'],
    handle: (desk: Desk, request: ApiRequest) => Promise<ApiResponse>,
  ): Route => ({ method, path: at, scope, handle: async (request) => await handle(desk, request) });
  return [
    route('GET', `/.well-known/ssf-configuration${path}`, null, metadata),
    route('GET', `${path}/jwks.json`, null, publicKeys),
    route('POST', `${path}/ssf/streams`, manage, create),
    route('GET', `${path}/ssf/streams`, read, show),
    route('PATCH', `${path}/ssf/streams`, manage, async (d, r) => await change(d, r, false)),
    route('PUT', `${path}/ssf/streams`, manage, async (d, r) => await change(d, r, true)),
    route('DELETE', `${path}/ssf/streams`, manage, remove),
    route('GET', `${path}/ssf/status`, read, status),
    route('POST', `${path}/ssf/status`, manage, setStatus),
    route('POST', `${path}/ssf/verify`, manage, verify),
    route('POST', `${path}/ssf/subjects/add`, manage, async (d, r) => await subject(d, r, true)),
    route('POST', `${path}/ssf/subjects/remove`, manage, async (d, r) => subject(d, r, false)),
    route('POST', `${path}/ssf/poll/:stream`, read, async (d, r) => {
      const stream = await ownStream(d, r, r.params['stream']);
      return stream === null ? unknownStream() : await pollStream(d, r, stream);
    }),
  ];
}

async function metadata({ common }: Desk): Promise<ApiResponse> {
  const { issuer } = common;
  return json(
    200,
    {
      spec_version: '1_0',
      issuer,
      jwks_uri: `${issuer}/jwks.json`,
      delivery_methods_supported: [PUSH, POLL],
      configuration_endpoint: `${issuer}/ssf/streams`,
      status_endpoint: `${issuer}/ssf/status`,
      verification_endpoint: `${issuer}/ssf/verify`,
      add_subject_endpoint: `${issuer}/ssf/subjects/add`,
      remove_subject_endpoint: `${issuer}/ssf/subjects/remove`,
      authorization_schemes: [{ spec_urn: 'urn:ietf:rfc:6749' }],
      default_subjects: 'ALL',
      // Whoever cannot tell the session or the tenant must not act on the rest.
      critical_subject_members: ['user', 'session', 'tenant'],
    },
    { 'cache-control': 'max-age=300' },
  );
}

async function publicKeys({ keys }: Desk): Promise<ApiResponse> {
  // Short: a receiver that caches longer than a key is published would refuse good signatures.
  return json(200, { keys: await keys.publicKeys() }, { 'cache-control': 'max-age=300' });
}

async function create(desk: Desk, request: ApiRequest): Promise<ApiResponse> {
  const rule = ruleOf(desk, request);
  if (rule === null) return notListed();
  const body = bodyOf(request.body);
  if (body === null) return badRequest('the body is no JSON object');
  const asked = await streamAsked(body, rule, null, desk.keys);
  if (!asked.ok) return badRequest(asked.problem);
  const stream: SignalStream = {
    ...asked.value,
    id: idOf('stream', rule.name, desk.nonce()).slice(0, 32),
    receiver: rule.name,
    audience: rule.audience,
    ...{ status: 'enabled', reason: null, excluded: [], verifiedMs: null },
    ...{ heardMs: desk.clock.nowMs(), lastError: null, dropped: 0 },
  };
  if (!(await desk.store.addStream(stream)))
    return problem(409, 'Conflict', 'you have a stream; change it, or delete it first');
  // A new stream has been heard of: its receiver was here a moment ago.
  await desk.store.changeStream(stream.id, { heardMs: stream.heardMs });
  return json(201, streamShown(stream, desk.common));
}

async function show(desk: Desk, request: ApiRequest): Promise<ApiResponse> {
  const id = request.query['stream_id'];
  if (id === undefined) {
    const own = (await desk.store.streams()).filter(({ receiver }) => receiver === request.caller);
    return json(
      200,
      own.map((stream) => streamShown(stream, desk.common)),
    );
  }
  const stream = await ownStream(desk, request, id);
  return stream === null ? unknownStream() : json(200, streamShown(stream, desk.common));
}

async function change(desk: Desk, request: ApiRequest, whole: boolean): Promise<ApiResponse> {
  const rule = ruleOf(desk, request);
  if (rule === null) return notListed();
  return await withStream(desk, request, async (stream, body) => {
    const problemOfOwn = ownMembersProblem(body, streamShown(stream, desk.common));
    if (problemOfOwn !== null) return badRequest(problemOfOwn);
    const asked = await streamAsked(body, rule, whole ? null : stream, desk.keys);
    if (!asked.ok) return badRequest(asked.problem);
    const changed = await desk.store.changeStream(stream.id, asked.value);
    return changed === null ? unknownStream() : json(200, streamShown(changed, desk.common));
  });
}

async function remove(desk: Desk, request: ApiRequest): Promise<ApiResponse> {
  const stream = await ownStream(desk, request, request.query['stream_id']);
  if (stream === null) return unknownStream();
  await desk.store.removeStream(stream.id);
  return { status: 204 };
}

const statusShown = ({ id, status: now, reason }: SignalStream): ApiResponse =>
  json(200, { stream_id: id, status: now, ...(reason === null ? {} : { reason }) });

async function status(desk: Desk, request: ApiRequest): Promise<ApiResponse> {
  const stream = await ownStream(desk, request, request.query['stream_id']);
  return stream === null ? unknownStream() : statusShown(stream);
}

async function setStatus(desk: Desk, request: ApiRequest): Promise<ApiResponse> {
  return await withStream(desk, request, async (stream, body) => {
    const { status: wanted, reason } = body;
    if (!STREAM_STATUSES.includes(wanted as StreamStatus))
      return badRequest(`status is one of ${STREAM_STATUSES.join(', ')}`);
    if (reason !== undefined && (typeof reason !== 'string' || reason.length > 500))
      return badRequest('reason is a text of at most 500 characters');
    const changed = await desk.store.changeStream(stream.id, {
      status: wanted as StreamStatus,
      reason: reason ?? null,
      heardMs: desk.clock.nowMs(),
    });
    return changed === null ? unknownStream() : statusShown(changed);
  });
}

async function verify(desk: Desk, request: ApiRequest): Promise<ApiResponse> {
  return await withStream(desk, request, async (stream, body) => {
    const { state } = body;
    if (state !== undefined && (typeof state !== 'string' || state.length > 1_000))
      return badRequest('state is a text of at most 1,000 characters');
    const nowMs = desk.clock.nowMs();
    const waitMs =
      (stream.verifiedMs ?? Number.NEGATIVE_INFINITY) + desk.common.verifyEveryMs - nowMs;
    if (waitMs > 0) {
      const told = problem(429, 'Too Many Requests', 'a verification was asked for a moment ago');
      const after = { 'retry-after': String(Math.ceil(waitMs / 1_000)) };
      return { ...told, headers: { ...told.headers, ...after } };
    }
    await desk.store.changeStream(stream.id, { verifiedMs: nowMs });
    const payload = state === undefined ? {} : { state };
    const event = { type: STREAM_EVENTS.verification, payload };
    await desk.store.enqueue([streamNotice(desk.common.issuer, stream, event, nowMs)], nowMs);
    return { status: 204 };
  });
}

/** Every subject is in a stream until it is taken out; whom we know is not to be found out here. */
async function subject(desk: Desk, request: ApiRequest, isIn: boolean): Promise<ApiResponse> {
  return await withStream(desk, request, async (stream, body) => {
    const named = body['subject'];
    if (typeof named !== 'object' || named === null || Array.isArray(named))
      return badRequest('subject is an object with a format (RFC 9493)');
    const key = subjectKey(named);
    const others = stream.excluded.filter((one) => one !== key);
    if (!isIn && others.length >= EXCLUDED_MAX)
      return problem(403, 'Forbidden', `more than ${EXCLUDED_MAX} subjects are taken out already`);
    const excluded = isIn ? others : [...others, key];
    await desk.store.changeStream(stream.id, { excluded });
    return isIn ? { status: 200 } : { status: 204 };
  });
}

async function withStream(
  desk: Desk,
  request: ApiRequest,
  work: (stream: SignalStream, body: Body) => Promise<ApiResponse>,
): Promise<ApiResponse> {
  const body = bodyOf(request.body);
  if (body === null) return badRequest('the body is no JSON object');
  const stream = await ownStream(desk, request, body['stream_id']);
  return stream === null ? unknownStream() : await work(stream, body);
}

async function ownStream(
  desk: Desk,
  request: ApiRequest,
  id: unknown,
): Promise<SignalStream | null> {
  if (typeof id !== 'string' || ruleOf(desk, request) === null) return null;
  const streams = await desk.store.streams();
  return streams.find((one) => one.id === id && one.receiver === request.caller) ?? null;
}

function ruleOf(desk: Desk, { caller }: ApiRequest): ReceiverRule | null {
  return (caller === null ? undefined : desk.receivers.get(caller)) ?? null;
}

function badRequest(detail: string): ApiResponse {
  return problem(400, 'Bad Request', detail);
}

function unknownStream(): ApiResponse {
  return problem(404, 'Not Found', 'you have no such stream');
}

function notListed(): ApiResponse {
  const detail = 'our configuration lists no receiver of your name: control.drivers.….receivers';
  return problem(403, 'Forbidden', detail);
}
