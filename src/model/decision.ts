/** Cases, decisions and leases: what people see, what the ladder chose, what stands. */
import type { Entity, EvidenceClass, Level, Maturity } from './detection.ts';

/** Open · resolved: quiet for an hour · folded: a fleet case tells it together with others. */
export const CASE_STATES = ['open', 'resolved', 'folded'] as const;
/** One of CASE_STATES. */
export type CaseState = (typeof CASE_STATES)[number];

/** Firings of one detector about one agent within a case: counted, never dropped. */
export interface Fold {
  readonly detector: string;
  readonly agent: string;
  readonly level: Level;
  readonly maturity: Maturity;
  readonly count: number;
  /** Event times of the first and last evidence, ms. */
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
  /** Event ids of witnesses, the first 100 (400 of a whole case), and how many there were in all. */
  readonly evidence: readonly string[];
  readonly evidenceTotal: number;
}

/** Correlated detections of one entity; what people see. Upserted as it grows. */
export interface Case {
  /** Hash of tenant, agent and session, or of what the fleet shares: stable in every order. */
  readonly id: string;
  /** Of a fleet case: tenant and role; its agent is `*`. */
  readonly entity: Entity;
  readonly level: Level;
  readonly title: string;
  readonly openedMs: number;
  readonly lastMs: number;
  /** Ids of its detections, in the order decided; at most 256 are listed. */
  readonly detections: readonly string[];
  /** How many there are in all. */
  readonly count: number;
  readonly state: CaseState;
  /** Highest of its detections. */
  readonly maturity: Maturity;
  /** By detector and agent, at most 64; what finds no room is counted in the last. */
  readonly folds: readonly Fold[];
  /** How often it came back after it was quiet. */
  readonly reopened: number;
  /** The fleet case that tells this one; null unless `state` is folded. */
  readonly foldedInto: string | null;
  /** Risk of its agent when it last grew, points: orders people's attention, nothing else. */
  readonly risk: number;
}

/** Why people are told of a case. */
export const ANNOUNCED = [
  'opened',
  'detector',
  'level',
  'maturity',
  'entity',
  'reopened',
  'repeat',
  'fleet',
  'resolved',
  'approval',
  'breaker',
  'leaking',
] as const;
/** One of ANNOUNCED. */
export type Announced = (typeof ANNOUNCED)[number];

/** Something people are told of a case; everything else in it folds and is counted. */
export interface Announcement {
  /** Hash of case, cause and what brought it about: told once. */
  readonly id: string;
  readonly caseId: string;
  readonly why: Announced;
  readonly level: Level;
  readonly title: string;
  /** Detector that brought it about; null where it became quiet. */
  readonly detector: string | null;
  /** Event time, ms. */
  readonly timeMs: number;
}

/** What an analyst may say of a detection. */
export const VERDICTS = ['true_positive', 'false_positive', 'benign_true_positive'] as const;
/** One of VERDICTS: right, wrong, or right about something that is in order. */
export type VerdictValue = (typeof VERDICTS)[number];

/** One analyst's word on one detection. */
export interface Verdict {
  readonly detectionId: string;
  readonly detector: string;
  readonly version: string;
  readonly verdict: VerdictValue;
  readonly by: string;
  readonly note: string;
  /** When it was given, ms on the clock of whoever gave it. */
  readonly atMs: number;
}

/** A detection as a verdict names it. */
export interface Judged {
  readonly id: string;
  readonly detector: string;
  readonly version: string;
  readonly entity: Entity;
  /** Verb of the lease it led to; null where it led to none. */
  readonly acted: Verb | null;
}

/** A version of a detector that lost the power to act, or got it back. */
export interface Demotion {
  readonly detector: string;
  readonly version: string;
  /** False: a person reinstated it. */
  readonly stands: boolean;
  readonly detectionId: string | null;
  readonly by: string;
  readonly reason: string;
  /** Event time, ms. */
  readonly timeMs: number;
}

/** Rungs of the ladder, least first (DESIGN §7). */
export const RUNGS = [
  'observe',
  'alert',
  'posture',
  'freeze_tool',
  'revoke_session',
  'suspend_agent',
] as const;
/** One rung. */
export type Rung = (typeof RUNGS)[number];

/** Rungs that change something outside. */
export const VERBS = ['posture', 'freeze_tool', 'revoke_session', 'suspend_agent'] as const;
/** One verb. */
export type Verb = (typeof VERBS)[number];

/** How far a role may be acted upon without a person. */
export const MODES = ['observe', 'advise', 'constrained', 'autonomous'] as const;
/** One mode. */
export type Mode = (typeof MODES)[number];

/** One guardrail's answer. */
export interface GuardrailCheck {
  /** Name of the guardrail, for example `mode`, `never-touch`, `fleet-breaker`. */
  readonly check: string;
  readonly passed: boolean;
  /** The figures it looked at. */
  readonly data: string;
}

/** One innocent explanation that was tested before acting. */
export interface Falsification {
  readonly explanation: string;
  readonly verdict: 'ruled-out' | 'holds' | 'cannot-tell';
  readonly data: string;
}

