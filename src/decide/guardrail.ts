/** Guardrails: every brake between what a detector asks for and what is done. */
import type { ApprovalNeeded, GuardrailCheck, Mode, Verb } from '../model/decision.ts';
import type { Detection } from '../model/detection.ts';
import { allowsMode, type Earned, isEarned, isUntouchable, VERB_NEEDS } from '../model/power.ts';
import type { AgentStanding, FleetStanding } from './standing.ts';

/** Settings of the guardrails; durations in ms of event time. */
export interface GuardrailOptions {
  readonly neverTouch: ReadonlySet<string>;
  readonly coolDownMs: number;
  readonly immunityMs: number;
  /** No lease is asked for longer than this at once; it can be renewed. */
  readonly leaseMaxMs: number;
  /** New actions against one agent in an hour, and in the whole fleet in a minute, at most. */
  readonly agentPerHour: number;
  readonly fleetPerMinute: number;
  readonly breakerFleetShare: number;
  readonly breakerRoleShare: number;
  readonly breakerWindowMs: number;
}

/** Size of the fleet and of each role: agents registered. */
export interface FleetSize {
  readonly total: number;
  readonly roles: Readonly<Record<string, number>>;
}

/** What a guardrail looks at. */
export interface GuardrailInput {
  readonly detection: Detection;
  readonly verb: Verb;
  readonly mode: Mode;
  /** Who is to carry it out; null where nobody can. */
  readonly driver: string | null;
  /** Who must agree; null where nobody was named for the verb. */
  readonly approval: ApprovalNeeded | null;
  /** What the version of the detector has earned. */
  readonly earned: Earned;
  readonly standing: Pick<AgentStanding, 'quiet'> | null;
  readonly fleet: Pick<FleetStanding, 'recent' | 'pauses'>;
  readonly size: FleetSize;
  readonly options: GuardrailOptions;
}

/** All guardrails in order; every one answers, so that a person sees all that stood in the way. */
export function checkGuardrails(input: GuardrailInput): GuardrailCheck[] {
  return [
    checkMode(input),
    checkMaturity(input),
    checkEvidence(input),
    checkEarned(input),
    checkApproval(input),
    checkDriver(input),
    checkPause(input),
    checkQuiet(input),
    checkRate(input),
    checkBreaker(input),
    // Last, per action: nothing else may let through what must never be touched.
    checkNeverTouch(input),
  ];
}

function answer(check: string, passed: boolean, data: string): GuardrailCheck {
  return { check, passed, data };
}

function checkMode({ mode, verb }: GuardrailInput): GuardrailCheck {
  const { reversible } = VERB_NEEDS[verb];
  const passed = allowsMode(mode, verb);
  return answer(
    'mode',
    passed,
    `${mode}; ${verb} is ${reversible ? 'reversible' : 'irreversible'}`,
  );
}

function checkMaturity({ detection }: GuardrailInput): GuardrailCheck {
  return answer('maturity', detection.maturity === 'enforce', detection.maturity);
}

function checkEvidence({ detection }: GuardrailInput): GuardrailCheck {
  const { evidenceClass, strength, late } = detection;
  const passed = evidenceClass === 'hard' && strength !== 'weak' && !late;
  return answer('evidence', passed, `${evidenceClass}, ${strength} join${late ? ', late' : ''}`);
}

function checkEarned({ earned, verb }: GuardrailInput): GuardrailCheck {
  const { tier, reversible } = VERB_NEEDS[verb];
  const needs = reversible ? tier : `${tier} by live units`;
  const data = `${earned.tier} (${earned.why}); ${verb} needs ${needs}`;
  return answer('earned-tier', isEarned(verb, earned), data);
}

function checkApproval({ verb, approval }: GuardrailInput): GuardrailCheck {
  if (approval !== null) {
    const { quorum, withinMs } = approval;
    const who = `${quorum} ${quorum === 1 ? 'approver' : 'approvers'}`;
    return answer(
      'approval',
      true,
      `${who} must agree within ${withinMs / 1000} s before it is sent`,
    );
  }
  const { reversible } = VERB_NEEDS[verb];
  const data = reversible ? 'not needed' : 'it cannot be undone, and nobody was named to agree';
  return answer('approval', reversible, data);
}

