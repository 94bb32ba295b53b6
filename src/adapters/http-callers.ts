/** Callers of the listener: whose a token is, what it is good for, how often it may ask. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Scope } from '../model/route.ts';

/** Somebody who may ask. */
export interface Consumer {
  readonly name: string;
  /** SHA-256 of the token, hex. The token itself is nowhere. */
  readonly sha256: string;
  readonly scopes: readonly Scope[];
  /** Where they are other than everybody's. */
  readonly limits?: Pick<CallerLimits, 'perMinute' | 'openMax'>;
}

/** How often may be asked. */
export interface CallerLimits {
  /** Requests a minute of one consumer. */
  readonly perMinute: number;
  /** Requests of one consumer that are open at once; long polls are. */
  readonly openMax: number;
  /** Wrong tokens a minute of one address; after that it is told to wait instead. */
  readonly strangersPerMinute: number;
}

/** Why a request may not pass; `waitSeconds` says when it may be tried again. */
export type Rejection =
  | { readonly type: 'unknown'; readonly first: boolean }
  | { readonly type: 'forbidden'; readonly name: string }
  | { readonly type: 'limited'; readonly waitSeconds: number };

/** What the gate says of a request. */
export type Admission =
  | { readonly type: 'caller'; readonly name: string }
  | { readonly type: 'nobody' }
  | Rejection;

/** Knows the callers. */
export interface Gate {
  /** Whether a request may pass. Who passes counts as open until `leave`. */
  admit(
    authorization: string | undefined,
    scope: Scope | null,
    address: string,
    nowMs: number,
  ): Admission;
  /** A request that passed is over. */
  leave(name: string): void;
}

interface Bucket {
  left: number;
  atMs: number;
}

const MINUTE_MS = 60_000;
/** Addresses remembered for their wrong tokens; beyond that the longest quiet one is forgotten. */
const STRANGERS_MAX = 4096;
const TOKEN_MAX = 512;

/** Makes the gate. Default is deny: a consumer without a scope is refused wherever one is asked for. */
export function createGate(consumers: readonly Consumer[], limits: CallerLimits): Gate {
  const known = consumers.map((one) => ({ ...one, digest: Buffer.from(one.sha256, 'hex') }));
  const callers = new Map<string, Bucket>();
  const open = new Map<string, number>();
  const strangers = new Map<string, Bucket>();
  return {
    admit(authorization, scope, address, nowMs) {
      if (scope === null) return { type: 'nobody' };
      const caller = callerOf(known, authorization);
      if (caller === null) return stranger(strangers, limits.strangersPerMinute, address, nowMs);
      const { name, scopes } = caller;
      if (!scopes.includes(scope)) return { type: 'forbidden', name };
      const own = caller.limits ?? limits;
      const waitMs = take(callers, name, own.perMinute, nowMs);
      if (waitMs > 0) return { type: 'limited', waitSeconds: Math.ceil(waitMs / 1000) };
      const count = open.get(name) ?? 0;
      if (count >= own.openMax) return { type: 'limited', waitSeconds: 1 };
      open.set(name, count + 1);
      return { type: 'caller', name };
    },
    leave(name) {
      open.set(name, Math.max(0, (open.get(name) ?? 0) - 1));
    },
  };
}

/**
 * Compares with every consumer, whoever fits: the time says nothing of which one did, and digests of
 * equal length are compared in constant time.
 */
function callerOf(
  known: readonly (Consumer & { readonly digest: Buffer })[],
  authorization: string | undefined,
): Consumer | null {
  const token = /^Bearer ([\x21-\x7e]+)$/i.exec(authorization ?? '')?.[1];
  if (token === undefined || token.length > TOKEN_MAX) return null;
  const digest = createHash('sha256').update(token, 'utf8').digest();
  let found: Consumer | null = null;
  for (const one of known) if (timingSafeEqual(one.digest, digest)) found = one;
  return found;
}

/** A wrong token costs its address; a right one from there is not held back by it. */
function stranger(
  strangers: Map<string, Bucket>,
  perMinute: number,
  address: string,
  nowMs: number,
): Admission {
  const first = !strangers.has(address);
  const waitMs = take(strangers, address, perMinute, nowMs);
  if (strangers.size > STRANGERS_MAX) {
    const [oldest] = strangers.keys();
    if (oldest !== undefined) strangers.delete(oldest);
  }
  if (waitMs > 0) return { type: 'limited', waitSeconds: Math.ceil(waitMs / 1000) };
  return { type: 'unknown', first };
}

/** Takes one from a bucket that fills up once a minute; 0, or how long until there is one, ms. */
function take(
  buckets: Map<string, Bucket>,
  name: string,
  perMinute: number,
  nowMs: number,
): number {
  const bucket = buckets.get(name) ?? { left: perMinute, atMs: nowMs };
  const filled = (Math.max(0, nowMs - bucket.atMs) * perMinute) / MINUTE_MS;
  bucket.left = Math.min(perMinute, bucket.left + filled);
  bucket.atMs = nowMs;
  // Put in again, so that the map stays in the order in which they were last seen.
  buckets.delete(name);
  buckets.set(name, bucket);
  if (bucket.left < 1) return Math.max(1, ((1 - bucket.left) * MINUTE_MS) / perMinute);
  bucket.left -= 1;
  return 0;
}
