/** Lexis: the words of one unit, numbered as they come; all else holds numbers. */

/**
 * Digests by number and numbers by digest. Numbers are small and dense: what is known of a word lies
 * in lists by number, and a row of words is a string of one character a word.
 */
export interface Lexis {
  /** Digests, signed, by number. */
  readonly h: number[];
  n: number;
  /** Open addressing: number + 1, or 0. */
  slots: number[];
  /** Serial of the last question that met a word, by number: see `stampOf`. */
  readonly stamp: number[];
  serial: number;
}

/** The character of number 0: from here on JSON escapes none, and the first 32 take one byte. */
const FIRST = 0x60;
/** Characters a digest takes as text. */
const DIGEST_CHARS = 6;
/** Numbers stay below the surrogates. Nothing that is remembered or read at once comes near it. */
const NUMBERS_MAX = 0xd800 - FIRST;
const SIX_BITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const CODES = Uint8Array.from(SIX_BITS, (char) => char.charCodeAt(0));
const VALUES = Uint8Array.from({ length: 128 }, (_, code) =>
  Math.max(0, SIX_BITS.indexOf(String.fromCharCode(code))),
);

/** No words yet. */
export function newLexis(): Lexis {
  // Plain lists: a typed one of this size lives outside the heap, and costs ten times as much to make.
  return { h: [], n: 0, slots: freeSlots(256), stamp: [], serial: 0 };
}

function freeSlots(size: number): number[] {
  return new Array<number>(size).fill(0);
}

/** Number of a digest; a new one gets the next. */
export function numberOf(lexis: Lexis, h: number): number {
  const { slots } = lexis;
  const mask = slots.length - 1;
  let slot = h & mask;
  for (let held = slots[slot] as number; held !== 0; held = slots[slot] as number) {
    if (lexis.h[held - 1] === h) return held - 1;
    slot = (slot + 1) & mask;
  }
  const number = lexis.n;
  if (number >= NUMBERS_MAX) throw new RangeError('too many words in one unit');
  lexis.h.push(h);
  lexis.stamp.push(0);
  lexis.n = number + 1;
  if (4 * number < 3 * mask) slots[slot] = number + 1;
  else grow(lexis);
  return number;
}

/** Number of a digest, or -1: adds none. */
export function knownNumber({ h: digests, slots }: Lexis, h: number): number {
  const mask = slots.length - 1;
  let slot = h & mask;
  for (let held = slots[slot] as number; held !== 0; held = slots[slot] as number) {
    if (digests[held - 1] === h) return held - 1;
    slot = (slot + 1) & mask;
  }
  return -1;
}

/** Lets go of the words from number `n` on. */
export function forgetFrom(lexis: Lexis, n: number): void {
  const { h, stamp, slots } = lexis;
  const mask = slots.length - 1;
  // In the reverse order of adding, so that no chain is torn.
  while (lexis.n > n) {
    lexis.n -= 1;
    let slot = (h[lexis.n] as number) & mask;
    while (slots[slot] !== lexis.n + 1) slot = (slot + 1) & mask;
    slots[slot] = 0;
  }
  h.length = n;
  stamp.length = n;
}

/** Words from number `from` on as text. */
export function wordsAsText({ h, n }: Lexis, from: number): string {
  if (n === from) return '';
  const codes: number[] = [];
  for (let at = from; at < n; at += 1)
    for (let shift = 30; shift >= 0; shift -= 6)
      codes.push(CODES[((h[at] as number) >>> shift) & 63] as number);
  return charsOf(codes);
}

/** Adds the words of a text that `wordsAsText` made. */
export function addWords(lexis: Lexis, text: string): void {
  for (let at = 0; at + DIGEST_CHARS <= text.length; at += DIGEST_CHARS) {
    let h = 0;
    for (let k = 0; k < DIGEST_CHARS; k += 1)
      h = (h << 6) | (VALUES[text.charCodeAt(at + k) & 127] as number);
    numberOf(lexis, h);
  }
}

/** Numbers as text, one character each. */
export function numbersAsText(numbers: readonly number[]): string {
  return charsOf(numbers, FIRST);
}

/** The number a character stands for. */
export function numberAt(text: string, at: number): number {
  return text.charCodeAt(at) - FIRST;
}

/** Bytes that numbers take as stored text. */
export function bytesOfNumbers(numbers: readonly number[]): number {
  let bytes = numbers.length;
  for (let at = 0; at < numbers.length; at += 1) {
    const code = (numbers[at] as number) + FIRST;
    if (code >= 0x80) bytes += code < 0x800 ? 1 : 2;
  }
  return bytes;
}

/** Bytes that so many digests take as stored text. */
export function bytesOfWords(count: number): number {
  return DIGEST_CHARS * count;
}

/** Bytes a text takes inside JSON, at most. */
export function bytesOfText(text: string): number {
  let bytes = text.length;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code < 0x20 || (code >= 0xd800 && code < 0xe000)) bytes += 5;
    else if (code === 0x22 || code === 0x5c) bytes += 1;
    else if (code >= 0x80) bytes += code < 0x800 ? 1 : 2;
  }
  return bytes;
}

/** Stands behind each value in a row of values: the character of no number. */
export const END = '!';

const PIECE = 8_192;

function charsOf(codes: readonly number[], above = 0): string {
  const { length } = codes;
  if (length === 0) return '';
  if (length === 1) return String.fromCharCode((codes[0] as number) + above);
  const shown = above === 0 ? codes : codes.map((code) => code + above);
  if (length <= PIECE) return String.fromCharCode(...shown);
  return charsOf(shown.slice(0, PIECE)) + charsOf(shown.slice(PIECE));
}

function grow(lexis: Lexis): void {
  const { h, n } = lexis;
  const slots = freeSlots(4 * lexis.slots.length);
  const mask = slots.length - 1;
  for (let at = 0; at < n; at += 1) {
    let slot = (h[at] as number) & mask;
    while (slots[slot] !== 0) slot = (slot + 1) & mask;
    slots[slot] = at + 1;
  }
  lexis.slots = slots;
}
