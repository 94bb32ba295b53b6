/** Judge: a decision as a pure function of a detection and all else it depends on. */
import type {
  ApprovalNeeded,
  Decision,
  GuardrailCheck,
  Mode,
  Rung,
  Verb,
} from '../model/decision.ts';
import type { Detection } from '../model/detection.ts';
import type { Response } from '../model/detector.ts';
import { idOf } from '../model/ids.ts';
import { type Earned, isUntouchable } from '../model/power.ts';
import { type ControlPlan, firstDriver, rungAbove } from './chain.ts';
import { type Circumstances, falsify } from './falsify.ts';
import { checkGuardrails, type FleetSize, type GuardrailOptions } from './guardrail.ts';
import { type Asked, needsRenewal, subjectOf } from './intend.ts';
import { higherVerb } from './ladder.ts';
import {
  type AgentStanding,
  type FleetStanding,
  type StandingLease,
  sameSubject,
} from './standing.ts';

/** What is kept of a lease that stood. */
export type LeaseThen = Pick<
  StandingLease,
  'leaseId' | 'verb' | 'subject' | 'issuedMs' | 'expiresMs'
>;

/** Circumstances as JSON takes them; the leases stand beside them. */
export interface CircumstancesThen extends Omit<Circumstances, 'leases' | 'refusedByUs'> {
  readonly refusedByUs: readonly string[];
}

/**
 * Everything a decision depends on beside its detection, as plain JSON: kept with the decision, so that
 * it can be judged again. What cannot matter to it is left out.
 */
export interface DecisionInputs {
  readonly v: 1;
  /** More leases were placed of late than are kept here: it cannot be judged again. */
  readonly isCut: boolean;
  readonly caseId: string;
  /** What the detector asks for; null: nothing. */
  readonly asks: Response | null;
  readonly mode: Mode;
  readonly circumstances: CircumstancesThen;
  readonly earned: Earned;
  /** What stood against the agent. */
  readonly leases: readonly LeaseThen[];
  /** Why this detector was to leave the agent alone. */
  readonly quiet: AgentStanding['quiet'];
  readonly recent: FleetStanding['recent'];
  readonly pauses: FleetStanding['pauses'];
  readonly size: FleetSize;
  readonly chains: readonly (readonly [Verb, readonly string[]])[];
  readonly approvals: readonly (readonly [Verb, ApprovalNeeded])[];
  readonly options: Omit<GuardrailOptions, 'neverTouch'>;
  /** Entries of the never-touch list that name the agent or its role. */
  readonly untouchable: readonly string[];
  /** Lease by which the same was asked for before its turn; absent: none. */
  readonly adopts?: string;
}

/** What follows from a decision. */
export type Plan =
  | { readonly type: 'nothing'; readonly trips: boolean }
  | {
      readonly type: 'begin';
      readonly response: Asked;
      readonly driver: string;
      readonly approval: ApprovalNeeded | null;
    }
  | { readonly type: 'renew'; readonly response: Asked; readonly leaseIds: readonly string[] };

/** A decision, and what follows from it. */
export interface Judgement {
  readonly decision: Decision;
  readonly plan: Plan;
}

/** New leases of late that are kept with a decision, at most. */
const RECENT_MAX = 2000;

/** Takes down what a decision will depend on, as it is at this moment. */
export function inputsOf(
  detection: Detection,
  known: {
    readonly caseId: string;
    readonly asks: Response | null;
    readonly mode: Mode;
    readonly circumstances: Omit<Circumstances, 'leases'>;
    readonly earned: Earned;
    readonly against: AgentStanding | null;
    readonly fleet: FleetStanding;
    readonly size: FleetSize;
    readonly control: ControlPlan;
    readonly options: GuardrailOptions;
  },
): DecisionInputs {
  const { caseId, asks, mode, earned, against, fleet, size, control } = known;
  const { agent, role } = detection.entity;
  const { neverTouch, ...options } = known.options;
  const keptMs = Math.max(options.breakerWindowMs, 3_600_000);
  const recent = fleet.recent.filter(({ ms }) => ms > detection.decidedMs - keptMs);
  const ofRole = Object.hasOwn(size.roles, role ?? '') ? (size.roles[role ?? ''] ?? 0) : 0;
  const leases = against?.leases ?? [];
  return {
    ...{ v: 1, isCut: recent.length > RECENT_MAX, caseId, asks, mode, earned, options },
    circumstances: {
      ...known.circumstances,
      refusedByUs: [...known.circumstances.refusedByUs].sort(),
    },
    // Copies: a renewal changes a lease in place.
    leases: leases.map(({ leaseId, verb, subject, issuedMs, expiresMs }) => {
      return { leaseId, verb, subject, issuedMs, expiresMs };
    }),
    quiet: (against?.quiet ?? []).filter(({ detector }) => detector === detection.detector),
    recent,
    pauses: fleet.pauses.filter(
      ({ scope, target }) =>
        scope === 'fleet' ||
        scope === 'driver' ||
        target === (scope === 'role' ? (role ?? '') : agent),
    ),
    size: { total: size.total, roles: { [role ?? '']: ofRole } },
    chains: [...control.chains],
    approvals: [...control.approvals],
    untouchable: [...neverTouch].filter((one) => isUntouchable(new Set([one]), agent, role)),
  };
}

