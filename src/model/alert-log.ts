/** The alert log: what the notifier reads and writes of what is to be told. */
import type {
  Alert,
  AlertActivity,
  AlertCause,
  AlertFacts,
  AlertKind,
  AlertMatter,
  AlertStep,
  ToldCase,
} from './alert.ts';
import type { Level } from './detection.ts';

/** What came of one sending. */
export type SendOutcome =
  /** The sink has it. `thread` is what later alerts of the case are sent under. */
  | { readonly type: 'sent'; readonly detail: string; readonly thread?: string }
  /** The sink will never take this one. Final: a dead letter. */
  | { readonly type: 'refused'; readonly detail: string }
  /** It was certainly not taken; try again. */
  | { readonly type: 'retry'; readonly detail: string; readonly afterMs: number }
  /** The reply was lost: it may have been taken. Try again; its uid is the same. */
  | { readonly type: 'unknown'; readonly detail: string; readonly afterMs: number }
  /** Nobody is to be notified for now: somebody silenced it. Final; the case goes on. */
  | { readonly type: 'silenced'; readonly detail: string };

/** How announcements become alerts. */
export interface Routing {
  /** Names of the sinks that are told; those that do not take the kind are left out already. */
  readonly choose: (facts: AlertFacts) => readonly string[];
  /** What is announced of a case within this time is told together, ms. */
  readonly groupMs: number;
  /** A case that goes on is told again at the earliest after this time, ms of event time. */
  readonly repeatMs: number;
}

/** What one round of routing did. */
export interface Routed {
  /** Entries of the journal that were looked at. */
  readonly read: number;
  /** Alerts that were written. */
  readonly written: number;
  /** Announcements that joined an alert which waits. */
  readonly grouped: number;
  /** True where there is more to read at once. */
  readonly more: boolean;
}

/** An alert that is to be sent now. */
export interface DueAlert {
  readonly ord: number;
  readonly uid: string;
  readonly kind: AlertKind;
  readonly activity: AlertActivity;
  readonly caseId: string;
  readonly level: Level;
  readonly sequence: number;
  readonly why: readonly AlertCause[];
  /** What the announcements say beyond the case: who is asked for what, what stopped. */
  readonly says: readonly string[];
  /** How often it was sent before. */
  readonly attempts: number;
  /** As it was rendered for the first sending; null before that. */
  readonly alert: Alert | null;
  /** What to render it from; null where it was rendered, or where the case is not in the record. */
  readonly matter: AlertMatter | null;
  /** Of an action. */
  readonly step: AlertStep | null;
  readonly told: ToldCase | null;
}

/** Durable queue of alerts, one for each sink. Implementation: record/alerts. */
export interface AlertLog {
  /**
   * Turns what was journalled since the last round into alerts, in one transaction with how far it
   * read: each announcement reaches each sink it is routed to exactly once, whatever crashes.
   */
  route(routing: Routing, nowMs: number): Promise<Routed>;
  /**
   * Closes what sinks believe open and is not: cases that a fleet case tells or that were judged to
   * be nothing; gives up what waits for a sink that is no longer configured for 24 h, and forgets what
   * such a sink knew of a case whose end it did not hear. Returns how many were written or given up.
   */
  tidy(sinks: readonly string[], nowMs: number): Promise<number>;
  /**
   * Marks up to `limit` due alerts of a sink as being sent until `nowMs + holdMs`, oldest first, never
   * two of one case: what a sink hears of a case comes in order. One whose hold ran out is due again.
   */
  takeDue(sink: string, nowMs: number, limit: number, holdMs: number): Promise<readonly DueAlert[]>;
  /** Keeps what was rendered, and returns it: every try under one uid carries the same bytes. */
  freeze(ord: number, alert: Alert): Promise<Alert>;
  /** What waits to be grouped waits no longer. */
  hasten(nowMs: number): Promise<void>;
  /** Gives back what was taken and not sent. */
  release(ords: readonly number[]): Promise<void>;
  /** Records what came of it; gives up 24 h after the first sending. In one transaction. */
  settle(ord: number, outcome: SendOutcome, nowMs: number): Promise<void>;
  /** Open cases that a sink was last told of before `beforeMs`, the longest ago first. */
  standing(sink: string, beforeMs: number, limit: number): Promise<readonly ToldCase[]>;
  /** Notes that a sink was told again of cases that stand. */
  refreshed(sink: string, caseIds: readonly string[], nowMs: number): Promise<void>;
}
