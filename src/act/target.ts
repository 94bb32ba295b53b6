/** Target: what every driver that speaks HTTP knows of addresses, replies and failures. */
import { BlockList, isIP } from 'node:net';
import { Type } from 'typebox';
import type { ApplyOutcome } from '../model/action-log.ts';
import type { Intention, Subject } from '../model/decision.ts';
import { OperatingError } from '../model/errors.ts';
import type { HttpResponse } from '../model/ports.ts';
import { BACKOFF_CAP_MS } from './backoff.ts';

/** Option that drivers share: requests a minute. */
export const RatePerMin = Type.Integer({
  minimum: 1,
  maximum: 600,
  default: 10,
  description: 'Requests and renewals a minute at most; releases always go.',
});

/** Option that drivers share whose targets know an agent by its name alone. */
export const Tenants = Type.Array(Type.String({ minLength: 1, maxLength: 256 }), {
  minItems: 1,
  maxItems: 1000,
  description:
    'Tenants whose agents are listed here; nothing is asked for those of any other. Absent: whichever tenant has an agent of that name, so give it where several tenants are observed.',
});

/**
 * Why a request finds nobody at a target that serves these tenants; null where it may be sent. A release
 * always may: what was done before `tenants` said otherwise is still ours to undo.
 */
export function strangerTo(
  tenants: readonly string[] | undefined,
  { step, subject }: Pick<Intention, 'step' | 'subject'>,
): string | null {
  if (tenants === undefined || step === 'release' || tenants.includes(subject.tenant)) return null;
  return 'the tenant of the agent is not listed in tenants of this driver';
}

const neverCalled = new BlockList();
neverCalled.addSubnet('169.254.0.0', 16, 'ipv4');
neverCalled.addSubnet('fe80::', 10, 'ipv6');
neverCalled.addAddress('fd00:ec2::254', 'ipv6');
neverCalled.addAddress('100.100.100.200', 'ipv4');

/** An address, or what is wrong with it in one sentence that never contains a secret. */
export type ParsedTarget =
  | { readonly ok: true; readonly url: URL }
  | { readonly ok: false; readonly problem: string };

/**
 * The URL a target is configured with, or what is wrong with it. Cloud metadata and link-local
 * addresses are refused: a configuration that names them is a mistake or an attack.
 */
export function parseTarget(text: string, name = 'url'): ParsedTarget {
  const refuse = (problem: string) => ({ ok: false as const, problem: `${name} ${problem}` });
  const url = URL.parse(text);
  if (url === null) return refuse('is not a URL; write for example https://ops.internal/control');
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    return refuse(`has the scheme ${url.protocol} where http: or https: is needed`);
  }
  if (url.username !== '' || url.password !== '') {
    return refuse('contains credentials; they belong into a secret of their own, remove them');
  }
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const family = isIP(host);
  const blocked =
    host === 'metadata.google.internal' ||
    (family !== 0 && neverCalled.check(host, family === 6 ? 'ipv6' : 'ipv4'));
  if (blocked) return refuse(`points at ${host}, a link-local or metadata address`);
  return { ok: true, url };
}

/**
 * Outcome of a reply that is no success: the policy of outputs §2, the same for all drivers. 408, 425,
 * 429 and 5xx may be tried again, 401 and 403 never (ControlAuth), redirects are not followed.
 * `credential` says in words which secret to look at.
 */
export function outcomeOfRefusal(
  reply: HttpResponse,
  credential: string,
  nowMs: number,
): ApplyOutcome {
  const { status } = reply;
  if (status === 401 || status === 403) {
    const detail = `ControlAuth: HTTP ${status}, the target does not accept us; check ${credential}`;
    return { type: 'refused', detail };
  }
  if (status === 408 || status === 425 || status === 429 || status >= 500) {
    const afterMs = retryAfterMs(reply.headers['retry-after'], nowMs);
    return { type: 'retry', detail: `HTTP ${status}`, afterMs };
  }
  if (status >= 300 && status < 400) {
    const detail = `HTTP ${status}, redirects are not followed; configure the final URL`;
    return { type: 'refused', detail };
  }
  return { type: 'refused', detail: `HTTP ${status}` };
}

/** Certainly not done, or nobody knows: what becomes of a request without an answer. */
export type Unanswered = Extract<ApplyOutcome, { readonly type: 'retry' | 'unknown' }>;

/** Only a failure known to precede sending is a plain retry; anything else may have acted. */
export function outcomeOfFailure(cause: unknown): Unanswered {
  const failure = cause instanceof OperatingError ? cause.cause : null;
  if (typeof failure === 'object' && failure !== null && 'sent' in failure) {
    const code = 'code' in failure ? String(failure.code).slice(0, 64) : 'unnamed';
    if (failure.sent === false) return { type: 'retry', detail: `not sent: ${code}`, afterMs: 0 };
    return { type: 'unknown', detail: `reply lost: ${code}`, afterMs: 0 };
  }
  return { type: 'unknown', detail: 'reply lost: unnamed failure', afterMs: 0 };
}

/** Retry-After in ms, seconds or HTTP date; 0 where absent or unreadable, at most 30 s. */
export function retryAfterMs(value: string | undefined, nowMs: number): number {
  if (value === undefined) return 0;
  const text = value.trim();
  const ms = /^[0-9]+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs;
  return Number.isNaN(ms) ? 0 : Math.min(BACKOFF_CAP_MS, Math.max(0, ms));
}

/** A JSON object of a reply, or null where it is none; never throws. */
export function objectOf(body: string): Readonly<Record<string, unknown>> | null {
  try {
    const parsed: unknown = JSON.parse(body);
    const isObject = typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed);
    return isObject ? (parsed as Readonly<Record<string, unknown>>) : null;
  } catch (cause) {
    if (cause instanceof SyntaxError) return null;
    throw cause;
  }
}

/** Whom an intention touches, in a few words. */
export function reachOf(subject: Subject): string {
  const who = subject.session === null ? 'every session of one agent' : 'one session of one agent';
  const count = subject.tools.length;
  return count === 0 ? who : `${count} ${count === 1 ? 'tool' : 'tools'} of ${who}`;
}

const ADDRESSABLE = /^[A-Za-z0-9][A-Za-z0-9._:@-]{0,199}$/;

/**
 * An id as part of a URL path, or null where it may not stand in one: agents name themselves, and a
 * name with a slash, a dot-dot or a space must never choose which resource is touched.
 */
export function pathSegment(id: string): string | null {
  return ADDRESSABLE.test(id) && !id.includes('..') ? encodeURIComponent(id) : null;
}
