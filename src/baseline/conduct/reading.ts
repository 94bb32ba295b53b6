/** Reading: what a call, a result and a mandate say, as tokens; no content is kept. */
import type { CallItem } from '../../model/unit.ts';
import { scan, scanSentences } from '../../stats/literal-scan.ts';
import { type TokenKind, toolWordsOf } from '../../stats/literals.ts';
import { textOf, unmarked } from '../../stats/sentences.ts';
import { digestOf, KINDS, newTape, type Tape } from '../../stats/tape.ts';

/** What a value is: the kind of its last token, or a phrase or text of several. */
export type ValueKind = TokenKind | 'phrase' | 'text';

/** Kinds of values by the number that stands for them. */
export const VALUE_KINDS: readonly ValueKind[] = [...KINDS, 'phrase', 'text'];
const EMAIL = VALUE_KINDS.indexOf('email');
const URL = VALUE_KINDS.indexOf('url');
const PHRASE = VALUE_KINDS.indexOf('phrase');
const TEXT = VALUE_KINDS.indexOf('text');

/** A literal inside a text. */
export interface Literal {
  readonly h: number;
  /** Place in `VALUE_KINDS`. */
  readonly kind: number;
}

/** A value among the arguments of a call. */
export interface Leaf {
  /** Place in the arguments, indices as `[]`. */
  readonly path: string;
  /** Its tokens: places in `h` of the call. */
  readonly from: number;
  readonly to: number;
  /** Place in `VALUE_KINDS`. */
  readonly kind: number;
  /** Of at most six tokens: a value. Longer ones are text. */
  readonly short: boolean;
  /** Literals inside a text. */
  readonly literals: readonly Literal[];
  /** Length in characters. */
  readonly length: number;
}

/** A call as it is judged. Digests are signed. */
export interface ReadCall {
  readonly tool: string;
  readonly toolClass: string | null;
  readonly granted: boolean;
  readonly changing: boolean;
  /** Digests of the tokens of all values in order. */
  readonly h: readonly number[];
  readonly leaves: readonly Leaf[];
  /** Distinct words of the tool's name. */
  readonly toolWords: readonly number[];
}

/**
 * A result: its tokens in order, and its sentences. Read into lists that are used again: whoever wants
 * to keep it takes it before the next result is read.
 */
export interface ReadResult {
  /** Every token; `read` of them count. */
  readonly tape: Tape;
  /** Sentences as spans of these tokens: the same, unless mark-up or escapes were taken out. */
  readonly said: Tape;
}

/** Tokens of a sentence; longer ones are taken in pieces. */
export const SENTENCE_TOKENS = 40;
const SENTENCES_MAX = 512;
const TOKENS_MAX = 4096;
const VALUE_TOKENS = 6;
const LITERALS_MAX = 6;
const LEAVES_MAX = 48;
const RESULT_CHARS = 20_000;
const ARGUMENT_CHARS = 4_000;
/** Words before a request that say nothing of what is requested. */
const OPENERS: ReadonlySet<number> = new Set(
  'pleas kindly then also and now you should must need to hi first next'.split(' ').map(digestOf),
);
const ACTIONABLE: ReadonlySet<number> = new Set(
  (['email', 'url', 'id', 'path'] as const).map((kind) => VALUE_KINDS.indexOf(kind)),
);

/** Reads a call's tool and arguments; at most 48 values, six levels deep. */
export function readCall(item: CallItem): ReadCall {
  const leaves: Leaf[] = [];
  const h: number[] = [];
  leavesOf(item.args, '', 0, leaves, h);
  const { tool, toolClass } = item;
  const granted = item.granted !== false;
  return {
    tool,
    toolClass,
    granted,
    // A class nobody declared counts as changing where the tool is granted: it may be anything.
    changing: toolClass === null ? granted : toolClass !== 'read',
    h,
    leaves,
    toolWords: toolDigests(tool),
  };
}

const TAPE = newTape();
const SAID = newTape();
const VALUE = newTape();

/** Reads a result body; null where there is no text in it. */
export function readResult(result: unknown): ReadResult | null {
  const text = textOf(result, RESULT_CHARS);
  if (text.length === 0) return null;
  const plain = unmarked(text);
  if (plain === text) {
    scanSentences(text, TOKENS_MAX, SENTENCES_MAX, TAPE);
    return { tape: TAPE, said: TAPE };
  }
  scan(text, 0, text.length, TOKENS_MAX, TAPE);
  scanSentences(plain, TOKENS_MAX, SENTENCES_MAX, SAID);
  return { tape: TAPE, said: SAID };
}

