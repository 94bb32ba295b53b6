/** Posture: what polled enforcement points are told, and what is known of who asks. */
import type { Intention, LeaseState, Subject, Verb } from './decision.ts';

/** Freedom of an agent, most first; entries combine by the later of two. */
export const POSTURE_LEVELS = ['normal', 'guarded', 'conservative', 'halt'] as const;
/** One of POSTURE_LEVELS. */
export type PostureLevel = (typeof POSTURE_LEVELS)[number];

/** Verbs that a document can express: each ends by itself. */
export const POSTURE_VERBS = ['posture', 'freeze_tool', 'suspend_agent'] as const satisfies Verb[];
/** One of POSTURE_VERBS. */
export type PostureVerb = (typeof POSTURE_VERBS)[number];

/** A lease that stands, as far as the document needs it. */
export interface StandingPosture {
  readonly leaseId: string;
  readonly caseId: string;
  readonly verb: PostureVerb;
  readonly subject: Subject;
  /** One sentence of ours. */
  readonly reason: string;
  readonly expiresMs: number;
}

/** The kill switch as it stands: where the observer itself places nothing new. */
export interface PauseFlag {
  readonly scope: 'fleet' | 'role' | 'agent' | 'driver';
  /** Empty for the fleet. */
  readonly target: string;
}

/** All that documents are made of, as of one moment. */
export interface PostureState {
  /** In the order of their ids. */
  readonly leases: readonly StandingPosture[];
  readonly pauses: readonly PauseFlag[];
}

/** Somebody who polls. */
export interface Poller {
  readonly consumer: string;
  readonly tenant: string;
  /** The agent it asks about; empty: all of its tenant. */
  readonly about: string;
  /** When it was last answered, or may still be waiting for an answer, ms. */
  readonly lastMs: number;
  /** Longest time between an answer and its next question, ms; longer absences do not count. */
  readonly gapMs: number;
  /** Revision it was last given. */
  readonly revision: string;
  /** Asked for so long no more that nobody can count on it. */
  readonly isSilent: boolean;
}

/** What the posture driver asks of the record. Rejects with OperatingError where it cannot answer. */
export interface PostureBook {
  /** How a lease stands in the record; null: nobody has heard of it. */
  lease(leaseId: string): Promise<{ readonly state: LeaseState } | null>;
  /** Everybody who polls for a lease's subject, and whether each was given what it asks for. */
  pollers(
    subject: Subject,
    leaseId: string,
  ): Promise<readonly (Poller & { readonly holds: boolean })[]>;
}

/** What became of an intention that an executor fetches. */
export type OfferState =
  | { readonly type: 'open' }
  | { readonly type: 'acked' }
  | { readonly type: 'failed'; readonly detail: string }
  /** What came later about the same lease made it pointless. */
  | { readonly type: 'superseded' };

/** What waits for executors that ask for their work. Rejects with OperatingError where it is away. */
export interface PullOffers {
  /**
   * Puts an intention up as `item`, what its executor is shown; once for each key. A release takes the
   * place of what is still open of its lease.
   */
  offer(intention: Intention, item: Readonly<Record<string, unknown>>): Promise<void>;
  /** What became of it: as soon as it is not open any more, or after `withinMs`. */
  outcome(key: string, withinMs: number): Promise<OfferState>;
}

/** What stands in the record for targets that poll. */
export interface Polled {
  readonly posture: PostureBook;
  /** Of one driver, by its name. */
  readonly offersOf: (driver: string) => PullOffers;
}

/** A gap between two questions that is longer than this is an absence, not an interval, ms. */
export const POLL_GAP_MS_MAX = 120_000;

/** How long after its last answer somebody who polls is taken for silent, ms. */
export function silentAfterMs(gapMs: number): number {
  return Math.max(15_000, 3 * gapMs);
}
