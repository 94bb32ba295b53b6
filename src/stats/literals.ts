/** Literals: a text becomes tokens, words by stem and literals in canonical form. */

/** What a token is. A literal is a value somebody could act on. */
export type TokenKind = 'word' | 'email' | 'url' | 'host' | 'path' | 'date' | 'number' | 'id';

/** One token. */
export interface Token {
  /** 32-bit digest of the canonical form; no content is kept where only this is. */
  readonly h: number;
  readonly kind: TokenKind;
  /** Canonical form. */
  readonly text: string;
}

/** Tokens as lists of one length: digests and kinds. */
export interface Digests {
  readonly h: number[];
  readonly kinds: TokenKind[];
}

interface Found extends Digests {
  /** Canonical forms, where somebody asked for them. */
  readonly texts: string[] | null;
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
const ASCII = Uint8Array.from({ length: 128 }, (_, code) => {
  const char = String.fromCharCode(code);
  const bit = (pattern: RegExp, flag: number) => (pattern.test(char) ? flag : 0);
  return (
    bit(/[A-Za-z]/, LETTER) +
    bit(/\d/, DIGIT) +
    bit(/[\w-]/, NAME + LABEL) +
    bit(/[\w.+-]/, LOCAL) +
    bit(/[\w.-]/, STEP) +
    bit(/[\s"'<>()[\]{}|\\^`,]/, STOP)
  );
});
/** Begins or continues some token. */
const ANY = LETTER | DIGIT | NAME | LOCAL;
const SPACE = /\s/;
const OF_WORDS = /\p{L}/u;

const FNV_BASIS = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/**
 * Digest of a text: FNV-1a with a final mix, unsigned 32 bits. Not for secrets and not collision-free:
 * among 16,384 words about one in 30 texts has a collision.
 * @example hash32('plumbline') // 3007202939
 */
export function hash32(text: string): number {
  let h = FNV_BASIS;
  for (let at = 0; at < text.length; at += 1) h = Math.imul(h ^ text.charCodeAt(at), FNV_PRIME);
  return mixed(h);
}

function mixed(sum: number): number {
  let h = sum ^ (sum >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  return h >>> 0;
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

/**
 * Tokens of a text in order. Claim: equal values in other clothes give equal tokens: case, URL scheme,
 * `www.`, fragment and trailing slash, thousands separators and trailing zeros do not matter; a URL with
 * a path also gives its host. Compound names (`a_1`) fall into their parts.
 * Parameters: text - any; most - at most so many tokens, the rest is not read.
 * Cost: linear, about 20 ns a byte. Reference: statistics chapter §4.7.
 * @example tokensOf('Pay $1,810.00 to AT68').map(({ text }) => text) // ['pay', '1810', 'to', 'at68']
 */
export function tokensOf(text: string, most = 4096): Token[] {
  const texts: string[] = [];
  const { h, kinds } = scan(text, 0, text.length, most, texts);
  return texts.map((form, at) => ({
    h: h[at] as number,
    kind: kinds[at] as TokenKind,
    text: form,
  }));
}

/**
 * Digests and kinds of the tokens of a stretch of a text: what `tokensOf` says of it, without the
 * canonical forms. Nothing outside `from`..`to` is looked at. Cost: linear, about 15 ns a byte.
 * @example digestsOf('Pay 4711', 4, 8).kinds // ['number']
 */
export function digestsOf(text: string, from = 0, to = text.length, most = 4096): Digests {
  return scan(text, from, to, most, null);
}

/**
 * Words of a tool's name, stemmed: `send_email`, `sendEmail` and `mail.send` fall into theirs.
 * @example toolWordsOf('updateUser_passwords') // ['updat', 'user', 'password']
 */
export function toolWordsOf(tool: string): string[] {
  return tool
    .slice(0, 256)
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}\d]/u)
    .filter((part) => part !== '')
    .map(stem);
}

/**
 * The scanner. At each place the first that fits of: e-mail, link, path, date, number, identifier,
 * word. Every repetition is bounded, so that no text makes it slow: agents write what is read here.
 */
function scan(text: string, from: number, to: number, most: number, texts: string[] | null): Found {
  const found: Found = { h: [], kinds: [], texts };
  let localEnd = from;
  for (let at = from; at < to; ) {
    const code = text.charCodeAt(at);
    const flags = code < 128 ? (ASCII[code] as number) : letterAt(text, at, to) > 0 ? LETTER : 0;
    if ((flags & ANY) === 0 && code !== SLASH && code !== TILDE) {
      at += 1;
      continue;
    }
    if (found.h.length >= most) break;
    if ((flags & LETTER) !== 0 && code < 128) {
      const word = plainWordEnd(text, at, to);
      if (word > 0) {
        push(text, at, stemEnd(text, at, word), 'word', found);
        at = word;
        continue;
      }
    }
    if (at >= localEnd) localEnd = runOf(text, at, to, LOCAL);
    let end = 0;
    if (localEnd < to && text.charCodeAt(localEnd) === AT_SIGN)
      end = emailAt(text, at, localEnd, to, found);
    if (end === 0 && (code === SMALL_H || code === SMALL_W)) end = urlAt(text, at, to, found);
    if (end === 0 && (code === SLASH || code === TILDE || code === DOT))
      end = pathAt(text, at, to, found);
    if (end === 0 && (flags & DIGIT) !== 0) {
      end = dateAt(text, at, to, found);
      if (end === 0) end = numberAt(text, at, to, found);
    }
    if (end === 0 && (flags & (NAME | LETTER)) !== 0) end = nameAt(text, at, to, found);
    at = end === 0 ? at + 1 : end;
  }
  return found;
}

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

/** End of the ASCII word that begins here where it plainly is one, and no part of anything else; 0. */
function plainWordEnd(text: string, at: number, to: number): number {
  const limit = Math.min(to, at + 64);
  let end = at + 1;
  while (end < limit && isLetter(text.charCodeAt(end))) end += 1;
  if (end === to) return end;
  const code = text.charCodeAt(end);
  // A colon may make a link of it, and what has `.+-_@` or a digit behind it is looked at with care.
  const isPlain = code < 128 && code !== AT_SIGN && code !== COLON;
  return isPlain && ((ASCII[code] as number) & ANY) === 0 ? end : 0;
}

function isLetter(code: number): boolean {
  const small = code | 32;
  return small >= 97 && small <= 122 && code < 128;
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

function emailAt(text: string, at: number, sign: number, to: number, found: Found): number {
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
  push(text, at, end, 'email', found);
  return end;
}

function urlAt(text: string, at: number, to: number, found: Found): number {
  let end = at;
  if (text.startsWith('http://', at)) end += 7;
  else if (text.startsWith('https://', at)) end += 8;
  else if (text.startsWith('www.', at)) end += 4;
  else return 0;
  const first = end;
  for (let count = 0; count < 512 && end < to; count += 1) {
    const code = text.charCodeAt(end);
    if (code < 128 ? ((ASCII[code] as number) & STOP) !== 0 : SPACE.test(text.charAt(end))) break;
    const isPair = code >= 0xd800 && code <= 0xdbff && end + 1 < to;
    end += isPair && (text.charCodeAt(end + 1) & 0xfc00) === 0xdc00 ? 2 : 1;
  }
  if (end <= first) return 0;
  addUrl(text.slice(at, end), found);
  return end;
}

function pathAt(text: string, at: number, to: number, found: Found): number {
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
  if (last > at) push(text, at, last, 'path', found);
  return end;
}

function dateAt(text: string, at: number, to: number, found: Found): number {
  const end = at + 10;
  if (end > to || text.charCodeAt(at + 4) !== DASH || text.charCodeAt(at + 7) !== DASH) return 0;
  for (let place = at; place < end; place += 1)
    if (place !== at + 4 && place !== at + 7 && runOf(text, place, place + 1, DIGIT) === place)
      return 0;
  push(text, at, end, 'date', found);
  return end;
}

function numberAt(text: string, at: number, to: number, found: Found): number {
  const limit = Math.min(to, at + 31);
  let end = at + 1;
  while (end < limit) {
    const code = text.charCodeAt(end);
    if (code !== COMMA && (code < ZERO || code > ZERO + 9)) break;
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
  pushNumber(text, at, end, fraction, found);
  return fraction;
}

/** An identifier where there is a digit in time, else a word. */
function nameAt(text: string, at: number, to: number, found: Found): number {
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
    ? addWord(text, at, word < 0 ? end : word, isPlain, found)
    : addParts(text, at, end, isPlain, found);
}

function addWord(text: string, at: number, end: number, isPlain: boolean, found: Found): number {
  if (end === at) return 0;
  if (isPlain) push(text, at, stemEnd(text, at, end), 'word', found);
  else add(stem(text.slice(at, end).toLowerCase()), 'word', found);
  return end;
}

/** `stem` of an ASCII word where it stands: the end of what is left. */
function stemEnd(text: string, at: number, end: number): number {
  const from = (back: number) => text.charCodeAt(last - back) | 32;
  let last = end;
  if (last - at > 3 && from(1) === 115 && from(2) !== 115) last -= 1;
  if (last - at > 5 && from(1) === 103 && from(2) === 110 && from(3) === 105) last -= 3;
  else if (last - at > 4 && from(1) === 100 && from(2) === 101) last -= 2;
  if (last - at > 3 && from(1) === 101) last -= 1;
  return last;
}

function addParts(text: string, at: number, end: number, isPlain: boolean, found: Found): number {
  if (!isPlain) {
    for (const part of text.slice(at, end).toLowerCase().split('_'))
      if (part !== '')
        add(part, /^\d+$/.test(part) ? 'number' : /\d/.test(part) ? 'id' : 'word', found);
    return end;
  }
  let first = at;
  let digits = 0;
  for (let place = at; place <= end; place += 1) {
    const code = place < end ? text.charCodeAt(place) : UNDERSCORE;
    if (code >= ZERO && code <= ZERO + 9) digits += 1;
    if (code !== UNDERSCORE) continue;
    const length = place - first;
    if (length > 0)
      push(text, first, place, digits === length ? 'number' : digits > 0 ? 'id' : 'word', found);
    first = place + 1;
    digits = 0;
  }
  return end;
}

/** A number without thousands separators and without zeros at the end of its fraction. */
function pushNumber(text: string, at: number, end: number, fraction: number, found: Found): void {
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
  found.h.push(mixed(h));
  found.kinds.push('number');
  found.texts?.push(text.slice(at, last).replaceAll(',', ''));
}

/** Adds the ASCII stretch in lower case. */
function push(text: string, at: number, end: number, kind: TokenKind, found: Found): void {
  let h = FNV_BASIS;
  for (let place = at; place < end; place += 1) {
    const code = text.charCodeAt(place);
    h = Math.imul(h ^ (code >= 65 && code <= 90 ? code + 32 : code), FNV_PRIME);
  }
  found.h.push(mixed(h));
  found.kinds.push(kind);
  found.texts?.push(text.slice(at, end).toLowerCase());
}

function add(text: string, kind: TokenKind, found: Found): void {
  found.h.push(hash32(text));
  found.kinds.push(kind);
  found.texts?.push(text);
}

function addUrl(text: string, found: Found): void {
  const [address = ''] = text
    .toLowerCase()
    .replace(/^https?:\/\//, '')
    .replace(/^www\./, '')
    .split('#');
  const url = address.replace(/[/.,;:!?]{1,16}$/, '');
  const [host = ''] = url.split('/');
  if (host !== url) add(host, 'host', found);
  add(url, 'url', found);
}
