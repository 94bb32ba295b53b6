/** The two published detectors written anew, on cases small enough to follow. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { relativeEntropy, windowedGaussian } from '../../../src/evaluation/nab/comparators.ts';

test('Gaussian: one minus the tail beyond the value, by mean and deviation so far', () => {
  const scores = windowedGaussian(Float64Array.of(1, 3, 4, 0));
  // Nothing before; then 3 against the single 1 (deviation 1e-6): certain to the last digit kept.
  assert.deepEqual([...scores.subarray(0, 2)], [0, 1]);
  // 4 against mean 2 and deviation 1: Φ(2). 0 against mean 8/3 and deviation √(14)/3: Φ(2.138…).
  assert.equal(scores[2], 0.977249868052);
  assert.ok(Math.abs((scores[3] ?? 0) - 0.98374) < 1e-5);
});

test('Gaussian: after 6,400 values the window moves in steps of 100', () => {
  const jump = (row: number) => (row < 6400 ? row % 2 : 1000 + (row % 2));
  const scores = windowedGaussian(Float64Array.from({ length: 6700 }, (_, row) => jump(row)));
  // A hundred values of 1,000 move the mean to 16 and the deviation to 124: still certain. Two
  // hundred, with the second step at row 6,599, are the first that can be told from certainty.
  assert.ok(scores.subarray(6400, 6600).every((score) => score === 1));
  assert.ok(scores.subarray(6600).every((score) => score < 1 && score > 0.999999));
});

test('relative entropy: the first histogram is known, a new one speaks once', () => {
  const low = (row: number) => (row < 104 ? row % 2 : 100);
  const scores = relativeEntropy(Float64Array.from({ length: 300 }, (_, row) => low(row)));
  assert.ok(scores.subarray(0, 104).every((score) => score === 0));
  assert.equal(scores[104], 1);
  // Once all 52 values are the new ones, the histogram no longer changes.
  assert.ok(scores.subarray(156).every((score) => score === 0));
});

test('relative entropy of a flat line is silence', () => {
  assert.ok(relativeEntropy(new Float64Array(200)).every((score) => score === 0));
});
