/** Ingest: OTLP, events and OPA's decisions over HTTP, durable before they are answered. */
import { createHash } from 'node:crypto';
import { canonicalJson } from '../model/canonical-json.ts';
import { OperatingError } from '../model/errors.ts';
import {
  type Appended,
  INGEST_COUNTS,
  INGEST_PATHS,
  type IngestCounts,
  type IngestLog,
  type IngestPath,
  type ItemCheck,
  type ItemTally,
} from '../model/ingest.ts';
import type { Clock, Log } from '../model/ports.ts';
import { cloudEventHeaders } from './cloudevent-headers.ts';
import { type Cut, cutItems, type Uncut } from './ingest-items.ts';
import { otlpEncoding, otlpRefused, otlpTaken, type REJECTED_NAMES } from './otlp-answer.ts';
import {
  type ApiRequest,
  type ApiResponse,
  type BodyLimits,
  json,
  problem,
  type Route,
} from './route.ts';

/** A source that is sent to. Its token decides everything; nothing is read from the request. */
export interface IngestSource {
  readonly name: string;
  readonly topic: string;
  /** Counts the items of a request; null where a body is JSON, which is cut into items here. */
  readonly tally: ((body: Buffer) => ItemTally) | null;
  /** Looks at one item of JSON as its decoder will. */
  readonly check: ItemCheck;
}

/** What the routes are made of. */
export interface IngestParts {
  /** The source that a caller's token is bound to on a path; null where it has none there. */
  readonly sourceOf: (caller: string, path: IngestPath) => IngestSource | null;
  readonly log: IngestLog;
  readonly clock: Clock;
  readonly notes: Log;
  readonly limits: BodyLimits;
  /** Bytes of one record at most, as decoders read it. */
  readonly recordBytesMax: number;
}

/** Routes of ingest, and what became of requests. */
export interface Ingest {
  readonly routes: readonly Route[];
  counts(): IngestCounts;
}

type Count = (typeof INGEST_COUNTS)[number];
type Tallied = Extract<Cut, { ok: true }>;
type OtlpPath = keyof typeof REJECTED_NAMES;

const KEY_MAX = 255;
const RETRY_SECONDS = 5;
const isOtlp = (path: IngestPath): path is OtlpPath =>
  path === '/v1/traces' || path === '/v1/logs' || path === '/v1/metrics';

/** Makes the routes. */
export function ingestRoutes(parts: IngestParts): Ingest {
  const counts = new Map<string, Record<Count, number>>();
  const count = (source: string, what: Count, by = 1) => {
    const own = counts.get(source) ?? zero();
    own[what] += by;
    counts.set(source, own);
  };
  const routes = INGEST_PATHS.map((path): Route => {
    const refuse = refusalOf(path);
    return {
      ...{ method: 'POST', path, scope: 'ingest', takes: parts.limits },
      refusal: (status, detail, type) => refuse(status, detail, type),
      admit: (caller) => {
        const source = parts.sourceOf(caller ?? '', path);
        const pressure = parts.log.pressure();
        if (source === null || pressure === null) return null;
        count(source.name, 'held-off');
        // The type of the body is not known yet; senders go by status and Retry-After.
        return refuse(429, pressure.reason, '', pressure.waitSeconds);
      },
      handle: async (request) => {
        const source = parts.sourceOf(request.caller ?? '', path);
        if (source === null)
          return refuse(
            403,
            `the token is bound to a source that is not sent to ${path}; docs/ingest.md says where`,
            request.headers['content-type'] ?? '',
          );
        count(source.name, 'requests');
        count(source.name, 'bytes', request.bytes?.length ?? 0);
        const tell = (what: Count, by?: number) => count(source.name, what, by);
        return await take(request, path, source, parts, tell);
      },
    };
  });
  return { routes, counts: () => Object.fromEntries(counts) };
}

function zero(): Record<Count, number> {
  return Object.fromEntries(INGEST_COUNTS.map((name) => [name, 0])) as Record<Count, number>;
}

type Refuse = (
  status: number,
  detail: string,
  contentType: string,
  retryAfterSeconds?: number,
) => ApiResponse;

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad request',
  401: 'Unauthorized',
  403: 'Forbidden',
  413: 'Content too large',
  415: 'Unsupported media type',
  422: 'Unprocessable content',
  429: 'Too many requests',
  503: 'Service unavailable',
};

function refusalOf(path: IngestPath): Refuse {
  if (isOtlp(path)) return otlpRefused;
  return (status, detail, _type, retryAfterSeconds) => {
    const said = problem(status, TITLES[status] ?? 'Refused', detail);
    if (retryAfterSeconds === undefined) return said;
    return { ...said, headers: { ...said.headers, 'retry-after': String(retryAfterSeconds) } };
  };
}

