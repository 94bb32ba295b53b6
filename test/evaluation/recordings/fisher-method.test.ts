/** Fisher method: the closed form against known values, and the first record that is enough. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fisherOfDimensions, fisherP } from '../../../src/evaluation/recordings/fisher-method.ts';
import { session } from './session.ts';

test('one p is itself; two are the known product law; none says nothing', () => {
  assert.equal(fisherP([]), 1);
  assert.ok(Math.abs(fisherP([0.03]) - 0.03) < 1e-12);
  const product = 0.1 * 0.2;
  assert.ok(Math.abs(fisherP([0.1, 0.2]) - product * (1 - Math.log(product))) < 1e-12);
  assert.ok(fisherP([0, 0, 0]) >= 0);
});

test('the alarm is that of the first record that is enough', () => {
  const score = [session('s', [])];
  const steps = new Map([
    [
      's',
      [
        { seq: 2, p: [0.5] },
        { seq: 5, p: [0.004, 0.5] },
        { seq: 7, p: [0.0001, 0.5] },
        { seq: 9, p: [0.00001, 0.5] },
        { seq: null, p: [0.5] },
      ],
    ],
  ]);
  const [found] = fisherOfDimensions.judge({ learn: [], score, steps, uniform: () => 0 });
  assert.equal(found?.alertSeq, 7);
  assert.ok((found?.score ?? 0) > 9);
});
