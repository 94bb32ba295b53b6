/** Witten–Bell: how probable the next symbol is after these, over several levels of counts. */

/** Counts of what followed each context. Plain JSON: this is what a baseline stores. */
export interface ContextCounts {
  /** Longest context that was counted. */
  readonly order: number;
  /** Known symbols, ascending; symbol i has id i + 2. */
  readonly symbols: readonly string[];
  /** Contexts, oldest symbol first, ascending; with successors as id, count, id, count, … */
  readonly rows: readonly (readonly [context: readonly number[], next: readonly number[]])[];
}

/** Counts as one level of a chain; `order` may read fewer orders than were counted. */
export interface ContextLevel {
  readonly counts: ContextCounts;
  readonly order: number;
}

/** What stands before the first symbol of a session. Never predicted. */
export const START = 0;
/** Any symbol that is not known: one more symbol, with counts of its own. */
export const UNKNOWN = 1;
const FIRST_KNOWN = 2;
/** Ids are UTF-16 units in the keys of counters. */
const SYMBOLS_MAX = 60_000;

interface Node {
  /** Σ of `next`; 0 where only longer contexts are stored. */
  n: number;
  readonly next: Map<number, number>;
  /** Contexts one symbol longer, by the symbol before. */
  readonly longer: Map<number, Node>;
}

/** A compiled chain. Immutable by contract; shared by every unit it scores. */
export interface ContextModel {
  /** Id of a symbol by its name; UNKNOWN is not in it. */
  readonly ids: ReadonlyMap<string, number>;
  /** Name by id − 2. */
  readonly names: readonly string[];
  /** Most general first. */
  readonly levels: readonly { readonly root: Node; readonly order: number }[];
  /** Probability of every symbol where nothing was counted: 1/(V + 1). */
  readonly floor: number;
}

/**
 * Names every counter an occurrence adds to: for each position, each context of 0..order symbols
 * before it (one START at most) and the symbol itself, as one UTF-16 unit per id, oldest first.
 * Contexts never cross sessions: one call takes one session.
 * Parameters: ids - of one session in order, without START. Cost: O(length · order).
 */
export function contextKeys(
  ids: readonly number[],
  order: number,
  add: (key: string) => void,
): void {
  let before = String.fromCharCode(START);
  for (const id of ids) {
    const symbol = String.fromCharCode(id);
    for (let k = 0; k <= Math.min(order, before.length); k += 1)
      add(before.slice(before.length - k) + symbol);
    before = (before + symbol).slice(-Math.max(order, 1));
  }
}

/**
 * Makes counts of counters named by contextKeys. With `prune`, contexts of two or more symbols that
 * occurred once are left out: they hold most of the memory and next to none of the evidence.
 * Parameters: symbols - ascending, id i + 2; counters - by key, > 0.
 */
export function contextCounts(
  symbols: readonly string[],
  order: number,
  counters: ReadonlyMap<string, number>,
  { prune = true }: { readonly prune?: boolean } = {},
): ContextCounts {
  const rows = new Map<string, [number, number][]>();
  for (const [key, n] of counters) {
    const context = key.slice(0, -1);
    const row = rows.get(context);
    const next: [number, number] = [key.charCodeAt(key.length - 1), n];
    if (row === undefined) rows.set(context, [next]);
    else row.push(next);
  }
  const kept = [...rows].filter(
    ([context, next]) =>
      !prune || context.length < 2 || next.reduce((sum, [, n]) => sum + n, 0) > 1,
  );
  return {
    order,
    symbols,
    rows: kept
      .sort(([a], [b]) => a.length - b.length || (a < b ? -1 : 1))
      .map(([context, next]) => [
        Array.from(context, (_, at) => context.charCodeAt(at)),
        next.sort(([a], [b]) => a - b).flat(),
      ]),
  };
}

/**
 * Counts of whole sequences, every symbol known: the plain case without bounded influence.
 * @example countContexts([['a', 'b']], 0) // { order: 0, symbols: [ 'a', 'b' ], rows: [ [ [], [ 2, 1, 3, 1 ] ] ] }
 */
export function countContexts(
  sequences: readonly (readonly string[])[],
  order: number,
): ContextCounts {
  const symbols = [...new Set(sequences.flat())].sort().slice(0, SYMBOLS_MAX);
  const ids = new Map(symbols.map((symbol, at) => [symbol, at + FIRST_KNOWN]));
  const counters = new Map<string, number>();
  for (const sequence of sequences)
    contextKeys(
      sequence.map((symbol) => ids.get(symbol) ?? UNKNOWN),
      order,
      (key) => counters.set(key, (counters.get(key) ?? 0) + 1),
    );
  return contextCounts(symbols, order, counters);
}

