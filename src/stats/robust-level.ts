/** Robust level: median and MAD of log values, distance to the nearest value. */
import { ascending, medianAbsoluteDeviation, medianSorted } from './summary.ts';

/** Level and spread of n values (of y = ln(1 + x), in the use of baselines). */
export interface RobustLevel {
  readonly n: number;
  readonly median: number;
  readonly mad: number;
}

/** Pseudo-observations with which a group pulls its part (handbook: kappa). */
export const SHRINKAGE = 30;
/** Smallest MAD that counts, in log units, about 2 %: near-constant metrics have a MAD of 0. */
export const MAD_LEAST = 0.02;
/** Scale factor that makes a MAD a standard deviation under normality. */
const MAD_TO_SD = 1.4826;
/** Scores beyond this are cut: no dimension needs more, and every one stays finite. */
const SCORE_MAX = 1e6;

/**
 * Log scale for sizes: y = ln(1 + x).
 * Claim: finite and monotone; values below 0 count as 0.
 * @example logLevel(0) // 0
 */
export function logLevel(x: number): number {
  return Math.log1p(Math.max(0, Math.min(Number.MAX_VALUE, x)));
}

/**
 * Median and MAD of ascending values.
 * Claim: half of the values may be forged before the median leaves the range of the honest ones.
 * Parameters: sorted - ascending, finite, n >= 1. Cost: O(n log n). Throws RangeError where empty.
 * Reference: Hampel 1974.
 * @example robustLevel([1, 2, 4, 8, 100]) // { n: 5, median: 4, mad: 3 }
 */
export function robustLevel(sorted: readonly number[]): RobustLevel {
  return {
    n: sorted.length,
    median: medianSorted(sorted),
    mad: medianAbsoluteDeviation(sorted),
  };
}

/**
 * A level pulled towards that of its group: (n·own + κ·group)/(n + κ), for median and MAD.
 * Claim: lies between the two; with n = 0 it is the group's, with n → ∞ its own.
 * Parameters: kappa - pseudo-observations of the group, default 30.
 * @example shrunkLevel({ n: 30, median: 2, mad: 1 }, { n: 9, median: 4, mad: 3 }).median // 3
 */
export function shrunkLevel(own: RobustLevel, group: RobustLevel, kappa = SHRINKAGE): RobustLevel {
  const total = own.n + kappa;
  if (total === 0) return group;
  return {
    n: own.n,
    median: (own.n * own.median + kappa * group.median) / total,
    mad: (own.n * own.mad + kappa * group.mad) / total,
  };
}

/**
 * Robust z: distance from the median in standard deviations, |y − m|/(1.4826·max(MAD, 0.02)).
 * Claim: finite, rises with the distance on the side that counts.
 * Parameters: sides - upper: below the median is 0 (cost, tokens, bytes); both: latency, gaps.
 * @example robustZ(4.4478, { n: 9, median: 3, mad: 1 / 1.4826 }, 'upper').toFixed(4) // '1.4478'
 */
export function robustZ(y: number, level: RobustLevel, sides: 'upper' | 'both'): number {
  const away = sides === 'upper' ? Math.max(0, y - level.median) : Math.abs(y - level.median);
  return Math.min(SCORE_MAX, away / (MAD_TO_SD * Math.max(level.mad, MAD_LEAST)));
}

/**
 * Distance from y to the nearest of the sorted values: sees odd values inside the range too.
 * Claim: 0 exactly where y is one of them; Infinity where there are none.
 * Parameters: sorted - ascending, finite. Cost: O(log n), no allocation.
 * @example nearestDistance([1, 2, 10], 6.5) // 3.5
 */
export function nearestDistance(sorted: readonly number[], y: number): number {
  const at = firstAtLeast(sorted, y);
  const above = (sorted[at] ?? Number.POSITIVE_INFINITY) - y;
  const below = y - (sorted[at - 1] ?? Number.NEGATIVE_INFINITY);
  return Math.min(above, below);
}

/**
 * Distances of sorted values to their nearest other: what nearestDistance would have said of each.
 * Claim: ascending, of the same length; empty below two values. Cost: O(n log n).
 * @example gapsWithin([1, 2, 10]) // [1, 1, 8]
 */
export function gapsWithin(sorted: readonly number[]): number[] {
  if (sorted.length < 2) return [];
  return ascending(
    sorted.map((value, at) =>
      Math.min(
        value - (sorted[at - 1] ?? Number.NEGATIVE_INFINITY),
        (sorted[at + 1] ?? Number.POSITIVE_INFINITY) - value,
      ),
    ),
  );
}

/**
 * Sorted values without the share at either end, rounded down: no single fit value sets a limit.
 * Only for values a level is fitted to; trimming calibration scores would break their guarantee.
 * @example trimmed([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 0.1) // [2, 3, 4, 5, 6, 7, 8, 9]
 */
export function trimmed(sorted: readonly number[], share = 0.01): number[] {
  const off = Math.floor(sorted.length * share);
  return sorted.slice(off, sorted.length - off);
}

/**
 * At most so many of the sorted values, evenly spread, the first and the last among them.
 * @example thinned([1, 2, 3, 4, 5, 6, 7], 4) // [1, 3, 5, 7]
 */
export function thinned(sorted: readonly number[], most = 2_048): number[] {
  if (sorted.length <= most || most < 2) return sorted.slice(0, Math.max(most, 0));
  const step = (sorted.length - 1) / (most - 1);
  return Array.from({ length: most }, (_, at) => sorted[Math.round(at * step)] ?? 0);
}

/** Index of the first value >= y; the length where there is none. */
function firstAtLeast(sorted: readonly number[], y: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? 0) < y) low = middle + 1;
    else high = middle;
  }
  return low;
}