/** What the ladder chose for one detection. */
export interface Decision {
  /** Hash of detection and rung. */
  readonly id: string;
  readonly caseId: string;
  readonly detectionId: string;
  readonly entity: Entity;
  /** What the detector's table asks for. */
  readonly asked: Rung;
  /** What is done: the same, or less. */
  readonly taken: Rung;
  /** act = new lease, or asked of approvers first · renew = standing lease extended · advise = a person is told what would be done · withheld = a guardrail said no · record = nothing was asked for. */
  readonly outcome: 'act' | 'renew' | 'advise' | 'withheld' | 'record';
  readonly mode: Mode;
  readonly maturity: Maturity;
  readonly evidenceClass: EvidenceClass;
  /** Would have been the outcome were the role `autonomous` (DESIGN §13.6). */
  readonly wouldAct: boolean;
  readonly guardrails: readonly GuardrailCheck[];
  readonly falsification: readonly Falsification[];
  /** Event time of the decision, ms. */
  readonly timeMs: number;
  readonly leaseId: string | null;
  /** Made before its turn in event time; the final one of the same id takes its place. */
  readonly provisional?: true;
}

/** Whom a lease restrains. */
export interface Subject {
  readonly tenant: string;
  readonly agent: string;
  readonly session: string | null;
  /** Tools frozen; empty = not about tools. */
  readonly tools: readonly string[];
}

/** States of a lease (handbook, outputs §3). */
export const LEASE_STATES = [
  'awaiting',
  'requested',
  'accepted',
  'refused',
  'failed',
  'lapsed',
  'releasing',
  'released',
  'expired',
] as const;
/**
 * One of LEASE_STATES: what we did. `awaiting` = people must agree first · `lapsed` = its time was over
 * before it could be sent.
 */
export type LeaseState = (typeof LEASE_STATES)[number];

/** What the independent gateway stream says about it. */
export const VERIFICATIONS = ['none', 'pending', 'verified', 'leaking', 'unverified'] as const;
/** One of VERIFICATIONS. */
export type Verification = (typeof VERIFICATIONS)[number];

/** What a driver is to send. Recorded before it is sent. */
export interface Intention {
  /** sha256(caseId, decisionId, verb, subject, step): the idempotency key. */
  readonly key: string;
  readonly step: 'request' | 'renew' | 'release';
  readonly leaseId: string;
  readonly caseId: string;
  readonly decisionId: string;
  readonly driver: string;
  readonly verb: Verb;
  readonly subject: Subject;
  readonly level: Level;
  readonly mode: Mode;
  /** Why, one sentence without payload text. */
  readonly reason: string;
  /** Event time, ms. */
  readonly issuedMs: number;
  /** When it ends by itself, ms. Null: irreversible, no lease (revocation). */
  readonly expiresMs: number | null;
  /** Why it is released: expired, undone, lifted. Null unless `step` is release. */
  readonly cause: string | null;
  /** Who must agree before it is sent; null: nobody. */
  readonly approval: ApprovalNeeded | null;
  /** Event time of the newest evidence it answers, ms: what time to detect is counted from. */
  readonly evidenceMs: number;
  /** On whose word somebody is restrained; looked at again at the moment of sending. Null: a release. */
  readonly grounds: Grounds | null;
}

/** Who must agree before an intention is sent. */
export interface ApprovalNeeded {
  /** Different approvers. */
  readonly quorum: number;
  /** Unanswered this long it lapses, ms on the executor's clock. */
  readonly withinMs: number;
  /** Who may not be one of them, beside the agent itself: on whose behalf it works. */
  readonly barred?: readonly string[];
}

/** Whose firing an intention rests on. */
export interface Grounds {
  readonly detector: string;
  readonly version: string;
  /** Role of the agent: its mode must still allow the verb. */
  readonly role: string | null;
}

/** Something the gateway saw of a subject under lease. */
export interface LeaseActivity {
  readonly leaseId: string;
  readonly eventId: string;
  readonly timeMs: number;
  /** True = the call went through. */
  readonly allowed: boolean;
  readonly tool: string;
}

/** Why the executor asks for more than what was done, or says that less was. */
export const ESCALATIONS = ['leaking', 'reverted', 'refused', 'unreached', 'unsent'] as const;
/**
 * Calls go through · the target no longer has it · it would not do it · it could not be asked · nothing of it
 * stands, for it came too late or may not be sent: the lane is not to count on it, and nobody else is asked.
 */
export type Escalation = (typeof ESCALATIONS)[number];

/** What an operator, or the executor, asks for; takes effect when the lane reads it. */
export type OperatorRequest =
  | {
      readonly type: 'escalate';
      readonly id: string;
      readonly leaseId: string;
      readonly why: Escalation;
      readonly by: string;
      readonly reason: string;
      readonly atMs: number;
    }
  | {
      /** A lease ends before its time without anybody being blamed for it. */
      readonly type: 'lift';
      readonly id: string;
      readonly leaseId: string;
      readonly by: string;
      readonly reason: string;
      readonly atMs: number;
    }
  | {
      readonly type: 'undo';
      readonly id: string;
      readonly leaseId: string;
      readonly by: string;
      readonly reason: string;
      readonly atMs: number;
    }
  | {
      readonly type: 'verdict';
      readonly id: string;
      readonly detections: readonly Judged[];
      readonly verdict: VerdictValue;
      readonly by: string;
      readonly reason: string;
      readonly atMs: number;
    }
  | {
      readonly type: 'reinstate';
      readonly id: string;
      readonly detector: string;
      readonly version: string;
      readonly by: string;
      readonly reason: string;
      readonly atMs: number;
    }
  | {
      readonly type: 'pause' | 'resume';
      readonly id: string;
      readonly scope: 'fleet' | 'role' | 'agent' | 'driver';
      /** Role, agent or driver; empty for the fleet. */
      readonly target: string;
      readonly by: string;
      readonly reason: string;
      readonly atMs: number;
    };
