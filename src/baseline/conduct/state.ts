/** State: what is remembered of an open unit for judging its next call; plain JSON, bounded. */
import type { CallItem, UnitHead, UnitItem } from '../../model/unit.ts';
import { mandateTemplate } from '../../stats/mandate-template.ts';
import { digestOf, type Tape } from '../../stats/tape.ts';
import type { Because } from './because.ts';
import { type CallWords, numbered } from './call-words.ts';
import {
  addWords,
  bytesOfNumbers,
  bytesOfText,
  bytesOfWords,
  END,
  forgetFrom,
  type Lexis,
  newLexis,
  numberOf,
  numbersAsText,
  wordsAsText,
} from './lexis.ts';
import { type Memory, newMemory } from './memory.ts';
import { type ReadCall, type ReadResult, readMandate, readResult } from './reading.ts';
import { spansOf } from './spans.ts';

/** A call that was made. Rows of words are texts of one character a word: see `Lexis`. */
export interface PastCall {
  /** Place in `tools`. */
  readonly tool: number;
  readonly turn: number;
  /** Digests of words that the unit met here first. */
  readonly words: string;
  /** Its values in order, an `END` behind each. */
  readonly values: string;
  /** Distinct words of tool, values and texts. */
  readonly w: string;
  /** Tokens of its result in order; empty below L3, or where memory was full. */
  readonly tape: string;
  /** Tokens of its sentences, where mark-up made them others than those of `tape`. */
  readonly said: string;
  /** How the sentences lie in them: see `spansOf`. */
  readonly spans: string;
}

/** What is remembered of a unit. */
export interface ConductState {
  /** Digest of the mandate's template. */
  readonly template: number;
  readonly role: string;
  /** Digests of the mandate's words, and its tokens in order. */
  readonly words: string;
  readonly mandate: string;
  /** Turns of the model so far, and what the last one announced. */
  turn: number;
  said: boolean;
  announced: readonly string[];
  plan: readonly string[] | null;
  calls: PastCall[];
  /** Calls so far, remembered or not. */
  count: number;
  /** Tools used, by first use, and how often. */
  tools: string[];
  uses: number[];
  previous: readonly [string, string];
  /** Distinct changing tools as places in `tools`, and the largest surprise of one under the mandate, bits. */
  sinks: number[];
  strangestTool: number;
  /** Has any result text been seen? Then the unit is judged at L3. */
  texts: boolean;
  /** Tokens of results held in `calls`, and bytes of all that is held. */
  tokens: number;
  bytes: number;
  /** True once something was not remembered: origins `none` are then not certain. */
  full: boolean;
  /** Running maxima; null before the first scored call. */
  best: { L3: number | null; L2: number | null };
  /** What made the strangest call strange. */
  because: Because;
  /** What is derived of the rest, and made again where it is missing: it is never stored. */
  live?: Live;
}

/** What is derived of a state and kept from call to call: all of it can be derived again. */
export interface Live {
  readonly lexis: Lexis;
  /** The last call whose words were numbered. */
  call: CallWords | null;
  /** Which words occurred where. */
  readonly memory: Memory;
  /** What a measure knows of the words, in lists by number. */
  kept: KeptWords | null;
  /** Leaves it out of every stored state. */
  readonly toJSON: () => undefined;
}

/** What a measure keeps of a unit; whose it is, it knows by itself. */
export interface KeptWords {
  readonly owner: object;
  readonly weights: number[];
  readonly first: number[];
}

const MANDATE_TOKENS = 512;
const MANDATE_CHARS = 8192;
const CALLS_MAX = 64;
/** Tokens of results that are remembered. */
const TOKENS_MAX = 8192;
/**
 * Bytes of calls and tools that are remembered: with a mandate of 4,096 characters, whatever these
 * are, a stored unit stays within 64 KiB. Recorded units of twenty actions need less than half of it.
 */
const BYTES_MAX = 24_576;
/** Bytes a call takes apart from its words: names of members, quotes, figures. */
const CALL_BYTES = 112;
const NAMES_MAX = 32;
/** Bytes of names that one turn announces, or a plan declares. */
const NAME_BYTES_MAX = 2_048;
const NAME_CHARS = 256;

