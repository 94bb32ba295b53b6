/** A simulated session from opening to close: sound work with honest noise, or one misdeed. */
import type { Governance } from '../model/event.ts';
import { governanceEvent } from './emission.ts';
import { hasDeed, misbehave } from './misbehaviour.ts';
import { between, chance, integer, pick } from './random.ts';
import { type Args, type Flow, isFree, type SimulatedTool, toolOf } from './role.ts';
import {
  type Act,
  act,
  type Completion,
  emit,
  measure,
  nextId,
  type Result,
  type Running,
  takeTurn,
  type Verdict,
} from './turn.ts';

/** Shares of honest noise, per call or per turn. */
const NOISE = {
  /** A tool name that does not exist; about one in 30 of all calls, parallel ones counted. */
  invented: 1 / 24,
  /** Arguments of the wrong type, refused by the gateway. */
  mistyped: 1 / 80,
  /** A real refusal by policy, which the agent accepts. */
  denied: 1 / 150,
  /** A call that passes no gateway, beside the others. */
  ungated: 1 / 15,
  /** A call that a human must release, tried before it is. */
  hasty: 0.15,
  /** A human says no. */
  declined: 0.07,
  /** Sessions that declare a plan. */
  planned: 0.3,
  /** Sessions that start a child. */
  delegates: 0.03,
} as const;

const APPROVAL_MS = 300_000;
const RETRIES_MAX = 2;

function govern(
  run: Running,
  category: string,
  body: Governance,
  completes: Completion | null = null,
): void {
  const id = nextId(run, body.change);
  const event = governanceEvent(run.bearer, run.stage.nowMs, id, category, body);
  emit(run, 'governance', event, completes);
}

function open(run: Running, flow: Flow): void {
  const kind = run.misbehaviour;
  const whole = kind === 'unknown-agent' || kind === 'spawn-without-origin';
  const detail = {
    role: run.role.name,
    mandate: flow.mandate(run.matter),
    taskType: flow.taskType,
    ...(run.bearer.principal === null ? {} : { principal: run.bearer.principal }),
    ...(run.bearer.parent === null ? {} : { parent: run.bearer.parent }),
  };
  govern(
    run,
    'session',
    { change: 'session.opened', target: { type: 'session', id: run.sessionId }, detail },
    whole ? { kind, seq: null, fromSeq: null } : null,
  );
  if (!chance(run.random, NOISE.planned)) return;
  const tools = [...new Set(flow.steps.map((step) => step.tool))].map((tool) => ({ tool }));
  govern(run, 'plan', { change: 'plan.declared', detail: { tools } });
}

function close(run: Running): void {
  govern(run, 'session', {
    change: 'session.closed',
    target: { type: 'session', id: run.sessionId },
  });
  const attrs = { turns: run.turns, calls: run.calls };
  measure(run, 'agent.session.tokens', 'usage', '{token}', run.tokens, attrs);
  const cost = Math.round(run.tokens * 3) / 1_000_000;
  measure(run, 'agent.session.cost', 'cost', 'USD', cost, attrs);
  measure(run, 'agent.session.duration', 'latency', 'ms', run.stage.nowMs - run.openedMs, attrs);
}

/** A human's answer about one tool; comes before the call is stated, so no intent waits for it. */
function* approval(run: Running, tool: SimulatedTool): Generator<number, boolean> {
  yield between(run.random, 4_000, 40_000);
  const granted = !chance(run.random, NOISE.declined);
  const { nowMs } = run.stage;
  const by = `user:approver-${integer(run.random, 1, 9)}`;
  govern(run, 'approval', {
    change: granted ? 'approval.granted' : 'approval.denied',
    target: { type: 'tool', id: tool.name },
    actor: by,
    approval: {
      ref: `${run.sessionId}/approval/${run.records}`,
      by: [by],
      tools: [tool.name],
      ...(granted ? { validFromMs: nowMs, validToMs: nowMs + APPROVAL_MS } : {}),
    },
  });
  yield between(run.random, 400, 1_500);
  return granted;
}

/** Asks for release of a tool; a hasty agent tries first and is told to ask. */
function* release(run: Running, tool: SimulatedTool, args: Args): Generator<number, boolean> {
  const escalated: Verdict = {
    decision: 'escalate',
    outcome: 'error',
    status: 409,
    policy: { id: 'human-in-the-loop', rule: tool.name },
    reason: 'needs the approval of a person',
  };
  const hasty = chance(run.random, NOISE.hasty);
  yield* takeTurn(run, hasty ? [act(tool, args, escalated)] : []);
  if (run.stopped) return false;
  return yield* approval(run, tool);
}

/** A call of a tool that does not exist, before the agent finds the right one. */
function* stumble(run: Running, args: Args): Generator<number, void> {
  const name = pick(run.random, run.role.invented);
  const made: Act['made'] = {
    tool: name,
    args,
    verdict: { decision: 'allow', outcome: 'error', status: 404, reason: 'unknown tool' },
    server: 'gateway',
    latencyMs: 20,
  };
  yield* takeTurn(run, [{ stated: { tool: name, args }, made }]);
}

