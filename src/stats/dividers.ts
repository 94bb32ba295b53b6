/** Dividers: where one sentence of a tool's result ends and the next begins. */

/** A line that begins so goes on with what the line before began: wrapped text, no key and no item. */
const GOES_ON = /[ \t]{0,20}\p{Ll}[\p{Ll} ]{0,60}(?![\p{L}\p{N}_ ]{0,40}:)/uy;
const SPACE = /\s/;

const COLON = 58;
const TAB = 9;
const BLANK = 32;
const COMMA = 44;
const BAR = 124;

/** The code of a line break. */
export const BREAK = 10;

/** Does the line that begins at `line` go on with what the line before it began? */
export function goesOn(text: string, line: number): boolean {
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

/** Is the character at `at` white space, of any script? */
export function isSpace(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  if (code < 128) return code === BLANK || (code >= TAB && code <= 13);
  return code >= 128 && SPACE.test(text.charAt(at));
}

function isQuote(code: number): boolean {
  return code === 34 || code === 39;
}

/** Does a clause end with this character: `.`, `!`, `?`, `;`? */
export function isStop(code: number): boolean {
  return code === 46 || code === 33 || code === 63 || code === 59;
}

/** `"`, `'`, `)` or `]`: belongs to the clause it closes. */
function isCloser(code: number): boolean {
  return isQuote(code) || code === 41 || code === 93;
}

/**
 * End of the divider that begins at `at`; 0 where none does.
 * @example dividerAt('One. Two.', 4) // 5
 */
export function dividerAt(text: string, at: number): number {
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

/** Length of a stretch without white space at its ends; at most 2 is told apart. */
export function trimmedLength(text: string, from: number, to: number): number {
  let [first, last] = [from, to];
  while (first < last && isSpace(text, first)) first += 1;
  while (last > first && isSpace(text, last - 1)) last -= 1;
  return last - first;
}
