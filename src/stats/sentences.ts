/** Sentences: the pieces of a tool's result that could each say one thing. */

const TAG = /<[^<>\n]{0,200}>/g;
const ESCAPED_BREAK = /\\\n\\?[ \t]{0,40}/g;
const ESCAPES = /\\[nrt]/g;
/** A line that begins so goes on with what the line before began: wrapped text, no key and no item. */
const GOES_ON = /[ \t]{0,20}\p{Ll}[\p{Ll} ]{0,60}(?![\p{L}\p{N}_ ]{0,40}:)/uy;
const SPACE = /\s/;

/** Stretches of a text. */
export interface Spans {
  readonly text: string;
  /** Begin and end of the first, of the second, … */
  readonly ends: readonly number[];
}

/**
 * Text of a JSON value: strings as they are, members and items on lines of their own.
 * Reads at most `most` characters and eight levels.
 * @example textOf({ to: 'a', items: ['b'] }) // 'to: a\n\nitems: b'
 */
export function textOf(value: unknown, most = 20_000): string {
  return plain(value, 0).slice(0, most);
}

/**
 * Sentences of a text in order. Claim: every character of the text that is no mark-up or divider is in
 * exactly one of them; wrapped lines are joined, and so are those of escaped YAML.
 * Parameters: text - prose, YAML, HTML, a list; most - at most so many sentences.
 * Cost: linear. Reference: statistics chapter §4.10, the sentence that explains the call.
 * @example sentencesOf('Dear Ann,\nplease pay. <b>Now</b>') // ['Dear Ann, please pay.', 'Now']
 */
export function sentencesOf(text: string, most = 512): string[] {
  const { text: joined, ends } = sentenceSpans(text, most);
  const found: string[] = [];
  for (let at = 0; at < ends.length; at += 2) found.push(joined.slice(ends[at], ends[at + 1]));
  return found;
}

/**
 * What `sentencesOf` finds, as stretches of the unwrapped text.
 * @example sentenceSpans('One. Two.').ends // [0, 4, 5, 9]
 */
export function sentenceSpans(text: string, most = 512): Spans {
  let marked = text;
  if (marked.includes('\\')) marked = marked.replace(ESCAPED_BREAK, ' ').replace(ESCAPES, '\n\n');
  if (marked.includes('<')) marked = marked.replace(TAG, '\n\n');
  const joined = unwrapped(marked);
  const ends: number[] = [];
  const { length } = joined;
  let first = 0;
  for (let at = 0; at < length && ends.length < 2 * most; ) {
    const next = dividerAt(joined, at);
    if (next === 0) {
      at += 1;
      continue;
    }
    addTrimmed(joined, first, at, ends);
    first = next;
    at = next;
  }
  if (ends.length < 2 * most) addTrimmed(joined, first, length, ends);
  return { text: joined, ends };
}

function addTrimmed(text: string, from: number, to: number, ends: number[]): void {
  let [first, last] = [from, to];
  while (first < last && isSpace(text, first)) first += 1;
  while (last > first && isSpace(text, last - 1)) last -= 1;
  if (last - first >= 2) ends.push(first, last);
}

/** The text without leading empty lines, and with each line that goes on joined to the one before. */
function unwrapped(text: string): string {
  let first = 0;
  while (text.charCodeAt(first) === BREAK) first += 1;
  let joined = '';
  let from = first;
  for (let line = text.indexOf('\n', first) + 1; line > 0; line = text.indexOf('\n', line) + 1) {
    if (!goesOn(text, line)) continue;
    joined += `${text.slice(from, line - 1)} `;
    from = line;
    while (text.charCodeAt(from) !== BREAK && isSpace(text, from)) from += 1;
  }
  return joined + text.slice(from);
}

function goesOn(text: string, line: number): boolean {
  let at = line;
  while (at < line + 20 && (text.charCodeAt(at) === BLANK || text.charCodeAt(at) === TAB)) at += 1;
  const code = text.charCodeAt(at);
  // NaN at the end of the text: no line goes on with nothing.
  if (code >= 97 && code <= 122) {
    // Forty characters of words and then a colon: a key. Beyond ASCII the expression decides.
    let end = at + 1;
    while (end <= at + 41 && isOfKey(text.charCodeAt(end))) end += 1;
    const next = text.charCodeAt(end);
    if (!(next >= 128)) return next !== COLON || end > at + 41;
  } else if (!(code >= 128)) return false;
  GOES_ON.lastIndex = line;
  return GOES_ON.test(text);
}

/** ASCII letter or digit, `_` or blank. */
function isOfKey(code: number): boolean {
  const small = code | 32;
  const isLetter = small >= 97 && small <= 122 && code < 128;
  return isLetter || (code >= 48 && code <= 57) || code === BLANK || code === 95;
}

const COLON = 58;
const BREAK = 10;
const TAB = 9;
const BLANK = 32;
const COMMA = 44;
const BAR = 124;

function isSpace(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  if (code < 128) return code === BLANK || (code >= TAB && code <= 13);
  return code >= 128 && SPACE.test(text.charAt(at));
}

function isQuote(code: number): boolean {
  return code === 34 || code === 39;
}

/** Does a clause end here: with `.`, `!`, `?`, `;`? */
function isStop(code: number): boolean {
  return code === 46 || code === 33 || code === 63 || code === 59;
}

/** `"`, `'`, `)` or `]`: belongs to the clause it closes. */
function isCloser(code: number): boolean {
  return isQuote(code) || code === 41 || code === 93;
}

/** End of the divider that begins at `at`; 0 where none does. */
function dividerAt(text: string, at: number): number {
  const code = text.charCodeAt(at);
  // Nearly every character is a letter, and no divider begins with one.
  if (code >= 48 && code < 123 && code !== 93) return 0;
  if (code === 123 || code === 125) return at + 1;
  const isBlank = isSpace(text, at);
  if (!isBlank && code !== COMMA && !isCloser(code)) return 0;
  const before = at === 0 ? 0 : text.charCodeAt(at - 1);
  if (isStop(before)) {
    let end = at;
    while (end < at + 4 && isCloser(text.charCodeAt(end))) end += 1;
    const first = end;
    while (end < first + 8 && isSpace(text, end)) end += 1;
    if (end > first) return end;
  }
  if (code === BREAK) return at + 1;
  if (isBlank && text.charCodeAt(at + 1) === BAR) return isSpace(text, at + 2) ? at + 3 : at + 2;
  if (!isQuote(before)) return 0;
  const comma = isBlank ? at + 1 : at;
  if (text.charCodeAt(comma) !== COMMA) return 0;
  const end = isSpace(text, comma + 1) ? comma + 2 : comma + 1;
  return isQuote(text.charCodeAt(end)) ? end : 0;
}

function plain(value: unknown, depth: number): string {
  if (typeof value === 'string') return value;
  if (value === null || value === undefined) return '';
  if (typeof value !== 'object') return String(value);
  if (depth > 8) return '';
  if (Array.isArray(value)) return value.map((item) => plain(item, depth + 1)).join('\n\n');
  return Object.entries(value)
    .map(([key, member]) => `${key}: ${plain(member, depth + 1)}`)
    .join('\n\n');
}
