/** Text as Sigma compares it: folded once, wildcards, escapes, canonical numbers. */
import { type Glob, ONE, RUN } from '../../model/sigma.ts';

/**
 * Lower case without a locale, the same for a part of a text as for the whole: the final sigma, the
 * only letter whose lower case depends on its neighbours, is taken for the common one. Apply it once
 * to each side, never to a folded text again.
 */
export function fold(text: string): string {
  const lower = text.toLowerCase();
  return lower.includes('ς') ? lower.replaceAll('ς', 'σ') : lower;
}

/** Stands for `\%` until placeholders have been looked for. No text holds it: it is no character. */
export const PERCENT = '\ufffe';

/**
 * A value as written: `*` any run, `?` one character, `\*` and `\?` those characters, `\\` one
 * backslash; a backslash before anything else is itself (Sigma 2.1, escaping). `expanded`: `\%` is
 * PERCENT, which begins no placeholder.
 */
export function readGlob(text: string, expanded = false): Glob {
  const parts: (string | typeof ONE | typeof RUN)[] = [];
  let literal = '';
  const end = () => {
    if (literal !== '') parts.push(literal);
    literal = '';
  };
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charAt(at);
    const next = text.charAt(at + 1);
    if (char === '\\' && (next === '*' || next === '?' || next === '\\')) {
      literal += next;
      at += 1;
    } else if (expanded && char === '\\' && next === '%') {
      literal += PERCENT;
      at += 1;
    } else if (char === '*' || char === '?') {
      end();
      if (char === '?') parts.push(ONE);
      else if (parts.at(-1) !== RUN) parts.push(RUN);
    } else literal += char;
  }
  end();
  return parts;
}

/** The text of a pattern without wildcards; null where it has some. */
export function plainOf(glob: Glob): string | null {
  if (glob.length === 0) return '';
  const [only] = glob;
  return glob.length === 1 && typeof only === 'string' ? only : null;
}

/** A test of whole texts; a pattern and what it is put to must both be folded, or neither. */
export function compileGlob(glob: Glob): (text: string) => boolean {
  const plain = plainOf(glob);
  if (plain !== null) return (text) => text === plain;
  const [first, second, third] = glob;
  if (first === RUN && glob.length === 1) return () => true;
  if (typeof first === 'string' && second === RUN && glob.length === 2)
    return (text) => text.startsWith(first);
  if (first === RUN && typeof second === 'string') {
    if (glob.length === 2) return (text) => text.endsWith(second);
    if (glob.length === 3 && third === RUN) return (text) => text.includes(second);
  }
  return compileSegments(glob);
}

type Segment = readonly (string | typeof ONE)[];

/** Segments between runs: the first and last are anchored, the others are found leftmost. */
function compileSegments(glob: Glob): (text: string) => boolean {
  const segments: (string | typeof ONE)[][] = [[]];
  for (const part of glob) {
    if (part === RUN) segments.push([]);
    else (segments.at(-1) as (string | typeof ONE)[]).push(part);
  }
  const head = segments[0] as Segment;
  if (segments.length === 1) return (text) => ends(text, 0, head) === text.length;
  const tail = segments.at(-1) as Segment;
  const middle = segments.slice(1, -1);
  return (text) => {
    let at = ends(text, 0, head);
    for (const segment of middle) {
      if (at < 0) return false;
      at = find(text, at, segment);
    }
    return at >= 0 && endsWith(text, at, tail);
  };
}

/** Where a segment that begins at `at` ends; -1 where it does not lie there. */
function ends(text: string, at: number, segment: Segment): number {
  let end = at;
  for (const part of segment) {
    if (typeof part === 'string') {
      if (!text.startsWith(part, end)) return -1;
      end += part.length;
    } else {
      const code = text.codePointAt(end);
      if (code === undefined) return -1;
      end += code > 0xffff ? 2 : 1;
    }
  }
  return end;
}

/** End of the leftmost place at or after `from`; -1 where there is none. */
function find(text: string, from: number, segment: Segment): number {
  const [first] = segment;
  if (typeof first !== 'string') {
    for (let at = from; at <= text.length; at += 1) {
      const end = ends(text, at, segment);
      if (end >= 0) return end;
    }
    return -1;
  }
  for (let at = text.indexOf(first, from); at >= 0; at = text.indexOf(first, at + 1)) {
    const end = ends(text, at, segment);
    if (end >= 0) return end;
  }
  return -1;
}

/** Does the text end with the segment, at or after `from`? */
function endsWith(text: string, from: number, segment: Segment): boolean {
  let end = text.length;
  for (const part of segment.toReversed()) {
    if (typeof part === 'string') {
      if (!text.endsWith(part, end)) return false;
      end -= part.length;
    } else {
      const low = text.charCodeAt(end - 1);
      const paired = low >= 0xdc00 && low <= 0xdfff && (text.codePointAt(end - 2) ?? 0) > 0xffff;
      end -= paired ? 2 : 1;
    }
    if (end < from) return false;
  }
  return true;
}

const DISTANCE_MAX = 3;

/** The known word nearest to a misspelt one; null where none is near. */
export function nearest(word: string, known: Iterable<string>): string | null {
  let best: string | null = null;
  let least = DISTANCE_MAX + 1;
  for (const candidate of known) {
    const far = distance(word.toLowerCase(), candidate.toLowerCase());
    if (far < least && far < candidate.length) {
      least = far;
      best = candidate;
    }
  }
  return best;
}

/** Levenshtein distance of two short words. */
function distance(a: string, b: string): number {
  if (a.length > 64 || b.length > 64) return DISTANCE_MAX + 1;
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const change = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}
