/** Aho-Corasick: which of many texts lie within another, in one pass over it. */

/** Many texts to be looked for at once. */
export interface Automaton {
  /**
   * Calls `found` with the owners of every text that lies in `text`: at least once for each, and not
   * much oftener. Time grows with the length of the text only.
   */
  scan(text: string, found: (owners: readonly number[]) => void): void;
  /** Does any of the texts lie in `text`? */
  some(text: string): boolean;
}

interface Draft {
  readonly next: Map<number, number>;
  fail: number;
  readonly owners: Set<number>;
}

/**
 * Builds the automaton over UTF-16 units. The table has a row for each state and a column for each
 * unit that occurs in a text; all other units share one, which leads back to the start.
 */
export function createAutomaton(
  texts: Iterable<readonly [text: string, owners: Iterable<number>]>,
): Automaton {
  const states: Draft[] = [draft()];
  const columns = new Map<number, number>();
  for (const [text, owners] of texts) {
    let at = 0;
    for (let i = 0; i < text.length; i += 1) {
      const unit = text.charCodeAt(i);
      if (!columns.has(unit)) columns.set(unit, columns.size + 1);
      at = step(states, at, columns.get(unit) as number);
    }
    for (const owner of owners) (states[at] as Draft).owners.add(owner);
  }
  const width = columns.size + 1;
  const table = tableOf(states, width);
  const out = states.map(({ owners }) => (owners.size === 0 ? null : [...owners]));
  const wide = columnTable(columns);
  // A state tells of its owners once for each text: repeats of a text cost no more than its length.
  const told = new Uint32Array(states.length);
  let turn = 0;
  const next = (at: number, unit: number): number => {
    const column = unit < 256 ? (wide[unit] as number) : (columns.get(unit) ?? 0);
    return column === 0 ? 0 : (table[at * width + column] as number);
  };
  return {
    some(text) {
      let at = 0;
      for (let i = 0; i < text.length; i += 1) {
        at = next(at, text.charCodeAt(i));
        if (out[at] !== null) return true;
      }
      return out[0] !== null;
    },
    scan(text, found) {
      turn = nextTurn(turn, told);
      let at = 0;
      for (let i = 0; i < text.length; i += 1) {
        at = next(at, text.charCodeAt(i));
        if (at === 0) continue;
        const owners = out[at];
        if (owners === null || owners === undefined || told[at] === turn) continue;
        told[at] = turn;
        found(owners);
      }
    },
  };
}

function draft(): Draft {
  return { next: new Map(), fail: 0, owners: new Set() };
}

function step(states: Draft[], at: number, column: number): number {
  const { next } = states[at] as Draft;
  const known = next.get(column);
  if (known !== undefined) return known;
  states.push(draft());
  next.set(column, states.length - 1);
  return states.length - 1;
}

/** Where each state goes on each column, failures followed through; owners are handed down too. */
function tableOf(states: readonly Draft[], width: number): Int32Array {
  const table = new Int32Array(states.length * width);
  const queue: number[] = [0];
  for (let head = 0; head < queue.length; head += 1) {
    const at = queue[head] as number;
    const state = states[at] as Draft;
    const row = at * width;
    if (at !== 0) table.copyWithin(row, state.fail * width, (state.fail + 1) * width);
    for (const [column, to] of state.next) {
      const target = states[to] as Draft;
      target.fail = at === 0 ? 0 : (table[state.fail * width + column] as number);
      for (const owner of (states[target.fail] as Draft).owners) target.owners.add(owner);
      table[row + column] = to;
      queue.push(to);
    }
  }
  return table;
}

function columnTable(columns: ReadonlyMap<number, number>): Uint16Array {
  const table = new Uint16Array(256);
  for (const [unit, column] of columns) if (unit < 256) table[unit] = column;
  return table;
}

/** The number of the next turn; when they are used up, all marks are wiped. */
export function nextTurn(turn: number, marks: Uint32Array): number {
  if (turn < 0xffff_ffff) return turn + 1;
  marks.fill(0);
  return 1;
}
