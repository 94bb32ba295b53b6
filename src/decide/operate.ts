/** Operate: what is asked for of leases: undo, lift, pause, resume, escalate. */
import type { Decision, Escalation, Intention, Mode, OperatorRequest } from '../model/decision.ts';
import { idOf } from '../model/ids.ts';
import { type ControlPlan, nextDriver } from './chain.ts';
import { checkContinuation, type GuardrailOptions } from './guardrail.ts';
import { type Ending, intentionOf, releaseOf } from './intend.ts';
import type { Standing, StandingLease } from './standing.ts';

/** Requests about leases and the kill switch. */
export type LeaseRequest = Extract<
  OperatorRequest,
  { readonly type: 'undo' | 'lift' | 'pause' | 'resume' | 'escalate' }
>;

/** A lease whose chain of drivers is at its end, and which does not hold. */
export interface Exhausted {
  readonly lease: StandingLease;
  readonly role: string | null;
  readonly why: Exclude<Escalation, 'unsent'>;
}

/** What came of a request. */
export interface Operated {
  readonly intentions: readonly Intention[];
  readonly decisions: readonly Decision[];
  /** Nobody in the chain holds it: the next rung is to be asked for. Null else. */
  readonly exhausted: Exhausted | null;
}

interface OperateOptions {
  readonly modeOf: (role: string | null) => Mode;
  readonly control: ControlPlan;
  readonly guardrails: GuardrailOptions;
}

const NOTHING: Operated = { intentions: [], decisions: [], exhausted: null };

/** Does what is asked for, as of event time `nowMs`. A lease that no longer stands is left alone. */
export function operate(
  standing: Standing,
  options: OperateOptions,
  request: LeaseRequest,
  nowMs: number,
): Operated {
  switch (request.type) {
    case 'undo':
    case 'lift': {
      const isUndo = request.type === 'undo';
      const found = standing.find(request.leaseId);
      if (found === null) return NOTHING;
      const { immunityMs, coolDownMs } = options.guardrails;
      const quietUntilMs = nowMs + (isUndo ? immunityMs : coolDownMs);
      const cause = isUndo ? 'undone' : 'lifted';
      const reason = `${cause} by ${request.by}: ${request.reason}`;
      // Whoever frees an agent means all that was tried for the same reason, by whatever driver.
      const leases = standing.together(found.lease.decisionId);
      const intentions = liftAll(standing, leases, nowMs, quietUntilMs, { cause, reason });
      return { ...NOTHING, intentions };
    }
    case 'escalate':
      return escalate(standing, options, request, nowMs);
    case 'pause':
    case 'resume':
      return setPause(standing, request);
    default:
      return request satisfies never;
  }
}

function setPause(
  standing: Standing,
  { type, scope, target, by }: LeaseRequest & { readonly type: 'pause' | 'resume' },
): Operated {
  const fleet = standing.fleet();
  fleet.pauses = fleet.pauses.filter((pause) => pause.scope !== scope || pause.target !== target);
  if (type === 'pause') fleet.pauses.push({ scope, target, by });
  // Resuming the fleet is also what resets a tripped breaker: its window starts afresh.
  else if (scope === 'fleet') fleet.recent = [];
  standing.fleetChanged();
  return NOTHING;
}

/** Lifts leases; their detectors stay quiet for the agent until `quietUntilMs`. */
export function liftAll(
  standing: Standing,
  leases: readonly StandingLease[],
  nowMs: number,
  quietUntilMs: number,
  ending: Ending,
): Intention[] {
  const releases: Intention[] = [];
  for (const { leaseId } of leases) {
    const lease = standing.lift(leaseId, quietUntilMs, `immunity after being ${ending.cause}`);
    if (lease !== null) releases.push(releaseOf(lease, nowMs, ending));
  }
  return releases;
}

/** The next driver of the chain is asked to do the same; at its end the next rung is. What stands nowhere is forgotten. */
function escalate(
  standing: Standing,
  options: OperateOptions,
  { leaseId, why }: LeaseRequest & { readonly type: 'escalate' },
  nowMs: number,
): Operated {
  const found = standing.find(leaseId);
  if (found === null || found.lease.expiresMs <= nowMs) return NOTHING;
  const { lease, role } = found;
  if (why === 'unsent') {
    standing.drop(leaseId);
    return NOTHING;
  }
  const driver = nextDriver(options.control, lease.verb, lease.driver, lease.refusedBy);
  if (why === 'refused') forget(standing, lease);
  if (driver === null) return { ...NOTHING, exhausted: { lease, role, why } };
  const mode = options.modeOf(role);
  const { agent } = lease.subject;
  const guardrails = checkContinuation({
    ...{ agent, role, verb: lease.verb, mode, driver },
    fleet: standing.fleetOf(lease.subject.tenant),
    options: options.guardrails,
  });
  const isAllowed = guardrails.every(({ passed }) => passed);
  const next: StandingLease = {
    ...lease,
    leaseId: idOf('lease', lease.decisionId, driver),
    driver,
    issuedMs: nowMs,
  };
  if (standing.find(next.leaseId) !== null) return NOTHING;
  const decision = continued(next, role, mode, guardrails, isAllowed, why, nowMs);
  if (!isAllowed) return { ...NOTHING, decisions: [decision] };
  standing.place(next, role);
  const { decisionId, caseId } = lease;
  // Whoever had to agree did so before the first driver was asked.
  const known = { mode, role, decisionId, caseId, issuedMs: nowMs, approval: null };
  const intention = intentionOf(next, 'request', `${why} ${leaseId}`, known);
  return { intentions: [intention], decisions: [decision], exhausted: null };
}

/** What was refused never stood; what leaks goes on standing beside what comes next, and knows of it. */
function forget(standing: Standing, lease: StandingLease): void {
  for (const other of standing.together(lease.decisionId)) {
    if (other === lease || other.refusedBy.includes(lease.driver)) continue;
    other.refusedBy = [...other.refusedBy, lease.driver];
    standing.changed(other);
  }
  standing.drop(lease.leaseId);
}

function continued(
  lease: StandingLease,
  role: string | null,
  mode: Mode,
  guardrails: Decision['guardrails'],
  isAllowed: boolean,
  why: Escalation,
  nowMs: number,
): Decision {
  const { tenant, agent, session } = lease.subject;
  return {
    id: idOf('decision', lease.decisionId, lease.driver, why),
    caseId: lease.caseId,
    detectionId: lease.detectionId,
    entity: { tenant, agent, role, session },
    asked: lease.verb,
    taken: isAllowed ? lease.verb : 'alert',
    outcome: isAllowed ? 'act' : 'withheld',
    mode,
    // Nothing else ever begins a lease.
    maturity: 'enforce',
    evidenceClass: 'hard',
    wouldAct: true,
    guardrails,
    falsification: [],
    timeMs: nowMs,
    leaseId: isAllowed ? lease.leaseId : null,
  };
}
