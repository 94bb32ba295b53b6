/** Reads TypeScript as text: where comments and literals lie, and what is left. */

/** A string or template literal, by offsets into the file, quotes included. */
export interface Literal {
  readonly start: number;
  readonly end: number;
  /** True for a template with at least one `${`. */
  readonly interpolated: boolean;
}

/** A file with its comments and literals told apart from its code. */
export interface Scan {
  readonly text: string;
  /** Same length as `text`; comments and the insides of literals are blanks, quotes remain. */
  readonly bare: string;
  readonly literals: readonly Literal[];
  /** Lines that carry a comment and no code. */
  readonly commentLines: number;
}

const REGEX_MAY_FOLLOW = new Set('([{,;:=!&|?+-*%~^<>'.split(''));
const WORDS_BEFORE_REGEX = /\b(?:return|typeof|case|in|of|delete|void|throw|await)$/;

const regexMayStart = (code: string): boolean => {
  const before = code.trimEnd();
  const last = before.at(-1);
  return last === undefined || REGEX_MAY_FOLLOW.has(last) || WORDS_BEFORE_REGEX.test(before);
};

const endOfRegex = (text: string, start: number): number => {
  let inClass = false;
  for (let at = start + 1; at < text.length; at += 1) {
    const char = text[at];
    if (char === '\n') return start + 1;
    if (char === '\\') at += 1;
    else if (char === '[') inClass = true;
    else if (char === ']') inClass = false;
    else if (char === '/' && !inClass) return at + 1;
  }
  return start + 1;
};

const endOfQuoted = (text: string, start: number): number => {
  const quote = text[start];
  for (let at = start + 1; at < text.length; at += 1) {
    const char = text[at];
    if (char === '\\') at += 1;
    else if (char === quote || char === '\n') return at + 1;
  }
  return text.length;
};

const blank = (text: string): string => text.replace(/[^\n]/g, ' ');

/**
 * Tells comments, strings, templates and regular expressions from code. No parser: TypeScript 7 has
 * no public one, and Biome's formatting makes the few guesses here (where a regex starts) safe.
 */
export function scan(text: string): Scan {
  const parts: string[] = [];
  const literals: Literal[] = [];
  // One entry per template that is open: where it began, and how deep braces are inside its `${`.
  const templates: { start: number; depth: number; interpolated: boolean }[] = [];
  let tail = '';
  let at = 0;
  const keep = (to: number) => {
    const code = text.slice(at, to);
    parts.push(code);
    tail = (tail + code).slice(-40);
    at = to;
  };
  const drop = (to: number) => {
    parts.push(blank(text.slice(at, to)));
    at = to;
  };
  const templateText = () => {
    let to = at;
    while (to < text.length && text[to] !== '`' && !(text[to] === '$' && text[to + 1] === '{')) {
      to += text[to] === '\\' ? 2 : 1;
    }
    drop(Math.min(to, text.length));
    const open = templates.at(-1);
    if (open === undefined) return;
    if (text[at] === '`') {
      keep(at + 1);
      templates.pop();
      literals.push({ start: open.start, end: at, interpolated: open.interpolated });
    } else if (at < text.length) {
      open.interpolated = true;
      keep(at + 2);
    }
  };
  while (at < text.length) {
    const char = text[at];
    const next = text[at + 1];
    if (char === '/' && next === '/') {
      const end = text.indexOf('\n', at);
      drop(end === -1 ? text.length : end);
    } else if (char === '/' && next === '*') {
      const end = text.indexOf('*/', at + 2);
      drop(end === -1 ? text.length : end + 2);
    } else if (char === "'" || char === '"') {
      const end = endOfQuoted(text, at);
      literals.push({ start: at, end, interpolated: false });
      keep(at + 1);
      drop(Math.max(at, end - 1));
      keep(end);
    } else if (char === '`') {
      templates.push({ start: at, depth: 0, interpolated: false });
      keep(at + 1);
      templateText();
    } else if (char === '/' && regexMayStart(tail)) {
      const end = endOfRegex(text, at);
      keep(at + 1);
      if (end > at) drop(end);
    } else {
      const open = templates.at(-1);
      if (open !== undefined && char === '{') open.depth += 1;
      keep(at + 1);
      if (open !== undefined && char === '}') {
        if (open.depth === 0) templateText();
        else open.depth -= 1;
      }
    }
  }
  const bare = parts.join('');
  return { text, bare, literals, commentLines: commentLinesOf(text, bare) };
}

const commentLinesOf = (text: string, bare: string): number => {
  const code = bare.split('\n');
  return text.split('\n').filter((line, n) => line.trim() !== '' && code[n]?.trim() === '').length;
};

/** 1-based line of an offset. */
export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) {
    line += 1;
  }
  return line;
}
