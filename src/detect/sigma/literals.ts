/** Literals: texts one of which lies in everything that a regular expression matches. */
import { fold } from './text.ts';

/** Shorter texts are in too many events to be worth looking for. */
const LENGTH_MIN = 3;
/** More texts than these tell little, each for itself. */
const CHOICES_MAX = 64;
/** So deep may groups lie within one another; deeper ones are taken for anything. */
const DEPTH_MAX = 32;

/** Is a text rare enough to be looked for? Beyond ASCII a single character tells enough. */
export function isTelling(text: string): boolean {
  return text.length >= LENGTH_MIN || /[^\0-\x7f]/.test(text);
}

/**
 * What a part of an expression matches. `exact`: just these texts; null: it cannot be listed. `needs`:
 * one of these lies in whatever it matches; null: nothing is known.
 */
interface Part {
  readonly exact: readonly string[] | null;
  readonly needs: readonly string[] | null;
}

const INLINE_IGNORE = /\(\?[a-zA-Z-]*i[a-zA-Z-]*[:)]/;
const ANYTHING: Part = { exact: null, needs: null };
const NOTHING: Part = { exact: [''], needs: null };

/**
 * Folded texts of which at least one lies in every folded text that the expression is found in; empty
 * where none are known. Reads what RE2 and ECMAScript have in common, and look-around; whatever is not
 * plainly understood is taken for anything.
 */
export function mandatoryLiterals(pattern: string, flags: string): readonly string[] {
  // Quoting changes what the characters mean.
  if (pattern.includes('\\Q')) return [];
  const reader = new Reader(pattern, flags.includes('i') || INLINE_IGNORE.test(pattern));
  const part = reader.choice(0);
  if (part === null || !reader.isAtEnd) return [];
  return strongest([part.exact, part.needs]) ?? [];
}

const HEAD = /^\?(?:P?<\w+>|[imsU-]*:|[imsU-]*\)|<?[=!])/;

/** Reads an expression; null where it cannot. */
class Reader {
  readonly #pattern: string;
  readonly #ignoresCase: boolean;
  #at = 0;

  constructor(pattern: string, ignoresCase: boolean) {
    this.#pattern = pattern;
    this.#ignoresCase = ignoresCase;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#pattern.length;
  }

  /** Alternatives, up to the end or a closing parenthesis. */
  choice(depth: number): Part | null {
    if (depth > DEPTH_MAX) return null;
    const parts: Part[] = [];
    for (;;) {
      const part = this.#sequence(depth);
      if (part === null) return null;
      parts.push(part);
      if (this.#peek() !== '|') return either(parts);
      this.#at += 1;
    }
  }

  #sequence(depth: number): Part | null {
    const parts: Part[] = [];
    while (!this.isAtEnd && this.#peek() !== '|' && this.#peek() !== ')') {
      const atom = this.#atom(depth);
      if (atom === null) return null;
      const part = this.#repeated(atom);
      if (part === null) return null;
      parts.push(part);
    }
    return inTurn(parts);
  }

