/** Cases, decisions and leases: what people see, what the ladder chose, what stands. */
import type { Entity, EvidenceClass, Level, Maturity } from './detection.ts';

/** Correlated detections of one entity; what people see. Upserted as it grows. */
export interface Case {
  /** Hash of tenant, agent and session: stable however its detections arrive. */
  readonly id: string;
  readonly entity: Entity;
  readonly level: Level;
  readonly title: string;
  readonly openedMs: number;
  readonly lastMs: number;
  /** Ids of its detections, in the order decided; at most 256 are listed. */
  readonly detections: readonly string[];
  /** How many there are in all. */
  readonly count: number;
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
  /** act = new lease · renew = standing lease extended · advise = a person is told what would be done · withheld = a guardrail said no · record = nothing was asked for. */
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
  'requested',
  'accepted',
  'refused',
  'failed',
  'lapsed',
  'releasing',
  'released',
  'expired',
] as const;
/** One of LEASE_STATES: what we did. `lapsed` = its time was over before it could be sent. */
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
  /** On whose word somebody is restrained; looked at again at the moment of sending. Null: a release. */
  readonly grounds: Grounds | null;
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

/** What an operator asks for; takes effect when the lane reads it. */
export type OperatorRequest =
  | {
      readonly type: 'undo';
      readonly id: string;
      readonly leaseId: string;
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
