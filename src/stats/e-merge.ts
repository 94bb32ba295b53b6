/** Merging e-values: weighted means, valid under any dependence; products never. */

/**
 * Weighted mean of e-values.
 * Claim: an e-value whenever its parts are, whatever the dependence between them, for weights that
 * sum to at most 1 and were fixed beforehand; what is missing from the weights counts as 1.
 * Parameters: values >= 0; weights >= 0, same length, sum <= 1. Summed in the order given.
 * Cost: O(n). Reference: Vovk and Wang (2021), section 3: the only admissible symmetric merger.
 * @example weightedMean([4, 1], [0.25, 0.25]) // 1.75
 */
export function weightedMean(values: ArrayLike<number>, weights: ArrayLike<number>): number {
  let sum = 0;
  let used = 0;
  for (let at = 0; at < values.length; at += 1) {
    const weight = weights[at] as number;
    sum += weight * (values[at] as number);
    used += weight;
  }
  return sum + Math.max(0, 1 - used);
}

/**
 * Evidence of a tick: half from the mean of the sources, half from the joint score.
 * Claim: an e-value under any dependence between sources and joint. An absent source or joint is
 * given as 1. Parameters: sources - mean e per source, fixed order; weights - per source, sum <= 1;
 * joint - e of the joint score; share - weight of the joint, default ½. Cost: O(sources).
 * Reference: as `weightedMean`.
 * @example tickEvidence([9, 1, 1, 1], [0.25, 0.25, 0.25, 0.25], 5) // 4
 */
export function tickEvidence(
  sources: ArrayLike<number>,
  weights: ArrayLike<number>,
  joint: number,
  share = 0.5,
): number {
  return (1 - share) * weightedMean(sources, weights) + share * joint;
}

/**
 * Convex mix of two e-values.
 * Claim: an e-value for any weight in [0, 1] fixed beforehand; cold start and ageing are such mixes.
 * A mix of p-values would not be a p-value. Parameters: weight of `own`, clamped to [0, 1].
 * Cost: O(1). Reference: as `weightedMean`.
 * @example mix(9, 1, 0.5) // 5
 */
export function mix(own: number, other: number, weight: number): number {
  const share = Math.min(1, Math.max(0, weight));
  return share * own + (1 - share) * other;
}

/**
 * Trust in a calibration by its age: 1 for 30 days, then halved every 90.
 * Claim: in (0, 1], non-increasing. Parameters: days since the last revalidation.
 * Cost: O(1). Reference: engineering choice.
 * @example freshness(120) // 0.5
 */
export function freshness(days: number): number {
  return 2 ** (-Math.max(0, days - 30) / 90);
}

/**
 * Weight of an agent's own calibration against its role's: n / (n + 200).
 * Claim: in [0, 1), increasing. Parameters: n - own calibration scores. Cost: O(1).
 * Reference: engineering choice.
 * @example ownWeight(200) // 0.5
 */
export function ownWeight(n: number): number {
  return n / (n + 200);
}