/** The right tool with a value of the wrong type, which the gateway refuses. */
function* mistype(run: Running, tool: SimulatedTool, args: Args): Generator<number, void> {
  const key = pick(run.random, Object.keys(args));
  const verdict: Verdict = {
    decision: 'deny',
    outcome: 'error',
    status: 422,
    reason: `ValidationError: ${key} must not be an array`,
  };
  yield* takeTurn(run, [act(tool, { ...args, [key]: [args[key]] }, verdict)]);
}

/** Whether policy says no this time; the agent accepts it and leaves the tool alone. */
function policyDenies(run: Running, tool: SimulatedTool): Verdict | null {
  if (!isFree(tool) || tool.class === 'read' || !chance(run.random, NOISE.denied)) return null;
  return {
    decision: 'deny',
    outcome: 'error',
    status: 403,
    policy: { id: 'limits', rule: `${tool.name}-window` },
    reason: 'outside the permitted window',
  };
}

function fails(run: Running, tool: SimulatedTool): Verdict | undefined {
  if (!chance(run.random, tool.errorRate)) return undefined;
  return { decision: 'allow', outcome: 'error', status: 504, reason: 'upstream timed out' };
}

/** Calls that pass no gateway and accompany a turn now and then. */
function besides(run: Running): Act[] {
  const ungated = run.role.tools.filter((tool) => tool.route !== 'gateway');
  if (ungated.length === 0 || !chance(run.random, NOISE.ungated)) return [];
  const tool = pick(run.random, ungated);
  return [act(tool, tool.args(run.random, run.matter))];
}

/** One call, with the honest noise around it. Says whether the tool may be used again. */
function* work(run: Running, tool: SimulatedTool, thinkMs: number | undefined) {
  const args = tool.args(run.random, run.matter);
  const pace = thinkMs === undefined ? {} : { thinkMs };
  if (chance(run.random, NOISE.invented)) yield* stumble(run, args);
  if (!run.stopped && chance(run.random, NOISE.mistyped)) yield* mistype(run, tool, args);
  if (run.stopped) return false;
  if (tool.tier === 'human-in-the-loop') {
    if (run.misbehaviour === 'approval-missing') return false;
    if (!(yield* release(run, tool, args))) return false;
  }
  const denial = policyDenies(run, tool);
  if (denial !== null) {
    yield* takeTurn(run, [act(tool, args, denial)]);
    return false;
  }
  for (let tries = 0; tries <= RETRIES_MAX && !run.stopped; tries += 1) {
    const results: Result[] = yield* takeTurn(
      run,
      [act(tool, args, fails(run, tool)), ...besides(run)],
      pace,
    );
    if (results[0] !== 'failed') return true;
  }
  return true;
}

/** Several calls of one tool in one turn. */
function* workInParallel(run: Running, tool: SimulatedTool, count: number) {
  const acts: Act[] = [];
  for (let i = 0; i < count; i += 1) {
    acts.push(act(tool, tool.args(run.random, run.matter), fails(run, tool)));
  }
  yield* takeTurn(run, [...acts, ...besides(run)]);
}

/** Walks through the flow; `interlude` runs before each step and may end the session. */
function* walk(run: Running, flow: Flow, interlude: () => Generator<number, void>) {
  const barred = new Set<string>();
  for (const step of flow.steps) {
    if (!chance(run.random, step.share ?? 1) || barred.has(step.tool)) continue;
    const tool = toolOf(run.role, step.tool);
    const count = integer(run.random, step.times?.[0] ?? 1, step.times?.[1] ?? 1);
    yield* interlude();
    if (run.stopped) return;
    if (step.parallel === true && count > 1) yield* workInParallel(run, tool, count);
    else {
      for (let i = 0; i < count && !run.stopped && !barred.has(step.tool); i += 1) {
        if (!(yield* work(run, tool, step.everyMs))) barred.add(step.tool);
      }
    }
    if (run.stopped) return;
  }
}

/** Plays a session. Yields delays in ms; every record is emitted through the stage. */
export function* playSession(run: Running, flow: Flow): Generator<number, void> {
  open(run, flow);
  yield between(run.random, 500, 3_000);
  const kind = run.misbehaviour;
  // Early in the session, so that some of it is left to be stopped.
  let stepsToDeed = integer(run.random, 1, 2);
  const delegates =
    kind === null && run.bearer.parent === null && chance(run.random, NOISE.delegates);
  function* interlude(): Generator<number, void> {
    stepsToDeed -= 1;
    if (stepsToDeed !== 0) return;
    if (delegates) run.stage.spawn(run);
    if (hasDeed(kind)) yield* misbehave(run, kind);
  }
  yield* walk(run, flow, interlude);
  while (stepsToDeed > 0 && !run.stopped) yield* interlude();
  // The last turn states nothing and says what came of the calls before it.
  yield* takeTurn(run, []);
  close(run);
  if (kind === 'after-close') yield* misbehave(run, kind);
}
