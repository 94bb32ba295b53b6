/** Matched quantiles: scores of one model told in the scale of another that saw the same rows. */

/**
 * Translates scores of a first model into the scale of a second one: the score that as many of the
 * common rows stay below.
 * Claim: non-decreasing, so ranks within one model stay; the identity where both lists are equal. Tied
 * scores go to the middle of what they are tied with; beyond either end the distance to it is kept.
 * Parameters: from, to - finite scores of the same rows by either model, in any order, length n >= 1.
 * Cost: O(n log n) once, O(log n) a score. Reference: Kolen and Brennan, Test Equating (2014), ch. 2
 * (equipercentile equating, single group).
 * @example matchedQuantiles([1, 2, 3], [10, 20, 40])(2.5) // 30
 */
export function matchedQuantiles(
  from: ArrayLike<number>,
  to: ArrayLike<number>,
): (score: number) => number {
  const [a, b] = [Float64Array.from(from).sort(), Float64Array.from(to).sort()];
  const last = a.length - 1;
  if (last < 0 || b.length !== a.length)
    throw new RangeError('matching needs as many scores of one model as of the other, and some');
  const [first, end] = [a[0] as number, a[last] as number];
  return (score) => {
    if (score < first) return score - first + (b[0] as number);
    if (score > end) return score - end + (b[last] as number);
    const low = below(a, score);
    let high = low;
    while (high <= last && a[high] === score) high += 1;
    let rank = (low + high - 1) / 2;
    if (high === low) {
      const before = a[low - 1] as number;
      rank = low - 1 + (score - before) / ((a[low] as number) - before);
    }
    const whole = Math.floor(rank);
    const next = b[Math.min(last, whole + 1)] as number;
    return (b[whole] as number) + (rank - whole) * (next - (b[whole] as number));
  };
}

/** How many of the ascending scores are below. */
function below(sorted: Float64Array, score: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as number) < score) low = middle + 1;
    else high = middle;
  }
  return low;
}