async function take(
  request: ApiRequest,
  path: IngestPath,
  source: IngestSource,
  parts: IngestParts,
  tell: (what: Count, by?: number) => void,
): Promise<ApiResponse> {
  const type = request.headers['content-type'] ?? '';
  const refuse = refusalOf(path);
  const refused = (status: number, detail: string) => {
    tell(status === 400 ? 'malformed' : 'refused');
    return refuse(status, detail, type);
  };
  const body = request.bytes ?? Buffer.alloc(0);
  const key = request.headers['idempotency-key'];
  if (key !== undefined && (key === '' || key.length > KEY_MAX))
    return refused(400, `Idempotency-Key: 1 to ${KEY_MAX} characters`);
  // What is OTLP or OPA's is no CloudEvent, whatever its headers say.
  const attributes = path === '/v1/events' ? cloudEventHeaders(request.headers) : null;
  if (typeof attributes === 'string') return refused(400, attributes);
  const reads = attributes === null ? readerOf(path, type) : asOne;
  if (typeof reads === 'string') return refused(415, reads);
  if (source.tally !== null && body.length > parts.recordBytesMax)
    return refused(
      413,
      `one request has ${parts.recordBytesMax} bytes at most; send smaller batches`,
    );
  // An empty request of OTLP says nothing, rightly; there is no JSON in nothing.
  if (body.length === 0)
    return isOtlp(path) ? answer(path, type, emptied()) : refused(400, 'the body is empty');
  const cut = await reads(body, source, parts.clock);
  if (!cut.ok && cut.status === 413) return refused(413, cut.detail);
  // What cannot be read at all is told to the sender, and becomes a dead letter for everybody else.
  const values = cut.ok ? cut.values.concat(cut.broken ?? []) : [body];
  const [accepted, rejected] = cut.ok ? [cut.accepted, cut.rejected] : [0, 1];
  if (values.length === 0) return answer(path, type, emptied());
  let appended: Appended;
  try {
    appended = await parts.log.append({
      ...{ topic: source.topic, values, accepted, rejected },
      headers: { ...attributes, 'content-type': type.slice(0, 256) },
      receivedMs: parts.clock.nowMs(),
      idempotency: key === undefined ? null : idempotencyOf(key, body, attributes),
    });
  } catch (cause) {
    if (!(cause instanceof OperatingError)) throw cause;
    // Sent again it would be refused again, and stand before everything that comes after it.
    if (cause.code === 'BROKER_TOO_LARGE')
      return refused(413, 'larger than the topic takes; send smaller batches');
    tell('failed');
    parts.notes.warn({ source: source.name, code: cause.code }, 'ingest: could not be stored');
    return refuse(503, 'it could not be stored; send it again', type, RETRY_SECONDS);
  }
  if (appended.type === 'conflict')
    return refused(422, 'this Idempotency-Key was used for another body within the last 24 hours');
  tell(
    appended.type === 'known' ? 'repeated' : 'accepted',
    appended.type === 'known' ? 1 : accepted,
  );
  if (appended.type === 'appended') tell('rejected', rejected);
  if (!cut.ok || accepted === 0) return refused(400, cut.detail);
  return answer(path, type, { ...appended, detail: cut.detail });
}

interface Taken {
  readonly accepted: number;
  readonly rejected: number;
  readonly firstOffset: number | null;
  readonly detail: string;
}

const emptied = (): Taken => ({ accepted: 0, rejected: 0, firstOffset: null, detail: '' });

function answer(path: IngestPath, type: string, taken: Taken): ApiResponse {
  const { accepted, rejected, firstOffset, detail } = taken;
  if (isOtlp(path)) return otlpTaken(otlpEncoding(type) ?? 'json', path, rejected, detail);
  // OPA takes nothing but 200 for success.
  const status = path === '/v1/opa/logs' ? 200 : 202;
  return json(status, {
    ...{ accepted, rejected, firstOffset },
    ...(detail === '' ? {} : { detail }),
  });
}

type Reads = (body: Buffer, source: IngestSource, clock: Clock) => Promise<Cut>;

const LINES: ReadonlySet<string> = new Set([
  ...['application/x-ndjson', 'application/ndjson'],
  ...['application/jsonl', 'application/x-jsonlines', 'application/json-lines'],
]);

/** How a body of this type is read on a path; text where it is not, saying what is. */
function readerOf(path: IngestPath, contentType: string): Reads | string {
  if (isOtlp(path)) {
    if (otlpEncoding(contentType) === null)
      return 'send application/x-protobuf or application/json';
    return async (body, { tally }) => tallied(body, tally);
  }
  const type = contentType.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const isJson = type === 'application/json' || /^application\/[\w.-]+\+json$/.test(type);
  if (!isJson && !LINES.has(type))
    return 'send application/json, or application/x-ndjson with one object a line';
  return async (body, { check }, clock) =>
    await cutItems(body, LINES.has(type), { check, turn: async () => await clock.sleep(0) });
}

/** Data of one event: never cut, whatever it is. */
async function asOne(body: Buffer): Promise<Tallied> {
  return { ok: true, values: [body], broken: null, accepted: 1, rejected: 0, detail: '' };
}

function tallied(body: Buffer, tally: IngestSource['tally']): Tallied | Uncut {
  const { items, broken, detail } = tally?.(body) ?? { items: 1, broken: 0, detail: '' };
  if (broken > 0 && items === broken) return { ok: false, status: 400, detail };
  const accepted = items - broken;
  // A request without telemetry says as little as an empty body, and succeeds as one does.
  return {
    ok: true,
    values: items === 0 ? [] : [body],
    broken: null,
    accepted,
    rejected: broken,
    detail,
  };
}

/** `attributes`: what else the request says; null where its body is all of it. */
function idempotencyOf(
  key: string,
  body: Buffer,
  attributes: Readonly<Record<string, string>> | null,
): { keyHash: Buffer; bodyHash: Buffer } {
  const bodyHash = createHash('sha256').update(body);
  if (attributes !== null) bodyHash.update(canonicalJson(attributes));
  return { keyHash: createHash('sha256').update(key).digest(), bodyHash: bodyHash.digest() };
}
