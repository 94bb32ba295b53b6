/** Refusals of the listener as data: what is said, in which headers, and as what it counts. */
import { OperatingError } from '../model/errors.ts';
import type { Scope } from '../model/route.ts';
import type { BodyRefused } from './http-bodies.ts';
import type { Rejection } from './http-callers.ts';
import type { HttpCount } from './http-counts.ts';

/** Why a request is not served. `detail` tells what is wrong or what to do, and nothing of a cause. */
export interface Refusal {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly counts: HttpCount;
}

/** Most bytes of a body that is taken as text. */
export const TEXT_BYTES_MAX = 1024 * 1024;

const TITLES = {
  400: 'Bad request',
  413: 'Content too large',
  415: 'Unsupported media type',
  429: 'Too many requests',
} as const;

/** A path that cannot be decoded. */
export const BROKEN_PATH = badRequest('the path cannot be read');

/** A query that gives a parameter twice. */
export const TWICE = badRequest('a query parameter is given twice');

/** A path that is in no table. */
export const NO_ROUTE: Refusal = {
  status: 404,
  title: 'Not found',
  detail: 'no such route; docs/posture.md lists them',
  counts: 'not-found',
};

/** A connection past the proxies that `key` of the configuration lists. */
export function pastProxies(key: string): Refusal {
  const detail = `only the proxies of ${key} may connect`;
  return { status: 403, title: 'Forbidden', detail, counts: 'forbidden' };
}

/** A method that the path has no route for; `methods` are those that it has. */
export function otherMethod(methods: readonly string[]): Refusal {
  const allow = methods.join(', ');
  return {
    status: 405,
    title: 'Method not allowed',
    detail: `this route answers ${allow}`,
    headers: { allow },
    counts: 'refused',
  };
}

/** Somebody who may not pass, as the gate said, on a route that asks for `scope`. */
export function notAdmitted(said: Rejection, scope: Scope | null): Refusal {
  switch (said.type) {
    case 'unknown':
      return {
        status: 401,
        title: 'Unauthorized',
        detail: 'send Authorization: Bearer with a token of yours',
        headers: { 'www-authenticate': 'Bearer realm="plumbline"' },
        counts: 'unauthenticated',
      };
    case 'forbidden':
      return {
        status: 403,
        title: 'Forbidden',
        detail: `the token lacks the scope ${scope ?? ''}`,
        counts: 'forbidden',
      };
    case 'limited':
      return {
        status: 429,
        title: TITLES[429],
        detail: 'ask less often; long polls are there for that',
        headers: { 'retry-after': String(said.waitSeconds) },
        counts: 'limited',
      };
  }
}

/** A body that is not taken. */
export function notTaken({ status, message }: BodyRefused): Refusal {
  return {
    status,
    title: TITLES[status],
    detail: message,
    headers: {
      ...(status === 429 ? { 'retry-after': '1' } : {}),
      ...(status === 415 ? { 'accept-encoding': 'gzip' } : {}),
      // What is left of it is not read: the connection ends with the answer.
      connection: 'close',
    },
    counts: status === 429 ? 'limited' : 'refused',
  };
}

/** What a handler, or the server, could not do: 503 where trying again may help, else 500. */
export function faultOf(error: unknown): Refusal {
  const status = statusOf(error);
  if (status === 413) {
    const detail = `a body has ${TEXT_BYTES_MAX} bytes at most`;
    return { status, title: TITLES[413], detail, counts: 'refused' };
  }
  if (status >= 400 && status < 500) return badRequest('the request cannot be read');
  if (error instanceof OperatingError && error.retryable) {
    return {
      status: 503,
      title: 'Service unavailable',
      detail: 'try again in a moment',
      headers: { 'retry-after': '1' },
      counts: 'failed',
    };
  }
  const detail = 'the log of the observer has the reason';
  return { status: 500, title: 'Internal error', detail, counts: 'failed' };
}

function badRequest(detail: string): Refusal {
  return { status: 400, title: TITLES[400], detail, counts: 'refused' };
}

/** Status that an error names; 500 where it names none. */
function statusOf(error: unknown): number {
  if (typeof error !== 'object' || error === null || !('statusCode' in error)) return 500;
  return Number(error.statusCode);
}
