/** Decisions: from a detection through the ladder and its guardrails to an intention. */

import type {
  Decision,
  GuardrailCheck,
  Intention,
  LeaseActivity,
  Mode,
  Rung,
  Verb,
} from '../model/decision.ts';
import type { Detection } from '../model/detection.ts';
import type { Response } from '../model/detector.ts';
import type { Attempt } from '../model/fact.ts';
import { idOf } from '../model/ids.ts';
import { type Earned, earnedTier } from '../model/power.ts';
import type { Slots } from '../state/slots.ts';
import { type ControlPlan, firstDriver, rungAbove } from './chain.ts';
import { createDemotions, type Demotions } from './demotion.ts';
import { type Circumstances, falsify } from './falsify.ts';
import { checkGuardrails, type FleetSize, type GuardrailOptions } from './guardrail.ts';
import {
  type Asked,
  intentionOf,
  needsRenewal,
  newLease,
  renewedUntil,
  sameSubject,
  subjectOf,
} from './intend.ts';
import { higherVerb } from './ladder.ts';
import { type LeaseRequest, liftAll, type Operated, operate } from './operate.ts';
import { isRestrained, type RestrainedCall } from './own-effects.ts';
import { type AgentStanding, Standing, type StandingLease } from './standing.ts';

/** Settings of the decider. */
export interface DecideOptions {
  readonly modeOf: (role: string | null) => Mode;
  /** Drivers by rung, and who must agree. */
  readonly control: ControlPlan;
  readonly guardrails: GuardrailOptions;
  /** What the version of a detector has earned; absent: nothing was measured. */
  readonly earnedOf?: (detector: string, version: string, role: string | null) => Earned | null;
}

/** A decision and what it intends. */
export interface Decided {
  readonly decision: Decision;
  /** One for each lease it begins or renews; empty where nothing is done. */
  readonly intentions: readonly Intention[];
  /** The breaker stopped this one, and said so for the first time. */
  readonly tripped: boolean;
}

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
  /** What an operator or the executor asks for of leases. */
  operate(request: LeaseRequest, nowMs: number): Operated;
  /** A detection was taken back or judged wrong: lifts the leases it led to by `verb`, if they stand. */
  retract(
    detectionId: string,
    verb: Verb | null,
    nowMs: number,
    because: Because,
  ): readonly Intention[];
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
      if (verb === null) return [];
      const quietUntilMs = nowMs + (grantsImmunity ? options.guardrails.immunityMs : 0);
      const leases = standing.together(idOf('decision', detectionId, verb));
      return liftAll(standing, leases, nowMs, quietUntilMs, { cause: 'lifted', reason });
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
  const response = settledRung(options, detection, asks, against, known.above ?? null);
  const asked: Rung = response?.action ?? 'alert';
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
    intentions: [],
    tripped: false,
  });
  if (response === null) return record([], null);
  const subject = subjectOf(detection, response);
  const held = against?.leases.filter((one) => sameSubject(one, response.action, subject)) ?? [];
  const due = held.filter((lease) => needsRenewal(lease, response, detection.decidedMs));
  const [first] = held;
  if (first !== undefined && due.length === 0)
    return record(
      [{ check: 'standing-lease', passed: false, data: 'a lease stands long enough' }],
      first.leaseId,
    );
  const driver = firstDriver(options.control, response.action);
  const approval = options.control.approvals.get(response.action) ?? null;
  const guardrails = checkGuardrails({
    ...{ detection, verb: response.action, mode, driver, approval },
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
  if (explained || failed.length > 0 || driver === null) {
    const tripped = failed.includes('fleet-breaker') && failed.length === 1 && trip(standing);
    const outcome =
      wouldAct && mode === 'advise' ? 'advise' : mode === 'observe' ? 'record' : 'withheld';
    return {
      decision: { ...common, taken: quiet, outcome, wouldAct, guardrails, leaseId: null },
      intentions: [],
      tripped,
    };
  }
  const leases = due.length > 0 ? due : [newLease(common.id, caseId, detection, response, driver)];
  const isNew = due.length === 0;
  for (const lease of leases)
    if (isNew) begin(standing, options, lease, detection);
    else {
      lease.expiresMs = renewedUntil(lease, response, detection.decidedMs);
      standing.changed(lease);
    }
  const { role } = detection.entity;
  const to = { mode, role, decisionId: common.id, caseId, issuedMs: detection.decidedMs };
  return {
    decision: {
      ...common,
      taken: response.action,
      outcome: isNew ? 'act' : 'renew',
      wouldAct,
      guardrails,
      leaseId: leases[0]?.leaseId ?? null,
    },
    intentions: leases.map((lease) =>
      // What people agreed to once is renewed without asking again.
      isNew
        ? intentionOf(lease, 'request', detection.id, { ...to, approval })
        : intentionOf(answering(lease, detection), 'renew', detection.id, {
            ...to,
            approval: null,
          }),
    ),
    tripped: false,
  };
}

/** The rung that is asked for, and for how long at most; null where none is. */
function settledRung(
  options: DecideOptions,
  detection: Detection,
  asks: Response | null,
  against: AgentStanding | null,
  above: Verb | null,
): Asked | null {
  if (asks === null) return null;
  const ttlMs = Math.min(asks.ttlMs, options.guardrails.leaseMaxMs);
  if (asks.action !== 'escalate') return { ...asks, action: asks.action, ttlMs };
  const { session } = detection.entity;
  const concerned = (against?.leases ?? []).filter(
    ({ subject }) => subject.session === null || subject.session === session,
  );
  // What everybody refused stands nowhere, and is still what the next rung is counted from.
  const stands = concerned.map(({ verb }) => verb).reduce(higherVerb, above);
  const next = stands === null ? null : rungAbove(options.control, stands);
  return next === null ? null : { ...asks, action: next, ttlMs };
}

function earnedBy(options: DecideOptions, detection: Detection): Earned {
  const { detector, version, evidenceClass, entity } = detection;
  const known = options.earnedOf?.(detector, version, entity.role) ?? null;
  return known ?? earnedTier({ evidenceClass, status: '', measured: null });
}

/** A renewal rests on the detection that asked for it, not on the one that began the lease. */
function answering(lease: StandingLease, detection: Detection): StandingLease {
  const { detector, version, level, timeMs: evidenceMs } = detection;
  const reason = `${detector}: ${detection.explanation}`.slice(0, 500);
  return { ...lease, detector, version, level, evidenceMs, reason };
}

function begin(
  standing: Standing,
  options: DecideOptions,
  lease: StandingLease,
  { decidedMs, entity: { agent, role } }: Detection,
): void {
  standing.place(lease, role);
  const fleet = standing.fleet();
  const keptMs = Math.max(options.guardrails.breakerWindowMs, 3_600_000);
  fleet.recent = fleet.recent.filter(({ ms }) => ms > decidedMs - keptMs);
  fleet.recent.push({ ms: decidedMs, agent, role });
  standing.fleetChanged();
}

/** The breaker latches: from now on nothing is done until a person resumes the fleet. */
function trip(standing: Standing): boolean {
  const fleet = standing.fleet();
  if (fleet.pauses.some(({ by }) => by === 'fleet-breaker')) return false;
  fleet.pauses.push({ scope: 'fleet', target: '', by: 'fleet-breaker' });
  standing.fleetChanged();
  return true;
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
