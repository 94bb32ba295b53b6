/** Jensen–Shannon and PSI: how far two windows differ, and how far by chance alone. */

/** Occurrences by symbol. */
export type Counts = ReadonlyMap<string, number>;

/** ½ is added to every count, so that a symbol one side lacks does not decide alone. */
export const ADDED = 0.5;

/**
 * Jensen–Shannon divergence in bits: ½Σ p log2(p/m) + ½Σ q log2(q/m), m = (p + q)/2.
 * Claim: in 0..1, symmetric, 0 where the shares are equal. Shares are taken over the symbols of
 * either side with `added` to each count. For review and ranking: it has no fixed alarm threshold.
 * Parameters: p, q - counts >= 0; added - default ½. Cost: O(symbols). Nothing on either side: 0.
 * Reference: Lin 1991.
 * @example jensenShannonBits(new Map([['a', 3]]), new Map([['b', 1]]), 0) // 1
 */
export function jensenShannonBits(p: Counts, q: Counts, added = ADDED): number {
  let bits = 0;
  for (const [share, other] of shares(p, q, added)) {
    const middle = (share + other) / 2;
    if (share > 0) bits += (share / 2) * Math.log2(share / middle);
    if (other > 0) bits += (other / 2) * Math.log2(other / middle);
  }
  return Math.min(1, Math.max(0, bits));
}

/**
 * `jensenShannonBits` against counts that stay the same: what does not depend on the other side is
 * worked out once, and what depends on its total only, once for each small total.
 * Claim: bit for bit the same answer, for whole counts.
 * @example divergenceFrom(new Map([['b', 1]]))(new Map([['a', 3]])).toFixed(4) // '0.3113'
 */
export function divergenceFrom(q: Counts): (p: Counts) => number {
  const symbols = [...q.keys()].sort();
  const places = new Map(symbols.map((symbol, at) => [symbol, at]));
  let sumQ = 0;
  for (const symbol of symbols) sumQ += Math.max(0, q.get(symbol) ?? 0) + ADDED;
  const others = Float64Array.from(
    symbols,
    (symbol) => (Math.max(0, q.get(symbol) ?? 0) + ADDED) / sumQ,
  );
  const counts = new Float64Array(symbols.length);
  const unseen = new Map<number, Float64Array>();
  return (p) => {
    let total = 0;
    for (const [symbol, n] of p) {
      // A symbol of one side only, or a count that is none, changes every sum.
      if (!places.has(symbol) || !(n >= 0 && n % 1 === 0)) return jensenShannonBits(p, q);
      total += n;
    }
    if (sumQ === 0) return 0;
    const sumP = total + ADDED * symbols.length;
    let terms = unseen.get(total);
    if (terms === undefined) {
      terms = new Float64Array(2 * symbols.length);
      for (let at = 0; at < symbols.length; at += 1) {
        const share = ADDED / sumP;
        terms[2 * at] = half(share, others[at] as number);
        terms[2 * at + 1] = half(others[at] as number, share);
      }
      if (unseen.size < TOTALS_MAX) unseen.set(total, terms);
    }
    for (const [symbol, n] of p) counts[places.get(symbol) as number] = n;
    let bits = 0;
    for (let at = 0; at < symbols.length; at += 1) {
      const n = counts[at] as number;
      if (n === 0) {
        bits += terms[2 * at] as number;
        bits += terms[2 * at + 1] as number;
        continue;
      }
      counts[at] = 0;
      const share = (n + ADDED) / sumP;
      bits += half(share, others[at] as number);
      bits += half(others[at] as number, share);
    }
    return Math.min(1, Math.max(0, bits));
  };
}

/** Units have at most twenty calls; windows of them have more, and are few. */
const TOTALS_MAX = 64;

/** Half of what one side adds at a symbol, bits. */
function half(own: number, other: number): number {
  const middle = (own + other) / 2;
  return (own / 2) * Math.log2(own / middle);
}

/**
 * Population stability index Σ(p − q)·ln(p/q), over shares as above.
 * Claim: >= 0, symmetric. At small n it exceeds the folklore .1 without any change: print it beside
 * expectedStability, never alone. Cost: O(symbols).
 * @example stabilityIndex(new Map([['a', 8]]), new Map([['a', 2]])) // 0
 */
export function stabilityIndex(p: Counts, q: Counts, added = ADDED): number {
  let sum = 0;
  for (const [share, other] of shares(p, q, added))
    if (share > 0 && other > 0) sum += (share - other) * Math.log(share / other);
  return Math.max(0, sum);
}

/**
 * Mean of the PSI under no change: (K − 1)(1/n1 + 1/n2), asymptotically.
 * Parameters: symbols - K >= 1; n1, n2 - events of the two windows, > 0.
 * @example expectedStability(10, 200, 200) // 0.09
 */
