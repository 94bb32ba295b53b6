/** Following: shows each item of a unit to those dimensions that take it, and to no other. */
import type { UnitHead, UnitItem } from '../model/unit.ts';
import type { Dimension, Json, Scorer } from './dimension.ts';

/** A dimension ready to score. */
export interface ForceDimension {
  readonly dimension: Dimension;
  readonly scorer: Scorer;
}

/** What the dimensions remember of a unit, in the order of the profile. Plain JSON. */
export interface Followed {
  readonly states: Json[];
  /** Running scores; null until something was said. */
  readonly scores: (number | null)[];
}

/** Dimensions by what they take. */
export interface Following {
  /** State of a new unit. */
  begin(head: UnitHead): Followed;
  /** Shows an item; running scores are running maxima. */
  see(followed: Followed, item: UnitItem): void;
}

/** Finds out once which dimensions take which items. */
export function followingOf(dimensions: readonly ForceDimension[]): Following {
  const takers = (type: UnitItem['type']) =>
    dimensions.flatMap(({ dimension, scorer }, at) =>
      dimension.takes === type ? [{ at, scorer, names: dimension.metrics ?? null }] : [],
    );
  const byType = {
    call: takers('call'),
    say: takers('say'),
    change: takers('change'),
    metric: takers('metric'),
  };
  const ofMetrics = new Map<string, typeof byType.metric>();
  for (const name of byType.metric.flatMap(({ names }) => names ?? []))
    ofMetrics.set(
      name,
      byType.metric.filter(({ names }) => names === null || names.includes(name)),
    );
  const others = byType.metric.filter(({ names }) => names === null);
  return {
    begin: (head) => ({
      states: dimensions.map(({ scorer }) => scorer.begin(head)),
      scores: dimensions.map(() => null),
    }),
    see({ states, scores }, item) {
      const list =
        item.type === 'metric' ? (ofMetrics.get(item.name) ?? others) : byType[item.type];
      for (const { at, scorer } of list) {
        const { state, score } = scorer.see(states[at] as Json, item);
        states[at] = state;
        const before = scores[at] as number | null;
        if (score !== null && (before === null || score > before)) scores[at] = score;
      }
    },
  };
}
