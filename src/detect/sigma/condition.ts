/** Conditions of Sigma rules: text → tree over selections, with every mistake named. */
import type { Clause } from '../../model/sigma.ts';
import { compileGlob, nearest, readGlob } from './text.ts';

/** Receives a mistake, in words that say what to write instead. */
export type Say = (message: string) => void;

const WORDS = new Set(['and', 'or', 'not', 'of', 'them', 'all', 'any']);
const TOKEN = /\s*(?:([()])|([^\s()|]+)|(\|))/y;
const DEPTH_MAX = 64;

/** Is this a name that a condition can speak of? */
export function isReserved(name: string): boolean {
  return WORDS.has(name.toLowerCase());
}

/**
 * Reads `or` < `and` < `not` < quantifier < parentheses. Quantifiers: `1 of`, `any of`, `all of` over
 * `them` (all names that do not begin with `_`) or a pattern with `*`.
 */
export function readCondition(text: string, names: readonly string[], say: Say): Clause | null {
  const tokens = tokensOf(text, say);
  if (tokens === null) return null;
  const reader = new Reader(tokens, names, say);
  return reader.whole();
}

function tokensOf(text: string, say: Say): string[] | null {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  const trimmed = text.trimEnd();
  while (TOKEN.lastIndex < trimmed.length) {
    const match = TOKEN.exec(trimmed);
    if (match === null) break;
    if (match[3] !== undefined) {
      say('`|` aggregations are gone from Sigma 2; write a document with `correlation:` instead');
      return null;
    }
    tokens.push((match[1] ?? match[2]) as string);
  }
  if (tokens.length === 0) {
    say('is empty; name the selections, for example `selection and not filter`');
    return null;
  }
  return tokens;
}

class Reader {
  readonly #tokens: readonly string[];
  readonly #names: readonly string[];
  readonly #say: Say;
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly string[], names: readonly string[], say: Say) {
    this.#tokens = tokens;
    this.#names = names;
    this.#say = say;
  }

  whole(): Clause | null {
    const clause = this.#chain('or');
    if (clause !== null && this.#at < this.#tokens.length) {
      this.#say(`expected \`and\` or \`or\` before \`${this.#tokens[this.#at]}\``);
      return null;
    }
    return clause;
  }

  #peek(): string | undefined {
    return this.#tokens[this.#at];
  }

  #chain(word: 'or' | 'and'): Clause | null {
    const inner = () => (word === 'or' ? this.#chain('and') : this.#negation());
    const items: Clause[] = [];
    for (;;) {
      const item = inner();
      if (item === null) return null;
      items.push(item);
      if (this.#peek() !== word) break;
      this.#at += 1;
    }
    const [only] = items;
    return items.length === 1 && only !== undefined ? only : { type: word, items };
  }

  #negation(): Clause | null {
    let negated = false;
    while (this.#peek() === 'not') {
      negated = !negated;
      this.#at += 1;
    }
    const item = this.#operand();
    return item === null || !negated ? item : { type: 'not', item };
  }

  #operand(): Clause | null {
    const token = this.#peek();
    if (token === undefined) return this.#refuse('ends where a selection was expected');
    this.#at += 1;
    if (token === '(') return this.#inParentheses();
    if (token === ')') return this.#refuse('has a `)` where a selection was expected');
    if (this.#peek()?.toLowerCase() === 'of') {
      this.#at += 1;
      return this.#quantified(token);
    }
    if (WORDS.has(token)) return this.#refuse(`has \`${token}\` where a selection was expected`);
    if (WORDS.has(token.toLowerCase())) {
      const lower = token.toLowerCase();
      return this.#refuse(`write \`${lower}\` in lower case, not \`${token}\``);
    }
    if (!this.#names.includes(token)) return this.#refuse(this.#unknown(token));
    return { type: 'selection', name: token };
  }

  #inParentheses(): Clause | null {
    this.#depth += 1;
    if (this.#depth > DEPTH_MAX) return this.#refuse(`nests deeper than ${DEPTH_MAX}`);
    const clause = this.#chain('or');
    if (clause === null) return null;
    if (this.#peek() !== ')') return this.#refuse('lacks a closing `)`');
    this.#at += 1;
    this.#depth -= 1;
    return clause;
  }

  #quantified(quantifier: string): Clause | null {
    const pattern = this.#peek();
    if (!['1', 'any', 'all'].includes(quantifier)) {
      const which = /^\d+$/.test(quantifier)
        ? `\`${quantifier} of\` is not Sigma: only \`1 of\`, \`any of\` and \`all of\`; spell the combinations out`
        : `\`${quantifier} of\` is unknown; there are: 1 of, any of, all of`;
      return this.#refuse(which);
    }
    if (pattern === undefined || pattern === '(' || pattern === ')')
      return this.#refuse(
        `\`${quantifier} of\` wants \`them\` or a pattern such as \`selection_*\``,
      );
    this.#at += 1;
    const names =
      pattern === 'them'
        ? this.#names.filter((name) => !name.startsWith('_'))
        : this.#names.filter(compileGlob(readGlob(pattern)));
    if (names.length === 0)
      return this.#refuse(
        `no selection is like \`${pattern}\`; there are: ${this.#names.join(', ')}`,
      );
    const items = names.map((name): Clause => ({ type: 'selection', name }));
    return { type: quantifier === 'all' ? 'and' : 'or', items };
  }

  #unknown(name: string): string {
    const near = nearest(name, this.#names);
    const meant = near === null ? '' : `did you mean \`${near}\`? `;
    return `names \`${name}\`, which is no selection; ${meant}there are: ${this.#names.join(', ')}`;
  }

  #refuse(message: string): null {
    this.#say(message);
    return null;
  }
}
