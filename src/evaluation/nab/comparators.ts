/** Two published NAB detectors, written anew: their known scores check reader and scorer. */

/** Digits of the published result files, found by trying 11 to 13: beyond them values are ties. */
const RESULT_DIGITS = 12;

const GAUSSIAN_ROWS = 6400;
const GAUSSIAN_STEP = 100;
/** Stands in for a standard deviation of 0. */
const DEVIATION_MIN = 1e-6;

/** Complementary error function for x >= 0: series below 2.5, continued fraction above. */
function erfc(x: number): number {
  if (x < 2.5) {
    let sum = x;
    let term = x;
    for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum) && n < 200; n++) {
      term *= (-x * x) / n;
      sum += term / (2 * n + 1);
    }
    return 1 - (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = 0;
  for (let k = 120; k > 0; k--) fraction = k / 2 / (x + fraction);
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / (x + fraction);
}

interface Bell {
  readonly mean: number;
  readonly deviation: number;
}

function bellOf(values: Float64Array): Bell {
  let sum = 0;
  for (const value of values) sum += value;
  const mean = sum / values.length;
  let squares = 0;
  for (const value of values) squares += (value - mean) ** 2;
  const deviation = Math.sqrt(squares / values.length);
  return { mean, deviation: deviation === 0 ? DEVIATION_MIN : deviation };
}

/**
 * Windowed Gaussian: one minus the normal tail beyond the value, mean and deviation taken over the
 * last 6,400 values, which move on in steps of 100.
 * Claim: on the delivered half it has the published scores of `windowedGaussian` to two decimals,
 * with the published numbers of windows and false rows, once rounded as the result files are.
 */
export function windowedGaussian(values: Float64Array): Float64Array {
  const scores = new Float64Array(values.length);
  let first = 0;
  let bell: Bell = { mean: 0, deviation: 1 };
  for (let i = 0; i < values.length; i++) {
    if (i > 0) {
      const z = Math.abs((values[i] as number) - bell.mean) / bell.deviation;
      scores[i] = Number((1 - erfc(z / Math.SQRT2) / 2).toPrecision(RESULT_DIGITS));
    }
    const held = i + 1 - first;
    if (held <= GAUSSIAN_ROWS) bell = bellOf(values.subarray(first, i + 1));
    else if (held === GAUSSIAN_ROWS + GAUSSIAN_STEP) {
      first += GAUSSIAN_STEP;
      bell = bellOf(values.subarray(first, i + 1));
    }
  }
  return scores;
}

const ENTROPY_ROWS = 52;
const ENTROPY_BINS = 5;
/** Upper 1 % point of the chi-squared distribution with 4 degrees of freedom. */
const ENTROPY_LIMIT = 13.276704135987622;

/** Shares of the five bins; a value on a bin's upper edge belongs to the next, the last keeps its own. */
function sharesOf(values: Float64Array, low: number, step: number): Float64Array {
  const shares = new Float64Array(ENTROPY_BINS);
  for (const value of values) {
    const bin = Math.min(ENTROPY_BINS - 1, Math.ceil((value - low) / step));
    shares[bin] = (shares[bin] as number) + 1 / ENTROPY_ROWS;
  }
  return shares;
}

function divergence(p: Float64Array, q: Float64Array): number {
  let sum = 0;
  for (let bin = 0; bin < p.length; bin++) {
    const share = p[bin] as number;
    if (share === 0) continue;
    if (q[bin] === 0) return Number.POSITIVE_INFINITY;
    sum += share * Math.log(share / (q[bin] as number));
  }
  return sum;
}

/**
 * Relative entropy (Wang et al. 2011): 1 where the histogram of the last 52 values agrees with no
 * earlier one, else 0. It knows the range of the whole series beforehand, as the published one does:
 * a comparator, not a one-pass detector.
 * Claim: on the delivered half it has the published scores of `relativeEntropy` to two decimals,
 * with the published numbers of windows and false rows.
 */
export function relativeEntropy(values: Float64Array): Float64Array {
  const scores = new Float64Array(values.length);
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (!(high > low)) return scores;
  const step = (high - low) / ENTROPY_BINS;
  const known: Float64Array[] = [];
  for (let i = ENTROPY_ROWS - 1; i < values.length; i++) {
    const shares = sharesOf(values.subarray(i + 1 - ENTROPY_ROWS, i + 1), low, step);
    const agrees = known.some((q) => 2 * ENTROPY_ROWS * divergence(shares, q) < ENTROPY_LIMIT);
    if (agrees) continue;
    if (known.length > 0) scores[i] = 1;
    known.push(shares);
  }
  return scores;
}