/** State of a new unit. */
export function newState(head: UnitHead): ConductState {
  const mandate = (head.mandate ?? '').slice(0, MANDATE_CHARS);
  const lexis = newLexis();
  const { h, n } = readMandate(mandate, MANDATE_TOKENS);
  const numbers: number[] = [];
  for (let at = 0; at < n; at += 1) numbers.push(numberOf(lexis, h[at] as number));
  return {
    template: templateOf(head),
    role: head.role ?? '',
    words: wordsAsText(lexis, 0),
    mandate: numbersAsText(numbers),
    turn: 0,
    said: false,
    announced: [],
    plan: null,
    calls: [],
    count: 0,
    tools: [],
    uses: [],
    previous: ['^', '^'],
    sinks: [],
    strangestTool: 0,
    texts: false,
    tokens: 0,
    bytes: 0,
    full: false,
    best: { L3: null, L2: null },
    because: [],
    live: newLive(lexis, false),
  };
}

/** What is derived of a state; of one that was stored it is derived anew. */
export function liveOf(state: ConductState): Live {
  if (state.live !== undefined) return state.live;
  const lexis = newLexis();
  addWords(lexis, state.words);
  for (const { words } of state.calls) addWords(lexis, words);
  state.live = newLive(lexis, state.said);
  return state.live;
}

const unstored = () => undefined;

function newLive(lexis: Lexis, said: boolean): Live {
  return { lexis, call: null, memory: newMemory(said), kept: null, toJSON: unstored };
}

/** Digest of the template of a unit's mandate. */
export function templateOf(head: UnitHead): number {
  return digestOf(mandateTemplate(head.mandate ?? '')) >>> 0;
}

/** Takes what is no call: turns and declared plans. */
export function hear(state: ConductState, item: Exclude<UnitItem, CallItem>): void {
  if (item.type === 'say') {
    state.turn += 1;
    state.said = true;
    state.announced = bounded(item.tools);
  } else if (item.type === 'change' && item.change === 'plan.declared') {
    state.plan = bounded(item.tools);
  }
}

/** The first names of a list, as many as are remembered. */
function bounded(names: readonly string[]): readonly string[] {
  let chars = 0;
  for (const name of names) chars += name.length;
  if (names.length <= NAMES_MAX && 6 * chars <= NAME_BYTES_MAX) return names;
  const kept: string[] = [];
  let bytes = 0;
  for (const name of names.slice(0, NAMES_MAX)) {
    bytes += bytesOfText(name);
    if (bytes > NAME_BYTES_MAX) break;
    kept.push(name);
  }
  return kept;
}

/** The turn a call belongs to: calls of one turn do not know each other's results. */
export function turnOf(state: ConductState): number {
  return state.said ? state.turn : state.count;
}

/** The call's words, numbered; once for each call. */
export function wordsIn(state: ConductState, call: ReadCall): CallWords {
  const live = liveOf(state);
  if (live.call?.call === call) return live.call;
  live.call = numbered(live.lexis, call);
  return live.call;
}

/** Remembers a call after it was judged. */
export function remember(state: ConductState, call: ReadCall, item: CallItem): void {
  const words = wordsIn(state, call);
  const tool = use(state, call.tool);
  // A result is read into lists that the next one is read into: it is taken at once.
  const result = readResult(item.result);
  if (result !== null) state.texts = true;
  const past =
    tool < 0 || state.calls.length >= CALLS_MAX ? null : taken(state, words, tool, result);
  if (past === null) {
    forget(liveOf(state), words.floor);
    state.full = true;
  } else state.calls.push(past);
  state.count += 1;
  state.previous = [state.previous[1], cut(call.tool)];
  if (call.changing && tool >= 0 && !state.sinks.includes(tool) && state.sinks.length < NAMES_MAX)
    state.sinks.push(tool);
}

/** How often a tool was used in the unit. */
export function usesOf(state: ConductState, tool: string): number {
  const at = state.tools.indexOf(cut(tool));
  return at < 0 ? 0 : (state.uses[at] as number);
}

/** Name of the tool of a past call; empty where there is no call. */
export function toolOf({ tools }: ConductState, past: PastCall | undefined): string {
  return past === undefined ? '' : (tools[past.tool] as string);
}

