/** Gamma–Poisson: a rate learnt from counts, and how surprising the next count is. */
import { lnGamma } from './summary.ts';

/** What is known of a rate: Gamma with shape a (events) and inverse scale b (exposure). */
export interface GammaRate {
  readonly a: number;
  readonly b: number;
}

/** Shape of a prior: half an event, so that one's own events soon outweigh it. */
export const PRIOR_SHAPE = 0.5;
/** Sums end here at the latest, whatever the parameters. */
const TERMS_MAX = 100_000;
const SCORE_MAX = 1e6;

/**
 * Prior with this mean rate: a = .5, b = .5/rate.
 * Parameters: rate - events per unit of exposure, > 0; one event per 1,000 where it is not.
 * @example ratePrior(2) // { a: 0.5, b: 0.25 }
 */
export function ratePrior(rate: number): GammaRate {
  const mean = rate > 0 && Number.isFinite(rate) ? rate : 1e-3;
  return { a: PRIOR_SHAPE, b: PRIOR_SHAPE / mean };
}

/**
 * The posterior after so many events in so much exposure.
 * Claim: order of observations does not matter. Parameters: both >= 0, exposure in the prior's unit.
 * @example observedRate({ a: 0.5, b: 0.25 }, 4, 2) // { a: 4.5, b: 2.25 }
 */
export function observedRate(rate: GammaRate, events: number, exposure: number): GammaRate {
  return { a: rate.a + Math.max(0, events), b: rate.b + Math.max(0, exposure) };
}

/**
 * Posterior predictive tail P(X ≥ x): how often so many events or more come in this exposure.
 * Claim: 1 at x = 0, falls with x, rises with the exposure. Exposure is an argument because a
 * partial window compared with the mean of a full one alarms on agents that never changed.
 * Parameters: rate - a, b > 0; exposure - >= 0; events - whole, >= 0.
 * Cost: O(terms above 1e-12 of the sum), at most 100,000.
 * Reference: negative binomial predictive of the Gamma–Poisson pair; Gelman et al., BDA, ch. 2.
 * @example tailProbability({ a: 20, b: 10 }, 1, 6).toFixed(7) // '0.0220039'
 */
export function tailProbability(rate: GammaRate, exposure: number, events: number): number {
  return 10 ** -tailDigits(rate, exposure, events);
}

/**
 * The same as a score: −log10 P(X ≥ x), finite where the probability is too small for a number.
 * Claim: in 0..1e6, rises with the events, falls as the exposure grows.
 * @example tailDigits({ a: 20, b: 10 }, 1, 6).toFixed(4) // '1.6575'
 */
export function tailDigits(rate: GammaRate, exposure: number, events: number): number {
  const { a, b } = rate;
  const x = Math.floor(events);
  if (!(x > 0)) return 0;
  if (!(exposure > 0)) return SCORE_MAX;
  const share = exposure / (b + exposure);
  // ln(1 − share), also where the share is too near 1 for a number.
  const lnRest = Math.log(b) - Math.log(b + exposure);
  const lnTerm = (k: number) =>
    lnGamma(a + k) - lnGamma(a) - lnGamma(k + 1) + a * lnRest + k * Math.log(share);
  // At or below the mean, sums of the far side are short and lose nothing: the tail is large.
  if (x * b <= a * exposure)
    return -Math.log10(Math.max(1e-9, 1 - Math.exp(lnTerm(x - 1) + Math.log(below(a, share, x)))));
  const digits = -(lnTerm(x) + Math.log(above(a, share, x))) / Math.LN10;
  return Math.min(SCORE_MAX, Math.max(0, digits));
}

/** P(X ≥ x)/P(x): upward, as multiples of the first term, which may be too small for a number. */
function above(a: number, share: number, x: number): number {
  let term = 1;
  let sum = 1;
  let ratio = 0;
  for (let k = x; k < x + TERMS_MAX; k += 1) {
    ratio = ((a + k) / (k + 1)) * share;
    term *= ratio;
    sum += term;
    if (term < 1e-12 * sum) return sum;
  }
  // Ratios fall slowly here: the rest is all but geometric.
  return ratio < 1 ? sum + (term * ratio) / (1 - ratio) : sum;
}

/** P(X < x)/P(x − 1), downward. */
function below(a: number, share: number, x: number): number {
  let term = 1;
  let sum = 1;
  for (let k = x - 1; k > 0 && k > x - TERMS_MAX; k -= 1) {
    term *= k / ((a + k - 1) * share);
    sum += term;
    if (term < 1e-12 * sum) break;
  }
  return sum;
}
