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
import { EarlyLeases, type Taken } from './early.ts';
import type { Circumstances } from './falsify.ts';
import type { FleetSize, GuardrailOptions } from './guardrail.ts';
import { intentionOf, newLease, renewedUntil } from './intend.ts';
import { type DecisionInputs, inputsOf, judge, keptInputs, type Plan } from './judge.ts';
import { type LeaseRequest, liftAll, type Operated, operate } from './operate.ts';
import { isRestrained, type RestrainedCall, wentThrough } from './own-effects.ts';
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
  /** Its intention was sent before its turn, or an equal one. Absent: it was not. */
  readonly taken?: Taken;
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
  /**
   * What would be begun for a detection whose turn has not come, by all that is known now; null where
   * nothing would be, and where it would be over before its turn, `outlastMs` from now. Remembers it as
   * early, and changes nothing else.
   */
  foresee(
    detection: Detection,
    caseId: string,
    response: Response | null,
    circumstances: Omit<Circumstances, 'leases'>,
    size: FleetSize,
    outlastMs: number,
  ): Decided | null;
  readonly early: EarlyLeases;
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
  const early = new EarlyLeases(slots);
  return {
    early,
    foresee: (detection, caseId, response, circumstances, size, outlastMs) =>
      foresee(standing, early, options, detection, outlastMs, {
        ...{ caseId, asks: response, circumstances, size },
      }),
    decide: (detection, caseId, response, circumstances, size) =>
      decide(standing, early, options, detection, caseId, response, circumstances, size),
    operate: (request, nowMs) => operate(standing, options, request, nowMs),
    retract: (detectionId, verb, nowMs, { reason, grantsImmunity }) => {
      if (verb === null) return [];
      const quietUntilMs = nowMs + (grantsImmunity ? options.guardrails.immunityMs : 0);
      const leases = standing.together(idOf('decision', detectionId, verb));
      return liftAll(standing, leases, nowMs, quietUntilMs, { cause: 'lifted', reason });
    },
    demotions: createDemotions(slots),
    restrains: (tenant, agent, call) =>
      early.restrains(tenant, agent, call) ||
      (standing
        .of(tenant, agent, call.ms, options.guardrails.coolDownMs)
        ?.leases.some((lease) => isRestrained(lease, call)) ??
        false),
    activity: (tenant, agent, session, attempt, eventId) =>
      activityOf(standing, options, tenant, agent, session, attempt, eventId),
  };
}

function decide(
  standing: Standing,
  early: EarlyLeases,
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
  const fleet = standing.fleetOf(tenant);
  const known = { caseId, asks, circumstances, size, against, fleet };
  const inputs = inputsBy(options, detection, known);
  const { decision, plan } = judge(detection, inputs);
  const kept = keptInputs(inputs);
  if (plan.type === 'nothing')
    return {
      decision,
      inputs: kept,
      intentions: [],
      tripped: plan.trips && trip(standing, tenant),
    };
  if (plan.type === 'begin') {
    const { lease, asked } = begun(detection, decision, inputs, plan);
    const taken = early.takes(lease);
    const made = { decision, inputs: kept, intentions: [asked], tripped: false };
    // What was asked for before stands by that name: nobody is restrained twice for the same.
    const { leaseId } = taken ?? lease;
    begin(standing, options, { ...lease, leaseId }, detection);
    if (taken === null) return made;
    const as = taken.isOwn ? inputs : { ...inputs, adopts: leaseId };
    const intentions = [{ ...asked, leaseId }];
    return { ...made, ...judged(detection, as), intentions, taken };
  }
  const { mode } = inputs;
  const to = { mode, role, decisionId: decision.id, caseId, issuedMs: detection.decidedMs };
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

function judged(
  detection: Detection,
  inputs: DecisionInputs,
): { readonly decision: Decision; readonly inputs: DecisionInputs } {
  return { decision: judge(detection, inputs).decision, inputs: keptInputs(inputs) };
}

function foresee(
  standing: Standing,
  early: EarlyLeases,
  options: DecideOptions,
  detection: Detection,
  outlastMs: number,
  around: Pick<Known, 'caseId' | 'asks' | 'circumstances' | 'size'>,
): Decided | null {
  if (!early.admits(detection)) return null;
  const { decidedMs, entity } = detection;
  const { coolDownMs } = options.guardrails;
  const ahead = standing.ahead(entity.tenant, entity.agent, decidedMs, coolDownMs);
  const against = early.standing(ahead, decidedMs);
  const fleet = early.fleet(standing.fleetOf(entity.tenant), entity.tenant);
  const inputs = inputsBy(options, detection, { ...around, against, fleet });
  const { decision, plan } = judge(detection, inputs);
  // What stands already is renewed in its turn: until then it stands.
  if (plan.type !== 'begin' || plan.response.ttlMs <= outlastMs) return null;
  const { lease, asked } = begun(detection, decision, inputs, plan);
  // One that is over by then may be renewed by what the fold has still to come to.
  if (standing.holds(lease.verb, lease.subject)) return null;
  early.add(lease, detection);
  return { decision, inputs: keptInputs(inputs), intentions: [asked], tripped: false };
}

type Known = Pick<
  Parameters<typeof inputsOf>[1],
  'caseId' | 'asks' | 'circumstances' | 'size' | 'against' | 'fleet'
>;

function inputsBy(options: DecideOptions, detection: Detection, known: Known): DecisionInputs {
  return inputsOf(detection, {
    ...known,
    control: options.control,
    mode: options.modeOf(detection.entity.role),
    earned: earnedBy(options, detection),
    options: options.guardrails,
  });
}

/** The lease that a decision begins, and what is asked of its driver. */
function begun(
  detection: Detection,
  decision: Decision,
  { mode, caseId, circumstances }: DecisionInputs,
  { response, driver, approval }: Plan & { readonly type: 'begin' },
): { readonly lease: StandingLease; readonly asked: Intention } {
  const lease = newLease(decision.id, caseId, detection, response, driver);
  const asking = barring(approval, circumstances.principal ?? null);
  const { role } = detection.entity;
  const to = { mode, role, decisionId: decision.id, caseId, issuedMs: detection.decidedMs };
  return { lease, asked: intentionOf(lease, 'request', detection.id, { ...to, approval: asking }) };
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
  const allowed = wentThrough(attempt);
  if (against === null || allowed === null) return [];
  const found: LeaseActivity[] = [];
  for (const lease of against.leases) {
    if (!isRestrained(lease, { ...attempt, session })) continue;
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
