/** Gamma–Poisson: agreement with the plain sum, with draws, and at the ends of the scale. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  observedRate,
  ratePrior,
  tailDigits,
  tailProbability,
} from '../../src/stats/gamma-poisson.ts';

/** The handbook's recursion, from 0 upward: exact where nothing underflows. */
function plainTail(a: number, b: number, exposure: number, x: number): number {
  let p = (b / (b + exposure)) ** a;
  let below = 0;
  for (let k = 0; k < x; k += 1) {
    below += p;
    p *= ((a + k) / (k + 1)) * (exposure / (b + exposure));
  }
  return 1 - below;
}

describe('gamma-poisson', () => {
  it('agrees with the recursion of the handbook', () => {
    const size = fc.double({ min: 0.1, max: 30, noNaN: true });
    fc.assert(
      fc.property(size, size, size, fc.integer({ min: 0, max: 60 }), (a, b, exposure, x) => {
        const plain = plainTail(a, b, exposure, x);
        const found = tailProbability({ a, b }, exposure, x);
        assert.ok(Math.abs(found - plain) < 1e-8, `${found}, plainly ${plain}`);
      }),
    );
  });

  it('is certain of no events or more, and of nothing without exposure', () => {
    assert.equal(tailProbability({ a: 1, b: 1 }, 1, 0), 1);
    assert.equal(tailDigits({ a: 1, b: 1 }, 1, -3), 0);
    assert.equal(tailDigits({ a: 1, b: 1 }, 1, Number.NaN), 0);
    assert.equal(tailDigits({ a: 1, b: 1 }, 0, 1), 1e6);
  });

  it('stays finite far beyond what a probability can hold', () => {
    const digits = tailDigits({ a: 20, b: 10 }, 1, 5_000);
    assert.ok(digits > 1_000 && digits < 1e6, `${digits}`);
    assert.ok(tailDigits({ a: 1e5, b: 1e-9 }, 1, 1e6) < 1e-3);
  });

  it('judges by the exposure: a part of a window is not compared with the whole', () => {
    const rate = observedRate(ratePrior(10), 1_000, 100);
    assert.ok(tailDigits(rate, 0.5, 12) > tailDigits(rate, 1, 12) + 1);
  });

  it('learns a rate from its own events, whatever the prior', () => {
    const rate = observedRate(ratePrior(100), 400, 200);
    assert.ok(Math.abs(rate.a / rate.b - 2) < 0.01);
    assert.deepEqual(ratePrior(0), ratePrior(1e-3));
  });
});
