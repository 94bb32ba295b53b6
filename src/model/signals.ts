/** Shared signals: streams of receivers, the events queued for them, and the ports of both. */
import { canonicalJson } from './canonical-json.ts';
import type { Verb } from './decision.ts';
import { idOf } from './ids.ts';

/** Base of the CAEP event types. */
const CAEP = 'https://schemas.openid.net/secevent/caep/event-type/';
/** Base of the event types of the framework itself. */
const SSF = 'https://schemas.openid.net/secevent/ssf/event-type/';

/** Event types that a stream may ask for. */
export const CAEP_EVENTS = {
  sessionRevoked: `${CAEP}session-revoked`,
  riskLevelChange: `${CAEP}risk-level-change`,
  tokenClaimsChange: `${CAEP}token-claims-change`,
} as const;
/** Event types about a stream: every stream gets them. */
export const STREAM_EVENTS = {
  verification: `${SSF}verification`,
  streamUpdated: `${SSF}stream-updated`,
} as const;

/** Delivery by HTTP push (RFC 8935). */
export const PUSH = 'urn:ietf:rfc:8935';
/** Delivery by HTTP poll (RFC 8936). */
export const POLL = 'urn:ietf:rfc:8936';

/** Signals that one stream holds at most; what comes on top is dropped and counted. */
export const HELD_MAX = 10_000;
/** Subjects that one stream may have taken out. */
export const EXCLUDED_MAX = 1_000;

/** States of a stream. */
export const STREAM_STATUSES = ['enabled', 'paused', 'disabled'] as const;
/** Enabled: sent · paused: held in order · disabled: dropped. */
export type StreamStatus = (typeof STREAM_STATUSES)[number];

/** How a receiver names an agent: by issuer and name, by address, or with its session and tenant. */
export const SUBJECT_FORMATS = ['iss_sub', 'email', 'complex'] as const;
/** One of SUBJECT_FORMATS. */
export type SubjectFormat = (typeof SUBJECT_FORMATS)[number];

/** What configuration says of one receiver: nobody else gets a stream. */
export interface ReceiverRule {
  /** Who it is when it calls us. */
  readonly name: string;
  /** `aud` of its tokens. */
  readonly audience: string;
  readonly subject: SubjectFormat;
  /** It may be told of one session as if it were all of its agent. */
  readonly wholeAgent: boolean;
  /** Tenants it may hear of; null: all. */
  readonly tenants: readonly string[] | null;
  /** Where its signals may be pushed to: same origin, path below; null: it can only poll. */
  readonly pushUrl: string | null;
  /** Events of a stream that stands without having been asked for; null: it makes its own. */
  readonly standing: readonly string[] | null;
}

/** How the signals of a stream reach its receiver. */
export type Delivery =
  | { readonly method: typeof POLL }
  | {
      readonly method: typeof PUSH;
      readonly url: string;
      /** Value of the Authorization header, sealed by SignalKeys; null: none is sent. */
      readonly sealedAuthorization: string | null;
    };

/** One receiver's stream. */
export interface SignalStream {
  readonly id: string;
  /** Who owns it: the caller that made it, or the name it has in configuration. */
  readonly receiver: string;
  readonly audience: string;
  readonly delivery: Delivery;
  readonly eventsRequested: readonly string[];
  readonly description: string | null;
  readonly status: StreamStatus;
  readonly reason: string | null;
  /** Keys of subjects that the receiver took out; see `subjectKey`. */
  readonly excluded: readonly string[];
  /** When its receiver last fetched or accepted something, ms; null: never. */
  readonly heardMs: number | null;
  /** When a verification was last asked for, ms. */
  readonly verifiedMs: number | null;
  /** The last refusal of its receiver, by its code; null: none. */
  readonly lastError: string | null;
  /** Signals that were lost: held too long, too many, or the stream was disabled. */
  readonly dropped: number;
}