/** Digests of the first tokens of a mandate in order. */
export function readMandate(mandate: string, most: number): Tape {
  scan(mandate, 0, mandate.length, most, TAPE);
  return TAPE;
}

/** First words of the sentences of a text, past `please` and its like. */
export function openingsOf(text: string): number[] {
  scanSentences(unmarked(text), TOKENS_MAX, SENTENCES_MAX, SAID);
  const found: number[] = [];
  for (let span = 0; span < SAID.sentences; span += 1) {
    const to = SAID.spans[2 * span + 1] as number;
    for (let from = SAID.spans[2 * span] as number; from < to; from += SENTENCE_TOKENS)
      found.push(opening(SAID.h, from, Math.min(to, from + SENTENCE_TOKENS)));
  }
  return found;
}

/** The first of the tokens from..to that could be a verb; the last where none could. */
function opening(h: Int32Array, from: number, to: number): number {
  let first = from;
  while (first < to - 1 && isOpener(h[first] as number)) first += 1;
  return h[first] as number;
}

/** Is this a word before a request that says nothing of what is requested? */
export function isOpener(h: number): boolean {
  return OPENERS.has(h);
}

/** A digest of distinct words in order, one after the other: the same sentence again. Begins at 17. */
export function sentenceKey(key: number, word: number): number {
  return (Math.imul(key, 31) + word) | 0;
}

/** Names whose words are remembered: an agent can make names up, so there is a bound. */
const TOOLS_MAX = 4096;
const TOOLS = new Map<string, readonly number[]>();

/** Digests of the distinct words of a tool's name. */
function toolDigests(tool: string): readonly number[] {
  const known = TOOLS.get(tool);
  if (known !== undefined) return known;
  const words = [...new Set(toolWordsOf(tool).map(digestOf))];
  if (TOOLS.size >= TOOLS_MAX) TOOLS.clear();
  if (tool.length <= 256) TOOLS.set(tool, words);
  return words;
}

function leavesOf(value: unknown, path: string, depth: number, into: Leaf[], h: number[]): void {
  if (value === null || value === undefined || typeof value === 'boolean') return;
  if (depth > 6 || into.length >= LEAVES_MAX) return;
  if (Array.isArray(value)) {
    for (const item of value) leavesOf(item, `${path}[]`, depth + 1, into, h);
  } else if (typeof value === 'object') {
    const members = value as Readonly<Record<string, unknown>>;
    for (const key of Object.keys(members)) {
      const name = key.length > 64 ? key.slice(0, 64) : key;
      leavesOf(members[key], path === '' ? name : `${path}.${name}`, depth + 1, into, h);
    }
  } else addLeaf(path.length > 256 ? path.slice(0, 256) : path, String(value), into, h);
}

const NO_LITERALS: readonly Literal[] = [];

function addLeaf(path: string, text: string, into: Leaf[], h: number[]): void {
  scan(text, 0, Math.min(text.length, ARGUMENT_CHARS), TOKENS_MAX, VALUE);
  const { n, kinds } = VALUE;
  if (n === 0) return;
  const short = n <= VALUE_TOKENS;
  const from = h.length;
  for (let at = 0; at < n; at += 1) h.push(VALUE.h[at] as number);
  const literals = short ? NO_LITERALS : literalsOf(VALUE);
  into.push({
    path,
    from,
    to: from + n,
    kind: kindOf(kinds, n),
    short,
    literals,
    length: text.length,
  });
}

function literalsOf({ h, kinds, n }: Tape): Literal[] {
  const literals: Literal[] = [];
  for (let at = 0; at < n && literals.length < LITERALS_MAX; at += 1) {
    const kind = kinds[at] as number;
    if (ACTIONABLE.has(kind)) literals.push({ h: h[at] as number, kind });
  }
  return literals;
}

function kindOf(kinds: Uint8Array, n: number): number {
  const last = kinds[n - 1] as number;
  if (n <= 2) return last;
  let [isSame, hasEmail, hasUrl] = [true, false, false];
  for (let at = 0; at < n; at += 1) {
    const kind = kinds[at] as number;
    if (kind !== last) isSame = false;
    if (kind === EMAIL) hasEmail = true;
    else if (kind === URL) hasUrl = true;
  }
  if (isSame) return last;
  if (hasEmail) return EMAIL;
  if (hasUrl) return URL;
  return n > VALUE_TOKENS ? TEXT : PHRASE;
}
