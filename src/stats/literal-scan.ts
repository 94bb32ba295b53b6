/** Scanner of literals: one pass gives the tokens of a text, and the sentences they stand in. */
import { BREAK, dividerAt, goesOn, isStop, trimmedLength } from './dividers.ts';

/** What a token is. A literal is a value somebody could act on. */
export type TokenKind = 'word' | 'email' | 'url' | 'host' | 'path' | 'date' | 'number' | 'id';

/** Kinds by the number that stands for them in a `Tape`. */
export const KINDS: readonly TokenKind[] = [
  ...(['word', 'email', 'url', 'host', 'path', 'date', 'number', 'id'] as const),
];
const WORD = 0;
const EMAIL = 1;
const URL = 2;
const HOST = 3;
const PATH = 4;
const DATE = 5;
const NUMBER = 6;
const ID = 7;

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

// What a character may be part of. Beyond ASCII only letters matter, and they are looked up.
const LETTER = 1;
const DIGIT = 2;
/** Of identifiers: letters, digits, `_`, `-`. */
const NAME = 4;
/** Of the part before an `@`: ASCII letters and digits, `_.+-`. */
const LOCAL = 8;
/** Of domains, and what no number ends before: ASCII letters and digits, `_-`. */
const LABEL = 16;
/** Of paths: ASCII letters and digits, `_.-`. */
const STEP = 32;
/** Ends a link. */
const STOP = 64;
/** Begins nothing but may begin a path: `/` and `~`. */
const OPENS_PATH = 128;
const ASCII = Uint8Array.from({ length: 128 }, (_, code) => {
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
const ANY = LETTER | DIGIT | NAME | LOCAL;
const SPACE = /\s/;
const OF_WORDS = /\p{L}/u;

const FNV_BASIS = 0x811c9dc5;
const FNV_PRIME = 0x01000193;
/** Undoes a multiplication by the prime: 2^32 is what they multiply to 1 under. */
const FNV_INVERSE = 0x359c449b;

const AT_SIGN = 64;
const SLASH = 47;
const TILDE = 126;
const DOT = 46;
const COMMA = 44;
const COLON = 58;
const DASH = 45;
const UNDERSCORE = 95;
const ZERO = 48;
const BLANK = 32;
const SMALL_H = 104;
const SMALL_W = 119;

/**
 * Digest of a text, signed. See `hash32`.
 * @example digestOf('plumbline') // -1287764357
 */
export function digestOf(text: string): number {
  let h = FNV_BASIS;
  for (let at = 0; at < text.length; at += 1) h = Math.imul(h ^ text.charCodeAt(at), FNV_PRIME);
  return mixed(h);
}

function mixed(sum: number): number {
  let h = sum ^ (sum >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  return h ^ (h >>> 13);
}

/**
 * Scans a stretch of a text. At each place the first that fits of: e-mail, link, path, date, number,
 * identifier, word. Every repetition is bounded, so that no text makes it slow: agents write what is
 * read here. Nothing outside `from`..`to` is looked at.
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
  if (code === BLANK && isLetter(before) && text.charCodeAt(at + 1) !== 124) return 0;
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

function grown<T extends Int32Array | Uint8Array>(from: T, to: T): T {
  to.set(from);
  return to;
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

/** Adds the literal or name that begins here; its end, or 0. */
function literalAt(text: string, at: number, to: number, localEnd: number, into: Tape): number {
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

function isLetter(code: number): boolean {
  const small = code | 32;
  return small >= 97 && small <= 122;
}

/** End of the run of ASCII characters with `flag` that begins here. */
function runOf(text: string, at: number, to: number, flag: number): number {
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
function letterAt(text: string, at: number, to: number): number {
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
function stemEnd(text: string, at: number, end: number): number {
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

/** A number without thousands separators and without zeros at the end of its fraction. */
function pushNumber(text: string, at: number, end: number, fraction: number, into: Tape): void {
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
function push(text: string, at: number, end: number, kind: number, into: Tape): void {
  let h = FNV_BASIS;
  for (let place = at; place < end; place += 1) {
    const code = text.charCodeAt(place);
    h = Math.imul(h ^ (code >= 65 && code <= 90 ? code + 32 : code), FNV_PRIME);
  }
  if (into.texts !== null) into.texts.push(text.slice(at, end).toLowerCase());
  add(into, mixed(h), kind);
}

function addText(text: string, kind: number, into: Tape): void {
  if (into.texts !== null) into.texts.push(text);
  add(into, digestOf(text), kind);
}

function add(into: Tape, h: number, kind: number): void {
  const at = into.n;
  if (at === into.h.length) {
    into.h = grown(into.h, new Int32Array(2 * at));
    into.kinds = grown(into.kinds, new Uint8Array(2 * at));
  }
  into.h[at] = h;
  into.kinds[at] = kind;
  into.n = at + 1;
}
