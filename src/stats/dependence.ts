/** Dependence: how far consecutive units resemble each other, and what to do about it. */
import { sampleRankCorrelation } from 'simple-statistics';

/** Lag-1 correlation above which units are merged. */
export const LAG_MAX = 0.2;
/** Lag-1 correlation above which averages over calibrations promise too much. */
export const LAG_STRICT = 0.07;
/** What a block is to bring the correlation down to: at .2 the strictest cells were at their budget. */
const LAG_GOAL = 0.1;
/** Longest block the guard asks for. */
const BLOCK_MAX = 64;

/**
 * Lag-1 Spearman correlation of consecutive scores, pairs of all agents pooled.
 * Claim: invariant under increasing maps of the score; 0 where it cannot be computed (fewer than 10
 * pairs, or a constant side). Parameters: series - one list of scores per agent, in time order.
 * Cost: O(n log n). Reference: Spearman (1904).
 * @example lagSpearman([[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]]).toFixed(3) // '1.000'
 */
export function lagSpearman(series: readonly (readonly number[])[]): number {
  const [before, after]: [number[], number[]] = [[], []];
  for (const scores of series)
    for (let at = 1; at < scores.length; at += 1) {
      before.push(scores[at - 1] as number);
      after.push(scores[at] as number);
    }
  if (before.length < 10) return 0;
  const correlation = sampleRankCorrelation(before, after);
  return Number.isFinite(correlation) ? correlation : 0;
}

/**
 * How many consecutive units are to be merged into one tick, so that the means of neighbouring blocks
 * correlate at most .1.
 * Claim: the smallest such length for a first-order autoregression with this lag-1 correlation, at
 * most 64; 1 where the correlation is at most .2 already.
 * Parameters: lag - lag-1 correlation of units. Cost: O(1).
 * Reference: variance of sums of an AR(1), Box and Jenkins (1970).
 * @example blockLength(0.6) // 12
 */
export function blockLength(lag: number): number {
  if (!(lag > LAG_MAX)) return 1;
  const phi = Math.min(lag, 0.999);
  for (let size = 2; size < BLOCK_MAX; size += 1)
    if (blockCorrelation(phi, size) <= LAG_GOAL) return size;
  return BLOCK_MAX;
}

/** What accumulators do about dependence between the units of an agent. */
export interface Guard {
  /** Consecutive units that make one tick. */
  readonly block: number;
  /** Rungs on the marginal table use the certified one. */
  readonly strict: boolean;
}

/**
 * The dependence guard for a lag-1 correlation.
 * Claim: by simulation (docs/evaluation-budget.md) first-order autoregressions up to .9 stay within
 * budget. Parameters: lag - lag-1 correlation of units. Cost: O(1).
 * Reference: own simulation.
 * @example guardOf(0.15) // { block: 1, strict: true }
 */
export function guardOf(lag: number): Guard {
  return { block: blockLength(lag), strict: lag > LAG_STRICT };
}

/** Correlation of the means of two neighbouring blocks of an AR(1). */
function blockCorrelation(phi: number, size: number): number {
  const across = (phi * (1 - phi ** size) ** 2) / (1 - phi) ** 2;
  const within = (size * (1 + phi)) / (1 - phi) - (2 * phi * (1 - phi ** size)) / (1 - phi) ** 2;
  return across / within;
}
