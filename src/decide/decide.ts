/** Decisions: from a detection through the ladder and its guardrails to an intention. */

import type {
  Decision,
  GuardrailCheck,
  Intention,
  LeaseActivity,
  Mode,
  OperatorRequest,
  Rung,
  Subject,
  Verb,
} from '../model/decision.ts';
import type { Detection } from '../model/detection.ts';
import type { Response } from '../model/detector.ts';
import { assert } from '../model/errors.ts';
import type { Attempt } from '../model/fact.ts';
import { idOf } from '../model/ids.ts';
import { type Earned, earnedTier } from '../model/power.ts';
import type { Slots } from '../state/slots.ts';
import { createDemotions, type Demotions } from './demotion.ts';
import { type Circumstances, falsify } from './falsify.ts';
import { checkGuardrails, type FleetSize, type GuardrailOptions } from './guardrail.ts';
import { LONGEST_MS } from './ladder.ts';
import { isRestrained, type RestrainedCall } from './own-effects.ts';
import { Standing, type StandingLease } from './standing.ts';

/** Settings of the decider. */
export interface DecideOptions {
  readonly modeOf: (role: string | null) => Mode;
  /** Name of the driver actions go through; null where none is configured. */
  readonly driver: string | null;
  readonly guardrails: GuardrailOptions;
  /** What the version of a detector has earned; absent: nothing was measured. */
  readonly earnedOf?: (detector: string, version: string, role: string | null) => Earned | null;
}

/** A decision and what it intends. */
export interface Decided {
  readonly decision: Decision;
  readonly intention: Intention | null;
  /** The breaker stopped this one, and said so for the first time. */
  readonly tripped: boolean;
}

/** Requests about leases and the kill switch. */
export type LeaseRequest = Extract<OperatorRequest, { readonly type: 'undo' | 'pause' | 'resume' }>;

/** Why a lease is lifted before its time, and whether its detector is to leave the agent alone a while. */
export interface Because {
  readonly reason: string;
  readonly grantsImmunity: boolean;
}

/** The decider. Everything in event time; the order of calls is the canonical order of the fold. */
export interface Decide {
  decide(
    detection: Detection,
    caseId: string,
    response: Response | null,
    circumstances: Omit<Circumstances, 'leases'>,
    size: FleetSize,
  ): Decided;
  /** What an operator asks for of leases. Returns the release of one that is undone, if any. */
  operate(request: LeaseRequest, nowMs: number): Intention | null;
  /** A detection was taken back or judged wrong: lifts the lease it led to by `verb`, if that stands. */
  retract(
    detectionId: string,
    verb: Verb | null,
    nowMs: number,
    because: Because,
  ): Intention | null;
  readonly demotions: Demotions;
  /** Does a lease that stands at the time of the call restrain it? Then a refusal of it is our doing. */
  restrains(tenant: string, agent: string, call: RestrainedCall): boolean;
  /** Which standing leases a call at the gateway concerns. */
  activity(
    tenant: string,
    agent: string,
    session: string,
    attempt: Attempt,
    eventId: string,
  ): LeaseActivity[];
}

/** Makes the decider over `slots`. */
export function createDecide(slots: Slots, options: DecideOptions): Decide {
  const standing = new Standing(slots);
  return {
    decide: (detection, caseId, response, circumstances, size) =>
      decide(standing, options, detection, caseId, response, circumstances, size),
    operate: (request, nowMs) => operate(standing, options, request, nowMs),
    retract: (detectionId, verb, nowMs, { reason, grantsImmunity }) => {
      if (verb === null) return null;
      const decisionId = idOf('decision', detectionId, verb);
      const quietUntilMs = nowMs + (grantsImmunity ? options.guardrails.immunityMs : 0);
      const why = { cause: 'lifted', reason: reason.slice(0, 500) };
      return lift(standing, options, idOf('lease', decisionId), nowMs, quietUntilMs, why);
    },
    demotions: createDemotions(slots),
    restrains: (tenant, agent, call) =>
      standing
        .of(tenant, agent, call.ms, options.guardrails.coolDownMs)
        ?.leases.some((lease) => isRestrained(lease, call)) ?? false,
    activity: (tenant, agent, session, attempt, eventId) =>
      activityOf(standing, options, tenant, agent, session, attempt, eventId),
  };
}

