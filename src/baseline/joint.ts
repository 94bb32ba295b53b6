/** Joint: the running dimensions of a unit as one score, where none was trained. */
import { extendedP, extendedTail, type Tail } from '../stats/conformal.ts';
import type { Dimension } from './dimension.ts';

/** Name of the score in calibrations. */
export const JOINT = 'joint';
/** No tail is trusted further than this. */
const P_MIN = 1e-30;

/**
 * Sum of -ln p over the running dimensions that have said something, nats; null where none has.
 * Dimensions that need content are left out, so that it means the same at every evidence level.
 */
export type JointScore = (
  seen: 'seen' | 'unseen',
  scores: readonly (number | null)[],
) => number | null;

/**
 * Compiles the joint score of dimensions, given in fixed order. It grows with each of its scores, so
 * the running maximum of the whole is the whole of the running maxima.
 */
export function compileJoint(
  dimensions: readonly Dimension[],
  calibration: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>>,
): JointScore {
  const known = new Map<string, readonly Place[]>();
  const placesOf = (seen: string): readonly Place[] => {
    const found = known.get(seen);
    if (found !== undefined) return found;
    const made = dimensions.map(({ name, timing, needs }): Place => {
      const isPart = timing === 'running' && needs === 'L0';
      const sorted = isPart ? (calibration[name]?.[`L0/${seen}`] ?? []) : [];
      return sorted.length === 0 ? null : { sorted, tail: extendedTail(sorted) };
    });
    known.set(seen, made);
    return made;
  };
  return (seen, scores) => {
    let sum: number | null = null;
    placesOf(seen).forEach((place, at) => {
      const score = scores[at] ?? null;
      if (place === null || score === null) return;
      const p = Math.max(P_MIN, extendedP(place.sorted, place.tail, score));
      sum = (sum ?? 0) - Math.log(p);
    });
    return sum;
  };
}

type Place = { readonly sorted: readonly number[]; readonly tail: Tail | null } | null;
