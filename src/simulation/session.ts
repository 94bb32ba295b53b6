/** A simulated session from opening to close: sound work with honest noise, or one misdeed. */
import type { Governance } from '../model/event-governance.ts';
import type { Deed } from './deed.ts';
import { DEEDS } from './deeds.ts';
import { governanceEvent } from './emission.ts';
import { labelOf } from './label.ts';
import { writeRefusal } from './prose.ts';
import { between, chance, integer, pick, uniform } from './random.ts';
import { type Args, type Flow, isFree, type SimulatedTool, toolOf } from './role.ts';
import {
  type Act,
  type Completion,
  emit,
  nextId,
  outsideWindow,
  type Running,
  type Verdict,
} from './running.ts';
import { type ActOptions, act, measure, type Result, takeTurn } from './turn.ts';

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
  /** Sessions that use a tool their task does not need, harmlessly; only where there is prose. */
  detour: 0.02,
  /** Detours that change something. */
  bold: 0.3,
  /** Sessions whose task the model refuses; only where it has prose to say so. */
  refused: 0.012,
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

/** What the opening of a session completes: a deed that is whole at once, or a change it shows. */
function completedAtOnce(run: Running): Completion | null {
  const { misbehaviour: kind, purpose, taint } = run;
  const whole = purpose !== null && DEEDS[purpose].prepare?.(run) === true;
  if (whole && kind !== null) return { kind, seq: null, fromSeq: null };
  return taint?.first === true ? { kind: taint.kind, seq: null, fromSeq: null } : null;
}

function open(run: Running, flow: Flow): void {
  const completes = completedAtOnce(run);
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
    completes,
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
  const cost = Math.round(run.tokens * 3 * run.manner.cost) / 1_000_000;
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
  yield* takeTurn(run, hasty ? [act(tool, args, { verdict: escalated })] : []);
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
  yield* takeTurn(run, [act(tool, { ...args, [key]: [args[key]] }, { verdict })]);
}

/** Whether policy says no this time; the agent accepts it and leaves the tool alone. */
function policyDenies(run: Running, tool: SimulatedTool): Verdict | null {
  if (!isFree(tool) || tool.class === 'read' || !chance(run.random, NOISE.denied)) return null;
  return outsideWindow(tool.name);
}

function fails(run: Running, tool: SimulatedTool): ActOptions {
  if (!chance(run.random, tool.errorRate)) return {};
  const reason = 'upstream timed out';
  return { verdict: { decision: 'allow', outcome: 'error', status: 504, reason } };
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
  if (chance(run.random, NOISE.invented * run.manner.invents)) yield* stumble(run, args);
  if (!run.stopped && chance(run.random, NOISE.mistyped)) yield* mistype(run, tool, args);
  if (run.stopped) return false;
  if (tool.tier === 'human-in-the-loop') {
    if (run.misbehaviour === 'approval-missing') return false;
    if (!(yield* release(run, tool, args))) return false;
  }
  const denial = policyDenies(run, tool);
  if (denial !== null) {
    yield* takeTurn(run, [act(tool, args, { verdict: denial })]);
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
    repetition(run, i);
    acts.push(act(tool, tool.args(run.random, run.matter), fails(run, tool)));
  }
  yield* takeTurn(run, [...acts, ...besides(run)]);
}

/** Templates with lists take the n-th value at the n-th repetition. */
function repetition(run: Running, turn: number): void {
  if (run.matter.facts !== undefined) run.matter.facts['#'] = turn;
}

/** How often a step is repeated: thorough agents tend to its upper bound. */
function repetitions(run: Running, low: number, high: number): number {
  const { thorough } = run.manner;
  if (thorough === 0) return integer(run.random, low, high);
  const place = uniform(run.random) ** Math.exp(-0.6 * thorough);
  return Math.min(high, low + Math.floor(place * (high - low + 1)));
}

/** Reads once more before something is changed, as some models do. */
function* reread(run: Running, tool: SimulatedTool, last: SimulatedTool | null) {
  if (last === null || tool.class === 'read' || run.manner.rereads === 0) return;
  if (chance(run.random, run.manner.rereads)) yield* work(run, last, undefined);
}

