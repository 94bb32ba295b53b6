/** Reading: what a call, a result and a mandate say, as tokens; no content is kept. */
import type { CallItem } from '../../model/unit.ts';
import { hash32, type Token, type TokenKind, tokensOf, toolWordsOf } from '../../stats/literals.ts';
import { sentencesOf, textOf } from '../../stats/sentences.ts';

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
  readonly literals: readonly Token[];
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
const LEAVES_MAX = 48;
const LONG_MAX = 96;
const RESULT_CHARS = 20_000;
const ARGUMENT_CHARS = 4_000;
/** Words before a request that say nothing of what is requested. */
const OPENERS: ReadonlySet<string> = new Set(
  'pleas kindly then also and now you should must need to hi first next'.split(' '),
);
const ACTIONABLE: ReadonlySet<TokenKind> = new Set<TokenKind>(['email', 'url', 'id', 'path']);

/** Reads a call's tool and arguments; at most 48 values, six levels deep. */
export function readCall(item: CallItem): ReadCall {
  const leaves: Leaf[] = [];
  leavesOf(item.args, '', 0, leaves);
  const values = leaves.filter(({ short }) => short).flatMap(({ h }) => h);
  const texts = leaves.filter(({ short }) => !short).flatMap(({ h }) => h);
  const { tool, toolClass } = item;
  const granted = item.granted !== false;
  return {
    tool,
    toolClass,
    granted,
    // A class nobody declared counts as changing where the tool is granted: it may be anything.
    changing: toolClass === null ? granted : toolClass !== 'read',
    leaves,
    toolWords: distinct(toolWordsOf(tool).map(hash32)),
    short: distinct(values),
    long: distinct(texts).slice(0, LONG_MAX),
  };
}

/** Reads a result body; null where there is no text in it. */
export function readResult(result: unknown): ReadResult | null {
  const text = textOf(result, RESULT_CHARS);
  if (text.length === 0) return null;
  return { tape: tokensOf(text).map(({ h }) => h), sentences: sentencesIn(text) };
}

/** Sentences of a text, long ones in pieces of forty tokens. */
export function sentencesIn(text: string): Sentence[] {
  const found: Sentence[] = [];
  for (const sentence of sentencesOf(text)) {
    const tokens = tokensOf(sentence);
    for (let at = 0; at < tokens.length; at += SENTENCE_TOKENS) {
      const part = tokens.slice(at, at + SENTENCE_TOKENS);
      let first = 0;
      while (first < part.length - 1 && OPENERS.has((part[first] as Token).text)) first += 1;
      found.push({
        w: distinct(part.map(({ h }) => h)),
        first: (part[first] as Token).h,
        n: part.length,
      });
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
  return [...new Set(values)];
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
  const tokens = tokensOf(text.slice(0, ARGUMENT_CHARS));
  if (tokens.length === 0) return null;
  const short = tokens.length <= VALUE_TOKENS;
  const literals = short ? [] : tokens.filter(({ kind }) => ACTIONABLE.has(kind)).slice(0, 6);
  return {
    path,
    h: tokens.map(({ h }) => h),
    kind: kindOf(tokens),
    short,
    literals,
    length: text.length,
  };
}

function kindOf(tokens: readonly Token[]): Leaf['kind'] {
  const kinds = new Set(tokens.map(({ kind }) => kind));
  const last = tokens[tokens.length - 1] as Token;
  if (kinds.size === 1 || tokens.length <= 2) return last.kind;
  if (kinds.has('email')) return 'email';
  if (kinds.has('url')) return 'url';
  return tokens.length > VALUE_TOKENS ? 'text' : 'phrase';
}
