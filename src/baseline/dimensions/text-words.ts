/** Words of reasoning: found, looked up and weighed in one pass, with no text made of them. */
import { isSpace } from '../../stats/dividers.ts';
import {
  type ContextModel,
  firstOrderBits,
  START,
  secondOrderBits,
  UNKNOWN,
} from '../../stats/witten-bell.ts';

/** What is remembered of a unit's reasoning. */
export interface TextState {
  words: number;
  unknown: number;
  bits: number;
}

/** Counts over words, and over the letters of those that are not known. */
export interface TextModel {
  readonly words: ContextModel;
  readonly letters: ContextModel;
}

/** What is read of a turn: its first words, of each the first letters. A mean needs no more. */
const WORDS_READ = 128;
const LETTERS_READ = 24;
const TEXT_READ = 2_048;
/** An unknown word costs at most this much: one long word must not decide. */
const WORD_BITS_MAX = 64;

/** What of ASCII belongs to words: neither blanks nor punctuation, but for `_`. */
const ASCII = Uint8Array.from({ length: 128 }, (_, code) =>
  /[^\s!-/:-@[-^`{-~]/.test(String.fromCharCode(code)) ? 1 : 0,
);
const FNV_BASIS = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** Words of a turn, in lower case, cut. */
export function wordsOf(given: string): string[] {
  const text = given.slice(0, TEXT_READ).toLowerCase();
  const words: string[] = [];
  for (let at = 0; at < text.length && words.length < WORDS_READ; ) {
    const end = wordEnd(text, at);
    if (end > at) words.push(text.slice(at, Math.min(end, at + LETTERS_READ)));
    at = end === at ? at + 1 : end;
  }
  return words;
}

/** End of the word that begins here; where none does, here. */
function wordEnd(text: string, at: number): number {
  let end = at;
  while (end < text.length && isOfWord(text, end)) end += 1;
  return end;
}

function isOfWord(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code < 128 ? ASCII[code] === 1 : !isSpace(text, at);
}

/** Takes a turn into what is remembered. */
export function readerOf({ words, letters }: TextModel): (state: TextState, text: string) => void {
  const find = finderOf(words);
  const bitsAfter = firstOrderBits(words);
  const bitsOfLetters = speller(letters);
  return (state, given) => {
    const text = given.slice(0, TEXT_READ).toLowerCase();
    let before = START;
    let [at, left] = [0, WORDS_READ];
    while (at < text.length && left > 0) {
      // The digest is made while the end is looked for: every letter is read once.
      const most = at + LETTERS_READ;
      let end = at;
      let h = FNV_BASIS;
      for (; end < text.length; end += 1) {
        const code = text.charCodeAt(end);
        if (code < 128 ? ASCII[code] !== 1 : isSpace(text, end)) break;
        if (end < most) h = Math.imul(h ^ code, FNV_PRIME);
      }
      if (end === at) {
        at += 1;
        continue;
      }
      const to = Math.min(end, most);
      const id = find(h ^ (h >>> 15), text, at, to);
      let bits = bitsAfter(before, id);
      if (id === UNKNOWN) {
        bits = Math.min(WORD_BITS_MAX, bits + bitsOfLetters(text, at, to));
        state.unknown += 1;
      }
      before = id;
      state.bits += bits;
      state.words += 1;
      left -= 1;
      at = end;
    }
  };
}

/** Id of the word of that digest that stands in a text: open addressing, the letters compared. */
function finderOf({
  names,
  ids,
}: ContextModel): (h: number, text: string, from: number, to: number) => number {
  let size = 16;
  while (size < 3 * names.length) size *= 2;
  const mask = size - 1;
  const slots = new Int32Array(size);
  names.forEach((name, place) => {
    let slot = digest(name) & mask;
    while (slots[slot] !== 0) slot = (slot + 1) & mask;
    slots[slot] = place + 1;
  });
  const idOf = names.map((name) => ids.get(name) ?? UNKNOWN);
  return (h, text, from, to) => {
    let slot = h & mask;
    for (let held = slots[slot] as number; held !== 0; held = slots[slot] as number) {
      if (stands(names[held - 1] as string, text, from, to)) return idOf[held - 1] as number;
      slot = (slot + 1) & mask;
    }
    return UNKNOWN;
  };
}

function digest(word: string): number {
  let h = FNV_BASIS;
  for (let at = 0; at < word.length; at += 1) h = Math.imul(h ^ word.charCodeAt(at), FNV_PRIME);
  return h ^ (h >>> 15);
}

function stands(name: string, text: string, from: number, to: number): boolean {
  if (name.length !== to - from) return false;
  for (let at = 0; at < name.length; at += 1)
    if (name.charCodeAt(at) !== text.charCodeAt(from + at)) return false;
  return true;
}

/** Bits of a word's letters and of its end, each after the two before it. */
function speller({
  ids,
  ...rest
}: ContextModel): (text: string, from: number, to: number) => number {
  const bitsAfter = secondOrderBits({ ids, ...rest });
  const ascii = Int32Array.from({ length: 128 }, (_, code) => {
    return ids.get(String.fromCharCode(code)) ?? UNKNOWN;
  });
  const end = ids.get('') ?? UNKNOWN;
  return (text, from, to) => {
    let bits = 0;
    let [older, before] = [-1, START];
    for (let at = from; at < to; at += 1) {
      const code = text.charCodeAt(at);
      let id = code < 128 ? (ascii[code] as number) : UNKNOWN;
      if (code >= 128) {
        // A letter beyond the basic plane is one letter, where it was not cut in two.
        const isPair = code >= 0xd800 && code <= 0xdbff && at + 1 < to;
        const isWhole = isPair && (text.charCodeAt(at + 1) & 0xfc00) === 0xdc00;
        id = ids.get(text.slice(at, isWhole ? at + 2 : at + 1)) ?? UNKNOWN;
        if (isWhole) at += 1;
      }
      bits += bitsAfter(older, before, id);
      older = before;
      before = id;
    }
    return bits + bitsAfter(older, before, end);
  };
}
