/** Intentions: what is to be sent for a lease that begins, goes on or ends, and its key. */
import type { ApprovalNeeded, Intention, Mode, Subject, Verb } from '../model/decision.ts';
import type { Detection } from '../model/detection.ts';
import type { Response } from '../model/detector.ts';
import { idOf } from '../model/ids.ts';
import { VERB_NEEDS } from '../model/power.ts';
import { LONGEST_MS, REVOKE_WATCH_MS } from './ladder.ts';
import type { StandingLease } from './standing.ts';

/** What a detector asks for, with its rung settled. */
export interface Asked extends Response {
  readonly action: Verb;
}

/** Smallest reach first: the session where the response says so, and the one tool it is about. */
export function subjectOf(detection: Detection, response: Asked): Subject {
  const { tenant, agent, session } = detection.entity;
  const tools =
    response.action === 'freeze_tool' && detection.tool !== null ? [detection.tool] : [];
  return { tenant, agent, session: response.scope === 'session' ? session : null, tools };
}

type Stands = Pick<StandingLease, 'verb' | 'issuedMs' | 'expiresMs'>;

/** A lease is renewed when less than half of its time is left and it may still stand longer. */
export function needsRenewal(lease: Stands, response: Asked, nowMs: number): boolean {
  const until = renewedUntil(lease, response, nowMs);
  return lease.expiresMs - nowMs < response.ttlMs / 2 && until > lease.expiresMs;
}

/** Until when a renewal lasts, ms: never longer than the verb may stand in all. */
export function renewedUntil(
  lease: Omit<Stands, 'expiresMs'>,
  response: Asked,
  nowMs: number,
): number {
  return Math.min(nowMs + response.ttlMs, lease.issuedMs + LONGEST_MS[lease.verb]);
}

/** A new lease by this detection on this driver. */
export function newLease(
  decisionId: string,
  caseId: string,
  detection: Detection,
  response: Asked,
  driver: string,
): StandingLease {
  const isReversible = VERB_NEEDS[response.action].reversible;
  return {
    leaseId: idOf('lease', decisionId),
    ...{ caseId, decisionId, driver, detectionId: detection.id },
    detector: detection.detector,
    version: detection.version,
    verb: response.action,
    subject: subjectOf(detection, response),
    level: detection.level,
    reason: `${detection.detector}: ${detection.explanation}`.slice(0, 500),
    refusedBy: [],
    evidenceMs: detection.timeMs,
    issuedMs: detection.decidedMs,
    // What has no end is remembered while it is watched.
    expiresMs: detection.decidedMs + (isReversible ? response.ttlMs : REVOKE_WATCH_MS),
  };
}

/** What is to be sent of a lease: `why` makes its key one of a kind within step and lease. */
export function intentionOf(
  lease: StandingLease,
  step: 'request' | 'renew',
  why: string,
  known: {
    readonly mode: Mode;
    readonly role: string | null;
    readonly approval: ApprovalNeeded | null;
    readonly decisionId: string;
    readonly caseId: string;
    readonly issuedMs: number;
  },
): Intention {
  const { mode, role, approval, decisionId, caseId, issuedMs } = known;
  const { leaseId, driver, verb, subject, level, reason, evidenceMs, expiresMs } = lease;
  return {
    key: intentionKey(lease, step, why),
    ...{ step, leaseId, caseId, decisionId, driver, verb, subject, level, mode, reason },
    issuedMs,
    expiresMs: VERB_NEEDS[verb].reversible ? expiresMs : null,
    cause: null,
    approval,
    evidenceMs,
    grounds: { detector: lease.detector, version: lease.version, role },
  };
}

/** Why a lease ends before its time. */
export interface Ending {
  readonly cause: string;
  /** One sentence for people. */
  readonly reason: string;
}

/**
 * The release of a lease. What was done may be final: then nothing is sent by it, and it keeps what is
 * still to be agreed to, or to be sent, from being done.
 */
export function releaseOf(
  lease: StandingLease,
  nowMs: number,
  { cause, reason }: Ending,
): Intention {
  const { leaseId, caseId, decisionId, driver, verb, subject, level, evidenceMs } = lease;
  return {
    key: intentionKey(lease, 'release', cause),
    ...{ step: 'release', leaseId, caseId, decisionId, driver, verb, subject, level },
    mode: 'observe',
    reason: reason.slice(0, 500),
    issuedMs: nowMs,
    expiresMs: VERB_NEEDS[verb].reversible ? lease.expiresMs : null,
    cause,
    approval: null,
    evidenceMs,
    grounds: null,
  };
}

/** sha256(case, decision, verb, subject, step, why): the same intention has the same key. */
function intentionKey(lease: StandingLease, step: string, why: string): string {
  const { tenant, agent, session, tools } = lease.subject;
  return idOf(
    ...['intention', lease.caseId, lease.decisionId, lease.driver, lease.verb],
    ...[tenant, agent, session, tools.join('\u0000'), step, why],
  );
}
