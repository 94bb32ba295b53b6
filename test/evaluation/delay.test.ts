/** Delays in small, and the quantile they are told by. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { budgetCode } from '../../src/commands/budget-code.ts';
import { CELLS, RUNGS } from '../../src/evaluation/cells.ts';
import { DELAY_MAX, quantile, runDelay, STORIES } from '../../src/evaluation/delay.ts';
import { stream, uniform } from '../../src/simulation/random.ts';

test('delay: quantiles by nearest rank', () => {
  assert.equal(quantile([3, 1, 2], 0.5), 2);
  assert.equal(quantile([3, 1, 2], 0.9), 3);
  assert.ok(Number.isNaN(quantile([], 0.5)));
});

test('delay: a single source that moves by three deviations is seen within five units', () => {
  const story = STORIES.find(({ name }) => name === 'one source +3 sd');
  const rungs = RUNGS.filter(({ name }) => name === 'marginal 10000');
  assert.ok(story !== undefined);
  for (const rho of [0.64, 0.8]) {
    const cell = CELLS.find(({ name }) => name === `correlation ${rho}, n = 2000`);
    assert.ok(cell !== undefined);
    const delays: number[] = Array.from({ length: 4 }, (_, seed) => {
      const random = stream(seed, 'delay');
      return runDelay(cell, story, rungs, 5, budgetCode, () => uniform(random));
    }).flatMap((found) => found['marginal 10000'] ?? []);
    assert.equal(delays.length, 20);
    assert.ok(quantile(delays, 0.5) <= 5, `${delays}`);
  }
});

test('delay: what never fires is counted as missed', () => {
  const cell = CELLS[0];
  assert.ok(cell !== undefined);
  const random = stream(1, 'calm');
  const story = { name: 'nothing', shift: [0, 0, 0, 0], goal: null };
  const never = [{ name: 'never', table: 'wilson' as const, a: 1e300 }];
  const { never: delays } = runDelay(cell, story, never, 2, budgetCode, () => uniform(random));
  assert.deepEqual(delays, [DELAY_MAX + 1, DELAY_MAX + 1]);
});
