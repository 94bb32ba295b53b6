/** Shift ratio: normal scores, the ratio against its formula, what correlation teaches. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { normal, stream } from '../../src/simulation/random.ts';
import {
  fitShiftRatio,
  normalScore,
  shiftRatio,
  standardShifts,
} from '../../src/stats/shift-ratio.ts';

const near = (actual: number, expected: number, error: number) =>
  assert.ok(Math.abs(actual - expected) <= error, `${actual} is not ${expected} ± ${error}`);

test('shift-ratio: the examples of the doc comments', () => {
  assert.equal(normalScore(0.5), 0);
  assert.equal(
    fitShiftRatio(
      [
        [0, 1],
        [1, 0],
      ],
      [{ by: [3, 0], weight: 1 }],
    ).rows.length,
    1,
  );
  assert.equal(shiftRatio({ rows: [[2, -2]] }, [3]), 4);
  assert.equal(standardShifts(2).length, 4);
});

test('shift-ratio: golden normal scores, clamped at eight', () => {
  near(normalScore(0.158655254), 1, 1e-7);
  near(normalScore(0.0013498980316), 3, 1e-7);
  near(normalScore(0.841344746), -1, 1e-7);
  near(normalScore(9.865876e-10), 6, 1e-6);
  assert.equal(normalScore(1e-300), 8);
  assert.equal(normalScore(1), -8);
});

test('shift-ratio: normal scores fall as p rises', () => {
  const p = fc.double({ min: 1e-300, max: 1, noNaN: true, minExcluded: false });
  fc.assert(
    fc.property(p, p, (one, two) => {
      if (one < two) assert.ok(normalScore(one) >= normalScore(two) - 1e-8);
    }),
  );
});

test('shift-ratio: weights of the standard shifts add up to one', () => {
  for (const size of [1, 4, 12]) {
    const sum = standardShifts(size).reduce((total, { weight }) => total + weight, 0);
    near(sum, 1, 1e-12);
  }
});

test('shift-ratio: without correlation it is the plain mean of likelihood ratios', () => {
  const random = stream(2, 'plain');
  const rows = Array.from({ length: 4_000 }, () => [normal(random, 0, 1), normal(random, 0, 1)]);
  const ratio = fitShiftRatio(rows, standardShifts(2));
  const z = [2, -0.5] as const;
  let mean = 0;
  for (const { by, weight } of standardShifts(2)) {
    const [one, two] = by as [number, number];
    mean += weight * Math.exp(one * z[0] + two * z[1] - (one * one + two * two) / 2);
  }
  near(shiftRatio(ratio, z), Math.log(mean), 0.15);
});

test('shift-ratio: one part against its fellows is stranger where they usually agree', () => {
  const random = stream(3, 'common');
  const fitted = (share: number) => {
    const rows = Array.from({ length: 2_000 }, () => {
      const common = share * normal(random, 0, 1);
      const own = Math.sqrt(1 - share * share);
      return Array.from({ length: 4 }, () => common + own * normal(random, 0, 1));
    });
    return fitShiftRatio(rows, standardShifts(4));
  };
  const [apart, ratio] = [fitted(0), fitted(0.9)];
  assert.ok(shiftRatio(ratio, [2, 0, 0, 0]) > shiftRatio(apart, [2, 0, 0, 0]) + 0.5);
  assert.ok(shiftRatio(ratio, [2, 2, 2, 2]) < shiftRatio(apart, [2, 2, 2, 2]));
  const written = JSON.parse(JSON.stringify(ratio)) as typeof ratio;
  assert.equal(shiftRatio(written, [2, 0, 1, 0]), shiftRatio(ratio, [2, 0, 1, 0]));
});

test('shift-ratio: finite for any normal scores, also for parts that are copies or constant', () => {
  const value = fc.double({ min: -8, max: 8, noNaN: true });
  const rows = fc.array(fc.tuple(value, value), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(rows, value, value, (list, one, two) => {
      const doubled = list.map(([first, second]) => [first, second, first, 1]);
      const ratio = fitShiftRatio(doubled, standardShifts(4));
      assert.ok(Number.isFinite(shiftRatio(ratio, [one, two, one, 1])));
    }),
    // Found by this property: squares among the denormal numbers made a correlation above one.
    { examples: [[[[-3.1434555694052576e-162, 0] as [number, number], [0, 0]], 0, 0]] },
  );
});
