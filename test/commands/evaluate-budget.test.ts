/** Budgets: few seeds are a spot check, the verdict on cells needs the whole run. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cellGoals, readFullRun } from '../../src/commands/evaluate-budget.ts';
import { CELLS, RUNGS } from '../../src/evaluation/cells.ts';

const CELL = CELLS.find(({ promise }) => promise === 'budget') ?? CELLS[0];

function row(alarms: number, broken: readonly string[] = []) {
  assert.ok(CELL !== undefined);
  const counts = Object.fromEntries(RUNGS.map(({ name }) => [name, alarms]));
  return {
    ...{ cell: CELL, seeds: 1, ticks: 20_000, block: 1, strict: 0 },
    ...{ alarms: counts, broken },
  };
}

test('the verdict of the whole run is read off its page', () => {
  const page =
    'Written by `node bench/budget.ts --seeds 200`\n- Budget kept in **22 of 23** cells in';
  assert.deepEqual(readFullRun(page), { seeds: 200, kept: 22, cells: 23 });
  assert.equal(readFullRun('nothing of the kind'), null);
});

test('few seeds: the goal is the whole run’s, and chance is allowed for beside it', () => {
  const kept = { seeds: 200, kept: 22, cells: 22 };
  const met = (goals: ReturnType<typeof cellGoals>) => goals.map(({ isMet }) => isMet);
  assert.deepEqual(met(cellGoals([row(3)], 3, kept)), [true, true]);
  assert.deepEqual(met(cellGoals([row(3)], 3, { ...kept, kept: 21 })), [false, true]);
  assert.deepEqual(met(cellGoals([row(3)], 3, { ...kept, seeds: 20 })), [false, true]);
  assert.deepEqual(met(cellGoals([row(40)], 3, null)), [false, false]);
});

test('many seeds: one firing too many in any rung is a miss', () => {
  const [goal] = cellGoals([row(0)], 200, null);
  assert.equal(goal?.isMet, true);
  const [missed] = cellGoals([row(0), row(9, ['marginal 1000'])], 200, null);
  assert.equal(missed?.isMet, false);
  assert.equal(missed?.measured, '1 of 2 cells');
});
