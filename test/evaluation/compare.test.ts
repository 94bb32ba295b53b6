/** The comparison in small: every method sees the same units, and is counted the same way. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { budgetCode } from '../../src/commands/budget-code.ts';
import { CELLS } from '../../src/evaluation/cells.ts';
import { COMPARATORS } from '../../src/evaluation/comparators/comparators.ts';
import { compare, OURS } from '../../src/evaluation/compare.ts';
import { STORIES } from '../../src/evaluation/delay.ts';
import { stream, uniform } from '../../src/simulation/random.ts';

test('compare: correlated sources, what is promised and what is not', () => {
  const cell = CELLS.find(({ name }) => name === 'correlation 0.8, n = 2000');
  const [story] = STORIES;
  assert.ok(cell !== undefined && story !== undefined);
  const size = { agents: 3, units: 1_500, a: 1_000 };
  const run = () => {
    const random = stream(5, 'compare');
    return compare(cell, story, COMPARATORS, size, budgetCode, () => uniform(random));
  };
  const found = run();
  assert.equal(found.units, 4_500);
  const alarms = (name: string) => found.alarms[name] ?? 0;
  assert.ok(alarms(OURS) <= 6, `${alarms(OURS)}`);
  assert.ok(alarms('3 sigma on any source') > 45);
  assert.ok(alarms('Fisher product of p') > 20);
  assert.ok(alarms('product of e, accumulated') > 9);
  for (const { name } of COMPARATORS) assert.equal(found.delays[name]?.length, 3, name);
  assert.deepEqual(run(), found);
});
