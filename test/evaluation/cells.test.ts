/** Cells in small: the budget is kept, what should break it does, and seeds decide everything. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { budgetCode } from '../../src/commands/budget-code.ts';
import { sumCell } from '../../src/evaluation/budget-table.ts';
import { CELLS, prepare, RUNGS, runCell } from '../../src/evaluation/cells.ts';
import { stream, uniform } from '../../src/simulation/random.ts';

const SIZE = { agents: 2, units: 1_500 };

function cellOf(name: string) {
  const cell = CELLS.find((each) => each.name === name);
  assert.ok(cell !== undefined, name);
  return cell;
}

function summed(name: string, seeds: number) {
  const cell = cellOf(name);
  const results = Array.from({ length: seeds }, (_, seed) => {
    const random = stream(seed, name);
    return runCell(cell, SIZE, budgetCode, () => uniform(random));
  });
  return sumCell(cell, RUNGS, results);
}

test('cells: names are unique and both promises occur', () => {
  assert.equal(new Set(CELLS.map(({ name }) => name)).size, CELLS.length);
  assert.ok(CELLS.some(({ promise }) => promise === 'breach'));
});

test('cells: calibration is ascending, of its size, and dependence is measured on it', () => {
  const random = stream(1, 'prepare');
  const cell = cellOf('AR(1) 0.6, guarded');
  const { calibration, lag, joint } = prepare(cell, () => uniform(random));
  for (const scores of [...calibration.sources, calibration.joint]) {
    assert.equal(scores.length, cell.n);
    assert.deepEqual(
      scores,
      [...scores].sort((one, two) => one - two),
    );
  }
  assert.ok(lag > 0.4 && lag < 0.7, `${lag}`);
  assert.ok(Number.isNaN(joint(Float64Array.of(Number.NaN, 0, 0, 0))));
  assert.ok(joint(Float64Array.of(50, 4, 60, 50)) > joint(Float64Array.of(1, 0, 0, 1)));
});

test('cells: correlated sources keep the budget at every rung', () => {
  const row = summed('correlation 0.8, n = 2000', 12);
  assert.deepEqual(row.broken, []);
  assert.ok((row.alarms['marginal 1000'] ?? 0) > 0, 'not by never firing');
});

test('cells: units that depend on each other break it, and the guard mends it', () => {
  const bare = summed('AR(1) 0.6, guard off', 8);
  assert.ok(bare.broken.includes('marginal 1000') && bare.block === 1);
  const guarded = summed('AR(1) 0.6, guarded', 8);
  assert.ok(guarded.block > 3 && guarded.strict === 1);
  const share = (row: typeof bare) => (row.alarms['marginal 1000'] ?? 0) / row.ticks;
  assert.ok(share(guarded) < share(bare) / 3);
});

test('cells: a missing source is no evidence', () => {
  assert.deepEqual(summed('one source missing 20 %', 6).broken, []);
});

test('cells: one seed, one result', () => {
  const name = 'correlation 0.64, n = 200';
  assert.deepEqual(summed(name, 2), summed(name, 2));
});