/**
 * Interpolated Witten–Bell (the escape of PPM-C) with hierarchical back-off.
 * `P_k(s|c) = (n(c, s) + T(c)·P_{k−1}(s|c'))/(n(c) + T(c))`, T = distinct successors of c; a context
 * that was not seen passes on the shorter one. The chain runs through the levels, most particular
 * first, each from its longest context to the empty one, and ends at 1/(V + 1).
 * Claim: probabilities of the V known symbols and of UNKNOWN sum to one after every history. The
 * escape mass T/(n + T) is the probability of novelty: no parameter but the order.
 * Parameters: levels - most particular first, order - 0..; symbols - united over the levels.
 * Cost: building O(counters); a probability at most (order + 1) · 2 lookups per level.
 * Reference: Witten & Bell 1991; Moffat 1990 (PPM-C).
 * @example probability(compileContexts([{ counts: countContexts([['a', 'b', 'a']], 1), order: 1 }]), [3], 2).toFixed(4) // '0.7667'
 */
export function compileContexts(levels: readonly ContextLevel[]): ContextModel {
  const names = [...new Set(levels.flatMap(({ counts }) => counts.symbols))]
    .sort()
    .slice(0, SYMBOLS_MAX);
  const ids = new Map(names.map((name, at) => [name, at + FIRST_KNOWN]));
  return {
    ids,
    names,
    levels: levels.map((level) => compileLevel(level, ids)).reverse(),
    floor: 1 / (names.length + 1),
  };
}

/**
 * Probability of a symbol after a history, in (0, 1).
 * Parameters: history - ids, most recent last, START first where the session began there; symbol - id.
 * @example probability(compileContexts([]), [], UNKNOWN) // 1
 */
export function probability(
  model: ContextModel,
  history: readonly number[],
  symbol: number,
): number {
  let p = model.floor;
  for (const { root, order } of model.levels) {
    let node: Node | undefined = root;
    for (let back = 0; node !== undefined; back += 1) {
      const distinct = node.next.size;
      if (node.n > 0) p = ((node.next.get(symbol) ?? 0) + distinct * p) / (node.n + distinct);
      if (back === order || back === history.length) break;
      node = node.longer.get(history[history.length - 1 - back] ?? START);
    }
  }
  return p;
}

/**
 * Surprisal of a symbol after a history: −log2 P, bits.
 * Claim: finite, >= 0.
 * @example surprisalBits(compileContexts([{ counts: countContexts([['a'], ['b']], 0), order: 0 }]), [], UNKNOWN).toFixed(4) // '2.5850'
 */
export function surprisalBits(
  model: ContextModel,
  history: readonly number[],
  symbol: number,
): number {
  return Math.max(0, -Math.log2(probability(model, history, symbol)));
}

/**
 * `surprisalBits` after one symbol, of a model of order 1: what does not depend on the symbol before is
 * worked out once for each symbol. Bit for bit the same answer.
 * @example firstOrderBits(compileContexts([{ counts: countContexts([['a', 'b', 'a']], 1), order: 1 }]))(3, 2).toFixed(4) // '0.3833'
 */
export function firstOrderBits(model: ContextModel): (before: number, symbol: number) => number {
  const [level, ...more] = model.levels;
  if (level === undefined || more.length > 0 || level.order !== 1)
    return (before, symbol) => surprisalBits(model, [before], symbol);
  const alone = Float64Array.from({ length: model.names.length + FIRST_KNOWN }, (_, id) =>
    probability({ ...model, levels: [{ root: level.root, order: 0 }] }, [], id),
  );
  const bits = alone.map((p) => Math.max(0, -Math.log2(p)));
  const after = Array.from(alone, (_, id) => level.root.longer.get(id));
  const asked = (node: Node, symbol: number) => {
    const distinct = node.next.size;
    const p = alone[symbol] as number;
    return Math.max(
      0,
      -Math.log2(((node.next.get(symbol) ?? 0) + distinct * p) / (node.n + distinct)),
    );
  };
  const memory = newMemory();
  return (before, symbol) => {
    const node = after[before];
    if (node === undefined || !(node.n > 0)) return bits[symbol] as number;
    const key = before * KEY_SPAN + symbol;
    const slot = slotOf(before, symbol);
    if (memory.keys[slot] === key) return memory.bits[slot] as number;
    return keep(memory, slot, key, asked(node, symbol));
  };
}

/**
 * `surprisalBits`, remembered: of each slot the one asked for last, so that what agents show does not
 * make it grow. Histories of more than seven symbols are worked out each time.
 * @example rememberedBits(compileContexts([{ counts: countContexts([['a', 'b']], 2), order: 2 }]))([0], 2).toFixed(4) // '0.4975'
 */
