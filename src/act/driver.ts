/** What a driver promises: the contract every control target is reached through. */
import type { ApplyOutcome } from '../model/action-log.ts';
import type { Intention, Verb } from '../model/decision.ts';

/** What a driver can do, and how long its target may take to do it. */
export interface DriverCapabilities {
  /** As it is named in configuration and in `Intention.driver`. */
  readonly name: string;
  /** Verbs its target understands. */
  readonly verbs: readonly Verb[];
  /** Those of `verbs` that cannot be undone; they need approval and have no lease. */
  readonly irreversible: readonly Verb[];
  /** What it can address. */
  readonly subjects: readonly ('agent' | 'session' | 'tool')[];
  /** True where the target ends a lease at its time without hearing from us. */
  readonly selfExpiring: boolean;
  /** True where `readBack` exists and says something. */
  readonly readBack: boolean;
  /** How long after acceptance calls may still go through without being a leak, ms. */
  readonly graceMs: number;
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

/**
 * One way to act on the world. Requests, renewals and releases all go through `apply`; the step
 * says which. Applying one key twice has the effect of applying it once.
 */
export interface Driver {
  /** Constant for the life of the driver. */
  capabilities(): DriverCapabilities;
  /** Shows what `apply` would send. No side effect, no network. */
  plan(intention: Intention): DriverPlan;
  /**
   * Sends one request, once: the retry policy lives in the executor. Every failure of the world is
   * an outcome; `afterMs` is the pause the target asked for, 0 where it asked for none. A rejection
   * is a fault of the program and is treated as a lost reply.
   */
  apply(intention: Intention): Promise<ApplyOutcome>;
  /** Asks the target whether the effect stands, where it can be asked. */
  readBack?(intention: Intention): Promise<ReadBack>;
}