export function expectedStability(symbols: number, n1: number, n2: number): number {
  if (!(n1 > 0 && n2 > 0)) return 0;
  return Math.max(0, symbols - 1) * (1 / n1 + 1 / n2);
}

/**
 * Mean of the Jensen–Shannon divergence under no change, bits: (K − 1)(1/n1 + 1/n2)/(8 ln 2).
 * @example expectedJensenShannonBits(9, 100, 100).toFixed(5) // '0.02885'
 */
export function expectedJensenShannonBits(symbols: number, n1: number, n2: number): number {
  return expectedStability(symbols, n1, n2) / (8 * Math.LN2);
}

/**
 * Permutation p of the divergence between two groups of sessions: (1 + #{≥ observed})/(rounds + 1).
 * Claim: P(p ≤ a) ≤ a where sessions are exchangeable between the groups, however dependent the
 * events within a session are. Permuting events instead would call every change of habit a drift.
 * Parameters: first, second - counts by session; rounds - default 999; uniform - seeded, in [0, 1).
 * Cost: O(rounds · (sessions + their symbols)).
 * Reference: Phipson & Smyth 2010.
 * @example permutationP([new Map([['a', 1]])], [new Map([['a', 1]])], () => 0.5, 9) // 1
 */
export function permutationP(
  first: readonly Counts[],
  second: readonly Counts[],
  uniform: () => number,
  rounds = 999,
): number {
  if (first.length === 0 || second.length === 0) return 1;
  const { sessions, symbols } = indexed([...first, ...second]);
  const total = new Float64Array(symbols);
  for (const session of sessions) addSession(total, session);
  const order = sessions.map((_, at) => at);
  const side = new Float64Array(symbols);
  const divergence = (): number => {
    side.fill(0);
    for (let at = 0; at < first.length; at += 1) addSession(side, sessions[order[at] ?? 0] ?? []);
    return denseBits(side, total);
  };
  // Sums of the same numbers in another order may differ in the last bit; ties count against us.
  const observed = divergence() * (1 - 1e-9);
  let reached = 1;
  for (let round = 0; round < rounds; round += 1) {
    for (let at = 0; at < first.length; at += 1) {
      const other = at + Math.floor(uniform() * (order.length - at));
      const held = order[at] ?? 0;
      order[at] = order[other] ?? 0;
      order[other] = held;
    }
    if (divergence() >= observed) reached += 1;
  }
  return reached / (rounds + 1);
}

/** Shares of every symbol on both sides, symbols in sorted order so that sums are reproducible. */
function shares(p: Counts, q: Counts, added: number): [number, number][] {
  const symbols = [...new Set([...p.keys(), ...q.keys()])].sort();
  const of = (counts: Counts, symbol: string) => Math.max(0, counts.get(symbol) ?? 0) + added;
  let [sumP, sumQ] = [0, 0];
  for (const symbol of symbols) {
    sumP += of(p, symbol);
    sumQ += of(q, symbol);
  }
  if (sumP === 0 || sumQ === 0) return [];
  return symbols.map((symbol) => [of(p, symbol) / sumP, of(q, symbol) / sumQ]);
}

type Session = readonly (readonly [symbol: number, count: number])[];

function indexed(groups: readonly Counts[]): { sessions: Session[]; symbols: number } {
  const ids = new Map<string, number>();
  const idOf = (symbol: string): number => {
    const known = ids.get(symbol);
    if (known !== undefined) return known;
    ids.set(symbol, ids.size);
    return ids.size - 1;
  };
  const sessions = groups.map((counts) =>
    [...counts].map(([symbol, n]) => [idOf(symbol), Math.max(0, n)] as const),
  );
  return { sessions, symbols: ids.size };
}

function addSession(counts: Float64Array, session: Session): void {
  for (const [symbol, n] of session) counts[symbol] = (counts[symbol] ?? 0) + n;
}

/** JS of one side against the rest of the total, with ½ added to each count. */
function denseBits(side: Float64Array, total: Float64Array): number {
  let [sumP, sumQ] = [0, 0];
  for (let at = 0; at < total.length; at += 1) {
    const n = side[at] ?? 0;
    sumP += n + ADDED;
    sumQ += (total[at] ?? 0) - n + ADDED;
  }
  let bits = 0;
  for (let at = 0; at < total.length; at += 1) {
    const n = side[at] ?? 0;
    const p = (n + ADDED) / sumP;
    const q = ((total[at] ?? 0) - n + ADDED) / sumQ;
    bits += (p * Math.log2((2 * p) / (p + q)) + q * Math.log2((2 * q) / (p + q))) / 2;
  }
  return bits;
}
