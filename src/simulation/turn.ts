/** One turn of a simulated agent: it states calls, makes them, and reads what came of them. */
import {
  gatewayEvent,
  type Misdeed,
  metricEvent,
  reasoningEvent,
  type Statement,
} from './emission.ts';
import { writeAside, writeTurn } from './prose.ts';
import { between, chance, exponential, logNormal, pick } from './random.ts';
import type { Args, Matter, SimulatedTool } from './role.ts';
import {
  type Act,
  type Completion,
  DONE,
  emit,
  nextId,
  type Running,
  type Verdict,
} from './running.ts';

/** What came of an act: `refused` means by the control plane. */
export type Result = 'done' | 'failed' | 'refused';

/** What is special about a turn. */
export interface TurnOptions {
  /** Input tokens, where they are not the role's. */
  readonly inputTokens?: number;
  /** Misbehaviour that the reasoning record itself completes, and where it began. */
  readonly completes?: { readonly kind: Misdeed; readonly fromSeq: number };
  /** Said instead of the usual. */
  readonly text?: string;
  /** Think time after the turn, ms, median. Default 2,500. */
  readonly thinkMs?: number;
}

/** What is special about a call. */
export interface ActOptions {
  readonly verdict?: Verdict;
  /** What the result is about, where that is not the session's matter. */
  readonly matter?: Matter;
  readonly volume?: number;
}

/** A sound call of a tool: stated and made alike. */
export function act(tool: SimulatedTool, args: Args, options: ActOptions = {}): Act {
  if (tool.route !== 'gateway') {
    return { stated: { tool: tool.name, args }, made: null, toolType: tool.route };
  }
  const { name, server, latencyMs, result, carriesNote } = tool;
  const { verdict = DONE, matter, volume } = options;
  return {
    stated: { tool: name, args },
    made: {
      tool: name,
      args,
      verdict,
      server,
      latencyMs,
      ...(result === undefined ? {} : { result }),
      ...(carriesNote === undefined ? {} : { carriesNote }),
      ...(matter === undefined ? {} : { matter }),
      ...(volume === undefined ? {} : { volume }),
    },
  };
}

/** Share of turns that say something of a note just read. */
const ASIDE = { note: 0.05, plant: 0.2 } as const;
const OPENINGS = ['Next:', 'I will now call', 'To go on I need', 'The next step is', 'Calling'];

function words(run: Running, acts: readonly Act[], said: string | undefined): string {
  if (said !== undefined) return said;
  const names = acts.flatMap((each) => (each.stated === null ? [] : [each.stated.tool]));
  const { style, taste, remarks } = run.manner;
  if (style !== null) {
    const { matter, random } = run;
    const first = run.turns === 0;
    const text = writeTurn(random, { style, taste, remarks, tools: names, matter, first });
    const aside = run.noted !== 'no' && chance(random, ASIDE[run.noted]);
    run.noted = 'no';
    return aside ? `${writeAside(random)} ${text}` : text;
  }
  if (names.length === 0) return `Nothing to call for ${run.matter.ref} at this point.`;
  return `${pick(run.random, OPENINGS)} ${names.join(', ')} for ${run.matter.ref}.`;
}

function tokensOf(run: Running, inputTokens: number | undefined): { in: number; out: number } {
  const { first, perTurn, out, turnMax } = run.role.tokens;
  const { tokens } = run.manner;
  const output = Math.round(Math.min(logNormal(run.random, out, 0.3) * tokens, turnMax / 4));
  const input = logNormal(run.random, first + perTurn * run.turns, 0.12) * tokens;
  return {
    in: Math.round(inputTokens ?? Math.min(input, turnMax - output)),
    out: output,
  };
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
    text: words(run, acts, options.text),
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

/** Text of third parties in a result; the plant, where there is one, stands in it too. */
function noteIn(run: Running, made: NonNullable<Act['made']>, seq: number): string {
  const { random, flow, plant } = run;
  const note = flow.note?.(random, run.matter) ?? '';
  if (note !== '') run.noted = 'note';
  if (plant === null) return note;
  const where = JSON.stringify([made.tool, made.args]);
  if (plant.tool !== null && plant.tool !== made.tool) return note;
  if (plant.where !== null && plant.where !== where) return note;
  plant.where = where;
  run.noted = plant.follows === 'resisted' ? 'plant' : 'note';
  run.exposedSeq ??= seq;
  if (note === '') return plant.words;
  return chance(random, 0.5) ? `${note} ${plant.words}` : `${plant.words} ${note}`;
}

interface Answer {
  readonly bytesOut: number;
  readonly result?: unknown;
}

/** What comes back of a call that was let through. */
function answerOf(run: Running, made: NonNullable<Act['made']>, seq: number): Answer {
  const more = exponential(run.random, 900);
  if (made.result === undefined) return { bytesOut: 200 + Math.round(more) };
  const note = made.carriesNote === true ? noteIn(run, made, seq) : '';
  const result = made.result(run.random, made.matter ?? run.matter, made.args, note);
  const bytes = (JSON.stringify(result).length + more) * run.manner.bytes * (made.volume ?? 1);
  return { bytesOut: Math.round(bytes), result };
}

/** One call reaches the gateway. Its record bears the time of the call, not of the answer. */
function attempt(run: Running, each: Act, seq: number, callId: string): Result {
  const { made } = each;
  if (made === null) return 'done';
  run.made += 1;
  const bearer = made.agentId === undefined ? run.bearer : { ...run.bearer, agentId: made.agentId };
  const refusal = judged(run, bearer.agentId, made.tool, made.verdict);
  const verdict = refusal ?? made.verdict;
  const done = verdict.outcome === 'ok';
  const answer: Answer = done ? answerOf(run, made, seq) : { bytesOut: 0 };
  const latencyMs = made.latencyMs * run.manner.latency;
  const body = {
    phase: 'result',
    tool: made.tool,
    server: made.server,
    args: made.args,
    decision: verdict.decision,
    outcome: verdict.outcome,
    status: verdict.status,
    durationMs:
      verdict.decision === 'allow' ? Math.round(logNormal(run.random, latencyMs, 0.4)) : 4,
    ...answer,
  } as const;
  const reasoned = verdict.reason === undefined ? body : { ...body, reason: verdict.reason };
  const action = verdict.policy === undefined ? reasoned : { ...reasoned, policy: verdict.policy };
  const fromSeq = each.completes?.fromSeq ?? seq;
  if (each.completes !== undefined) run.begunSeq ??= fromSeq;
  const completes =
    each.completes === undefined || refusal !== null
      ? null
      : { kind: each.completes.kind, seq, fromSeq };
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
      longestMs = Math.max(longestMs, each.made.latencyMs * run.manner.latency);
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
  const thinkMs = logNormal(run.random, (options.thinkMs ?? 2_500) * run.manner.think, 0.5);
  yield longestMs + Math.min(20_000, thinkMs);
  return results;
}
