/** Forms of literals: what begins at a place of a text that is no plain word. */
import {
  addText,
  DATE,
  EMAIL,
  HOST,
  ID,
  NUMBER,
  PATH,
  push,
  pushNumber,
  type Tape,
  URL,
  WORD,
} from './tape.ts';

// What a character may be part of. Beyond ASCII only letters matter, and they are looked up.
export const LETTER = 1;
const DIGIT = 2;
/** Of identifiers: letters, digits, `_`, `-`. */
const NAME = 4;
/** Of the part before an `@`: ASCII letters and digits, `_.+-`. */
export const LOCAL = 8;
/** Of domains, and what no number ends before: ASCII letters and digits, `_-`. */
const LABEL = 16;
/** Of paths: ASCII letters and digits, `_.-`. */
const STEP = 32;
/** Ends a link. */
const STOP = 64;
/** Begins nothing but may begin a path: `/` and `~`. */
export const OPENS_PATH = 128;
export const ASCII = Uint8Array.from({ length: 128 }, (_, code) => {
  const char = String.fromCharCode(code);
  const bit = (pattern: RegExp, flag: number) => (pattern.test(char) ? flag : 0);
  return (
    bit(/[A-Za-z]/, LETTER) +
    bit(/\d/, DIGIT) +
    bit(/[\w-]/, NAME + LABEL) +
    bit(/[\w.+-]/, LOCAL) +
    bit(/[\w.-]/, STEP) +
    bit(/[\s"'<>()[\]{}|\\^`,]/, STOP) +
    bit(/[/~]/, OPENS_PATH)
  );
});
/** Begins or continues some token. */
export const ANY = LETTER | DIGIT | NAME | LOCAL;
const SPACE = /\s/;
const OF_WORDS = /\p{L}/u;

const AT_SIGN = 64;
const SLASH = 47;
const TILDE = 126;
const DOT = 46;
const COMMA = 44;
const COLON = 58;
const DASH = 45;
const UNDERSCORE = 95;
const ZERO = 48;
const SMALL_H = 104;
const SMALL_W = 119;

/** Adds the literal or name that begins here; its end, or 0. */
export function literalAt(
  text: string,
  at: number,
  to: number,
  localEnd: number,
  into: Tape,
): number {
  const code = text.charCodeAt(at);
  const flags = code < 128 ? (ASCII[code] as number) : LETTER;
  let end = 0;
  if (localEnd < to && text.charCodeAt(localEnd) === AT_SIGN)
    end = emailAt(text, at, localEnd, to, into);
  if (end === 0 && (code === SMALL_H || code === SMALL_W)) end = urlAt(text, at, to, into);
  if (end === 0 && (code === SLASH || code === TILDE || code === DOT))
    end = pathAt(text, at, to, into);
  if (end === 0 && (flags & DIGIT) !== 0) {
    end = dateAt(text, at, to, into);
    if (end === 0) end = numberAt(text, at, to, into);
  }
  if (end === 0 && (flags & (NAME | LETTER)) !== 0) end = nameAt(text, at, to, into);
  return end;
}

/** End of the run of ASCII characters with `flag` that begins here. */
export function runOf(text: string, at: number, to: number, flag: number): number {
  let end = at;
  while (end < to) {
    const code = text.charCodeAt(end);
    if (code >= 128 || ((ASCII[code] as number) & flag) === 0) break;
    end += 1;
  }
  return end;
}

// 0: not asked yet, 1: a letter, 2: none. A memory of a pure question, for the basic plane.
const BASIC = new Uint8Array(65_536);

/** Length in code units of the letter beyond ASCII that stands here; 0 where none does. */
export function letterAt(text: string, at: number, to: number): number {
  const code = text.charCodeAt(at);
  if (code >= 0xd800 && code <= 0xdfff) {
    if (code > 0xdbff || at + 1 >= to) return 0;
    const pair = text.slice(at, at + 2);
    return (pair.codePointAt(0) as number) > 0xffff && OF_WORDS.test(pair) ? 2 : 0;
  }
  if (BASIC[code] === 0) BASIC[code] = OF_WORDS.test(String.fromCharCode(code)) ? 1 : 2;
  return BASIC[code] === 1 ? 1 : 0;
}

function isLabel(text: string, at: number, to: number): boolean {
  return at < to && runOf(text, at, at + 1, LABEL) > at;
}

function emailAt(text: string, at: number, sign: number, to: number, into: Tape): number {
  if (sign === at || sign - at > 64) return 0;
  let end = runOf(text, sign + 1, Math.min(to, sign + 64), LABEL);
  if (end === sign + 1) return 0;
  let labels = 0;
  while (labels < 8 && end < to && text.charCodeAt(end) === DOT) {
    const next = runOf(text, end + 1, Math.min(to, end + 64), LABEL);
    if (next === end + 1) break;
    end = next;
    labels += 1;
  }
  if (labels === 0) return 0;
  push(text, at, end, EMAIL, into);
  return end;
}

function urlAt(text: string, at: number, to: number, into: Tape): number {
  let end = at;
  if (text.startsWith('http://', at)) end += 7;
  else if (text.startsWith('https://', at)) end += 8;
  else if (text.startsWith('www.', at)) end += 4;
  else return 0;
  const first = end;
  let isPlain = true;
  for (let count = 0; count < 512 && end < to; count += 1) {
    const code = text.charCodeAt(end);
    if (code < 128 ? ((ASCII[code] as number) & STOP) !== 0 : SPACE.test(text.charAt(end))) break;
    if (code >= 128) isPlain = false;
    const isPair = code >= 0xd800 && code <= 0xdbff && end + 1 < to;
    end += isPair && (text.charCodeAt(end + 1) & 0xfc00) === 0xdc00 ? 2 : 1;
  }
  if (end <= first) return 0;
  if (isPlain) addUrl(text, first, end, into);
  else addForeignUrl(text.slice(at, end), into);
  return end;
}

/** A link of ASCII, its scheme left out: without `www.`, fragment and punctuation at the end. */
function addUrl(text: string, begin: number, end: number, into: Tape): void {
  // `www.` goes once, and behind a scheme only: where it opens the link it is gone already.
  let first = begin;
  if (
    text.charCodeAt(begin - 1) === SLASH &&
    /^www\./i.test(text.slice(begin, Math.min(begin + 4, end)))
  )
    first += 4;
  let last = first;
  while (last < end && text.charCodeAt(last) !== 35) last += 1;
  for (let cut = 0; cut < 16 && last > first; cut += 1) {
    const code = text.charCodeAt(last - 1);
    const isEnd = code === SLASH || code === COMMA || code === COLON || code === DOT;
    if (!isEnd && code !== 59 && code !== 33 && code !== 63) break;
    last -= 1;
  }
  let host = first;
  while (host < last && text.charCodeAt(host) !== SLASH) host += 1;
  if (host !== last) push(text, first, host, HOST, into);
  push(text, first, last, URL, into);
}

function addForeignUrl(link: string, into: Tape): void {
  const [address = ''] = link
    .toLowerCase()
    .replace(/^https?:\/\//, '')
    .replace(/^www\./, '')
    .split('#');
  const url = address.replace(/[/.,;:!?]{1,16}$/, '');
  const [host = ''] = url.split('/');
  if (host !== url) addText(host, HOST, into);
  addText(url, URL, into);
}

function pathAt(text: string, at: number, to: number, into: Tape): number {
  let end = at;
  if (text.charCodeAt(end) === TILDE) end += 1;
  else while (end < at + 2 && end < to && text.charCodeAt(end) === DOT) end += 1;
  const first = end;
  for (let steps = 0; steps < 24 && end < to && text.charCodeAt(end) === SLASH; steps += 1) {
    const next = runOf(text, end + 1, Math.min(to, end + 129), STEP);
    if (next === end + 1) break;
    end = next;
  }
  if (end === first) return 0;
  if (end < to && text.charCodeAt(end) === SLASH) end += 1;
  let last = end;
  for (let cut = 0; cut < 16 && last > at; cut += 1) {
    const code = text.charCodeAt(last - 1);
    if (code !== SLASH && code !== DOT) break;
    last -= 1;
  }
  if (last > at) push(text, at, last, PATH, into);
  return end;
}

function dateAt(text: string, at: number, to: number, into: Tape): number {
  const end = at + 10;
  if (end > to || text.charCodeAt(at + 4) !== DASH || text.charCodeAt(at + 7) !== DASH) return 0;
  for (let place = at; place < end; place += 1)
    if (place !== at + 4 && place !== at + 7 && !isDigit(text.charCodeAt(place))) return 0;
  push(text, at, end, DATE, into);
  return end;
}

function isDigit(code: number): boolean {
  return code >= ZERO && code <= ZERO + 9;
}

function numberAt(text: string, at: number, to: number, into: Tape): number {
  const limit = Math.min(to, at + 31);
  let end = at + 1;
  while (end < limit) {
    const code = text.charCodeAt(end);
    if (code !== COMMA && !isDigit(code)) break;
    end += 1;
  }
  let fraction = end;
  if (end < to && text.charCodeAt(end) === DOT) {
    fraction = runOf(text, end + 1, Math.min(to, end + 21), DIGIT);
    if (fraction === end + 1 || isLabel(text, fraction, to)) fraction = end;
  } else if (isLabel(text, end, to)) {
    // A comma may end the number before what is none.
    end -= 1;
    while (end > at && text.charCodeAt(end) !== COMMA) end -= 1;
    if (end === at) return 0;
    fraction = end;
  }
  pushNumber(text, at, end, fraction, into);
  return fraction;
}

/** An identifier where there is a digit in time, else a word. */
function nameAt(text: string, at: number, to: number, into: Tape): number {
  let end = at;
  let last = -1;
  let word = -1;
  let isPlain = true;
  // Identifiers look 64 characters ahead for their last digit, and go on for 64 after it.
  for (let count = 0, limit = 65; end < to && count < limit; count += 1) {
    const code = text.charCodeAt(end);
    const flags = code < 128 ? (ASCII[code] as number) : 0;
    const size = code < 128 ? ((flags & NAME) === 0 ? 0 : 1) : letterAt(text, end, to);
    if (size === 0) break;
    if (word < 0 && ((code < 128 && (flags & LETTER) === 0) || count === 64)) word = end;
    if ((flags & DIGIT) !== 0 && count <= 64) {
      last = count;
      limit = count + 65;
    }
    if (code >= 128) isPlain = false;
    end += size;
  }
  return last < 0
    ? addWord(text, at, word < 0 ? end : word, isPlain, into)
    : addParts(text, at, end, isPlain, into);
}

function addWord(text: string, at: number, end: number, isPlain: boolean, into: Tape): number {
  if (end === at) return 0;
  if (isPlain) push(text, at, stemEnd(text, at, end), WORD, into);
  else addText(stem(text.slice(at, end).toLowerCase()), WORD, into);
  return end;
}

/**
 * A word without its commonest English endings, so that `sending`, `sends` and `send` meet. A rough cut:
 * it may join words that differ, never more than an ending. Words of other languages pass unharmed.
 * @example stem('downloading') // 'download'
 */
export function stem(word: string): string {
  let s = word;
  if (s.length > 3 && s.endsWith('s') && !s.endsWith('ss')) s = s.slice(0, -1);
  if (s.length > 5 && s.endsWith('ing')) s = s.slice(0, -3);
  else if (s.length > 4 && s.endsWith('ed')) s = s.slice(0, -2);
  if (s.length > 3 && s.endsWith('e')) s = s.slice(0, -1);
  return s;
}

/** `stem` of an ASCII word where it stands: the end of what is left. */
export function stemEnd(text: string, at: number, end: number): number {
  let last = end;
  if (last - at > 3 && small(text, last - 1) === 115 && small(text, last - 2) !== 115) last -= 1;
  const final = small(text, last - 1);
  if (
    last - at > 5 &&
    final === 103 &&
    small(text, last - 2) === 110 &&
    small(text, last - 3) === 105
  )
    last -= 3;
  else if (last - at > 4 && final === 100 && small(text, last - 2) === 101) last -= 2;
  if (last - at > 3 && small(text, last - 1) === 101) last -= 1;
  return last;
}

function small(text: string, at: number): number {
  return text.charCodeAt(at) | 32;
}

function addParts(text: string, at: number, end: number, isPlain: boolean, into: Tape): number {
  if (!isPlain) {
    for (const part of text.slice(at, end).toLowerCase().split('_'))
      if (part !== '')
        addText(part, /^\d+$/.test(part) ? NUMBER : /\d/.test(part) ? ID : WORD, into);
    return end;
  }
  let first = at;
  let digits = 0;
  for (let place = at; place <= end; place += 1) {
    const code = place < end ? text.charCodeAt(place) : UNDERSCORE;
    if (isDigit(code)) digits += 1;
    if (code !== UNDERSCORE) continue;
    const length = place - first;
    if (length > 0)
      push(text, first, place, digits === length ? NUMBER : digits > 0 ? ID : WORD, into);
    first = place + 1;
    digits = 0;
  }
  return end;
}
