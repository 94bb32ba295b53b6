/** Alerts: what is told of a case, to whom, and the one form in which every sink gets it. */
import type {
  Case,
  Decision,
  LeaseState,
  Subject,
  Verb,
  Verdict,
  Verification,
} from './decision.ts';
import type { Detection, Level } from './detection.ts';

/** A finding tells a case; an action tells one step of containment. */
export const ALERT_KINDS = ['finding', 'action'] as const;
/** One of ALERT_KINDS. */
export type AlertKind = (typeof ALERT_KINDS)[number];

/** The first that a sink hears of a case, something new about it, and its end. */
export const ALERT_ACTIVITIES = ['create', 'update', 'close'] as const;
/** One of ALERT_ACTIVITIES. */
export type AlertActivity = (typeof ALERT_ACTIVITIES)[number];

/** Why a sink is told, besides what cases announce: told elsewhere, judged to be nothing, a test. */
export type AlertCause = string;

/** What routes look at. */
export interface AlertFacts {
  readonly kind: AlertKind;
  readonly level: Level;
  readonly role: string | null;
  /** File stems of the case's detectors. */
  readonly detectors: readonly string[];
}

/** A lease as an alert tells it. */
export interface AlertLease {
  readonly id: string;
  readonly driver: string;
  readonly verb: Verb;
  readonly subject: Subject;
  readonly state: LeaseState;
  readonly verification: Verification;
  readonly leakedCalls: number;
  readonly issuedMs: number;
  readonly acceptedMs: number | null;
  readonly expiresMs: number | null;
  readonly endedMs: number | null;
}

/** One step of containment, as it was recorded. */
export interface AlertStep {
  readonly leaseId: string;
  /** What came of what: `request accepted`, `release refused`, `verification leaking`. */
  readonly step: 'request' | 'renew' | 'release' | 'verification' | 'lapsed';
  readonly outcome: string;
  readonly state: string;
  readonly verification: string;
  readonly leakedCalls: number;
  /** On the executor's clock, ms. */
  readonly atMs: number;
}

/** Everything an alert is rendered from. */
export interface AlertMatter {
  readonly case: Case;
  /** At least one of its detections stands. */
  readonly open: boolean;
  /** By time decided. */
  readonly detections: readonly { readonly detection: Detection; readonly retracted: boolean }[];
  readonly decisions: readonly Decision[];
  readonly leases: readonly AlertLease[];
  readonly verdicts: readonly Verdict[];
}

/** What is told, in the form that every sink renders. Strings in it are safe for a terminal. */
export interface Alert {
  /** sha256(case, activity, sequence): the same alert sent again bears the same. */
  readonly uid: string;
  readonly kind: AlertKind;
  readonly activity: AlertActivity;
  readonly caseId: string;
  /** 1, 2, 3, … for what one sink hears of one case. */
  readonly sequence: number;
  readonly why: readonly AlertCause[];
  readonly level: Level;
  readonly tenant: string;
  /** `*` for a fleet case. */
  readonly agent: string;
  readonly role: string | null;
  readonly session: string | null;
  /** File stem of the detector that opened the case. */
  readonly detector: string;
  readonly title: string;
  /** One line. */
  readonly summary: string;
  /** Some sentences: what was seen, what was done. */
  readonly description: string;
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
  /** Where people read the case; null where no address is configured. */
  readonly link: string | null;
  /** The OCSF event: class 2004, or 7001 for an action. */
  readonly event: Readonly<Record<string, unknown>>;
}

/** What a sink was last told of a case. */
export interface ToldCase {
  readonly alert: Alert;
  /** What the sink gave to answer under, for example the time stamp of a message. */
  readonly thread: string | null;
  /** True after a close: the next alert opens it again. */
  readonly closed: boolean;
}
