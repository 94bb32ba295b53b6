/** One turn of a simulated agent: it states calls, makes them, and reads what came of them. */
import type { Action } from '../model/event.ts';
import {
  type Bearer,
  type Emission,
  gatewayEvent,
  type Misbehaviour,
  metricEvent,
  reasoningEvent,
  type Statement,
} from './emission.ts';
import { between, chance, exponential, logNormal, pick, type Random } from './random.ts';
import type { Args, Matter, RoleSpec, SimulatedTool } from './role.ts';

/** A call about to be made, as a control plane is asked. */
export interface GateCall {
  readonly atMs: number;
  /** Identity the gateway knows the call under. */
  readonly agentId: string;
  readonly sessionId: string;
  readonly tool: string;
}

/** Its answer. */
export interface GateAnswer {
  readonly allowed: boolean;
  readonly policyId?: string;
  readonly reason?: string;
}

/** What the fleet offers a running session. */
export interface Stage {
  /** Event time now, ms. */
  nowMs: number;
  emit(emission: Emission): void;
  ask(call: GateCall): GateAnswer;
  /** Starts a child of this session now. */
  spawn(parent: Running): void;
  /** Some other registered agent; null in a fleet of one. */
  otherAgent(random: Random, agentId: string): string | null;
}

/** A session under way. */
export interface Running {
  readonly stage: Stage;
  readonly random: Random;
  readonly bearer: Bearer;
  readonly sessionId: string;
  /** Unique in the fleet and free of the start time: names its random stream. */
  readonly name: string;
  readonly role: RoleSpec;
  readonly model: string;
  readonly matter: Matter;
  /** What it will do wrong; null = nothing. */
  readonly misbehaviour: Misbehaviour | null;
  readonly openedMs: number;
  /** Refusals in a row after which it gives up. */
  readonly patience: number;
  /** Next number in the session. */
  seq: number;
  turns: number;
  calls: number;
  records: number;
  refusals: number;
  stopped: boolean;
  tokens: number;
  /** What the agent will say of the calls of its last turn. */
  claims: Statement[];
}

/** What the gateway and the tool answer. */
export interface Verdict {
  readonly decision: Action['decision'];
  readonly outcome: Action['outcome'];
  readonly status: number;
  readonly policy?: { readonly id: string; readonly rule: string };
  readonly reason?: string;
}

/** Went through. */
export const DONE: Verdict = { decision: 'allow', outcome: 'ok', status: 200 };

/** One call in two books; null = that book has no entry. */
export interface Act {
  /** What the agent says it will call. */
  readonly stated: { readonly tool: string; readonly args: Args } | null;
  /** What the gateway sees; null for phantoms and for calls that pass no gateway. */
  readonly made: {
    readonly tool: string;
    readonly args: Args;
    readonly verdict: Verdict;
    readonly server: string;
    readonly latencyMs: number;
    /** Identity the gateway knows it under, where it is another. */
    readonly agentId?: string;
  } | null;
  readonly toolType?: 'local' | 'provider';
  /** The misbehaviour this call completes, and where it began. */
  readonly completes?: { readonly kind: Misbehaviour; readonly fromSeq?: number };
}

/** What came of an act: `refused` means by the control plane. */
export type Result = 'done' | 'failed' | 'refused';

/** What a record completes, as the truth names it. */
export interface Completion {
  readonly kind: Misbehaviour;
  readonly seq: number | null;
  readonly fromSeq: number | null;
}

/** What is special about a turn. */
export interface TurnOptions {
  /** Input tokens, where they are not the role's. */
  readonly inputTokens?: number;
  /** Misbehaviour that the reasoning record itself completes, and where it began. */
  readonly completes?: { readonly kind: Misbehaviour; readonly fromSeq: number };
  /** Think time after the turn, ms, median. Default 2,500. */
  readonly thinkMs?: number;
}

