/** Trust: a baseline that nobody looked at again ages, and its evidence weakens. */

const DAY_MS = 86_400_000;
/** Full trust so long after a revalidation, ms. */
export const FRESH_MS = 30 * DAY_MS;
/** After that, trust halves in this time, ms. */
export const HALF_LIFE_MS = 90 * DAY_MS;

/**
 * λ of statistics §2: the weight of a baseline's own evidence, the rest being that of the level
 * above. 1 while fresh, then halving every 90 days; in (0, 1].
 * @example trustAt(120 * 86_400_000) // 0.5
 */
export function trustAt(ageMs: number): number {
  return 2 ** (-Math.max(0, ageMs - FRESH_MS) / HALF_LIFE_MS);
}

/** e-value of an ageing baseline; `eUp` is that of the next level if fresher, else 1. */
export function agedE(e: number, ageMs: number, eUp = 1): number {
  const trust = trustAt(ageMs);
  return trust * e + (1 - trust) * eUp;
}
