/** Expressions: a correlation's condition over rule names, as an OR of ANDs. */

/** One way to satisfy a condition: every name of `seen` occurs, none of `absent` does. */
export interface Conjunct {
  /** Places in the list of names, ascending. */
  readonly seen: readonly number[];
  readonly absent: readonly number[];
}

/** A condition in disjunctive normal form. */
export interface Expression {
  /** Rule names in the order in which they first stand in the text. */
  readonly names: readonly string[];
  /** At least one; in the order of the text. Each has at least one name that must be seen. */
  readonly conjuncts: readonly Conjunct[];
}

/** Words that have a meaning in conditions and cannot be names. */
export const RESERVED: ReadonlySet<string> = new Set([
  ...['and', 'or', 'not', 'of', 'them', 'all', 'any'],
]);

const NAMES_MAX = 8;
const CONJUNCTS_MAX = 16;
const TEXT_MAX = 1000;
const DEPTH_MAX = 32;

type Node =
  | { readonly op: 'name'; readonly name: string }
  | { readonly op: 'not'; readonly of: Node }
  | { readonly op: 'and' | 'or'; readonly of: readonly Node[] };

/** A literal of the normal form: a name, or its absence. */
type Literals = ReadonlyMap<string, boolean>;

/** Reads a condition. `problem` says what is wrong with it, in words; null if nothing. */
export function readExpression(
  text: string,
  order?: readonly string[],
): { readonly expression: Expression | null; readonly problem: string | null } {
  if (text.length > TEXT_MAX)
    return refused(`a condition must not be longer than ${TEXT_MAX} characters`);
  const tokens = text.match(/\(|\)|[A-Za-z_][A-Za-z0-9_]*|\S/g) ?? [];
  const parser = new Parser(tokens);
  const tree = parser.read();
  if (typeof tree === 'string') return refused(tree);
  const names = order ?? parser.names;
  if (parser.names.length > NAMES_MAX)
    return refused(`a condition may name at most ${NAMES_MAX} rules, this one names more`);
  const literals = normal(tree, true);
  if (literals === null)
    return refused(`the condition has more than ${CONJUNCTS_MAX} ways to hold`);
  if (literals.length === 0) return refused('the condition can never hold');
  const conjuncts: Conjunct[] = [];
  for (const set of literals) {
    const places = (wanted: boolean) =>
      names.flatMap((name, at) => (set.get(name) === wanted ? [at] : []));
    const conjunct = { seen: places(true), absent: places(false) };
    if (conjunct.seen.length === 0) {
      const never = conjunct.absent.map((at) => names[at]).join(', ');
      return refused(
        `nothing but absence (${never}) is no event to start from: name a rule that must occur, or use the kind silence`,
      );
    }
    conjuncts.push(conjunct);
  }
  return { expression: { names, conjuncts }, problem: null };
}

/** The names a condition mentions, in order; empty where it cannot be read. */
export function namesIn(text: string): readonly string[] {
  const words = text.slice(0, TEXT_MAX).match(/[A-Za-z_][A-Za-z0-9_]*/g) ?? [];
  return [...new Set(words.filter((word) => !RESERVED.has(word)))];
}

function refused(problem: string): { expression: null; problem: string } {
  return { expression: null, problem };
}

/** Recursive descent: `or` below `and` below `not` below parentheses. */
class Parser {
  readonly #tokens: readonly string[];
  readonly #names = new Set<string>();
  #at = 0;
  #problem: string | null = null;

  constructor(tokens: readonly string[]) {
    this.#tokens = tokens;
  }

  get names(): readonly string[] {
    return [...this.#names];
  }

  /** The tree, or what is wrong. */
  read(): Node | string {
    const tree = this.#list('or', 0);
    if (this.#problem === null && this.#at < this.#tokens.length)
      this.#problem = `unexpected ${JSON.stringify(this.#tokens[this.#at])} in the condition`;
    return this.#problem ?? tree;
  }

  #list(op: 'or' | 'and', depth: number): Node {
    const of = [this.#part(op, depth)];
    while (this.#tokens[this.#at] === op && this.#problem === null) {
      this.#at += 1;
      of.push(this.#part(op, depth));
    }
    return of.length === 1 ? (of[0] as Node) : { op, of };
  }

  #part(op: 'or' | 'and', depth: number): Node {
    return op === 'or' ? this.#list('and', depth) : this.#unary(depth);
  }

  #unary(depth: number): Node {
    const token = this.#tokens[this.#at];
    this.#at += 1;
    if (depth > DEPTH_MAX) return this.#wrong('the condition is nested too deeply');
    if (token === 'not') return { op: 'not', of: this.#unary(depth + 1) };
    if (token === '(') {
      const inner = this.#list('or', depth + 1);
      if (this.#tokens[this.#at] !== ')') return this.#wrong('a parenthesis is not closed');
      this.#at += 1;
      return inner;
    }
    if (token === undefined)
      return this.#wrong('the condition ends where a rule name should stand');
    if (RESERVED.has(token))
      return this.#wrong(
        `${JSON.stringify(token)} cannot stand here: only and, or, not, parentheses and rule names`,
      );
    if (!/^[A-Za-z_]/.test(token))
      return this.#wrong(
        `unexpected ${JSON.stringify(token)}: rule names are [A-Za-z_][A-Za-z0-9_]*`,
      );
    this.#names.add(token);
    return { op: 'name', name: token };
  }

  #wrong(problem: string): Node {
    this.#problem ??= problem;
    this.#at = this.#tokens.length;
    return { op: 'name', name: '' };
  }
}

/** Disjunctive normal form; null where it outgrows its bound. Contradictions are left out. */
function normal(node: Node, positive: boolean): readonly Literals[] | null {
  if (node.op === 'name') return [new Map([[node.name, positive]])];
  if (node.op === 'not') return normal(node.of, !positive);
  const isOr = (node.op === 'or') === positive;
  let sum: readonly Literals[] = isOr ? [] : [new Map()];
  for (const child of node.of) {
    const part = normal(child, positive);
    if (part === null) return null;
    sum = isOr ? [...sum, ...part] : sum.flatMap((a) => part.flatMap((b) => merged(a, b)));
    sum = withoutRepeats(sum);
    if (sum.length > CONJUNCTS_MAX) return null;
  }
  return sum;
}

function merged(a: Literals, b: Literals): readonly Literals[] {
  for (const [name, wanted] of b) if ((a.get(name) ?? wanted) !== wanted) return [];
  return [new Map([...a, ...b])];
}

/** Leaves out what another one implies: `a or a and b` is `a`. */
function withoutRepeats(all: readonly Literals[]): readonly Literals[] {
  const implies = (a: Literals, b: Literals) =>
    [...b].every(([name, wanted]) => a.get(name) === wanted);
  return all.filter(
    (one, at) =>
      !all.some(
        (other, place) =>
          place !== at && implies(one, other) && (!implies(other, one) || place < at),
      ),
  );
}