/** What may be changed of a stream. */
export type StreamChange = Partial<
  Pick<
    SignalStream,
    | 'delivery'
    | 'eventsRequested'
    | 'description'
    | 'status'
    | 'reason'
    | 'excluded'
    | 'heardMs'
    | 'verifiedMs'
    | 'audience'
  >
>;

/** Claims of a security event token: without `sub` and `exp`, and with one event. */
export interface SignalClaims {
  readonly iss: string;
  readonly aud: string;
  /** Seconds since 1970. */
  readonly iat: number;
  readonly jti: string;
  /** Case; null where it is about the stream itself. */
  readonly txn?: string;
  readonly sub_id: Readonly<Record<string, unknown>>;
  readonly events: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** An event on its way to one stream. */
export interface Signal {
  /** Stands in the token; the same intention and stream always get the same. */
  readonly jti: string;
  readonly streamId: string;
  /** Idempotency key of the intention it comes from; null: it is about the stream. */
  readonly key: string | null;
  readonly leaseId: string | null;
  /** Signals with the same key reach a stream in the order in which they were queued. */
  readonly subjectKey: string;
  readonly claims: SignalClaims;
  /** It is not sent after this, ms; null: it never gets stale. */
  readonly expiresMs: number | null;
}

/** What became of a signal. `waiting`: not yet, or not yet acknowledged. */
export const SIGNAL_STATES = ['waiting', 'delivered', 'refused', 'dropped'] as const;
/** One of SIGNAL_STATES. */
export type SignalState = (typeof SIGNAL_STATES)[number];

/** A signal with what is known of its delivery. */
export interface TrackedSignal extends Signal {
  readonly state: SignalState;
  /** How often it was sent or handed out. */
  readonly attempts: number;
  /** The receiver's or our own word on it; never payload text. */
  readonly detail: string | null;
}

/** What a lease asks of its subject: kept so that its end takes back no other lease's wish. */
export interface Wish {
  readonly leaseId: string;
  readonly verb: Verb;
  /** Of its tenant and agent: leases of one agent take turns. */
  readonly subjectKey: string;
  /** Null: every session of the agent. */
  readonly session: string | null;
  readonly tools: readonly string[];
  readonly expiresMs: number | null;
}

/** A step of a lease as the store is told of it. */
export interface WishStep extends Wish {
  readonly step: 'request' | 'renew' | 'release';
  readonly key: string;
}

/** What the store made of a step. */
export type Wished =
  /** Done in this call or an earlier one: all signals of the step's key, as they stand. */
  | { readonly type: 'queued'; readonly isNew: boolean; readonly signals: readonly TrackedSignal[] }
  /** The lease is over: a late request or renewal revives nothing. */
  | { readonly type: 'over' }
  /** A release or renewal of what was never requested. */
  | { readonly type: 'nothing' };

/** What other leases still wish for the subject, and which streams heard of this one. */
export interface WishContext {
  readonly others: readonly Wish[];
  readonly streams: readonly SignalStream[];
  /** Streams whose receiver was, or may have been, told of the lease. */
  readonly told: ReadonlySet<string>;
}

/** Streams and their signals, durable. Implementation: record/ssf. */
export interface SignalStore {
  /** At most 1,000, oldest first. */
  streams(): Promise<readonly SignalStream[]>;
  /** False where the receiver has one, and where there are 1,000. */
  addStream(stream: SignalStream): Promise<boolean>;
  /** The stream after the change; null where there is none. A change to disabled drops what waits. */
  changeStream(id: string, change: StreamChange): Promise<SignalStream | null>;
  /** Removes a stream with everything it holds. */
  removeStream(id: string): Promise<void>;
  /**
   * Notes what a lease wishes now and queues the signals `compose` makes of it, in one transaction;
   * steps of one subject take turns, and a key that was seen is not composed again. `compose` must
   * be pure.
   */
  wish(
    step: WishStep,
    compose: (context: WishContext) => readonly Signal[],
    nowMs: number,
  ): Promise<Wished>;
  /** Queues signals about streams themselves; a jti that stands is left alone. */
  enqueue(signals: readonly Signal[], nowMs: number): Promise<void>;
  /**
   * Hands out signals that are due, oldest first and never two of one subject, and holds each for
   * `holdMs`: nobody else gets it until then. Of a stream that is not enabled only its own
   * `stream-updated`. With `subjectKey` only that subject's, due or not.
   */
  take(
    streamId: string,
    nowMs: number,
    limit: number,
    holdMs: number,
    subjectKey?: string,
  ): Promise<readonly TrackedSignal[]>;
  /** True where a signal could be taken now. */
  hasDue(streamId: string, nowMs: number): Promise<boolean>;
  /** Records what became of a waiting signal of this stream; false where there is no such signal. */
  settle(
    streamId: string,
    jti: string,
    outcome: {
      readonly state: SignalState;
      readonly detail: string | null;
      readonly dueMs?: number;
    },
    nowMs: number,
  ): Promise<boolean>;
  /** Signals of an intention, as they stand. */
  ofKey(key: string): Promise<readonly TrackedSignal[]>;
  /** Drops what is stale and forgets what was settled before `beforeMs`. Returns how many went stale. */
  tidy(nowMs: number, beforeMs: number): Promise<number>;
}

/** A public key as a JWK set shows it. */
export type PublicKey = Readonly<Record<string, unknown>>;

/** Signing keys of the transmitter. Implementation: adapters/jose. */
export interface SignalKeys {
  /** A compact JWS, RS256, `typ` secevent+jwt, by the current key. */
  sign(claims: SignalClaims): Promise<string>;
  /** Current key first, then the next, then the one before while its signatures may be on their way. */
  publicKeys(): Promise<readonly PublicKey[]>;
  /** Text that only the holder of the keys can read: how secrets of receivers are stored. */
  seal(text: string): Promise<string>;
  /** The text again; null where its key is gone or it was changed. */
  open(sealed: string): Promise<string | null>;
}

/** Key of a subject as a receiver names it (RFC 9493): equal subjects have equal keys. */
export function subjectKey(subject: unknown): string {
  return idOf('sub_id', canonicalJson(subject));
}

/** An error code of a receiver as it may be shown: its words are its own and stay out of our record. */
export function errorCode(err: unknown): string {
  const isCode = typeof err === 'string' && /^[A-Za-z0-9_.-]{1,64}$/.test(err);
  return isCode ? `the receiver says ${err}` : 'the receiver says no without a code';
}

/** True where `url` has the origin of `allowed` and lies at or below its path. */
export function isWithin(url: string, allowed: string | null): boolean {
  const [asked, given] = [URL.parse(url), allowed === null ? null : URL.parse(allowed)];
  if (asked === null || given === null || asked.origin !== given.origin) return false;
  if (asked.username !== '' || asked.password !== '') return false;
  const below = given.pathname.endsWith('/') ? given.pathname : `${given.pathname}/`;
  return asked.pathname === given.pathname || asked.pathname.startsWith(below);
}

/** A signal about a stream itself: verification, or what became of it. */
export function streamNotice(
  issuer: string,
  stream: Pick<SignalStream, 'id' | 'audience'>,
  event: { readonly type: string; readonly payload: Readonly<Record<string, unknown>> },
  nowMs: number,
): Signal {
  const jti = idOf(event.type, stream.id, nowMs);
  return {
    ...{ jti, streamId: stream.id, key: null, leaseId: null, expiresMs: null },
    // By type: a verification that is held must not keep back what says why it is held.
    subjectKey: idOf('stream', stream.id, event.type),
    claims: {
      iss: issuer,
      aud: stream.audience,
      iat: Math.floor(nowMs / 1_000),
      jti,
      sub_id: { format: 'opaque', id: stream.id },
      events: { [event.type]: event.payload },
    },
  };
}
