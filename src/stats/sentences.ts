/** Sentences: the pieces of a tool's result that could each say one thing. */
import { BREAK, dividerAt, goesOn, isSpace } from './dividers.ts';

const TAG = /<[^<>\n]{0,200}>/g;
const ESCAPED_BREAK = /\\\n\\?[ \t]{0,40}/g;
const ESCAPES = /\\[nrt]/g;

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
  return typeof value === 'string'
    ? value.slice(0, most)
    : plain('', value, 0, most).slice(0, most);
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
  const joined = unwrapped(unmarked(text));
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

/** The text without mark-up and escapes, both of which divide; the very same where there are none. */
export function unmarked(text: string): string {
  let marked = text;
  if (marked.includes('\\')) marked = marked.replace(ESCAPED_BREAK, ' ').replace(ESCAPES, '\n\n');
  if (marked.includes('<')) marked = marked.replace(TAG, '\n\n');
  return marked;
}

const PARTS_MAX = 8;

/** Adds the text of a value to `text`, until there is enough of it. */
function plain(text: string, value: unknown, depth: number, most: number): string {
  if (typeof value === 'string') return text + value;
  if (value === null || value === undefined || text.length >= most) return text;
  if (typeof value !== 'object') return text + String(value);
  if (depth > PARTS_MAX) return text;
  let [joined, divider] = [text, ''];
  if (Array.isArray(value))
    for (const item of value) {
      if (joined.length >= most) break;
      joined = plain(joined + divider, item, depth + 1, most);
      divider = '\n\n';
    }
  else
    for (const key of Object.keys(value)) {
      if (joined.length >= most) break;
      const member = (value as Readonly<Record<string, unknown>>)[key];
      joined = plain(`${joined}${divider}${key}: `, member, depth + 1, most);
      divider = '\n\n';
    }
  return joined;
}
