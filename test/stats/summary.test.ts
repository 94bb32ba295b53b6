/** Summaries: right where the library is right, and refusing where it would answer wrongly. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  ascending,
  lnGamma,
  medianAbsoluteDeviation,
  medianSorted,
  quantileSorted,
  rankCorrelation,
} from '../../src/stats/summary.ts';

describe('summary', () => {
  it('refuses what has no median: nothing, and NaN among the values', () => {
    assert.throws(() => medianSorted([]), RangeError);
    assert.throws(() => medianAbsoluteDeviation([]), RangeError);
    assert.throws(() => quantileSorted([], 0.5), RangeError);
    assert.throws(() => ascending([3, Number.NaN, 1]), RangeError);
    assert.throws(() => ascending([Number.POSITIVE_INFINITY]), RangeError);
    assert.throws(() => quantileSorted([1], 1.5), RangeError);
    assert.throws(() => quantileSorted([1], Number.NaN), RangeError);
  });

  it('sorts numbers as numbers, and leaves its input alone', () => {
    const values = [10, 9, -1, 0];
    assert.deepEqual(ascending(values), [-1, 0, 9, 10]);
    assert.deepEqual(values, [10, 9, -1, 0]);
  });

  it('takes quantiles between neighbours, and the ends at 0 and 1', () => {
    assert.deepEqual(
      [0, 0.5, 1].map((share) => quantileSorted([1, 2, 3, 10], share)),
      [1, 2.5, 10],
    );
  });

  it('gives a MAD of 0 where more than half are equal', () => {
    assert.equal(medianAbsoluteDeviation([5, 5, 5, 9]), 0);
  });

  it('handles ties in ranks, and gives null where a side is constant', () => {
    assert.equal(rankCorrelation([1, 1, 1], [1, 2, 3]), null);
    assert.equal(rankCorrelation([1], [1]), null);
    assert.equal(rankCorrelation([1, 2, 3], [3, 2, 1]), -1);
    const tied = rankCorrelation([1, 2, 2, 3], [1, 2, 3, 4]);
    assert.ok(tied !== null && Math.abs(tied - 0.9486833) < 1e-6);
    assert.throws(() => rankCorrelation([1], [1, 2]), RangeError);
  });

  it('knows ln Γ to 1e-13, and no argument at or below 0', () => {
    const lnFactorial = (n: number) =>
      Array.from({ length: n }, (_, at) => Math.log(at + 1)).reduce((a, b) => a + b, 0);
    for (const n of [1, 4, 99]) {
      const error = Math.abs(lnGamma(n + 1) - lnFactorial(n));
      assert.ok(error <= 1e-12 * Math.max(1, lnFactorial(n)), `ln ${n}! is off by ${error}`);
    }
    for (const bad of [0, -1, Number.NaN]) assert.throws(() => lnGamma(bad), RangeError);
  });
});