/** A sound call of a tool: stated and made alike. */
export function act(tool: SimulatedTool, args: Args, verdict: Verdict = DONE): Act {
  if (tool.route !== 'gateway') {
    return { stated: { tool: tool.name, args }, made: null, toolType: tool.route };
  }
  const { name, server, latencyMs } = tool;
  return { stated: { tool: name, args }, made: { tool: name, args, verdict, server, latencyMs } };
}

const OPENINGS = ['Next:', 'I will now call', 'To go on I need', 'The next step is', 'Calling'];

function words(run: Running, acts: readonly Act[]): string {
  const names = acts.flatMap((each) => (each.stated === null ? [] : [each.stated.tool]));
  if (names.length === 0) return `Nothing to call for ${run.matter.ref} at this point.`;
  return `${pick(run.random, OPENINGS)} ${names.join(', ')} for ${run.matter.ref}.`;
}

function tokensOf(run: Running, inputTokens: number | undefined): { in: number; out: number } {
  const { first, perTurn, out, turnMax } = run.role.tokens;
  const output = Math.round(Math.min(logNormal(run.random, out, 0.3), turnMax / 4));
  const input = logNormal(run.random, first + perTurn * run.turns, 0.12);
  return {
    in: Math.round(inputTokens ?? Math.min(input, turnMax - output)),
    out: output,
  };
}

/** Emits a record of this session now. */
export function emit(
  run: Running,
  topic: Emission['topic'],
  event: Emission['event'],
  completes: Completion | null = null,
): void {
  const atMs = run.stage.nowMs;
  const { agentId } = run.bearer;
  const truth =
    completes === null
      ? null
      : {
          sessionId: run.sessionId,
          agentId,
          kind: completes.kind,
          atMs,
          seq: completes.seq,
          fromSeq: completes.fromSeq,
        };
  run.stage.emit({ atMs, topic, key: event.agent?.id ?? agentId, event, truth });
}

/** Id of the next record without `seq`: unique within the session. */
export function nextId(run: Running, what: string): string {
  run.records += 1;
  return `${run.sessionId}/${what}/${run.records}`;
}

/** Emits a count of tokens, money or time. */
export function measure(
  run: Running,
  name: string,
  category: string,
  unit: string,
  value: number,
  attrs: Record<string, unknown>,
): void {
  const id = nextId(run, name);
  const body = { name, unit, type: 'counter', temporality: 'delta', value, attrs } as const;
  emit(run, 'metrics', metricEvent(run.bearer, run.stage.nowMs, id, category, body));
}

/** The model's answer: what it states next, and what it says of the turn before. */
function state(run: Running, acts: readonly Act[], ids: readonly string[], options: TurnOptions) {
  const seq = run.seq;
  const intents: Statement[] = [];
  let completes: Completion | null =
    options.completes === undefined ? null : { ...options.completes, seq };
  acts.forEach((each, index) => {
    if (each.stated === null) return;
    const intent: Statement = { toolCallId: ids[index] as string, ...each.stated };
    if (each.toolType !== undefined) intent.toolType = each.toolType;
    intents.push(intent);
    if (each.made === null && each.completes !== undefined) {
      completes = { kind: each.completes.kind, seq: seq + index, fromSeq: seq + index };
    }
  });
  const tokens = tokensOf(run, options.inputTokens);
  const event = reasoningEvent(run.bearer, run.stage.nowMs, seq, {
    op: 'chat',
    provider: 'atlas',
    model: run.model,
    finish: [intents.length > 0 ? 'tool_calls' : 'stop'],
    tokens,
    intents,
    claims: run.claims,
    text: words(run, acts),
  });
  emit(run, 'reasoning', event, completes);
  run.claims = [];
  run.turns += 1;
  run.tokens += tokens.in + tokens.out;
  measure(run, 'agent.turn.tokens', 'usage', '{token}', tokens.in + tokens.out, {
    seq,
    input: tokens.in,
    output: tokens.out,
  });
}

