/** Decisions: from a detection through the ladder and its guardrails to an intention. */

import type {
  ApprovalNeeded,
  Decision,
  Intention,
  LeaseActivity,
  Mode,
  Verb,
} from '../model/decision.ts';
import type { Detection } from '../model/detection.ts';
import type { Response } from '../model/detector.ts';
import type { Attempt } from '../model/fact.ts';
import { idOf } from '../model/ids.ts';
import { type Earned, earnedTier } from '../model/power.ts';
import type { Slots } from '../state/slots.ts';
import type { ControlPlan } from './chain.ts';
import { createDemotions, type Demotions } from './demotion.ts';
import type { Circumstances } from './falsify.ts';
import type { FleetSize, GuardrailOptions } from './guardrail.ts';
import { intentionOf, newLease, renewedUntil } from './intend.ts';
import { type DecisionInputs, inputsOf, judge, keptInputs } from './judge.ts';
import { type LeaseRequest, liftAll, type Operated, operate } from './operate.ts';
import { isRestrained, type RestrainedCall } from './own-effects.ts';
import { Standing, type StandingLease } from './standing.ts';

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
  /** What it was judged by, for whoever wants to judge it again. */
  readonly inputs: DecisionInputs;
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
  circumstances: Omit<Circumstances, 'leases'>,
  size: FleetSize,
): Decided {
  const { tenant, agent, role } = detection.entity;
  const { coolDownMs } = options.guardrails;
  const against = standing.of(tenant, agent, detection.decidedMs, coolDownMs);
  const inputs = inputsOf(detection, {
    ...{ caseId, asks, circumstances, against, size, control: options.control },
    mode: options.modeOf(role),
    earned: earnedBy(options, detection),
    fleet: standing.fleetOf(tenant),
    options: options.guardrails,
  });
  const { decision, plan } = judge(detection, inputs);
  const kept = keptInputs(inputs);
  if (plan.type === 'nothing')
    return {
      decision,
      inputs: kept,
      intentions: [],
      tripped: plan.trips && trip(standing, tenant),
    };
  const { mode } = inputs;
  const to = { mode, role, decisionId: decision.id, caseId, issuedMs: detection.decidedMs };
  if (plan.type === 'begin') {
    const { response, driver, approval } = plan;
    const lease = newLease(decision.id, caseId, detection, response, driver);
    begin(standing, options, lease, detection);
    const asking = barring(approval, circumstances.principal ?? null);
    const asked = intentionOf(lease, 'request', detection.id, { ...to, approval: asking });
    return { decision, inputs: kept, intentions: [asked], tripped: false };
  }
  const due = (against?.leases ?? []).filter(({ leaseId }) => plan.leaseIds.includes(leaseId));
  const intentions = due.map((lease) => {
    lease.expiresMs = renewedUntil(lease, plan.response, detection.decidedMs);
    standing.changed(lease);
    // What people agreed to once is renewed without asking again.
    const renewal = { ...to, approval: null };
    return intentionOf(answering(lease, detection), 'renew', detection.id, renewal);
  });
  return { decision, inputs: kept, intentions, tripped: false };
}

/** Nobody agrees to what is done against who works for them; the agent itself is barred by the record. */
function barring(approval: ApprovalNeeded | null, principal: string | null): ApprovalNeeded | null {
  return approval === null || principal === null ? approval : { ...approval, barred: [principal] };
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
  { decidedMs, entity: { tenant, agent, role } }: Detection,
): void {
  standing.place(lease, role);
  const fleet = standing.fleet();
  const keptMs = Math.max(options.guardrails.breakerWindowMs, 3_600_000);
  fleet.recent = fleet.recent.filter(({ ms }) => ms > decidedMs - keptMs);
  const whose = tenant === '-' ? {} : { tenant };
  fleet.recent.push({ ms: decidedMs, agent, role, ...whose });
  standing.fleetChanged();
}

/** The breaker latches: from now on nothing is done for the tenant until a person resumes the fleet. */
function trip(standing: Standing, tenant: string): boolean {
  const known = standing.fleetOf(tenant).pauses;
  if (known.some(({ by }) => by === 'fleet-breaker')) return false;
  const fleet = standing.fleet();
  fleet.pauses.push({ scope: 'fleet', target: '', by: 'fleet-breaker', tenant });
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
