/** What a driver promises: the contract every control target is reached through. */
import type { TSchema } from 'typebox';
import type { ApplyOutcome, Prior } from '../model/action-log.ts';
import type { Intention, Verb } from '../model/decision.ts';
import type { Clock, Http } from '../model/ports.ts';
import type { Polled } from '../model/posture.ts';
import type { SignalKeys, SignalStore } from '../model/signals.ts';

/** What a driver can do, and how long its target may take to do it. */
export interface DriverCapabilities {
  /** Verbs its target understands. */
  readonly verbs: readonly Verb[];
  /** Those of `verbs` that cannot be undone; they need approval and have no lease. */
  readonly irreversible: readonly Verb[];
  /** What it can address. A subject of another kind is refused, never widened. */
  readonly subjects: readonly ('agent' | 'session' | 'tool')[];
  /** `subject` = nobody else is touched · `tool-users` = everybody who uses the tool. */
  readonly blast: 'subject' | 'tool-users';
  /** True where the target ends a lease at its time without hearing from us. */
  readonly selfExpiring: boolean;
  /** True where `readBack` exists and says something. */
  readonly readBack: boolean;
  /** How long after acceptance calls may still go through without being a leak, ms. */
  readonly graceMs: number;
  /**
   * How long after acceptance the target's own word is already true, ms; absent: as long as the grace. What
   * was accepted and ignored is found then, and not when a long grace is over.
   */
  readonly readBackAfterMs?: number;
  /** Requests a minute at most; releases do not count. */
  readonly ratePerMin: number;
}

/** The exact request an intention would become, with secrets masked. */
export interface DriverPlan {
  readonly method: string;
  /** Without query: some targets carry a token there. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** What undo will send; null where there is no undo. */
  readonly undo: string | null;
  /** Whom it touches, in a few words. */
  readonly reach: string;
}

/** What the target says of a lease when asked. A claim, not evidence: see verify.ts. */
export type ReadBack = 'applied' | 'absent' | 'unknown';

/** The state that undo writes back, or why it could not be read; then nothing is sent. */
export type Snapshot =
  | { readonly type: 'prior'; readonly prior: Prior }
  | Extract<ApplyOutcome, { readonly type: 'refused' | 'retry' }>;

/**
 * One way to act on the world. Requests, renewals and releases all go through `apply`; the step
 * says which. Applying one key twice has the effect of applying it once.
 */
export interface Driver {
  /** Constant for the life of the driver, but that `graceMs` may follow what is seen of its targets. */
  capabilities(): DriverCapabilities;
  /** Shows what `apply` would send. No side effect, no network. */
  plan(intention: Intention, prior: Prior | null): DriverPlan;
  /**
   * Reads what a release will have to write back. Where it exists the executor calls it once before
   * the first request of a lease and records the answer before anything is sent. At most 16 KiB of
   * JSON, without secrets: it stands in the record.
   */
  snapshot?(intention: Intention): Promise<Snapshot>;
  /**
   * Sends one request, once: the retry policy lives in the executor. Every failure of the world is
   * an outcome; `afterMs` is the pause the target asked for, 0 where it asked for none. A release
   * writes `prior` back, but only over what is still ours: where somebody else has changed the value
   * it leaves it and answers `already` with a detail that says so. A rejection is a fault of the
   * program and is treated as a lost reply.
   */
  apply(intention: Intention, prior: Prior | null): Promise<ApplyOutcome>;
  /** Asks the target whether the effect stands, where it can be asked. Never rejects. */
  readBack?(intention: Intention, prior: Prior | null): Promise<ReadBack>;
}

/** What a driver is made with. */
export interface DriverParts<Options> {
  readonly http: Http;
  readonly clock: Clock;
  /** As it is named in configuration and in `Intention.driver`. */
  readonly name: string;
  /** Name of this observer, for targets that note who asked. */
  readonly source: string;
  /** As configured; they satisfy the definition's schema. */
  readonly options: Options;
  /** Value of the secret reference at a dotted path of the options; never to be shown. */
  readonly secret: (key: string) => string;
  /** The record, for drivers whose targets ask instead of being asked; absent: there is none. */
  readonly polled?: Polled;
  /** Where streams are kept and tokens signed; only a transmitter of shared signals needs it. */
  readonly signals?: { readonly store: SignalStore; readonly keys: SignalKeys };
}

/** A driver, or what is wrong with its options; the sentence never contains a secret. */
export type DriverResult =
  | { readonly ok: true; readonly driver: Driver }
  | { readonly ok: false; readonly problem: string };

/** A kind of driver: everything configuration and reference need to know of it. */
export interface DriverDefinition<Options> {
  /** As `type` in configuration. */
  readonly type: string;
  /** One sentence: what it reaches, and what is special about it. */
  readonly claim: string;
  /** Verbs that drivers of this kind can carry out, whatever their options. */
  readonly verbs: readonly Verb[];
  /** Verbs that this kind cannot undo although others can; they need approval with it. */
  readonly irreversible?: readonly Verb[];
  /** Options, `type` among them; strict. Secrets are references by the `Secret` schema. */
  readonly options: TSchema;
  /** Makes the driver, or says which option is wrong and what to write instead. No network. */
  make(parts: DriverParts<Options>): DriverResult;
}