/** What the control plane makes of a call: the verdict stands, or it is refused. */
function judged(run: Running, agentId: string, tool: string, verdict: Verdict): Verdict | null {
  const { nowMs } = run.stage;
  const answer = run.stage.ask({ atMs: nowMs, agentId, sessionId: run.sessionId, tool });
  if (answer.allowed) {
    run.refusals = 0;
    return null;
  }
  run.refusals += 1;
  if (run.refusals > run.patience) run.stopped = true;
  return {
    ...verdict,
    decision: 'deny',
    outcome: 'error',
    status: 403,
    policy: { id: answer.policyId ?? 'control-plane', rule: 'posture' },
    reason: answer.reason ?? 'refused by the control plane',
  };
}

/** One call reaches the gateway. Its record bears the time of the call, not of the answer. */
function attempt(run: Running, each: Act, seq: number, callId: string): Result {
  const { made } = each;
  if (made === null) return 'done';
  const bearer = made.agentId === undefined ? run.bearer : { ...run.bearer, agentId: made.agentId };
  const refusal = judged(run, bearer.agentId, made.tool, made.verdict);
  const verdict = refusal ?? made.verdict;
  const done = verdict.outcome === 'ok';
  const bytesOut = done ? 200 + Math.round(exponential(run.random, 900)) : 0;
  const body = {
    phase: 'result',
    tool: made.tool,
    server: made.server,
    args: made.args,
    decision: verdict.decision,
    outcome: verdict.outcome,
    status: verdict.status,
    durationMs:
      verdict.decision === 'allow' ? Math.round(logNormal(run.random, made.latencyMs, 0.4)) : 4,
    bytesOut,
  } as const;
  const reasoned = verdict.reason === undefined ? body : { ...body, reason: verdict.reason };
  const action = verdict.policy === undefined ? reasoned : { ...reasoned, policy: verdict.policy };
  const completes =
    each.completes === undefined || refusal !== null
      ? null
      : { kind: each.completes.kind, seq, fromSeq: each.completes.fromSeq ?? seq };
  emit(run, 'gateway', gatewayEvent(bearer, run.stage.nowMs, seq, callId, action), completes);
  if (refusal !== null) return 'refused';
  return done ? 'done' : 'failed';
}

/** Delay of a call after the one before, ms: parallel calls often share a millisecond. */
function gapMs(run: Running, index: number): number {
  if (index === 0) return between(run.random, 120, 600);
  return chance(run.random, 0.3) ? 0 : between(run.random, 1, 60);
}

/**
 * One turn: a reasoning record at `seq`, the act at place i at `seq + 1 + i`, then think time.
 * Every number is taken even where a call is missing, as a producer's own counter would.
 * Acts that nobody stated must come last. Yields delays in ms; returns what came of each act.
 */
export function* takeTurn(
  run: Running,
  acts: readonly Act[],
  options: TurnOptions = {},
): Generator<number, Result[]> {
  const ids = acts.map((_, index) => `call_${run.calls + index + 1}`);
  const first = run.seq + 1;
  state(run, acts, ids, options);
  run.calls += acts.length;
  run.seq += 1 + acts.length;
  const results: Result[] = [];
  let longestMs = 0;
  for (const [index, each] of acts.entries()) {
    const callId = ids[index] as string;
    if (each.made !== null) {
      yield gapMs(run, index);
      longestMs = Math.max(longestMs, each.made.latencyMs);
    }
    const result = attempt(run, each, first + index, callId);
    results.push(result);
    if (each.stated !== null) {
      const claim: Statement = { toolCallId: callId, tool: each.stated.tool };
      if (each.toolType !== undefined) claim.toolType = each.toolType;
      claim.outcome = result === 'done' ? 'ok' : 'error';
      run.claims.push(claim);
    }
  }
  yield longestMs + Math.min(20_000, logNormal(run.random, options.thinkMs ?? 2_500, 0.5));
  return results;
}