/** A name as it is remembered. */
export function cut(name: string): string {
  return name.length > NAME_CHARS ? name.slice(0, NAME_CHARS) : name;
}

/** Counts a use of the tool; its place in `tools`, or -1 where there is no more room for names. */
function use(state: ConductState, tool: string): number {
  const name = cut(tool);
  const at = state.tools.indexOf(name);
  if (at >= 0) {
    state.uses[at] = (state.uses[at] as number) + 1;
    return at;
  }
  const bytes = bytesOfText(name) + 8;
  if (state.tools.length >= CALLS_MAX || state.bytes + bytes > BYTES_MAX) return -1;
  state.bytes += bytes;
  state.tools.push(name);
  state.uses.push(1);
  return state.tools.length - 1;
}

/** A call as it is remembered: with its words and its result as far as there is room; null where none is. */
function taken(
  state: ConductState,
  words: CallWords,
  tool: number,
  result: ReadResult | null,
): PastCall | null {
  const live = liveOf(state);
  const { lexis } = live;
  if (state.bytes + CALL_BYTES > BYTES_MAX) return null;
  state.bytes += CALL_BYTES;
  const turn = turnOf(state);
  const w = distinctWords(lexis, words);
  const values = valuesOf(words);
  const bytes = bytesOfWords(lexis.n - words.floor) + bytesOfNumbers(w) + bytesOfText(values);
  if (state.bytes + bytes > BYTES_MAX) {
    forget(live, words.floor);
    state.full = true;
    return { tool, turn, words: '', values: '', w: '', tape: '', said: '', spans: '' };
  }
  state.bytes += bytes;
  const heard = result === null ? NOTHING : listen(state, live, result);
  return {
    tool,
    turn,
    words: wordsAsText(lexis, words.floor),
    values,
    w: numbersAsText(w),
    tape: heard.tape,
    said: heard.said,
    spans: heard.spans,
  };
}

const NOTHING = { tape: '', said: '', spans: '' };

/** A result as it is remembered. */
function listen(state: ConductState, live: Live, result: ReadResult): typeof NOTHING {
  const { lexis } = live;
  const { tape, said } = result;
  const floor = lexis.n;
  if (state.tokens + tape.read > TOKENS_MAX) {
    state.full = true;
    return NOTHING;
  }
  const heard = numbersOf(lexis, tape, tape.read);
  const isApart = said !== tape || tape.read < tape.n;
  const spoken = isApart ? numbersOf(lexis, said, said.n) : NONE;
  const spans = spansOf(said);
  const bytes =
    bytesOfWords(lexis.n - floor) +
    bytesOfNumbers(heard) +
    bytesOfNumbers(spoken) +
    bytesOfNumbers(spans);
  if (state.bytes + bytes > BYTES_MAX) {
    forget(live, floor);
    state.full = true;
    return NOTHING;
  }
  state.bytes += bytes;
  state.tokens += tape.read;
  return {
    tape: numbersAsText(heard),
    said: numbersAsText(spoken),
    spans: numbersAsText(spans),
  };
}

const NONE: readonly number[] = [];

/** Lets go of words that are not remembered after all, and of what was derived of them. */
function forget({ lexis, memory, kept }: Live, n: number): void {
  forgetFrom(lexis, n);
  for (const list of [memory.marks, memory.results, memory.own, kept?.weights, kept?.first])
    if (list !== undefined && list.length > n) list.length = n;
}

function numbersOf(lexis: Lexis, { h }: Tape, n: number): number[] {
  const numbers: number[] = [];
  for (let at = 0; at < n; at += 1) numbers.push(numberOf(lexis, h[at] as number));
  return numbers;
}

/** The words of tool, values and texts, each once. */
function distinctWords(lexis: Lexis, { tool, short, long }: CallWords): number[] {
  const found: number[] = [];
  lexis.serial += 1;
  for (const list of [tool, short, long])
    for (const number of list) {
      if (lexis.stamp[number] === lexis.serial) continue;
      lexis.stamp[number] = lexis.serial;
      found.push(number);
    }
  return found;
}

function valuesOf({ call, numbers }: CallWords): string {
  let text = '';
  for (const { short, from, to } of call.leaves)
    if (short) text += numbersAsText(numbers.slice(from, to)) + END;
  return text;
}
