/** The tables of the budget: what is broken is said, sums are sums, Markdown is a table. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  cellTable,
  comparisonTable,
  delayTable,
  sumCell,
} from '../../src/evaluation/budget-table.ts';
import { CELLS, type CellRung } from '../../src/evaluation/cells.ts';

const RUNGS: readonly CellRung[] = [
  { name: 'low', table: 'marginal', a: 100 },
  { name: 'high', table: 'wilson', a: 1_000 },
];
const [CELL] = CELLS;

test('budget-table: one firing more than declared is broken', () => {
  assert.ok(CELL !== undefined);
  const one = { ticks: 500, block: 1, strict: false, alarms: { low: 5, high: 0 } };
  assert.deepEqual(sumCell(CELL, RUNGS, [one, one]).broken, []);
  const two = { ...one, alarms: { low: 6, high: 0 } };
  const row = sumCell(CELL, RUNGS, [one, two]);
  assert.deepEqual(row.broken, ['low']);
  assert.deepEqual([row.ticks, row.seeds, row.alarms['low']], [1_000, 2, 11]);
  const text = cellTable([row], RUNGS);
  assert.match(text, /11 \(110 %\)/);
  assert.match(text, /1 of 2 broken/);
});

test('budget-table: every line has as many cells as the head', () => {
  assert.ok(CELL !== undefined);
  const story = { name: 'story', shift: [0, 0, 0, 0], goal: 5 };
  const delays = { low: [1, 2, 3], high: [401, 401, 401] };
  const table = delayTable([{ story, cell: CELL, delays }], RUNGS);
  assert.match(table, /2 \(3\)/);
  assert.match(table, /> 400 \(> 400\)/);
  const compared = comparisonTable(
    [{ name: 'm', setting: 's' }],
    [{ cell: CELL, results: [{ units: 2_000, alarms: { m: 3 }, delays: { m: [7] } }] }],
    1_000,
  );
  assert.match(compared, /\| 1\.50 \| 7 \(7\) \|/);
  for (const text of [table, compared]) {
    const widths = text.split('\n').map((line) => line.split('|').length);
    assert.equal(new Set(widths).size, 1);
  }
});
