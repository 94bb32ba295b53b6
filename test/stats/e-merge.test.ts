/** Means of e-values: examples, bounds, what is absent. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { freshness, mix, ownWeight, tickEvidence, weightedMean } from '../../src/stats/e-merge.ts';

test('e-merge: the examples of the doc comments', () => {
  assert.equal(weightedMean([4, 1], [0.25, 0.25]), 1.75);
  assert.equal(tickEvidence([9, 1, 1, 1], [0.25, 0.25, 0.25, 0.25], 5), 4);
  assert.equal(mix(9, 1, 0.5), 5);
  assert.equal(mix(9, 1, 7), 9);
  assert.equal(freshness(120), 0.5);
  assert.equal(freshness(12), 1);
  assert.equal(ownWeight(200), 0.5);
  assert.equal(ownWeight(0), 0);
});

test('e-merge: nothing present is evidence of one', () => {
  assert.equal(weightedMean([], []), 1);
  assert.equal(tickEvidence([1, 1], [0.25, 0.25], 1), 1);
});

test('e-merge: a mean lies between its least and its largest part, one included', () => {
  const part = fc.double({ min: 0, max: 1e6, noNaN: true });
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 8 }), part, (values, joint) => {
      const weights = values.map(() => 1 / values.length);
      const merged = tickEvidence(values, weights, joint);
      const all = [...values, joint, 1];
      assert.ok(merged >= Math.min(...all) * (1 - 1e-12));
      assert.ok(merged <= Math.max(...all) * (1 + 1e-12));
    }),
  );
});
