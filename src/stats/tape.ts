/** Tape: the tokens a scan finds, by digest and kind, in lists that are used again. */

/** What a token is. A literal is a value somebody could act on. */
export type TokenKind = 'word' | 'email' | 'url' | 'host' | 'path' | 'date' | 'number' | 'id';

/** Kinds by the number that stands for them in a `Tape`. */
export const KINDS: readonly TokenKind[] = [
  ...(['word', 'email', 'url', 'host', 'path', 'date', 'number', 'id'] as const),
];
/** Kinds as numbers. */
export const WORD = 0;
export const EMAIL = 1;
export const URL = 2;
export const HOST = 3;
export const PATH = 4;
export const DATE = 5;
export const NUMBER = 6;
export const ID = 7;

/**
 * What a scan found, in lists that are used again: made once, filled by every scan from `n` = 0.
 * Digests are signed 32-bit numbers here, for these need no allocation.
 */
export interface Tape {
  h: Int32Array;
  kinds: Uint8Array;
  /** Tokens found. */
  n: number;
  /** Canonical forms, where somebody asks for them. */
  texts: string[] | null;
  /** Tokens that a scan of at most `most` would have found: less than `n` only with sentences. */
  read: number;
  /** Sentences as first token and token after the last, in pairs; their number. */
  spans: Int32Array;
  sentences: number;
}

/** An empty tape. */
export function newTape(texts: string[] | null = null): Tape {
  return {
    h: new Int32Array(256),
    kinds: new Uint8Array(256),
    n: 0,
    texts,
    read: 0,
    spans: new Int32Array(64),
    sentences: 0,
  };
}

const FNV_BASIS = 0x811c9dc5;
const FNV_PRIME = 0x01000193;
const ZERO = 48;
const DOT = 46;
const COMMA = 44;

/**
 * Digest of a text, signed. See `hash32`.
 * @example digestOf('plumbline') // -1287764357
 */
export function digestOf(text: string): number {
  let h = FNV_BASIS;
  for (let at = 0; at < text.length; at += 1) h = Math.imul(h ^ text.charCodeAt(at), FNV_PRIME);
  return mixed(h);
}

/** The final mix of a digest. */
export function mixed(sum: number): number {
  let h = sum ^ (sum >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  return h ^ (h >>> 13);
}

/** Adds a number without thousands separators and without zeros at the end of its fraction. */
export function pushNumber(
  text: string,
  at: number,
  end: number,
  fraction: number,
  into: Tape,
): void {
  let last = fraction;
  if (fraction > end) {
    while (text.charCodeAt(last - 1) === ZERO) last -= 1;
    if (text.charCodeAt(last - 1) === DOT) last -= 1;
  }
  let h = FNV_BASIS;
  for (let place = at; place < last; place += 1) {
    const code = text.charCodeAt(place);
    if (code !== COMMA) h = Math.imul(h ^ code, FNV_PRIME);
  }
  if (into.texts !== null) into.texts.push(text.slice(at, last).replaceAll(',', ''));
  add(into, mixed(h), NUMBER);
}

/** Adds the ASCII stretch in lower case. */
export function push(text: string, at: number, end: number, kind: number, into: Tape): void {
  let h = FNV_BASIS;
  for (let place = at; place < end; place += 1) {
    const code = text.charCodeAt(place);
    h = Math.imul(h ^ (code >= 65 && code <= 90 ? code + 32 : code), FNV_PRIME);
  }
  if (into.texts !== null) into.texts.push(text.slice(at, end).toLowerCase());
  add(into, mixed(h), kind);
}

/** Adds a token by its canonical form. */
export function addText(text: string, kind: number, into: Tape): void {
  if (into.texts !== null) into.texts.push(text);
  add(into, digestOf(text), kind);
}

/** Adds a token by its digest. */
export function add(into: Tape, h: number, kind: number): void {
  const at = into.n;
  if (at === into.h.length) {
    into.h = grown(into.h, new Int32Array(2 * at));
    into.kinds = grown(into.kinds, new Uint8Array(2 * at));
  }
  into.h[at] = h;
  into.kinds[at] = kind;
  into.n = at + 1;
}

/** A list in a longer one. */
export function grown<T extends Int32Array | Uint8Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
