/** Shift ratio: one score from many, the likelihood ratio of shifts given correlations. */

/** A compiled shift ratio. Plain arrays: it can be written down as JSON. */
export interface ShiftRatio {
  /** Per alternative: weights of the normal scores, then a constant. */
  readonly rows: readonly (readonly number[])[];
}

const Z_MAX = 8;
/** Share of the fitted correlations that is believed: what is nearly the same must not blow up. */
const BELIEF = 0.8;
/** Sum of squares below which a part is constant: nearer to nothing, products lose their digits. */
const SQUARES_MIN = 1e-280;

/**
 * Normal score of an upper-tail p: the z that a standard normal exceeds with chance p.
 * Claim: absolute error below 1e-8 in z for 1e-300 <= p <= 1 - 1e-12; clamped to ±8.
 * Parameters: p in (0, 1]. Cost: a logarithm, a square root, two polynomials.
 * Reference: Acklam's rational approximation (2003).
 * @example normalScore(0.5) // 0
 */
export function normalScore(p: number): number {
  const z = p < 0.5 ? -lowerQuantile(p) : p === 0.5 ? 0 : lowerQuantile(Math.max(1 - p, 1e-16));
  return Math.min(Z_MAX, Math.max(-Z_MAX, z));
}

/**
 * Compiles the score from normal scores of fitted units.
 * Claim: none on rates; it is a score, calibrated as a whole on other units, so dependence between its
 * parts is learnt and a wrong covariance costs power, never validity.
 * Parameters: rows - normal scores of the fit, one list per unit, all of d parts, 1 <= d <= 16;
 * shifts - alternatives with weights > 0 that add up to 1. Cost: O(n d² + d³) once.
 * Reference: Neyman and Pearson (1933) with a mixture over alternatives.
 * @example fitShiftRatio([[0, 1], [1, 0]], [{ by: [3, 0], weight: 1 }]).rows.length // 1
 */
export function fitShiftRatio(
  rows: readonly ArrayLike<number>[],
  shifts: readonly Shift[],
): ShiftRatio {
  const size = shifts[0]?.by.length ?? 0;
  const inverse = invert(correlations(rows, size));
  return {
    rows: shifts.map(({ by, weight }) => {
      const weights = inverse.map((row) => dot(row, by));
      return [...weights, Math.log(weight) - dot(weights, by) / 2];
    }),
  };
}

/**
 * ln of the mean likelihood ratio of the shifts at one unit.
 * Claim: finite for finite normal scores. Parameters: z - normal scores, length d.
 * Cost: O(d · shifts). Reference: as `fitShiftRatio`.
 * @example shiftRatio({ rows: [[2, -2]] }, [3]) // 4
 */
export function shiftRatio({ rows }: ShiftRatio, z: ArrayLike<number>): number {
  let most = Number.NEGATIVE_INFINITY;
  let sum = 0;
  for (const row of rows) {
    let ratio = row[row.length - 1] as number;
    for (let at = 0; at + 1 < row.length; at += 1) ratio += (row[at] as number) * (z[at] as number);
    // Kept relative to the largest so far: no exponential overflows.
    if (ratio > most) {
      sum = sum * Math.exp(most - ratio) + 1;
      most = ratio;
    } else sum += Math.exp(ratio - most);
  }
  return most + Math.log(sum);
}

/** An alternative: a shift per part, in sd, and its weight in the mean. */
export interface Shift {
  readonly by: readonly number[];
  readonly weight: number;
}

/**
 * The shifts a behaviour may make: each part alone by 2.5 sd, one third of the weight, and all
 * together by 1 and by 2 sd, a third each. Chosen by simulation (docs/evaluation-budget.md).
 * @example standardShifts(2).length // 4
 */
export function standardShifts(size: number): Shift[] {
  const alone = Array.from({ length: size }, (_, at) => ({
    by: Array.from({ length: size }, (__, part) => (part === at ? 2.5 : 0)),
    weight: 1 / (3 * size),
  }));
  const all = [1, 2].map((sd) => ({ by: new Array<number>(size).fill(sd), weight: 1 / 3 }));
  return [...alone, ...all];
}

function correlations(rows: readonly ArrayLike<number>[], size: number): number[][] {
  const means = Array.from({ length: size }, (_, at) => {
    let sum = 0;
    for (const row of rows) sum += row[at] as number;
    return rows.length === 0 ? 0 : sum / rows.length;
  });
  const product = (one: number, two: number) => {
    let sum = 0;
    for (const row of rows)
      sum +=
        ((row[one] as number) - (means[one] as number)) *
        ((row[two] as number) - (means[two] as number));
    return sum;
  };
  const deviations = means.map((_, at) => {
    const squares = product(at, at);
    return squares < SQUARES_MIN ? 0 : Math.sqrt(squares);
  });
  return means.map((_, one) =>
    means.map((__, two) => {
      if (one === two) return 1;
      const scale = (deviations[one] as number) * (deviations[two] as number);
      return scale > 0 ? (BELIEF * product(one, two)) / scale : 0;
    }),
  );
}

/** Gauss–Jordan: the matrix is symmetric with a diagonal above its off-diagonals, no pivot is zero. */
function invert(matrix: readonly (readonly number[])[]): number[][] {
  const size = matrix.length;
  const rows = matrix.map((row, at) => [
    ...row,
    ...Array.from({ length: size }, (_, column) => (column === at ? 1 : 0)),
  ]);
  for (let pivot = 0; pivot < size; pivot += 1) {
    const lead = rows[pivot] as number[];
    const scale = lead[pivot] as number;
    for (let at = 0; at < 2 * size; at += 1) lead[at] = (lead[at] as number) / scale;
    for (let other = 0; other < size; other += 1) {
      if (other === pivot) continue;
      const row = rows[other] as number[];
      const factor = row[pivot] as number;
      for (let at = 0; at < 2 * size; at += 1)
        row[at] = (row[at] as number) - factor * (lead[at] as number);
    }
  }
  return rows.map((row) => row.slice(size));
}

function dot(one: readonly number[], two: readonly number[]): number {
  let sum = 0;
  for (let at = 0; at < two.length; at += 1) sum += (one[at] as number) * (two[at] as number);
  return sum;
}

/** Lower-tail quantile of the standard normal for p <= 1/2. */
function lowerQuantile(p: number): number {
  if (p < 0.02425) {
    const q = Math.sqrt(-2 * Math.log(p));
    return polynomial(TAIL_ABOVE, q) / (polynomial(TAIL_BELOW, q) * q + 1);
  }
  const q = p - 0.5;
  const r = q * q;
  return (polynomial(BODY_ABOVE, r) * q) / (polynomial(BODY_BELOW, r) * r + 1);
}

const TAIL_ABOVE = [
  -7.784894002430293e-3, -3.223964580411365e-1, -2.400758277161838, -2.549732539343734,
  4.374664141464968, 2.938163982698783,
];
const TAIL_BELOW = [
  7.784695709041462e-3, 3.224671290700398e-1, 2.445134137142996, 3.754408661907416,
];
const BODY_ABOVE = [
  -3.969683028665376e1, 2.209460984245205e2, -2.759285104469687e2, 1.38357751867269e2,
  -3.066479806614716e1, 2.506628277459239,
];
const BODY_BELOW = [
  -5.447609879822406e1, 1.615858368580409e2, -1.556989798598866e2, 6.680131188771972e1,
  -1.328068155288572e1,
];

/** Horner, highest power first. */
function polynomial(coefficients: readonly number[], x: number): number {
  let sum = 0;
  for (const coefficient of coefficients) sum = sum * x + coefficient;
  return sum;
}
