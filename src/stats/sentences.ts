/** Sentences: the pieces of a tool's result that could each say one thing. */

const TAG = /<[^<>\n]{0,200}>/g;
const ESCAPED_BREAK = /\\\n\\?[ \t]{0,40}/g;
const ESCAPES = /\\[nrt]/g;
const CLAUSE = /(?<=[.!?;])["')\]]{0,4}\s{1,8}|\n|\s\|\s?|(?<=['"])\s?,\s?(?=['"])|[{}]/u;
/** A line that begins so goes on with what the line before began: wrapped text, no key and no item. */
const GOES_ON = /^[ \t]{0,20}\p{Ll}[\p{Ll} ]{0,60}(?![\p{L}\p{N}_ ]{0,40}:)/u;

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
  const marked = text.replace(ESCAPED_BREAK, ' ').replace(ESCAPES, '\n\n').replace(TAG, '\n\n');
  let joined = '';
  for (const line of marked.split('\n'))
    joined += joined === '' ? line : GOES_ON.test(line) ? ` ${line.trimStart()}` : `\n${line}`;
  const found: string[] = [];
  for (const piece of joined.split(CLAUSE)) {
    const sentence = piece.trim();
    if (sentence.length < 2) continue;
    found.push(sentence);
    if (found.length >= most) break;
  }
  return found;
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