function checkDriver({ driver, verb }: GuardrailInput): GuardrailCheck {
  return answer('driver', driver !== null, driver ?? `no control driver is configured for ${verb}`);
}

function checkPause({ fleet, detection, driver }: GuardrailInput): GuardrailCheck {
  const { agent, role } = detection.entity;
  return pauseCheck(fleet, agent, role, driver);
}

function pauseCheck(
  fleet: Pick<FleetStanding, 'pauses'>,
  agent: string,
  role: string | null,
  driver: string | null,
): GuardrailCheck {
  const pause = fleet.pauses.find(
    ({ scope, target }) =>
      scope === 'fleet' ||
      (scope === 'role' && target === (role ?? '')) ||
      (scope === 'agent' && target === agent) ||
      (scope === 'driver' && target === driver),
  );
  const data = pause === undefined ? 'not paused' : `${pause.scope} paused by ${pause.by}`;
  return answer('kill-switch', pause === undefined, data);
}

function checkQuiet({ standing, detection }: GuardrailInput): GuardrailCheck {
  const quiet = standing?.quiet.find(({ detector }) => detector === detection.detector);
  const data =
    quiet === undefined
      ? 'none'
      : `${quiet.why} for ${Math.ceil((quiet.untilMs - detection.decidedMs) / 1000)} s more`;
  return answer('cool-down', quiet === undefined, data);
}

function checkRate({ fleet, detection, options }: GuardrailInput): GuardrailCheck {
  const { agent } = detection.entity;
  const since = (ms: number) => fleet.recent.filter((one) => one.ms > detection.decidedMs - ms);
  const ofAgent = since(3_600_000).filter((one) => one.agent === agent).length;
  const ofFleet = since(60_000).length;
  const passed = ofAgent < options.agentPerHour && ofFleet < options.fleetPerMinute;
  const data = `${ofAgent} of at most ${options.agentPerHour} against the agent in an hour, ${ofFleet} of at most ${options.fleetPerMinute} in the fleet in a minute`;
  return answer('rate-limit', passed, data);
}

function checkBreaker({ fleet, size, detection, options }: GuardrailInput): GuardrailCheck {
  const { agent, role } = detection.entity;
  const inWindow = fleet.recent.filter(
    ({ ms }) => ms > detection.decidedMs - options.breakerWindowMs,
  );
  const agents = new Set(inWindow.map((lease) => lease.agent)).add(agent);
  const ofRole = new Set(
    inWindow.filter((lease) => lease.role === role).map((lease) => lease.agent),
  );
  ofRole.add(agent);
  const fleetMost = Math.max(1, Math.floor(size.total * options.breakerFleetShare));
  const peers = Object.hasOwn(size.roles, role ?? '') ? (size.roles[role ?? ''] as number) : 0;
  const roleMost = Math.max(1, Math.floor(peers * options.breakerRoleShare));
  const passed = agents.size <= fleetMost && ofRole.size <= roleMost;
  return answer(
    'fleet-breaker',
    passed,
    `${agents.size} of at most ${fleetMost} agents of the fleet, ${ofRole.size} of at most ${roleMost} of the role`,
  );
}

function checkNeverTouch({ detection, options }: GuardrailInput): GuardrailCheck {
  const { agent, role } = detection.entity;
  return neverTouchCheck(options, agent, role);
}

function neverTouchCheck(
  options: GuardrailOptions,
  agent: string,
  role: string | null,
): GuardrailCheck {
  const listed = isUntouchable(options.neverTouch, agent, role);
  return answer('never-touch', !listed, listed ? 'on the never-touch list' : 'not listed');
}

/**
 * Guardrails of going on with what was decided before by other means: a driver further down the chain
 * restrains nobody new, so breaker, rate and cool-down have nothing to say.
 */
export function checkContinuation(input: {
  readonly agent: string;
  readonly role: string | null;
  readonly verb: Verb;
  readonly mode: Mode;
  readonly driver: string;
  readonly fleet: FleetStanding;
  readonly options: GuardrailOptions;
}): GuardrailCheck[] {
  const { agent, role, verb, mode, driver, fleet, options } = input;
  return [
    answer('mode', allowsMode(mode, verb), mode),
    answer('driver', true, driver),
    pauseCheck(fleet, agent, role, driver),
    neverTouchCheck(options, agent, role),
  ];
}
