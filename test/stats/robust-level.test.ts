/** Robust level: shrinkage, the floor of the MAD, odd values inside the range. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  gapsWithin,
  logLevel,
  nearestDistance,
  robustLevel,
  robustZ,
  shrunkLevel,
  thinned,
  trimmed,
} from '../../src/stats/robust-level.ts';
import { ascending } from '../../src/stats/summary.ts';

describe('robust level', () => {
  it('is not moved out of the honest range by a forged minority', () => {
    const honest = [10, 11, 12, 13, 14];
    const { median } = robustLevel(ascending([...honest, 1e9, 1e9, 1e9, 1e9]));
    assert.ok(median >= 10 && median <= 14);
  });

  it('gives near-constant metrics a spread of 2 %', () => {
    const level = robustLevel([3, 3, 3, 3]);
    assert.equal(level.mad, 0);
    assert.ok(Math.abs(robustZ(3 + 1.4826 * 0.02, level, 'both') - 1) < 1e-9);
  });

  it('is one-sided where less is no concern', () => {
    const level = { n: 10, median: 3, mad: 1 };
    assert.equal(robustZ(0, level, 'upper'), 0);
    assert.ok(robustZ(0, level, 'both') > 2);
  });

  it('shrinks to the group in proportion to evidence', () => {
    const group = { n: 500, median: 0, mad: 1 };
    const at = (n: number) => shrunkLevel({ n, median: 10, mad: 3 }, group).median;
    assert.deepEqual([0, 30, 270].map(at), [0, 5, 9]);
    assert.equal(shrunkLevel({ n: 0, median: 1, mad: 1 }, group, 0), group);
  });

  it('counts sizes below zero as none, and keeps huge ones finite', () => {
    assert.equal(logLevel(-5), 0);
    assert.ok(Number.isFinite(logLevel(Number.POSITIVE_INFINITY)));
  });

  it('finds the nearest value as a search through all would', () => {
    const whole = fc.integer({ min: -50, max: 50 });
    fc.assert(
      fc.property(fc.array(whole, { minLength: 1 }), whole, (values, y) => {
        const plain = Math.min(...values.map((value) => Math.abs(value - y)));
        assert.equal(nearestDistance(ascending(values), y), plain);
      }),
    );
    assert.equal(nearestDistance([], 3), Number.POSITIVE_INFINITY);
    assert.deepEqual(gapsWithin([7]), []);
  });

  it('trims equally at both ends, and thins without losing them', () => {
    const values = Array.from({ length: 10_000 }, (_, at) => at);
    const inner = trimmed(values);
    assert.deepEqual([inner.length, inner[0], inner.at(-1)], [9_800, 100, 9_899]);
    const thin = thinned(values);
    assert.deepEqual([thin.length, thin[0], thin.at(-1)], [2_048, 0, 9_999]);
    assert.deepEqual(thinned([1, 2, 3]), [1, 2, 3]);
    assert.deepEqual(trimmed([]), []);
  });
});