  #atom(depth: number): Part | null {
    const char = this.#take();
    if (char === '(') return this.#group(depth);
    if (char === '[') return this.#endOfClass() ? ANYTHING : null;
    if (char === '\\') return this.#escape();
    if (char === '^' || char === '$') return NOTHING;
    if (char === '.') return ANYTHING;
    if (char === '*' || char === '+' || char === '?') return null;
    // Whether this repeats or stands for itself, dialects do not agree upon.
    if (char === '{' && /[\d,]/.test(this.#peek())) return null;
    return this.#literal(char);
  }

  /** Without case, `k` also meets the Kelvin sign and `s` the long s, which fold to others. */
  #literal(char: string): Part {
    if (char >= '\u0080' || (this.#ignoresCase && /[ks]/i.test(char))) return ANYTHING;
    return { exact: [fold(char)], needs: null };
  }

  /** After an opening parenthesis. */
  #group(depth: number): Part | null {
    let looksAround = false;
    if (this.#peek() === '?') {
      const head = HEAD.exec(this.#pattern.slice(this.#at));
      if (head === null) return null;
      this.#at += head[0].length;
      if (head[0].endsWith(')')) return NOTHING;
      looksAround = /[=!]$/.test(head[0]);
    }
    const inner = this.choice(depth + 1);
    if (inner === null || this.#take() !== ')') return null;
    return looksAround ? NOTHING : inner;
  }

  /** After a backslash. */
  #escape(): Part | null {
    const char = this.#take();
    // A character by its number is written differently in the two.
    if (char === '' || /[uck]/.test(char)) return null;
    if (char === 'b' || char === 'B') return NOTHING;
    if (/[^\w\s]/.test(char) && char < '\u0080') return { exact: [char], needs: null };
    const rest = /^(?:[xpP]\{[^}]*\}|x[0-9a-fA-F]{2}|[pP].|[0-7]{1,3}|.)/s.exec(
      this.#pattern.slice(this.#at - 1),
    );
    this.#at += (rest?.[0].length ?? 1) - 1;
    return ANYTHING;
  }

  /** After an opening bracket: behind the one that closes it. One that comes first is a member. */
  #endOfClass(): boolean {
    const pattern = this.#pattern;
    let at = this.#at;
    if (pattern.charAt(at) === '^') at += 1;
    if (pattern.charAt(at) === ']') at += 1;
    for (; at < pattern.length; at += 1) {
      const char = pattern.charAt(at);
      if (char === '\\') at += 1;
      else if (char === '[' && pattern.charAt(at + 1) === ':') {
        const close = pattern.indexOf(':]', at + 2);
        if (close < 0) return false;
        at = close + 1;
      } else if (char === ']') {
        this.#at = at + 1;
        return true;
      }
    }
    return false;
  }

  /** What follows an atom: how often it comes. */
  #repeated(atom: Part): Part | null {
    const times = /^(?:[*+?]|\{(\d+)(?:,\d*)?\})[?+]?/.exec(this.#pattern.slice(this.#at));
    if (times === null) return atom;
    this.#at += times[0].length;
    const sign = times[0].charAt(0);
    if (/^[*+?{]/.test(this.#pattern.slice(this.#at))) return null;
    if (sign === '*' || Number(times[1] ?? 1) === 0) return ANYTHING;
    if (sign === '?')
      return atom.exact === null ? ANYTHING : { exact: [...atom.exact, ''], needs: null };
    return { exact: null, needs: strongest([atom.exact, atom.needs]) };
  }

  #peek(): string {
    return this.#pattern.charAt(this.#at);
  }

  #take(): string {
    this.#at += 1;
    return this.#pattern.charAt(this.#at - 1);
  }
}

function either(parts: readonly Part[]): Part {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  const exact = joined(parts.map((part) => part.exact));
  return { exact, needs: joined(parts.map((part) => strongest([part.exact, part.needs]))) };
}

function joined(lists: readonly (readonly string[] | null)[]): readonly string[] | null {
  const all = new Set<string>();
  for (const list of lists) {
    if (list === null) return null;
    for (const text of list) all.add(text);
  }
  return all.size > CHOICES_MAX ? null : [...all];
}

/** One after the other: texts that are known run together, and the rarest of all that is known counts. */
function inTurn(parts: readonly Part[]): Part {
  const known: (readonly string[] | null)[] = [];
  let isExact = true;
  let run: readonly string[] = [''];
  for (const { exact, needs } of parts) {
    const longer = exact === null ? null : product(run, exact);
    if (longer !== null) {
      run = longer;
      continue;
    }
    isExact = false;
    known.push(run, needs);
    run = exact ?? [''];
  }
  if (isExact) return { exact: run, needs: null };
  return { exact: null, needs: strongest([...known, run]) };
}

function product(some: readonly string[], others: readonly string[]): readonly string[] | null {
  if (some.length * others.length > CHOICES_MAX) return null;
  return some.flatMap((one) => others.map((other) => one + other));
}

/** Of several lists the one whose shortest text is the longest; null where each has one too short. */
function strongest(lists: readonly (readonly string[] | null)[]): readonly string[] | null {
  let best: readonly string[] | null = null;
  let most = 0;
  for (const list of lists) {
    if (list === null || !list.every(isTelling)) continue;
    const least = list.reduce((length, text) => Math.min(length, text.length), CHOICES_MAX);
    const worth = least - Math.log2(list.length + 1) / 2;
    if (best !== null && worth <= most) continue;
    best = list;
    most = worth;
  }
  return best;
}
