/** PSI: shares, the index, and that it speaks once a window. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { index, psi, sharesOf } from '../../../src/evaluation/comparators/psi.ts';
import { stream } from '../../../src/simulation/random.ts';
import { training, unit } from './training.ts';

test('psi: shares by bin, none below its least', () => {
  assert.deepEqual(sharesOf(Float64Array.of(1, 2, 3, 9), [2, 5]), [0.25, 0.5, 0.25]);
  assert.deepEqual(sharesOf(Float64Array.of(1, 1), [2]), [1, 1e-4]);
});

test('psi: nothing between equal shares, more the further apart', () => {
  assert.equal(index([0.5, 0.5], [0.5, 0.5]), 0);
  assert.ok(Math.abs(index([0.6, 0.4], [0.5, 0.5]) - 0.0405465) < 1e-6);
});

test('psi: speaks at the end of a window only', () => {
  const watch = psi.train(training(1_000, 100))();
  const random = stream(6, 'psi');
  const spoke: number[] = [];
  for (let at = 1; at <= 300; at += 1) if (watch(unit(random, 2))) spoke.push(at);
  assert.deepEqual(spoke, [100, 200, 300]);
});
