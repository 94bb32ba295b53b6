/** Scores units with a dimension: what its own tests and nothing else need. */
import type { Dimension, Json } from '../../../src/baseline/dimension.ts';
import type { UnitItem, UnitRecord } from '../../../src/model/unit.ts';
import { unitOf } from '../../conformance/units.ts';

/** A day, ms. */
export const DAY_MS = 86_400_000;

/** Score of a unit (the last running one, or the closing one) and the sentence about it. */
export function scoreOf(
  dimension: Dimension,
  levels: readonly Json[],
  unit: UnitRecord,
): { readonly score: number | null; readonly sentence: string } {
  const scorer = dimension.compile(levels);
  let state = scorer.begin(unit.head);
  let score: number | null = null;
  for (const item of unit.items) {
    const seen = scorer.see(state, item);
    state = seen.state;
    score = seen.score ?? score;
  }
  return { score: scorer.close(state) ?? score, sentence: scorer.say(state) };
}

/** So many sessions, one or more on each of ten days, of the items that `make` gives. */
export function sessions(
  count: number,
  make: (ms: number, n: number) => readonly UnitItem[],
): UnitRecord[] {
  return Array.from({ length: count }, (_, n) => {
    const ms = (20_000 + (n % 10)) * DAY_MS + 36_000_000;
    return unitOf(make(ms, n), n);
  });
}
