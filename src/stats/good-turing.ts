/** Good–Turing: how much of what comes next was never seen in the window. */

/**
 * Good–Turing unseen mass: the probability that the next symbol is one the window does not hold.
 * Claim: N1/n, N1 = symbols seen once, n = all occurrences; bias below 1/n for independent draws.
 * Parameters: counts - occurrences by symbol, whole, >= 0 (others are left out). An empty window
 * knows nothing: 1.
 * Cost: O(symbols).
 * Reference: Good 1953, The population frequencies of species.
 * @example unseenMass([5, 3, 1, 1]) // 0.2
 */
export function unseenMass(counts: Iterable<number>): number {
  let total = 0;
  let once = 0;
  for (const count of counts) {
    if (!(count > 0 && Number.isFinite(count))) continue;
    total += count;
    if (count === 1) once += 1;
  }
  return total === 0 ? 1 : once / total;
}