/** Inputs as they are kept. */
export function keptInputs(inputs: DecisionInputs): DecisionInputs {
  return inputs.isCut ? { ...inputs, recent: inputs.recent.slice(-RECENT_MAX) } : inputs;
}

/** The decision. Depends on nothing but its arguments. */
export function judge(detection: Detection, inputs: DecisionInputs): Judgement {
  const { mode, caseId, leases } = inputs;
  const control = { chains: new Map(inputs.chains), approvals: new Map(inputs.approvals) };
  const refusedByUs = new Set(inputs.circumstances.refusedByUs);
  const falsification = falsify(detection, { ...inputs.circumstances, refusedByUs, leases });
  const response = settledRung(detection, inputs, control);
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
  const record = (guardrails: readonly GuardrailCheck[], leaseId: string | null): Judgement => ({
    decision: { ...common, taken: quiet, outcome: 'record', wouldAct: false, guardrails, leaseId },
    plan: { type: 'nothing', trips: false },
  });
  if (response === null) return record([], null);
  const subject = subjectOf(detection, response);
  const held = leases.filter((one) => sameSubject(one, response.action, subject));
  const due = held.filter((lease) => needsRenewal(lease, response, detection.decidedMs));
  const [first] = held;
  if (first !== undefined && due.length === 0)
    return record(
      [{ check: 'standing-lease', passed: false, data: 'a lease stands long enough' }],
      first.leaseId,
    );
  const driver = firstDriver(control, response.action);
  const approval = control.approvals.get(response.action) ?? null;
  const guardrails = guardrailsOf(detection, inputs, response.action, driver, approval);
  const explained = falsification.some(({ verdict }) => verdict === 'holds');
  const failed = guardrails.filter(({ passed }) => !passed).map(({ check }) => check);
  // A shadow is asked what it would have done, were it to enforce.
  const isShadow = detection.maturity === 'shadow';
  const isOurs = (check: string) =>
    check === 'mode' || check === 'driver' || (isShadow && check === 'maturity');
  const wouldAct = !explained && failed.every(isOurs);
  if (explained || failed.length > 0 || driver === null) {
    const outcome =
      wouldAct && mode === 'advise' ? 'advise' : mode === 'observe' ? 'record' : 'withheld';
    return {
      decision: { ...common, taken: quiet, outcome, wouldAct, guardrails, leaseId: null },
      plan: { type: 'nothing', trips: failed.includes('fleet-breaker') && failed.length === 1 },
    };
  }
  const [renewed] = due;
  const decision: Decision = {
    ...{ ...common, taken: response.action, wouldAct, guardrails },
    outcome: renewed === undefined ? 'act' : 'renew',
    leaseId: renewed?.leaseId ?? inputs.adopts ?? idOf('lease', common.id),
  };
  const leaseIds = due.map(({ leaseId }) => leaseId);
  return {
    decision,
    plan:
      renewed === undefined
        ? { type: 'begin', response, driver, approval }
        : { type: 'renew', response, leaseIds },
  };
}

function guardrailsOf(
  detection: Detection,
  inputs: DecisionInputs,
  verb: Verb,
  driver: string | null,
  approval: ApprovalNeeded | null,
): GuardrailCheck[] {
  const { mode, earned, quiet, recent, pauses, size, options, untouchable } = inputs;
  return checkGuardrails({
    ...{ detection, verb, mode, driver, approval, earned, size },
    standing: { quiet },
    fleet: { recent, pauses },
    options: { ...options, neverTouch: new Set(untouchable) },
  });
}

/** The rung that is asked for, and for how long at most; null where none is. */
function settledRung(
  detection: Detection,
  { asks, options, leases, circumstances }: DecisionInputs,
  control: ControlPlan,
): Asked | null {
  if (asks === null) return null;
  const ttlMs = Math.min(asks.ttlMs, options.leaseMaxMs);
  if (asks.action !== 'escalate') return { ...asks, action: asks.action, ttlMs };
  const { session } = detection.entity;
  const concerned = leases.filter(
    ({ subject }) => subject.session === null || subject.session === session,
  );
  // What everybody refused stands nowhere, and is still what the next rung is counted from.
  const stands = concerned.map(({ verb }) => verb).reduce(higherVerb, circumstances.above ?? null);
  const above = stands === null ? null : rungAbove(control, stands);
  return above === null ? null : { ...asks, action: above, ttlMs };
}
