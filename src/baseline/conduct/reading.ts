/** Reading: what a call, a result and a mandate say, as tokens; no content is kept. */
import type { CallItem } from '../../model/unit.ts';
import { digestsOf, hash32, type TokenKind, toolWordsOf } from '../../stats/literals.ts';
import { sentenceSpans, textOf } from '../../stats/sentences.ts';

/** A literal inside a text. */
export interface Literal {
  readonly h: number;
  readonly kind: TokenKind;
}

/** A value among the arguments of a call. */
export interface Leaf {
  /** Place in the arguments, indices as `[]`. */
  readonly path: string;
  /** Digests of its tokens in order. */
  readonly h: readonly number[];
  /** Kind of its last token, `phrase` or `text`. */
  readonly kind: TokenKind | 'phrase' | 'text';
  /** Of at most six tokens: a value. Longer ones are text. */
  readonly short: boolean;
  /** Literals inside a text. */
  readonly literals: readonly Literal[];
  /** Length in characters. */
  readonly length: number;
}

/** A call as it is judged. */
export interface ReadCall {
  readonly tool: string;
  readonly toolClass: string | null;
  readonly granted: boolean;
  readonly changing: boolean;
  readonly leaves: readonly Leaf[];
  /** Distinct words of the tool's name, of the values, and of the texts. */
  readonly toolWords: readonly number[];
  readonly short: readonly number[];
  readonly long: readonly number[];
}

/** A sentence: its distinct tokens, and the first that could be a verb. */
export interface Sentence {
  readonly w: readonly number[];
  readonly first: number;
  /** Tokens before doubles were taken out. */
  readonly n: number;
}

/** A result: every token in order, and its sentences. */
export interface ReadResult {
  readonly tape: readonly number[];
  readonly sentences: readonly Sentence[];
}

const SENTENCE_TOKENS = 40;
const VALUE_TOKENS = 6;
const LITERALS_MAX = 6;
const LEAVES_MAX = 48;
const LONG_MAX = 96;
const RESULT_CHARS = 20_000;
const ARGUMENT_CHARS = 4_000;
/** Words before a request that say nothing of what is requested. */
const OPENERS: ReadonlySet<number> = new Set(
  'pleas kindly then also and now you should must need to hi first next'.split(' ').map(hash32),
);
const ACTIONABLE: ReadonlySet<TokenKind> = new Set<TokenKind>(['email', 'url', 'id', 'path']);

/** Reads a call's tool and arguments; at most 48 values, six levels deep. */
export function readCall(item: CallItem): ReadCall {
  const leaves: Leaf[] = [];
  leavesOf(item.args, '', 0, leaves);
  const values: number[] = [];
  const texts: number[] = [];
  for (const { short, h } of leaves) for (const word of h) (short ? values : texts).push(word);
  const { tool, toolClass } = item;
  const granted = item.granted !== false;
  return {
    tool,
    toolClass,
    granted,
    // A class nobody declared counts as changing where the tool is granted: it may be anything.
    changing: toolClass === null ? granted : toolClass !== 'read',
    leaves,
    toolWords: toolDigests(tool),
    short: distinct(values),
    long: distinct(texts).slice(0, LONG_MAX),
  };
}

/** Reads a result body; null where there is no text in it. */
export function readResult(result: unknown): ReadResult | null {
  const text = textOf(result, RESULT_CHARS);
  if (text.length === 0) return null;
  return { tape: digestsOf(text).h, sentences: sentencesIn(text) };
}

/** Sentences of a text, long ones in pieces of forty tokens. */
export function sentencesIn(given: string): Sentence[] {
  const found: Sentence[] = [];
  const { text, ends } = sentenceSpans(given);
  for (let span = 0; span < ends.length; span += 2) {
    const { h } = digestsOf(text, ends[span], ends[span + 1]);
    for (let at = 0; at < h.length; at += SENTENCE_TOKENS) {
      const part = h.length <= SENTENCE_TOKENS ? h : h.slice(at, at + SENTENCE_TOKENS);
      let first = 0;
      while (first < part.length - 1 && OPENERS.has(part[first] as number)) first += 1;
      found.push({ w: distinct(part), first: part[first] as number, n: part.length });
    }
  }
  return found;
}

/** Digest of a sentence's words: the same sentence again. */
export function sentenceKey(sentence: Sentence): number {
  let key = 17;
  for (const word of sentence.w) key = (Math.imul(key, 31) + word) | 0;
  return key;
}

/** Distinct members in order of first occurrence. */
export function distinct(values: readonly number[]): number[] {
  if (values.length > FEW) return [...new Set(values)];
  const found: number[] = [];
  for (const value of values) if (!found.includes(value)) found.push(value);
  return found;
}

/** Up to so many, looking through a list is cheaper than a set. */
const FEW = 24;
/** Names whose words are remembered: an agent can make names up, so there is a bound. */
const TOOLS_MAX = 4096;
const TOOLS = new Map<string, readonly number[]>();

/** Digests of the distinct words of a tool's name. */
function toolDigests(tool: string): readonly number[] {
  const known = TOOLS.get(tool);
  if (known !== undefined) return known;
  const words = distinct(toolWordsOf(tool).map(hash32));
  if (TOOLS.size >= TOOLS_MAX) TOOLS.clear();
  if (tool.length <= 256) TOOLS.set(tool, words);
  return words;
}

function leavesOf(value: unknown, path: string, depth: number, into: Leaf[]): void {
  if (value === null || value === undefined || typeof value === 'boolean') return;
  if (depth > 6 || into.length >= LEAVES_MAX) return;
  if (Array.isArray(value)) {
    for (const item of value) leavesOf(item, `${path}[]`, depth + 1, into);
  } else if (typeof value === 'object') {
    for (const [key, member] of Object.entries(value)) {
      const name = key.slice(0, 64);
      leavesOf(member, path === '' ? name : `${path}.${name}`, depth + 1, into);
    }
  } else {
    const leaf = leafOf(path.slice(0, 256), String(value));
    if (leaf !== null) into.push(leaf);
  }
}

function leafOf(path: string, text: string): Leaf | null {
  const { h, kinds } = digestsOf(text, 0, Math.min(text.length, ARGUMENT_CHARS));
  if (h.length === 0) return null;
  const short = h.length <= VALUE_TOKENS;
  const literals: Literal[] = [];
  for (let at = 0; !short && at < h.length && literals.length < LITERALS_MAX; at += 1) {
    const kind = kinds[at] as TokenKind;
    if (ACTIONABLE.has(kind)) literals.push({ h: h[at] as number, kind });
  }
  return { path, h, kind: kindOf(kinds), short, literals, length: text.length };
}

function kindOf(kinds: readonly TokenKind[]): Leaf['kind'] {
  const last = kinds[kinds.length - 1] as TokenKind;
  if (kinds.length <= 2 || kinds.every((kind) => kind === last)) return last;
  if (kinds.includes('email')) return 'email';
  if (kinds.includes('url')) return 'url';
  return kinds.length > VALUE_TOKENS ? 'text' : 'phrase';
}
