/** Isolation forest: the normalising path length, and a threshold that keeps the rate. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  averagePath,
  isolationForest,
} from '../../../src/evaluation/comparators/isolation-forest.ts';
import { stream } from '../../../src/simulation/random.ts';
import { training, unit } from './training.ts';

test('isolation-forest: golden path length', () => {
  assert.ok(Math.abs(averagePath(256) - 10.2487) < 1e-3);
  assert.equal(averagePath(1), 0);
  assert.equal(averagePath(2), 1);
});

test('isolation-forest: alarms about as often as asked for', () => {
  const watch = isolationForest.train(training(1_000, 50))();
  const random = stream(2, 'forest');
  let alarms = 0;
  for (let at = 0; at < 2_000; at += 1) if (watch(unit(random))) alarms += 1;
  assert.ok(alarms >= 10 && alarms <= 110, `${alarms} of 40`);
});
