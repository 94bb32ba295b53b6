/** State: what is remembered of an open unit for judging its next call; plain JSON, bounded. */
import type { CallItem, UnitHead, UnitItem } from '../../model/unit.ts';
import { digestsOf, hash32 } from '../../stats/literals.ts';
import { mandateTemplate } from '../../stats/mandate-template.ts';
import { distinct, type ReadCall, type ReadResult, readResult, type Sentence } from './reading.ts';

/** A call that was made. */
export interface PastCall {
  readonly tool: string;
  readonly turn: number;
  /** Digests of its values in order, value by value. */
  readonly values: readonly (readonly number[])[];
  /** Distinct words of tool, values and texts. */
  readonly w: readonly number[];
  /** Tokens of its result in order, and its sentences; absent below L3, or where memory was full. */
  readonly tape: readonly number[];
  readonly sentences: readonly Sentence[];
}

/** What is remembered of a unit. */
export interface ConductState {
  /** Digest of the mandate's template. */
  readonly template: number;
  readonly role: string;
  /** Tokens of the mandate in order. */
  readonly mandate: readonly number[];
  /** Turns of the model so far, and what the last one announced. */
  turn: number;
  said: boolean;
  announced: string[];
  plan: string[] | null;
  calls: PastCall[];
  /** Calls so far, remembered or not. */
  count: number;
  used: Record<string, number>;
  previous: readonly [string, string];
  /** Distinct changing tools, and the largest surprise of one under the mandate, bits. */
  sinks: string[];
  strangestTool: number;
  /** Has any result text been seen? Then the unit is judged at L3. */
  texts: boolean;
  /** Tokens held in `calls`. */
  tokens: number;
  /** True once something was not remembered: origins `none` are then not certain. */
  full: boolean;
  /** Running maxima; null before the first scored call. */
  best: { L3: number | null; L2: number | null };
  /** What made the strangest call strange. */
  because: readonly string[];
}

const MANDATE_TOKENS = 512;
const CALLS_MAX = 64;
/** Tokens of results that are remembered: some 90 KiB as JSON. */
const TOKENS_MAX = 8192;
const NAMES_MAX = 32;

/** State of a new unit. */
export function newState(head: UnitHead): ConductState {
  const mandate = (head.mandate ?? '').slice(0, 8192);
  return {
    template: templateOf(head),
    role: head.role ?? '',
    mandate: digestsOf(mandate, 0, mandate.length, MANDATE_TOKENS).h,
    turn: 0,
    said: false,
    announced: [],
    plan: null,
    calls: [],
    count: 0,
    used: {},
    previous: ['^', '^'],
    sinks: [],
    strangestTool: 0,
    texts: false,
    tokens: 0,
    full: false,
    best: { L3: null, L2: null },
    because: [],
  };
}

/** Digest of the template of a unit's mandate. */
export function templateOf(head: UnitHead): number {
  return hash32(mandateTemplate(head.mandate ?? ''));
}

/** Takes what is no call: turns and declared plans. */
export function hear(state: ConductState, item: Exclude<UnitItem, CallItem>): void {
  if (item.type === 'say') {
    state.turn += 1;
    state.said = true;
    state.announced = item.tools.slice(0, NAMES_MAX);
  } else if (item.type === 'change' && item.change === 'plan.declared') {
    state.plan = item.tools.slice(0, NAMES_MAX);
  }
}

/** The turn a call belongs to: calls of one turn do not know each other's results. */
export function turnOf(state: ConductState): number {
  return state.said ? state.turn : state.count;
}

/** Was the result of `past` known when the present call was decided? */
export function wasKnown(state: ConductState, past: PastCall): boolean {
  return !state.said || past.turn < state.turn;
}

/** Remembers a call after it was judged. */
export function remember(state: ConductState, call: ReadCall, item: CallItem): void {
  const result = readResult(item.result);
  if (result !== null) state.texts = true;
  const tape = affordable(state, result);
  if (state.calls.length < CALLS_MAX) {
    state.calls.push({
      tool: call.tool,
      turn: turnOf(state),
      values: call.leaves.filter(({ short }) => short).map(({ h }) => h),
      w: distinct([...call.toolWords, ...call.short, ...call.long]),
      tape,
      sentences: tape.length > 0 ? (result?.sentences ?? []) : [],
    });
    state.tokens += tape.length;
  } else state.full = true;
  state.count += 1;
  const key = `@${call.tool}`.slice(0, 256);
  if (Object.hasOwn(state.used, key) || Object.keys(state.used).length < CALLS_MAX)
    state.used[key] = (state.used[key] ?? 0) + 1;
  state.previous = [state.previous[1], call.tool.slice(0, 256)];
  if (call.changing && !state.sinks.includes(call.tool) && state.sinks.length < NAMES_MAX)
    state.sinks.push(call.tool);
}

/** How often a tool was used in the unit. */
export function usesOf(state: ConductState, tool: string): number {
  return state.used[`@${tool}`.slice(0, 256)] ?? 0;
}

function affordable(state: ConductState, result: ReadResult | null): readonly number[] {
  if (result === null) return [];
  if (state.tokens + result.tape.length <= TOKENS_MAX) return result.tape;
  state.full = true;
  return [];
}
