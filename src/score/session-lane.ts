/** Session lane: one conformal p per unit at a declared rate, for what is strange at once. */
import { excessOf, sharesOf } from './explain.ts';
import { type Firing, headOf, type Standard, type UnitKey } from './firing.ts';
import type { Judged, Readings } from './judge.ts';
import { type Layer, laneOf, layerP, type Tables } from './tables.ts';

/** A source stands apart at this p, its dimensions counted. */
const GATE_P = 0.05;

/**
 * The session lane: fires at the first prefix whose joint p is within the cut of the declared rate.
 * `fired` holds what the unit has fired so far and is added to. `judging` is asked where it may fire.
 */
export function sessionLane(
  key: UnitKey,
  readings: Readings,
  standard: Standard,
  judging: () => Judged,
  fired: string[],
  moment: { readonly tick: number; readonly early: boolean },
): Firing[] {
  const { joint, ms } = readings;
  const cell =
    joint === null
      ? null
      : standard.tables.findAt(readings.dimensions.length, joint.dimension, joint.cell);
  const score = joint?.score ?? null;
  if (joint === null || cell === null || score === null) return [];
  const found: Firing[] = [];
  for (const threshold of standard.thresholds) {
    const { alpha } = threshold;
    if (alpha === null) continue;
    const lane = laneOf(cell, alpha);
    if (lane === null) continue;
    const p = layerP(lane.layer, score);
    if (p * (lane.layer.n + 1) > lane.cut + 0.5) continue;
    const name = `session:${threshold.name}`;
    if (fired.includes(name)) continue;
    const judged = judging();
    if (threshold.sources === 2 && judged.sourceP().filter((each) => each <= GATE_P).length < 2)
      continue;
    fired.push(name);
    found.push({
      ...headOf(key, threshold, ms, moment.early),
      lane: 'session',
      value: p,
      threshold: alpha,
      shares: sharesOf(Object.fromEntries(excessOf(judged.parts(), judged.joint))),
      onset: { tick: moment.tick, ms },
      counterfactual: {
        dimension: joint.dimension,
        score,
        silentAt: silentScore(lane.layer, lane.cut),
      },
    });
  }
  return found;
}

/**
 * The largest score of a cell that stays silent in a session lane at rate `alpha`; null where the lane
 * is closed for it. A unit fires exactly where its score is above.
 */
export function silentAt(
  tables: Tables,
  dimension: string,
  cell: string,
  alpha: number,
): number | null {
  const found = tables.find(dimension, cell);
  const lane = found === null ? null : laneOf(found, alpha);
  return lane === null ? null : silentScore(lane.layer, lane.cut);
}

/** The largest score of a layer that does not fire at this cut. */
function silentScore(layer: Layer, cut: number): number | null {
  for (let count = 1; count < layer.p.length; count += 1)
    if ((layer.p[count] as number) * (layer.n + 1) > cut + 0.5)
      return layer.scores[layer.scores.length - count] ?? null;
  return null;
}