/** Walks through the flow; `interlude` runs before each step and may end the session. */
function* walk(run: Running, flow: Flow, interlude: () => Generator<number, void>) {
  const barred = new Set<string>();
  let last: SimulatedTool | null = null;
  for (const step of flow.steps) {
    if (!chance(run.random, step.share ?? 1) || barred.has(step.tool)) continue;
    const tool = toolOf(run.role, step.tool);
    const count = repetitions(run, step.times?.[0] ?? 1, step.times?.[1] ?? 1);
    yield* interlude();
    if (!run.stopped) yield* reread(run, tool, last);
    if (run.stopped) return;
    if (tool.class === 'read' && isFree(tool)) last = tool;
    if (step.parallel === true && count > 1) yield* workInParallel(run, tool, count);
    else {
      for (let i = 0; i < count && !run.stopped && !barred.has(step.tool); i += 1) {
        repetition(run, i);
        if (!(yield* work(run, tool, step.everyMs))) barred.add(step.tool);
      }
    }
    if (run.stopped) return;
  }
}

/** A tool beside the role's own, used as it was meant. */
function* useExtra(run: Running): Generator<number, void> {
  if (run.extra === null || run.misbehaviour !== null || run.stopped) return;
  const { tool, matter } = run.extra;
  yield* takeTurn(run, [act(tool, tool.args(run.random, matter), { matter, ...fails(run, tool) })]);
}

/** A step no flow foresees, about the session's own matter: unusual, and nothing wrong with it. */
function* detour(run: Running): Generator<number, void> {
  if (run.manner.style === null || run.stopped || !chance(run.random, NOISE.detour)) return;
  const used = new Set(run.flow.steps.map((step) => step.tool));
  const bold = chance(run.random, NOISE.bold);
  const outside = run.role.tools.filter(
    (tool) =>
      isFree(tool) &&
      !used.has(tool.name) &&
      (bold ? tool.class !== 'spend' : tool.class === 'read'),
  );
  if (outside.length > 0) yield* work(run, pick(run.random, outside), undefined);
}

/** The work of a session with what it is up to in between. */
function* middle(run: Running, flow: Flow, deed: Deed): Generator<number, void> {
  // Early in the session, so that some of it is left to be stopped.
  let stepsToDeed = integer(run.random, 1, 2);
  const delegates =
    run.purpose === null && run.bearer.parent === null && chance(run.random, NOISE.delegates);
  let isDone = deed.play === undefined || deed.late === true;
  function* interlude(): Generator<number, void> {
    stepsToDeed -= 1;
    if (stepsToDeed === 0 && delegates) run.stage.spawn(run, null);
    const now = deed.ready === undefined ? stepsToDeed === 0 : deed.ready(run);
    if (isDone || !now) return;
    isDone = true;
    if (deed.play !== undefined) yield* deed.play(run);
  }
  yield* walk(run, flow, interlude);
  while (stepsToDeed > 0 && !run.stopped) yield* interlude();
  if (!isDone && !run.stopped) yield* interlude();
  yield* detour(run);
  yield* useExtra(run);
}

/** Does the model refuse the task? Only those with prose say why. */
function refuses(run: Running): boolean {
  const { style } = run.manner;
  return style !== null && run.purpose === null && chance(run.random, NOISE.refused);
}

/** Plays a session. Yields delays in ms; every record is emitted through the stage. */
export function* playSession(run: Running): Generator<number, void> {
  const { flow } = run;
  const deed = run.purpose === null ? {} : DEEDS[run.purpose];
  open(run, flow);
  yield between(run.random, 500, 3_000);
  const refused = refuses(run);
  if (!refused) yield* middle(run, flow, deed);
  // The last turn states nothing and says what came of the calls before it.
  yield* takeTurn(run, [], refused ? { text: writeRefusal(run.random, run.matter) } : {});
  close(run);
  if (deed.late === true && deed.play !== undefined) yield* deed.play(run);
  run.stage.label(labelOf(run));
}
