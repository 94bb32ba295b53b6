/** Fisher method: the product of the dimensions' p-values, as if they were independent. */
import type { RecordingMethod } from './contest.ts';
import type { Outcome } from './quality.ts';

/** Nominal share of sound sessions alerted. */
const NOMINAL = 0.01;

/** −2 Σ ln p of all dimensions that have spoken, against a chi-squared of twice their number. */
export const fisherOfDimensions: RecordingMethod = {
  name: 'Fisher product of the dimensions’ p',
  setting: 'chi-squared, 1 % nominal',
  judge: ({ score, steps }) =>
    score.map(({ head }): Outcome => {
      let least = 1;
      let alertSeq: number | null = null;
      let alerted = false;
      for (const { seq, p } of steps.get(head.session) ?? []) {
        const chance = fisherP(p);
        least = Math.min(least, chance);
        if (chance > NOMINAL || alerted) continue;
        alerted = true;
        alertSeq = seq;
      }
      const logarithm = -Math.log(Math.max(least, Number.MIN_VALUE));
      return { session: head.session, score: logarithm, alerted, alertSeq, interventionSeq: null };
    }),
};

/**
 * Chance that the product of k independent uniform p is at most this one: the upper tail of a
 * chi-squared of 2k degrees at −2 Σ ln p, in closed form. 1 for none.
 * @example fisherP([0.5]) // 0.5
 */
export function fisherP(p: readonly number[]): number {
  if (p.length === 0) return 1;
  let half = 0;
  for (const each of p) half -= Math.log(Math.max(each, Number.MIN_VALUE));
  let term = 1;
  let sum = 1;
  for (let at = 1; at < p.length; at += 1) {
    term *= half / at;
    sum += term;
  }
  return Math.min(1, sum * Math.exp(-half));
}
