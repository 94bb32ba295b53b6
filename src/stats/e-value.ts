/** E-values from ranks: bets with mean at most one when nothing is wrong, in three strengths. */

/** marginal: on average over calibrations · certified, wilson: given the calibration at hand. */
export const TABLES = ['marginal', 'certified', 'wilson'] as const;
/** One of TABLES. */
export type TableKind = (typeof TABLES)[number];

/** Draws behind a certified table. */
const DRAWS = 20_000;
/** Ranks kept one by one; below them every eighth is kept. */
const TOP = 128;
const STRIDE = 8;

/**
 * Calibrator: turns a p-value into an e-value, the mixture of k·p^(k-1) over k in (0, 1).
 * Claim: non-increasing, integral over (0, 1) equal to 1, so E[f(p)] <= 1 for super-uniform p.
 * Parameters: p in (0, 1]. No parameter to tune. Cost: one logarithm, one exponential.
 * Reference: Vovk and Wang, E-values: calibration, combination and applications (2021), eq. 1.
 * @example calibrator(0.01) // 4.450992...
 */
export function calibrator(p: number): number {
  const x = -Math.log(p);
  // The closed form loses all digits near p = 1; the series is exact there.
  if (x < 1e-3) return 0.5 + x / 6 + (x * x) / 24 + (x * x * x) / 120;
  return (Math.expm1(x) - x) / (x * x);
}

/**
 * Grid constant: what the calibrator is multiplied by on the n + 1 ranks that can occur.
 * Claim: c·f(k/(n+1)) has mean exactly 1 over k = 1..n+1; un-normalised it loses 12 % at n = 2,000.
 * Parameters: n >= 1 calibration scores. Cost: O(n) once per n.
 * Reference: Vovk and Wang (2021), section 2, on a grid.
 * @example gridConstant(4) // 1.5362...
 */
export function gridConstant(n: number): number {
  let sum = 0;
  for (let j = 1; j <= n + 1; j += 1) sum += calibrator(j / (n + 1));
  return (n + 1) / sum;
}

/**
 * Marginal e-value of rank k = 1 + #{s_i >= s} among n calibration scores.
 * Claim: mean exactly 1 under exchangeability without ties, at most 1 with them, averaged over
 * calibration draws. Parameters: n >= 1; 1 <= k <= n + 1. Cost: O(n) once per n.
 * Reference: as `gridConstant`.
 * @example marginalE(4, 1) // 1.4178...
 */
export function marginalE(n: number, k: number): number {
  return constantOf(n) * calibrator(k / (n + 1));
}

/** What one calibration's luck may cost: found by simulation, see `steadyE`. */
const LUCK = 6;

/**
 * Steady e-value: the marginal one over 1 + 6/n.
 * Claim: an e-value, mean 1/(1 + 6/n). The marginal table keeps its promise per unit only on average
 * over calibrations, and a run of units shares one: with n = 200 and A = 10,000 it fired 1.7 times as
 * often as declared (200 seeds), because a lucky calibration makes every one of its units count too
 * much. This one fired half as often as declared; it costs 3 % of e at n = 200 and .3 % at 2,000.
 * Parameters: as `marginalE`. Cost: as `marginalE`. Reference: own simulation, docs/evaluation-budget.md.
 * @example steadyE(200, 1) // 8.0...
 */
export function steadyE(n: number, k: number): number {
  return marginalE(n, k) / (1 + LUCK / n);
}

/**
 * Certified e-value: the marginal one over the quantile of what its mean can be given calibration.
 * Claim: for i.i.d. units the mean of all future e-values is <= 1 with probability >= 1 - delta
 * over the calibration draw (spacings of order statistics are Dirichlet(1, ..., 1)).
 * Parameters: as `marginalE`; delta in (0, 1), default .001. Cost: `certifiedQuantile` once per n.
 * Reference: Bates et al., Testing for outliers with conformal p-values, arXiv 2104.08279.
 * @example certifiedE(500, 1) // 12.5...
 */
export function certifiedE(n: number, k: number, delta = 0.001): number {
  return marginalE(n, k) / certifiedQuantile(n, delta);
}

const quantiles = new Map<number, Float64Array>();

/**
 * The (1 - delta)-quantile of sum e(k)·D_k, D ~ Dirichlet(1, ..., 1) on n + 1 cells.
 * Claim: the empirical quantile of 20,000 seeded draws, the same on every machine; grouping ranks
 * beyond 128 by eight, each at the group's largest e, only raises it (by less than .003).
 * Parameters: n >= 1; delta in (0, 1). Cost: 20,000 draws of n uniforms once per n (0.15 s at
 * n = 2,000), then O(1).
 * Reference: Rényi, On the theory of order statistics (1953).
 * @example certifiedQuantile(200, 0.01) // 1.16...
 */
