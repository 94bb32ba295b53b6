/** Scanner of literals: one pass gives the tokens of a text, and the sentences they stand in. */
import { BREAK, dividerAt, goesOn, isStop, trimmedLength } from './dividers.ts';
import {
  ANY,
  ASCII,
  LETTER,
  LOCAL,
  letterAt,
  literalAt,
  OPENS_PATH,
  runOf,
  stemEnd,
} from './literal-forms.ts';
import { add, grown, mixed, type Tape, WORD } from './tape.ts';

const FNV_BASIS = 0x811c9dc5;
const FNV_PRIME = 0x01000193;
/** Undoes a multiplication by the prime: 2^32 is what they multiply to 1 under. */
const FNV_INVERSE = 0x359c449b;
const AT_SIGN = 64;
const COLON = 58;
const BLANK = 32;
const BAR = 124;

/**
 * Scans a stretch of a text. At each place the first that fits of: e-mail, link, path, date, number,
 * identifier, word. Every repetition is bounded, so that no text makes it slow: agents write what is
 * read here. Nothing outside `from`..`to` is looked at.
 * @example ((into) => (scan('Pay 4711', 0, 8, 9, into), into.n))(newTape()) // 2
 */
export function scan(text: string, from: number, to: number, most: number, into: Tape): void {
  into.n = 0;
  into.sentences = 0;
  let localEnd = from;
  for (let at = from; at < to; ) {
    const code = text.charCodeAt(at);
    const flags = code < 128 ? (ASCII[code] as number) : letterAt(text, at, to) > 0 ? LETTER : 0;
    if ((flags & (ANY | OPENS_PATH)) === 0) {
      at += 1;
      continue;
    }
    if (into.n >= most) break;
    if ((flags & LETTER) !== 0 && code < 128) {
      const end = plainWordAt(text, at, to, into);
      if (end > 0) {
        at = end;
        continue;
      }
    }
    if (at >= localEnd) localEnd = runOf(text, at, to, LOCAL);
    const end = literalAt(text, at, to, localEnd, into);
    at = end === 0 ? at + 1 : end;
  }
  into.read = into.n;
}

/**
 * Scans a whole text and tells its sentences too: what `sentenceSpans` would cut, without a second
 * pass. No divider stands inside a token, so they are looked for in between. At most `sentences` of
 * them; of the tokens, `read` are those a scan of at most `most` finds.
 */
export function scanSentences(text: string, most: number, sentences: number, into: Tape): void {
  const to = text.length;
  into.n = 0;
  into.sentences = 0;
  into.read = -1;
  let [localEnd, first, kept, token, cut] = [0, 0, 0, 0, -1];
  for (let at = 0; at < to; ) {
    const code = text.charCodeAt(at);
    const flags = code < 128 ? (ASCII[code] as number) : letterAt(text, at, to) > 0 ? LETTER : 0;
    if ((flags & (ANY | OPENS_PATH)) === 0) {
      const next = kept < sentences ? dividedAt(text, at, code) : 0;
      if (next === 0) {
        at += 1;
        continue;
      }
      if (trimmedLength(text, first, at) >= 2) {
        kept += 1;
        addSpan(into, token, cut < 0 ? into.n : cut);
      }
      first = next;
      at = next;
      token = into.n;
      cut = -1;
      continue;
    }
    if (into.n >= most) {
      if (into.read < 0) into.read = into.n;
      if (cut < 0 && into.n - token >= most) cut = into.n;
    }
    if ((flags & LETTER) !== 0 && code < 128) {
      const end = plainWordAt(text, at, to, into);
      if (end > 0) {
        at = end;
        continue;
      }
    }
    if (at >= localEnd) localEnd = runOf(text, at, to, LOCAL);
    const end = literalAt(text, at, to, localEnd, into);
    at = end === 0 ? at + 1 : end;
  }
  if (kept < sentences && trimmedLength(text, first, to) >= 2)
    addSpan(into, token, cut < 0 ? into.n : cut);
  if (into.read < 0) into.read = into.n;
}

/** End of the divider at a character that is of no token; 0 where it is none. */
function dividedAt(text: string, at: number, code: number): number {
  const before = at === 0 ? 0 : text.charCodeAt(at - 1);
  // Nearly always: a blank between words.
  if (code === BLANK && isLetter(before) && text.charCodeAt(at + 1) !== BAR) return 0;
  // A wrapped line goes on: its break is a blank like any other.
  if (code === BREAK && !isStop(before) && goesOn(text, at + 1)) return 0;
  return dividerAt(text, at);
}

function addSpan(into: Tape, from: number, to: number): void {
  if (to === from) return;
  const at = 2 * into.sentences;
  if (at + 2 > into.spans.length) into.spans = grown(into.spans, new Int32Array(2 * at));
  into.spans[at] = from;
  into.spans[at + 1] = to;
  into.sentences += 1;
}

/** Adds the ASCII word that begins here where it plainly is one, and no part of anything else; its end, or 0. */
function plainWordAt(text: string, at: number, to: number, into: Tape): number {
  const limit = Math.min(to, at + 64);
  let end = at;
  let h = FNV_BASIS;
  let [third, second, last] = [0, 0, 0];
  while (end < limit) {
    const letter = text.charCodeAt(end) | 32;
    // Codes from 128 on keep a bit above 127, whatever is added to them.
    if (letter < 97 || letter > 122) break;
    h = Math.imul(h ^ letter, FNV_PRIME);
    third = second;
    second = last;
    last = letter;
    end += 1;
  }
  if (end < to) {
    const code = text.charCodeAt(end);
    // A colon may make a link of it, and what has `.+-_@` or a digit behind it is looked at with care.
    if (code >= 128 || code === AT_SIGN || code === COLON) return 0;
    if (((ASCII[code] as number) & ANY) !== 0) return 0;
  }
  const length = end - at;
  if (length > 3 && (last === 115 || last === 103 || last === 100 || last === 101)) {
    // The commonest endings are taken off the digest: what was multiplied can be divided.
    const left = stemmed(text, at, end, second, third, last);
    for (let back = end - 1; back >= left; back -= 1)
      h = Math.imul(h, FNV_INVERSE) ^ (text.charCodeAt(back) | 32);
    if (into.texts !== null) into.texts.push(text.slice(at, left).toLowerCase());
  } else if (into.texts !== null) into.texts.push(text.slice(at, end).toLowerCase());
  add(into, mixed(h), WORD);
  return end;
}

function stemmed(
  text: string,
  at: number,
  end: number,
  second: number,
  third: number,
  last: number,
): number {
  // Past `-s` other endings may stand; without it these three say whether there is one at all.
  if (last === 115) return second === 115 ? end : stemEnd(text, at, end);
  if (last === 103 && (second !== 110 || third !== 105)) return end;
  if (last === 100 && second !== 101) return end;
  return stemEnd(text, at, end);
}

function isLetter(code: number): boolean {
  const letter = code | 32;
  return letter >= 97 && letter <= 122;
}
