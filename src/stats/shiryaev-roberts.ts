/** Shiryaev–Roberts: evidence that accumulates over ticks, under a declared budget. */

/** ln R of an empty accumulator: as good as minus infinity, and plain JSON. */
export const EMPTY = -700;
const CEILING = 700;

/** ln(1 + e^a) without overflow. */
export function softplus(a: number): number {
  return a > 0 ? a + Math.log1p(Math.exp(-a)) : Math.log1p(Math.exp(a));
}

/**
 * One tick of the accumulator: R <- (R + 1)·E, in logarithms.
 * Claim: if E[E | past] <= 1, R reset to 0 at each firing (R >= A) fires at most n / A times in n
 * ticks on average, for every n and any dependence between sources. Monotone in both arguments.
 * Parameters: lnR - in nats, EMPTY at the start; lnE - finite, nats. Result in [-700, 700].
 * Cost: one exponential, one logarithm.
 * Reference: Vovk, Conformal martingales, arXiv 1906.09256; Shin, Ramdas, Rinaldo, E-detectors (2023).
 * @example accumulate(EMPTY, Math.log(4)) // 1.3862943611198906
 */
export function accumulate(lnR: number, lnE: number): number {
  const next = softplus(lnR) + lnE;
  return next > CEILING ? CEILING : next < EMPTY ? EMPTY : next;
}

/** Where the present run of evidence began. Plain JSON. */
export interface Onset {
  /** Running sum of ln E above its minimum since the last reset, nats, >= 0. */
  gap: number;
  /** Tick after that minimum, 1-based. */
  tick: number;
  /** Event time of that tick, ms. */
  ms: number;
}

/**
 * Change point: moves on whenever the running sum of ln E makes a new minimum.
 * Claim: `tick` is the tick after the (last) argmin of the sum of ln E since the onset was made.
 * Parameters: onset - changed in place; lnE of this tick in nats; tick - its number; ms - its time.
 * Returns true where a run ended, so that what was gathered since its onset is to be dropped.
 * Cost: O(1), three numbers. Reference: Page, Continuous inspection schemes (1954).
 * @example advance({ gap: 0, tick: 1, ms: 0 }, -0.1, 1, 60_000) // true
 */
export function advance(onset: Onset, lnE: number, tick: number, ms: number): boolean {
  // The first tick of a run gives it its time.
  if (onset.gap <= 0) {
    onset.tick = tick;
    onset.ms = ms;
  }
  onset.gap += lnE;
  if (onset.gap > 0) return false;
  onset.gap = 0;
  onset.tick = tick + 1;
  onset.ms = ms;
  return true;
}
