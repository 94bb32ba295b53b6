/** Seeded units with four sources and a joint score, and the tables that judge them. */
import type { Kind } from '../../src/model/event.ts';
import { KINDS } from '../../src/model/event.ts';
import type { Threshold } from '../../src/score/budget.ts';
import type { Standard } from '../../src/score/firing.ts';
import type { Readings } from '../../src/score/judge.ts';
import { type CalibrationLevel, compileTables } from '../../src/score/tables.ts';
import { normal, type Random, stream } from '../../src/simulation/random.ts';

export const CELL = 'L3/seen';

/** Dimension of each source in these tests. */
export const dimensionOf = (source: Kind): string => `d.${source}`;

/** A calibration of n normal scores a dimension. */
export function calibrationOf(n: number, seed = 1, level: CalibrationLevel['level'] = 'role') {
  const random = stream(seed, 'calibration');
  const sorted = () =>
    Array.from({ length: n }, () => normal(random, 0, 1)).sort((one, two) => one - two);
  const calibration: Record<string, Record<string, number[]>> = { joint: { [CELL]: sorted() } };
  for (const source of KINDS) calibration[dimensionOf(source)] = { [CELL]: sorted() };
  return { level, calibration, ageDays: 0 };
}

/** A threshold with what matters to a test. */
export function threshold(given: Partial<Threshold>): Threshold {
  return {
    name: given.rung ?? 'alert',
    rung: 'alert',
    table: 'marginal',
    sources: 1,
    a: 1_000,
    alpha: null,
    perUnit: 0.001,
    words: '1 per 1,000 sessions',
    ...given,
  };
}

/** What a role is judged by. */
export function standardOf(thresholds: readonly Threshold[], n = 400, block = 1): Standard {
  return {
    tables: compileTables([calibrationOf(n)]),
    thresholds,
    weights: null,
    guard: { block, strict: block > 1 },
  };
}

/** Readings from one score per source and one joint. */
export function readingsOf(
  scores: readonly (number | null)[],
  joint: number | null,
  ms: number,
): Readings {
  return {
    ms,
    dimensions: KINDS.map((source, at) => ({
      dimension: dimensionOf(source),
      source,
      cell: CELL,
      score: scores[at] ?? null,
    })),
    joint: { dimension: 'joint', cell: CELL, score: joint },
  };
}

/** A unit's readings drawn with a shift in the first source. */
export function drawn(random: Random, ms: number, shift = 0): Readings {
  const scores = KINDS.map((_, at) => normal(random, at === 0 ? shift : 0, 1));
  return readingsOf(scores, normal(random, shift / 2, 1), ms);
}
