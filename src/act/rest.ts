/** Rest: one JSON request to a target with its own credentials, and what came of it. */
import type { ApplyOutcome, Prior } from '../model/action-log.ts';
import type { Clock, Http, HttpRequest } from '../model/ports.ts';
import type { Snapshot } from './driver.ts';
import { objectOf, outcomeOfFailure, outcomeOfRefusal } from './target.ts';

/** How a target is spoken to. */
export interface RestOptions {
  readonly http: Http;
  readonly clock: Clock;
  /** Origin and path that every path is put behind; without final slash. */
  readonly base: string;
  /** With every request; credentials among them. */
  readonly headers: Readonly<Record<string, string>>;
  /** For each request; at most 6,000 of it count: three of them must end before the executor gives up. */
  readonly timeoutMs: number;
  /** In words, which secret to look at when the target does not accept us. */
  readonly credential: string;
  /** Statuses that mean something else at this target than the policy of all of them. */
  readonly statuses?: Readonly<Record<number, (afterMs: number) => ApplyOutcome>>;
}

/** A request; the body is sent as JSON. */
export interface RestRequest {
  readonly method: HttpRequest['method'];
  /** With leading slash; parts that agents name have been through `pathSegment`. */
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A success with its JSON object, or what the executor is to be told. */
export type RestAnswer =
  | {
      readonly ok: true;
      readonly status: number;
      readonly body: Readonly<Record<string, unknown>>;
      /** False where there was no JSON object; `body` is empty then. */
      readonly isRead: boolean;
    }
  | { readonly ok: false; readonly status: number | null; readonly outcome: ApplyOutcome };

/** A target that is spoken to in JSON. */
export interface Rest {
  /** Sends one request, once. Never rejects. A success without a JSON object has an empty one. */
  send(request: RestRequest): Promise<RestAnswer>;
  /**
   * Reads: the same by GET, where a lost reply is a plain retry because nothing was changed, and where an
   * answer that cannot be read is refused: what is not known must not pass for what stands.
   */
  read(path: string): Promise<RestAnswer>;
}

/** Makes it. No network. */
export function createRest(options: RestOptions): Rest {
  const send = (request: RestRequest) => exchange(options, request);
  return {
    send,
    async read(path) {
      const answer = await send({ method: 'GET', path });
      if (answer.ok && !answer.isRead) return unreadable(answer.status);
      if (answer.ok || answer.outcome.type !== 'unknown') return answer;
      const detail = `could not be asked: ${answer.outcome.detail}`;
      return { ...answer, outcome: { type: 'retry', detail, afterMs: answer.outcome.afterMs } };
    },
  };
}

const TIMEOUT_MS_MAX = 6_000;

function unreadable(status: number): RestAnswer {
  const detail = `HTTP ${status} without a JSON object that can be read; answers are cut at 64 KiB`;
  return { ok: false, status, outcome: refused(detail) };
}

async function exchange(
  { http, clock, base, headers, timeoutMs, credential, statuses }: RestOptions,
  request: RestRequest,
): Promise<RestAnswer> {
  const { method, path, body } = request;
  try {
    const reply = await http({
      ...{ method, url: `${base}${path}`, timeoutMs: Math.min(timeoutMs, TIMEOUT_MS_MAX) },
      headers: {
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
        ...request.headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const { status } = reply;
    if (status >= 200 && status < 300) {
      const body = objectOf(reply.body);
      return { ok: true, status, body: body ?? {}, isRead: body !== null };
    }
    const common = outcomeOfRefusal(reply, credential, clock.nowMs());
    const own = statuses?.[status];
    const outcome = own?.('afterMs' in common ? common.afterMs : 0) ?? common;
    return { ok: false, status, outcome };
  } catch (cause) {
    return { ok: false, status: null, outcome: outcomeOfFailure(cause) };
  }
}

/** What a snapshot says of a read that failed: it is tried again, or it is refused. */
export function snapshotOf(outcome: ApplyOutcome): Snapshot {
  if (outcome.type === 'retry' || outcome.type === 'refused') return outcome;
  return { type: 'refused', detail: `what stood before cannot be read: ${outcome.detail}` };
}

/** A part of a prior that is an object, or null: a prior comes from the record, written by us. */
export function memberOf(
  prior: Prior | null,
  key: string,
): Readonly<Record<string, unknown>> | null {
  const value = prior?.[key];
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject ? (value as Readonly<Record<string, unknown>>) : null;
}

/** Nothing was sent, because nobody can be addressed by it or it is not this driver's to do. */
export function refused(detail: string): Extract<ApplyOutcome, { readonly type: 'refused' }> {
  return { type: 'refused', detail };
}

/** The undo that leaves what it finds, and says so (driver contract, `apply`). */
export function notOurs(what: string): ApplyOutcome {
  return { type: 'already', detail: `${what} is no longer ours: left as somebody else set it` };
}
