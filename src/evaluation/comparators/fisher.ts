/** Comparator: Fisher's product of the sources' p-values, as if they were independent. */
import { conformalP } from '../../stats/conformal.ts';
import { SOURCES } from '../units.ts';
import type { Comparator } from './comparator.ts';

/** −2 Σ ln p above the chi-squared quantile at 1 − 1/A, 8 degrees of freedom. */
export const fisher: Comparator = {
  name: 'Fisher product of p',
  setting: 'chi-squared, 8 df, 1 - 1/A',
  train({ columns, a }) {
    const limit = chiSquared8(1 / a);
    return () => (scores) => {
      let statistic = 0;
      for (let at = 0; at < SOURCES; at += 1)
        statistic -= 2 * Math.log(conformalP(columns[at] as Float64Array, scores[at] as number));
      return statistic > limit;
    };
  },
};

/** The value that a chi-squared of 8 degrees of freedom exceeds with this chance, 0 < chance < 1. */
export function chiSquared8(chance: number): number {
  let low = 0;
  let high = 400;
  for (let step = 0; step < 80; step += 1) {
    const half = (low + high) / 4;
    const upper = Math.exp(-half) * (1 + half + half ** 2 / 2 + half ** 3 / 6);
    if (upper > chance) low = (low + high) / 2;
    else high = (low + high) / 2;
  }
  return (low + high) / 2;
}
