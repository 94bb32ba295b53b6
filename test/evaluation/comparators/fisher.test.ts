/** Fisher: the chi-squared quantile, and the rate on independent sources. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chiSquared8, fisher } from '../../../src/evaluation/comparators/fisher.ts';
import { stream } from '../../../src/simulation/random.ts';
import { training, unit } from './training.ts';

test('fisher: golden quantiles of chi-squared, 8 degrees of freedom', () => {
  assert.ok(Math.abs(chiSquared8(0.05) - 15.507) < 1e-3);
  assert.ok(Math.abs(chiSquared8(0.001) - 26.124) < 1e-3);
});

test('fisher: keeps its rate while sources are independent', () => {
  const watch = fisher.train(training(2_000, 50))();
  const random = stream(4, 'independent');
  let alarms = 0;
  for (let at = 0; at < 20_000; at += 1) if (watch(unit(random))) alarms += 1;
  assert.ok(alarms > 250 && alarms < 600, `${alarms} of 400`);
});