function decide(
  standing: Standing,
  options: DecideOptions,
  detection: Detection,
  caseId: string,
  asks: Response | null,
  known: Omit<Circumstances, 'leases'>,
  size: FleetSize,
): Decided {
  const mode = options.modeOf(detection.entity.role);
  const { tenant, agent } = detection.entity;
  const { coolDownMs } = options.guardrails;
  const against = standing.of(tenant, agent, detection.decidedMs, coolDownMs);
  const circumstances = { ...known, leases: against?.leases ?? [] };
  const falsification = falsify(detection, circumstances);
  const asked: Rung = asks?.action ?? 'alert';
  const common = {
    id: idOf('decision', detection.id, asked),
    caseId,
    detectionId: detection.id,
    entity: detection.entity,
    asked,
    mode,
    maturity: detection.maturity,
    evidenceClass: detection.evidenceClass,
    falsification,
    timeMs: detection.decidedMs,
  };
  const quiet: Rung = detection.maturity === 'shadow' ? 'observe' : 'alert';
  const record = (guardrails: readonly GuardrailCheck[], leaseId: string | null): Decided => ({
    decision: { ...common, taken: quiet, outcome: 'record', wouldAct: false, guardrails, leaseId },
    intention: null,
    tripped: false,
  });
  if (asks === null) return record([], null);
  const response = { ...asks, ttlMs: Math.min(asks.ttlMs, options.guardrails.leaseMaxMs) };
  const subject = subjectOf(detection, response);
  const lease = against?.leases.find((held) => sameSubject(held, response.action, subject));
  if (lease !== undefined && !needsRenewal(lease, response, detection.decidedMs))
    return record(
      [{ check: 'standing-lease', passed: false, data: 'a lease stands long enough' }],
      lease.leaseId,
    );
  const guardrails = checkGuardrails({
    detection,
    verb: response.action,
    mode,
    driver: options.driver,
    earned: earnedBy(options, detection),
    standing: against,
    fleet: standing.fleet(),
    size,
    options: options.guardrails,
  });
  const explained = falsification.some(({ verdict }) => verdict === 'holds');
  const failed = guardrails.filter(({ passed }) => !passed).map(({ check }) => check);
  // A shadow is asked what it would have done, were it to enforce.
  const isShadow = detection.maturity === 'shadow';
  const isOurs = (check: string) =>
    check === 'mode' || check === 'driver' || (isShadow && check === 'maturity');
  const wouldAct = !explained && failed.every(isOurs);
  if (explained || failed.length > 0) {
    const tripped = failed.includes('fleet-breaker') && failed.length === 1 && trip(standing);
    const outcome =
      wouldAct && mode === 'advise' ? 'advise' : mode === 'observe' ? 'record' : 'withheld';
    return {
      decision: { ...common, taken: quiet, outcome, wouldAct, guardrails, leaseId: null },
      intention: null,
      tripped,
    };
  }
  const placed = lease ?? newLease(common.id, caseId, detection, response, subject);
  const intention = intend(standing, options, detection, response, placed, lease !== undefined);
  return {
    decision: {
      ...common,
      taken: response.action,
      outcome: lease === undefined ? 'act' : 'renew',
      wouldAct,
      guardrails,
      leaseId: placed.leaseId,
    },
    intention: { ...intention, decisionId: common.id, caseId, mode },
    tripped: false,
  };
}

function earnedBy(options: DecideOptions, detection: Detection): Earned {
  const { detector, version, evidenceClass, entity } = detection;
  const known = options.earnedOf?.(detector, version, entity.role) ?? null;
  return known ?? earnedTier({ evidenceClass, status: '', measured: null });
}

function subjectOf(detection: Detection, response: Response): Subject {
  const { tenant, agent, session } = detection.entity;
  const tools =
    response.action === 'freeze_tool' && detection.tool !== null ? [detection.tool] : [];
  return { tenant, agent, session: response.scope === 'session' ? session : null, tools };
}

function sameSubject(lease: StandingLease, verb: Verb, subject: Subject): boolean {
  const held = lease.subject;
  return (
    lease.verb === verb &&
    held.session === subject.session &&
    held.tools.join() === subject.tools.join()
  );
}

/** A lease is renewed when less than half of its time is left and it may still stand longer. */
function needsRenewal(lease: StandingLease, response: Response, nowMs: number): boolean {
  const until = renewedUntil(lease, response, nowMs);
  return lease.expiresMs - nowMs < response.ttlMs / 2 && until > lease.expiresMs;
}

function renewedUntil(lease: StandingLease, response: Response, nowMs: number): number {
  return Math.min(nowMs + response.ttlMs, lease.issuedMs + LONGEST_MS[lease.verb]);
}

function newLease(
  decisionId: string,
  caseId: string,
  detection: Detection,
  response: Response,
  subject: Subject,
): StandingLease {
  return {
    leaseId: idOf('lease', decisionId),
    caseId,
    decisionId,
    detector: detection.detector,
    verb: response.action,
    subject,
    level: detection.level,
    issuedMs: detection.decidedMs,
    expiresMs: detection.decidedMs + response.ttlMs,
  };
}