export function rememberedBits(
  model: ContextModel,
): (history: readonly number[], symbol: number) => number {
  // By slot: the symbol, the length of the history, and the history.
  const keys = new Int32Array(SLOTS * STRIDE).fill(-1);
  const bits = new Float64Array(SLOTS);
  return (history, symbol) => {
    const { length } = history;
    if (length > HISTORY_MAX) return surprisalBits(model, history, symbol);
    let h = symbol;
    for (let at = 0; at < length; at += 1)
      h = Math.imul(h ^ (history[at] as number), 0x9e3779b1) + length;
    const slot = Math.imul(h, 0x85ebca6b) >>> 20;
    const begin = slot * STRIDE;
    let isKnown = keys[begin] === symbol && keys[begin + 1] === length;
    for (let at = 0; isKnown && at < length; at += 1)
      isKnown = keys[begin + 2 + at] === history[at];
    if (isKnown) return bits[slot] as number;
    keys[begin] = symbol;
    keys[begin + 1] = length;
    for (let at = 0; at < length; at += 1) keys[begin + 2 + at] = history[at] as number;
    const asked = surprisalBits(model, history, symbol);
    bits[slot] = asked;
    return asked;
  };
}

const HISTORY_MAX = 7;
const STRIDE = HISTORY_MAX + 2;

/** Surprisals by slot, with the key of what they are of. */
interface BitsMemory {
  readonly keys: Float64Array;
  readonly bits: Float64Array;
}

const SLOTS = 4096;
/** Ids are UTF-16 units: two of them fit a number exactly. */
const KEY_SPAN = 65_536;

function newMemory(): BitsMemory {
  return { keys: new Float64Array(SLOTS).fill(-1), bits: new Float64Array(SLOTS) };
}

function slotOf(before: number, symbol: number): number {
  return Math.imul(Math.imul(before, 0x9e3779b1) ^ symbol, 0x85ebca6b) >>> 20;
}

function keep({ keys, bits }: BitsMemory, slot: number, key: number, value: number): number {
  keys[slot] = key;
  bits[slot] = value;
  return value;
}

/**
 * `surprisalBits` after two symbols, remembered: for small alphabets, whose triples are few.
 * @example secondOrderBits(compileContexts([{ counts: countContexts([['a', 'b']], 2), order: 2 }]))(-1, 0, 2).toFixed(4) // '0.4975'
 */
export function secondOrderBits(
  model: ContextModel,
): (older: number, before: number, symbol: number) => number {
  const size = model.names.length + FIRST_KNOWN;
  const triples = size ** 3;
  const asked = (older: number, before: number, symbol: number) =>
    surprisalBits(model, older < 0 ? [before] : [older, before], symbol);
  if (triples > TRIPLES_MAX) return asked;
  const known = new Float64Array(triples).fill(-1);
  const firsts = new Float64Array(size * size).fill(-1);
  return (older, before, symbol) => {
    if (older < 0) {
      const place = before * size + symbol;
      if ((firsts[place] as number) < 0) firsts[place] = asked(older, before, symbol);
      return firsts[place] as number;
    }
    const at = (older * size + before) * size + symbol;
    const bits = known[at] as number;
    if (bits >= 0) return bits;
    known[at] = asked(older, before, symbol);
    return known[at];
  };
}

/** Two megabytes, shared by every unit. */
const TRIPLES_MAX = 262_144;

function compileLevel({ counts, order }: ContextLevel, ids: ReadonlyMap<string, number>) {
  const global = (id: number): number => {
    if (id < FIRST_KNOWN) return id;
    return ids.get(counts.symbols[id - FIRST_KNOWN] ?? '') ?? UNKNOWN;
  };
  const root = emptyNode();
  for (const [context, next] of counts.rows) {
    if (context.length > order) continue;
    let node = root;
    for (let at = context.length - 1; at >= 0; at -= 1) {
      const id = global(context[at] ?? START);
      let longer = node.longer.get(id);
      if (longer === undefined) {
        longer = emptyNode();
        node.longer.set(id, longer);
      }
      node = longer;
    }
    for (let at = 0; at + 1 < next.length; at += 2) {
      const [id, n] = [global(next[at] ?? UNKNOWN), next[at + 1] ?? 0];
      if (!(n > 0 && Number.isFinite(n))) continue;
      node.n += n;
      node.next.set(id, (node.next.get(id) ?? 0) + n);
    }
  }
  return { root, order };
}

function emptyNode(): Node {
  return { n: 0, next: new Map(), longer: new Map() };
}
