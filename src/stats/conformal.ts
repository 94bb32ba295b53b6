/** Conformal p: how rare a score is among calibration scores, and cuts that keep a rate. */
import { gammaln } from 'simple-statistics';

/** Tail share of the fit that the extended rank replaces by an exponential. */
const TAIL_SHARE = 0.02;

/**
 * How many ascending values are at least `value`.
 * Claim: exact, ties included. Parameters: sorted - ascending, finite. Cost: O(log n).
 * @example countAtLeast([1, 2, 2, 4], 2) // 3
 */
export function countAtLeast(sorted: ArrayLike<number>, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as number) >= value) high = middle;
    else low = middle + 1;
  }
  return sorted.length - low;
}

/**
 * Conformal p-value: the share of calibration scores at least as strange as this one.
 * Claim: P(p <= a) <= a for every a if the score is exchangeable with the calibration scores; ties
 * count against us and are never randomised, for a replay must give the same bytes.
 * Parameters: sorted - ascending, finite, length n >= 1; score - finite, higher is stranger.
 * Cost: O(log n), no allocation. Smallest value 1 / (n + 1).
 * Reference: Vovk, Gammerman, Shafer, Algorithmic Learning in a Random World (2005), ch. 2.
 * @example conformalP([1, 2, 3, 4], 3.5) // 0.4
 */
export function conformalP(sorted: ArrayLike<number>, score: number): number {
  return (1 + countAtLeast(sorted, score)) / (sorted.length + 1);
}

/**
 * Tail-extended rank: p within the fitted scores, an exponential beyond their upper tail.
 * Claim: non-increasing in the score, in (0, 1]; it tells apart scores that all lie above every
 * fitted one. It is a score, never evidence: what is made of it is calibrated on other units.
 * Parameters: sorted - ascending fit scores, n >= 1; score - finite. The tail begins at the
 * (k+1)-th largest, k = max(3, 2 % of n); its scale is the mean excess of those above, at least
 * 0.1 % of the range. Below n = 5 the plain rank is given. Cost: O(log n) after `extendedTail`.
 * Reference: Davison and Smith, Models for exceedances over high thresholds (1990), exponential case.
 * @example extendedP([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], extendedTail([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]), 10) // 0.0492...
 */
export function extendedP(sorted: ArrayLike<number>, tail: Tail | null, score: number): number {
  if (tail === null || score <= tail.from) return conformalP(sorted, score);
  return Math.max(tail.share * Math.exp(-(score - tail.from) / tail.scale), Number.MIN_VALUE);
}

/** The upper tail of fitted scores, for `extendedP`. */
export interface Tail {
  /** Score at which the tail begins. */
  readonly from: number;
  /** Mean excess above it, in units of the score; > 0. */
  readonly scale: number;
  /** p at its beginning. */
  readonly share: number;
}

/** The tail of ascending fit scores; null below five scores or where all are equal. */
export function extendedTail(sorted: ArrayLike<number>): Tail | null {
  const n = sorted.length;
  const k = Math.max(3, Math.floor(TAIL_SHARE * n));
  if (n < k + 2) return null;
  const from = sorted[n - 1 - k] as number;
  let excess = 0;
  for (let at = n - k; at < n; at += 1) excess += (sorted[at] as number) - from;
  const range = (sorted[n - 1] as number) - (sorted[0] as number);
  const scale = Math.max(excess / k, 1e-3 * range);
  return scale > 0 ? { from, scale, share: (k + 1) / (n + 1) } : null;
}

/**
 * Upper tail of a binomial: P(X >= k) for n trials of chance x.
 * Claim: relative error below 1e-9 where the answer is above 1e-12; equals P(Beta(k, n+1-k) <= x).
 * Parameters: n >= 0, 0 <= k, 0 <= x <= 1. Cost: O(min(k, n - k)), mostly far less.
 * Reference: Abramowitz and Stegun 26.5.24.
 * @example binomialUpper(2, 1, 0.5) // 0.75
 */
export function binomialUpper(n: number, k: number, x: number): number {
  if (k <= 0) return 1;
  if (k > n || x <= 0) return 0;
  if (x >= 1) return 1;
  // Sums run away from the mean, so that terms fall and the sum may end early.
  return k > n * x ? sumUp(n, k, x) : Math.max(0, 1 - sumDown(n, k - 1, x));
}

/**
 * Quantile of Beta(k, n+1-k): the law of the rate a cut at the k-th largest of n scores realises.
 * Claim: absolute error below 1e-12. Parameters: 1 <= k <= n; level in (0, 1). Cost: 60 tails.
 * Reference: order statistics of uniforms; Vovk, Conditional validity of inductive predictors (2012).
 * @example betaQuantile(199, 1, 0.95) // 0.0149...
 */
export function betaQuantile(n: number, k: number, level: number): number {
  let low = 0;
  let high = 1;
  for (let step = 0; step < 60; step += 1) {
    const middle = (low + high) / 2;
    if (binomialUpper(n, k, middle) < level) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/**
 * PAC cut: how many calibration scores may be at least as strange as a unit that fires, plus one.
 * Claim: units with 1 + #{s_i >= s} <= cut fire at a rate <= alpha on average, and with 95 %
 * probability over the calibration draw (i.i.d., no ties) at no more than twice alpha.
 * Parameters: n - calibration scores; alpha in (0, 1). 0 means: none keeps it, close the lane.
 * Cost: O(log n) tails. Reference: as `betaQuantile`.
 * @example pacCut(329, 0.01) // 3
 */
export function pacCut(n: number, alpha: number): number {
  let low = 0;
  // The slack keeps a product that should be whole, such as 0.01 * 1000, from being cut below it.
  let high = Math.min(n, Math.floor(alpha * (n + 1) + 1e-9));
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if (binomialUpper(n, middle, Math.min(1, 2 * alpha)) >= 0.95) low = middle;
    else high = middle - 1;
  }
  return low;
}

function lnTerm(n: number, i: number, x: number): number {
  const ways = gammaln(n + 1) - gammaln(i + 1) - gammaln(n - i + 1);
  return ways + i * Math.log(x) + (n - i) * Math.log1p(-x);
}

function sumUp(n: number, k: number, x: number): number {
  let term = Math.exp(lnTerm(n, k, x));
  let sum = term;
  for (let i = k; i < n && term > 1e-17 * sum; i += 1) {
    term *= ((n - i) / (i + 1)) * (x / (1 - x));
    sum += term;
  }
  return Math.min(1, sum);
}

function sumDown(n: number, k: number, x: number): number {
  let term = Math.exp(lnTerm(n, k, x));
  let sum = term;
  for (let i = k; i > 0 && term > 1e-17 * sum; i -= 1) {
    term *= (i / (n - i + 1)) * ((1 - x) / x);
    sum += term;
  }
  return sum;
}
