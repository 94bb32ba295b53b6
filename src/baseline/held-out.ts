/** Held out: scores of units by baselines that did not learn from them (handbook 3). */
import type { UnitRecord } from '../model/unit.ts';
import type { Dimension, Json, Scorer } from './dimension.ts';
import { templateKey } from './in-force.ts';
import { bySession } from './influence.ts';
import { compileJoint } from './joint.ts';

/** Final score of each dimension, in the order given; null where it abstained. */
export type FinalScores = readonly (number | null)[];

/** A unit with its held-out scores. */
export interface HeldOut {
  readonly unit: UnitRecord;
  readonly scores: FinalScores;
}

/** How folds are made: whole sessions, or whole kinds of task. */
export type FoldBy = 'session' | 'template';

/** Scores a whole unit. A running dimension counts with the largest score it reached. */
export function finalScores(
  dimensions: readonly Dimension[],
  scorers: readonly Scorer[],
  unit: UnitRecord,
): FinalScores {
  return dimensions.map(({ timing }, at) => {
    const scorer = scorers[at] as Scorer;
    let state = scorer.begin(unit.head);
    let best: number | null = null;
    for (const item of unit.items) {
      const seen = scorer.see(state, item);
      state = seen.state;
      if (seen.score !== null) best = best === null ? seen.score : Math.max(best, seen.score);
    }
    return timing === 'running' ? best : scorer.close(state);
  });
}

/**
 * Every unit scored by counts of the other folds, in the order of the folds. By session, units whose
 * kind of task stands in no other fold are left out: to their model they are not a seen task.
 */
export function heldOut(
  dimensions: readonly Dimension[],
  units: readonly UnitRecord[],
  by: FoldBy,
  folds: number,
): HeldOut[] {
  const found: HeldOut[] = [];
  for (const held of foldsOf(units, by, folds)) {
    const isHeld = new Set(held);
    const rest = units.filter((unit) => !isHeld.has(unit));
    if (rest.length === 0 || held.length === 0) continue;
    const known = new Set(rest.map(({ head }) => templateKey(head.mandate)));
    const scorers = compileAll(dimensions, learnAll(dimensions, rest));
    for (const unit of held)
      if (by === 'template' || known.has(templateKey(unit.head.mandate)))
        found.push({ unit, scores: finalScores(dimensions, scorers, unit) });
  }
  return found;
}

/** Counts of every dimension. */
export function learnAll(dimensions: readonly Dimension[], units: readonly UnitRecord[]): Json[] {
  return dimensions.map((dimension) => dimension.learn(units));
}

/** Scorers of every dimension, by one level of counts. */
export function compileAll(dimensions: readonly Dimension[], counts: readonly Json[]): Scorer[] {
  return dimensions.map((dimension, at) => dimension.compile([counts[at] as Json]));
}

/** Joint score of each unit by the ranks of all; null where nothing was said of it. */
export function jointScores(
  dimensions: readonly Dimension[],
  held: readonly HeldOut[],
): (number | null)[] {
  const ranks = Object.fromEntries(
    dimensions.map(({ name, needs }, at) => [
      name,
      { [`${needs}/seen`]: ascending(held.map(({ scores }) => scores[at] ?? null)) },
    ]),
  );
  const score = compileJoint(dimensions, ranks);
  return held.map(({ scores }) => score('seen', scores));
}

/** The scores there are, as a document holds them: ascending, to nine digits. */
export function ascending(scores: readonly (number | null)[]): number[] {
  const present = scores.filter((score): score is number => score !== null);
  // Nine digits tell any two scores apart that matter, and keep the document small.
  return present.map((score) => Number(score.toPrecision(9))).sort((a, b) => a - b);
}

/** Folds of about equal size; the same units give the same folds, in whatever order they come. */
function foldsOf(units: readonly UnitRecord[], by: FoldBy, folds: number): UnitRecord[][] {
  const groups =
    by === 'session' ? bySession(units).map((session) => [...session.units]) : byTemplate(units);
  const found = Array.from({ length: folds }, (): UnitRecord[] => []);
  if (by === 'session')
    groups.forEach((group, at) => {
      found[at % folds]?.push(...group);
    });
  else
    for (const group of groups) {
      const smallest = found.reduce((a, b) => (b.length < a.length ? b : a));
      smallest.push(...group);
    }
  return found;
}

/** Units by kind of task, the largest first. */
function byTemplate(units: readonly UnitRecord[]): UnitRecord[][] {
  const groups = new Map<number | null, UnitRecord[]>();
  for (const session of bySession(units))
    for (const unit of session.units) {
      const key = templateKey(unit.head.mandate);
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [unit]);
      else group.push(unit);
    }
  return [...groups.entries()]
    .sort(([a, x], [b, y]) => y.length - x.length || (a ?? 0) - (b ?? 0))
    .map(([, group]) => group);
}