export function certifiedQuantile(n: number, delta = 0.001): number {
  let sorted = quantiles.get(n);
  if (sorted === undefined) {
    sorted = dirichletMeans(n);
    quantiles.set(n, sorted);
  }
  // One place further out than the plain quantile: the draws themselves are a sample.
  const place = Math.min(DRAWS - 1, Math.ceil((1 - delta) * DRAWS));
  return sorted[place] as number;
}

/**
 * Wilson e-value: the calibrator at the upper Wilson bound (z = 2) of the rank's share.
 * Claim: mean below 1 in all of 4,000 Dirichlet draws at each n of 100 to 5,000, hence certified at
 * delta < 1e-3; mean about .9, and the slack also absorbs mild drift. Parameters: as `marginalE`.
 * Cost: O(n) once per n. Reference: Wilson, Probable inference, JASA 22 (1927).
 * @example wilsonE(2000, 1) // 11.3...
 */
export function wilsonE(n: number, k: number): number {
  const total = n + 1;
  const share = k / total;
  const z2 = 4;
  const spread = 2 * Math.sqrt((share * (1 - share)) / total + z2 / (4 * total * total));
  const upper = (share + z2 / (2 * total) + spread) / (1 + z2 / total);
  return constantOf(n) * calibrator(Math.min(1, upper));
}

/** E-value of a rank by table; `marginal` is the steady one. `delta` is as in `certifiedE`. */
export function rankE(kind: TableKind, n: number, k: number, delta = 0.001): number {
  if (kind === 'marginal') return steadyE(n, k);
  return kind === 'certified' ? certifiedE(n, k, delta) : wilsonE(n, k);
}

/** Calibration scores as they are looked up: fewer of them, and the rank each stands for. */
export interface Thinned {
  /** Ascending. */
  readonly scores: Float64Array;
  /** ranks[c] = conformal rank k of a score that c of `scores` are at least as high as. */
  readonly ranks: Int32Array;
  /** Calibration scores behind it. */
  readonly n: number;
}

/**
 * Thinning: keeps the top 128 scores and every eighth below, rounding ranks up.
 * Claim: a rank is never too small, so p-values and e-values stay valid; exact for ranks <= 128.
 * 362 numbers stand for 2,000, mean e .998. Parameters: sorted - ascending, finite, n >= 1.
 * Cost: O(n) once. Reference: none needed, rounding up is monotone.
 * @example thin([1, 2, 3]).ranks // Int32Array [1, 2, 3, 4]
 */
export function thin(sorted: ArrayLike<number>): Thinned {
  const n = sorted.length;
  const top = Math.min(n, TOP);
  const below = Math.floor((n - top) / STRIDE);
  const scores = new Float64Array(top + below);
  const ranks = new Int32Array(top + below + 1);
  for (let at = 0; at < top; at += 1) {
    scores[top + below - 1 - at] = sorted[n - 1 - at] as number;
    ranks[at] = at + 1;
  }
  for (let at = 1; at <= below; at += 1)
    scores[below - at] = sorted[n - top - STRIDE * at] as number;
  for (let at = 0; at <= below; at += 1) ranks[top + at] = top + STRIDE * (at + 1);
  // Nothing is kept below the last group: whatever is there may have rank n + 1.
  ranks[top + below] = n + 1;
  return { scores, ranks, n };
}

const constants = new Map<number, number>();

function constantOf(n: number): number {
  let constant = constants.get(n);
  if (constant === undefined) {
    constant = gridConstant(n);
    constants.set(n, constant);
  }
  return constant;
}

/** Ascending draws of the mean of the marginal table given a calibration set. */
function dirichletMeans(n: number): Float64Array {
  const next = mulberry(0x706c756d ^ n);
  const top = Math.min(TOP, n + 1);
  const single = Float64Array.from({ length: top }, (_, at) => marginalE(n, at + 1));
  const groups = Math.ceil((n + 1 - top) / STRIDE);
  const grouped = Float64Array.from({ length: groups }, (_, at) =>
    marginalE(n, top + at * STRIDE + 1),
  );
  const last = n + 1 - top - (groups - 1) * STRIDE;
  const means = new Float64Array(DRAWS);
  for (let draw = 0; draw < DRAWS; draw += 1) {
    let mass = 0;
    let sum = 0;
    for (let at = 0; at < top; at += 1) {
      const share = -Math.log(next());
      mass += share;
      sum += share * (single[at] as number);
    }
    for (let at = 0; at < groups; at += 1) {
      // A sum of exponentials is minus the logarithm of a product of uniforms.
      let product = 1;
      for (let of = at === groups - 1 ? last : STRIDE; of > 0; of -= 1) product *= next();
      const share = -Math.log(product);
      mass += share;
      sum += share * (grouped[at] as number);
    }
    means[draw] = sum / mass;
  }
  return means.sort();
}

/** Uniforms in (0, 1), 32 bits, from a seed; period 2^32, far more than is drawn here. */
function mulberry(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (((t ^ (t >>> 14)) >>> 0) + 0.5) / 4294967296;
  };
}
