/** Summaries: medians, quantiles, rank correlation, ln Γ; they refuse what is not finite. */
import {
  gammaln,
  medianSorted as libraryMedianSorted,
  quantileSorted as libraryQuantileSorted,
  sampleRankCorrelation,
} from 'simple-statistics';

/**
 * The values in ascending order, as a copy.
 * Claim: every summary below that wants sorted values may be given this. The library's own functions
 * answer wrongly and silently where NaN is among the values, so this is where they are refused.
 * Cost: O(n log n). Throws RangeError where a value is not finite.
 * @example ascending([3, 1, 2]) // [1, 2, 3]
 */
export function ascending(values: Iterable<number>): number[] {
  const copy = Float64Array.from(values);
  for (const value of copy)
    if (!Number.isFinite(value))
      throw new RangeError(`a summary needs finite values, got ${value}`);
  return [...copy.sort()];
}

/**
 * Median of ascending values; the mean of the middle two where their number is even.
 * Parameters: sorted - ascending, finite, n >= 1. Cost: O(1). Throws RangeError where it is empty.
 * @example medianSorted([1, 2, 4, 8]) // 3
 */
export function medianSorted(sorted: readonly number[]): number {
  refuseEmpty(sorted);
  return libraryMedianSorted(sorted as number[]);
}

/**
 * Median absolute deviation from the median; 0 where more than half of the values are equal.
 * Parameters: sorted - ascending, finite, n >= 1. Cost: O(n log n). Throws RangeError where empty.
 * @example medianAbsoluteDeviation([1, 2, 4, 8, 100]) // 3
 */
export function medianAbsoluteDeviation(sorted: readonly number[]): number {
  const median = medianSorted(sorted);
  return medianSorted(ascending(sorted.map((value) => Math.abs(value - median))));
}

/**
 * Quantile of ascending values, linear between neighbours (type 7).
 * Parameters: sorted - ascending, finite, n >= 1; share - in [0, 1]. Cost: O(1).
 * Throws RangeError where it is empty or the share lies outside.
 * @example quantileSorted([10, 20, 30, 40], 0.9) // 37
 */
export function quantileSorted(sorted: readonly number[], share: number): number {
  refuseEmpty(sorted);
  if (!(share >= 0 && share <= 1)) throw new RangeError(`a share lies in 0..1, got ${share}`);
  return libraryQuantileSorted(sorted as number[], share);
}

/**
 * Spearman's rank correlation, ties at mid-ranks; null where a side is constant or n < 2.
 * Parameters: first, second - finite, of one length. Cost: O(n log n).
 * Throws RangeError where the lengths differ or a value is not finite.
 * Reference: Spearman 1904.
 * @example rankCorrelation([1, 2, 3, 4], [10, 30, 20, 40])?.toFixed(6) // '0.800000'
 */
export function rankCorrelation(
  first: readonly number[],
  second: readonly number[],
): number | null {
  if (first.length !== second.length)
    throw new RangeError(`ranks of ${first.length} and ${second.length} values cannot be compared`);
  const [low, high] = [ascending(first), ascending(second)];
  if (low.length < 2 || low[0] === low.at(-1) || high[0] === high.at(-1)) return null;
  const found = sampleRankCorrelation(first as number[], second as number[]);
  return Number.isFinite(found) ? Math.max(-1, Math.min(1, found)) : null;
}

/**
 * Natural logarithm of the gamma function, for arguments > 0; relative error below 1e-13.
 * Throws RangeError for others: the library answers Infinity, which would pass for a figure.
 * Reference: Lanczos 1964, as simple-statistics has it.
 * @example lnGamma(5).toFixed(6) // '3.178054'
 */
export function lnGamma(x: number): number {
  if (!(x > 0 && Number.isFinite(x))) throw new RangeError(`ln Γ needs x > 0, got ${x}`);
  return gammaln(x);
}

function refuseEmpty(sorted: readonly number[]): void {
  if (sorted.length === 0) throw new RangeError('a summary needs at least one value');
}