function intend(
  standing: Standing,
  options: DecideOptions,
  detection: Detection,
  response: Response,
  lease: StandingLease,
  renews: boolean,
): Omit<Intention, 'mode'> {
  assert(options.driver !== null, 'a guardrail lets nothing through without a driver');
  if (renews) {
    lease.expiresMs = renewedUntil(lease, response, detection.decidedMs);
    standing.changed(lease);
  } else {
    standing.place(lease, detection.entity.role);
    const fleet = standing.fleet();
    const { breakerWindowMs } = options.guardrails;
    const { agent, role } = detection.entity;
    fleet.recent = fleet.recent.filter(({ ms }) => ms > detection.decidedMs - breakerWindowMs);
    fleet.recent.push({ ms: detection.decidedMs, agent, role });
    standing.fleetChanged();
  }
  const step = renews ? 'renew' : 'request';
  return {
    key: intentionKey(lease, step, detection.id),
    step,
    leaseId: lease.leaseId,
    caseId: lease.caseId,
    decisionId: lease.decisionId,
    driver: options.driver,
    verb: lease.verb,
    subject: lease.subject,
    level: detection.level,
    reason: `${detection.detector}: ${detection.explanation}`.slice(0, 500),
    issuedMs: detection.decidedMs,
    expiresMs: lease.expiresMs,
    cause: null,
    grounds: {
      detector: detection.detector,
      version: detection.version,
      role: detection.entity.role,
    },
  };
}

function intentionKey(lease: StandingLease, step: string, why: string): string {
  const { tenant, agent, session, tools } = lease.subject;
  return idOf(
    'intention',
    lease.caseId,
    lease.decisionId,
    lease.verb,
    tenant,
    agent,
    session,
    tools.join('\u0000'),
    step,
    why,
  );
}

/** The breaker latches: from now on nothing is done until a person resumes the fleet. */
function trip(standing: Standing): boolean {
  const fleet = standing.fleet();
  if (fleet.pauses.some(({ by }) => by === 'fleet-breaker')) return false;
  fleet.pauses.push({ scope: 'fleet', target: '', by: 'fleet-breaker' });
  standing.fleetChanged();
  return true;
}

function operate(
  standing: Standing,
  options: DecideOptions,
  request: LeaseRequest,
  nowMs: number,
): Intention | null {
  if (request.type === 'undo') return undo(standing, options, request, nowMs);
  const fleet = standing.fleet();
  const { scope, target, by } = request;
  fleet.pauses = fleet.pauses.filter((pause) => pause.scope !== scope || pause.target !== target);
  if (request.type === 'pause') fleet.pauses.push({ scope, target, by });
  // Resuming the fleet is also what resets a tripped breaker: its window starts afresh.
  else if (scope === 'fleet') fleet.recent = [];
  standing.fleetChanged();
  return null;
}

function undo(
  standing: Standing,
  options: DecideOptions,
  request: LeaseRequest & { readonly type: 'undo' },
  nowMs: number,
): Intention | null {
  const quietUntilMs = nowMs + options.guardrails.immunityMs;
  const why = {
    cause: 'undone',
    reason: `undone by ${request.by}: ${request.reason}`.slice(0, 500),
  };
  return lift(standing, options, request.leaseId, nowMs, quietUntilMs, why);
}

function lift(
  standing: Standing,
  options: DecideOptions,
  leaseId: string,
  nowMs: number,
  quietUntilMs: number,
  why: { readonly cause: string; readonly reason: string },
): Intention | null {
  const lease = standing.lift(leaseId, quietUntilMs, `immunity after being ${why.cause}`);
  if (lease === null || options.driver === null) return null;
  return {
    key: intentionKey(lease, 'release', why.cause),
    step: 'release',
    leaseId: lease.leaseId,
    caseId: lease.caseId,
    decisionId: lease.decisionId,
    driver: options.driver,
    verb: lease.verb,
    subject: lease.subject,
    level: lease.level as Intention['level'],
    mode: 'observe',
    reason: why.reason,
    issuedMs: nowMs,
    expiresMs: lease.expiresMs,
    cause: why.cause,
    grounds: null,
  };
}

function activityOf(
  standing: Standing,
  options: DecideOptions,
  tenant: string,
  agent: string,
  session: string,
  attempt: Attempt,
  eventId: string,
): LeaseActivity[] {
  const against = standing.of(tenant, agent, attempt.ms, options.guardrails.coolDownMs);
  if (against === null) return [];
  const found: LeaseActivity[] = [];
  for (const lease of against.leases) {
    if (!isRestrained(lease, { ...attempt, session })) continue;
    const allowed = attempt.decision !== 'deny' && attempt.outcome !== 'error';
    found.push({
      leaseId: lease.leaseId,
      eventId,
      timeMs: attempt.ms,
      allowed,
      tool: attempt.tool,
    });
  }
  return found;
}
