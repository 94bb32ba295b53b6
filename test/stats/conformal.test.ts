/** Conformal p, the extended tail, and cuts that keep a rate: golden values and laws. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  betaQuantile,
  binomialUpper,
  conformalP,
  countAtLeast,
  extendedP,
  extendedTail,
  pacCut,
} from '../../src/stats/conformal.ts';

const near = (actual: number, expected: number, error: number) =>
  assert.ok(Math.abs(actual - expected) <= error, `${actual} is not ${expected} ± ${error}`);
const scores = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), {
  minLength: 1,
  maxLength: 60,
});
const ascending = (values: readonly number[]) => [...values].sort((a, b) => a - b);

test('conformal: the examples of the doc comments', () => {
  assert.equal(countAtLeast([1, 2, 2, 4], 2), 3);
  assert.equal(conformalP([1, 2, 3, 4], 3.5), 0.4);
  assert.equal(conformalP([1, 2, 3, 4], 5), 0.2);
  assert.equal(conformalP([1, 2, 3, 4], 1), 1);
  near(binomialUpper(2, 1, 0.5), 0.75, 1e-12);
  const fit = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
  near(extendedP(fit, extendedTail(fit), 10), (4 / 11) * Math.exp(-2), 1e-12);
});

test('conformal: ties count against us', () => {
  assert.equal(conformalP([1, 1, 1, 1], 1), 1);
});

test('conformal: counting agrees with counting one by one, and p falls as the score rises', () => {
  fc.assert(
    fc.property(scores, fc.double({ min: -1e6, max: 1e6, noNaN: true }), (values, score) => {
      const sorted = ascending(values);
      assert.equal(countAtLeast(sorted, score), values.filter((value) => value >= score).length);
      const p = conformalP(sorted, score);
      assert.ok(p > 0 && p <= 1 && conformalP(sorted, score + 1) <= p);
    }),
  );
});

test('conformal: the extended rank never rises with the score and stays in (0, 1]', () => {
  fc.assert(
    fc.property(scores, fc.double({ min: -1e6, max: 1e6, noNaN: true }), (values, score) => {
      const sorted = ascending(values);
      const tail = extendedTail(sorted);
      const p = extendedP(sorted, tail, score);
      assert.ok(p > 0 && p <= 1);
      assert.ok(extendedP(sorted, tail, score + 0.5) <= p);
    }),
  );
});

test('conformal: equal scores and few scores have no tail', () => {
  assert.equal(extendedTail([2, 2, 2, 2, 2, 2]), null);
  assert.equal(extendedTail([1, 2, 3]), null);
  assert.equal(extendedP([1, 2, 3], null, 9), 0.25);
});

test('conformal: the binomial tail has no gap between its two sums, nor underflow', () => {
  near(binomialUpper(10, 3, 0.3), 0.6172172136, 1e-9);
  near(binomialUpper(100_000, 2_000, 0.02), 0.503, 2e-3);
  assert.equal(binomialUpper(10, 0, 0.3), 1);
  assert.equal(binomialUpper(10, 11, 0.3), 0);
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 400 }),
      fc.double({ min: 0.001, max: 0.999, noNaN: true }),
      (n, x) => {
        let above = 1;
        for (let k = 0; k <= n; k += 1) {
          const here = binomialUpper(n, k, x);
          assert.ok(here <= above + 1e-9 && here >= 0);
          above = here;
        }
      },
    ),
    { numRuns: 30 },
  );
});

test('conformal: golden PAC cuts at 1 %', () => {
  assert.deepEqual(
    [99, 199, 329, 999].map((n) => pacCut(n, 0.01)),
    [0, 1, 3, 10],
  );
  near(betaQuantile(199, 1, 0.95), 0.0149, 5e-5);
  near(betaQuantile(199, 2, 0.95), 0.0236, 5e-5);
  near(betaQuantile(329, 3, 0.95), 0.019, 5e-5);
  near(betaQuantile(999, 10, 0.95), 0.0157, 5e-5);
});

test('conformal: lanes that are closed for want of scores', () => {
  // Handbook: at 1 alert per agent-week and 100 units a day the cut is empty below n = 2,096.
  const alert = (0.5 * (1 / 7)) / 100;
  assert.equal(pacCut(2_095, alert), 0);
  assert.equal(pacCut(2_096, alert), 1);
  assert.equal(pacCut(0, 0.01), 0);
});
