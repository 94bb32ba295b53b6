/** The tail-extended rank: conformal in the body, falling on beyond it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createMovingWindow, pushValue } from '../../src/stats/moving-window.ts';
import {
  lowerTailRank,
  TAIL_RANK_MIN,
  twoSidedTailRank,
  upperTailRank,
} from '../../src/stats/tail-rank.ts';

const windowOf = (values: readonly number[]) => {
  const window = createMovingWindow(Math.max(1, values.length));
  for (const value of values) pushValue(window, value);
  return window;
};
const numbers = fc.array(fc.integer({ min: -50, max: 50 }), { minLength: 1, maxLength: 400 });
const hundred = windowOf(Array.from({ length: 100 }, (_, i) => i + 1));

test('in the body it is the conformal p, ties counted against', () => {
  const window = windowOf([1, 2, 2, 2, 3, 4, 5, 6, 7, 8]);
  assert.equal(upperTailRank(window, 2), 10 / 11);
  assert.equal(upperTailRank(window, 2.5), 7 / 11);
  assert.equal(lowerTailRank(window, 8), 1);
});

test('beyond the fourth largest of 100 it falls by the mean excess (example of the doc)', () => {
  // k = 3 of 100 values: edge 97, mean excess of 98, 99, 100 is 2.
  assert.equal(upperTailRank(hundred, 97), 5 / 101);
  const expected = (4 / 101) * Math.exp(-(103 - 97) / 2);
  assert.ok(Math.abs(upperTailRank(hundred, 103) - expected) < 1e-15);
  assert.ok(Math.abs(lowerTailRank(hundred, -2) - expected) < 1e-15);
  assert.ok(Math.abs(twoSidedTailRank(hundred, 103) - 2 * expected) < 1e-15);
});

test('a tail of ties takes its scale from the range, a flat window has none', () => {
  const ties = windowOf([0, ...Array.from({ length: 99 }, () => 1)]);
  assert.ok(Math.abs(upperTailRank(ties, 1.002) - (4 / 101) * Math.exp(-2)) < 1e-12);
  const flat = windowOf([5, 5, 5, 5]);
  assert.equal(upperTailRank(flat, 5), 1);
  assert.equal(upperTailRank(flat, 5.1), TAIL_RANK_MIN);
  assert.equal(lowerTailRank(flat, 4.9), TAIL_RANK_MIN);
});

test('an empty window finds nothing strange', () => {
  const empty = createMovingWindow(2);
  assert.deepEqual([upperTailRank(empty, 9), lowerTailRank(empty, -9)], [1, 1]);
});

test('within bounds, and never rising with the score', () => {
  fc.assert(
    fc.property(
      numbers,
      fc.array(fc.double({ min: -200, max: 200, noNaN: true })),
      (values, at) => {
        const window = windowOf(values);
        const ranks = at.sort((a, b) => a - b).map((s) => upperTailRank(window, s));
        ranks.forEach((rank, i) => {
          assert.ok(rank >= TAIL_RANK_MIN && rank <= 1);
          assert.ok(i === 0 || rank <= (ranks[i - 1] ?? 1), 'rises');
        });
      },
    ),
    { seed: 43 },
  );
});

test('the lower rank is the upper one of the mirrored window', () => {
  fc.assert(
    fc.property(numbers, fc.integer({ min: -80, max: 80 }), (values, s) => {
      const mirrored = windowOf(values.map((value) => -value));
      assert.equal(lowerTailRank(windowOf(values), s), upperTailRank(mirrored, -s));
      const both = [upperTailRank(mirrored, s), lowerTailRank(mirrored, s)];
      assert.equal(twoSidedTailRank(mirrored, s), Math.min(1, 2 * Math.min(...both)));
    }),
    { seed: 44 },
  );
});

test('no NaN for the largest numbers there are', () => {
  const most = Number.MAX_VALUE;
  const window = windowOf([-most, most, -most, most, 0, 1, 5e-324]);
  for (const s of [-most, most, 0, 1e300]) {
    for (const rank of [upperTailRank, lowerTailRank, twoSidedTailRank]) {
      const p = rank(window, s);
      assert.ok(p >= TAIL_RANK_MIN && p <= 1, `${p}`);
    }
  }
});
