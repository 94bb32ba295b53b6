/** Tables: floors, pooling, what never answers for what, cold start and age. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type CalibrationLevel,
  type Cell,
  compileTables,
  laneOf,
  layerP,
  leastOf,
  place,
} from '../../src/score/tables.ts';
import { calibratorLike } from './reference.ts';

const near = (actual: number, expected: number, error: number) =>
  assert.ok(Math.abs(actual - expected) <= error, `${actual} is not ${expected} ± ${error}`);
const ramp = (n: number, from = 0) => Array.from({ length: n }, (_, at) => from + at);
const level = (
  name: CalibrationLevel['level'],
  cells: Record<string, number[]>,
  ageDays = 0,
): CalibrationLevel => ({ level: name, calibration: { d: cells }, ageDays });
const sole = (cell: Cell | null) => {
  assert.ok(cell !== null);
  assert.equal(cell.layers.length, 1);
  return cell.layers[0];
};

test('tables: a score has its conformal p and the e of its rank', () => {
  const cell = compileTables([level('role', { 'L3/seen': ramp(200) })]).find('d', 'L3/seen');
  assert.ok(cell !== null);
  const top = place(cell, 1e9);
  near(top.p, 1 / 201, 1e-12);
  near(top.e[0], 8.06, 0.05);
  near(top.e[1], 6.6, 0.1);
  near(top.e[2], 2.9, 0.05);
  near(place(cell, 199).p, 2 / 201, 1e-12);
  assert.deepEqual(leastOf(cell), place(cell, -5).e);
  near(leastOf(cell)[0], calibratorLike(200, 201), 1e-9);
});

test('tables: below the floor hours are dropped, by their own cell or by pooling', () => {
  const tables = compileTables([
    level('role', {
      'L3/seen': ramp(250),
      'L3/seen/work': ramp(199),
      'L2/seen/work': ramp(120),
      'L2/seen/off': ramp(90, 500),
      'L1/seen/work': ramp(200),
    }),
  ]);
  assert.equal(sole(tables.find('d', 'L3/seen/work'))?.n, 250);
  const pooled = sole(tables.find('d', 'L2/seen/work'));
  assert.equal(pooled?.n, 210);
  assert.equal(pooled?.cell, 'L2/seen');
  assert.equal(sole(tables.find('d', 'L1/seen/work'))?.cell, 'L1/seen/work');
});

test('tables: then the next level answers', () => {
  const tables = compileTables([
    level('agent', { 'L3/seen': ramp(150) }),
    level('role', { 'L3/seen': ramp(199) }),
    level('fleet', { 'L3/seen': ramp(900) }),
  ]);
  assert.equal(sole(tables.find('d', 'L3/seen'))?.level, 'fleet');
});

test('tables: unseen is never answered by seen, nor one evidence level by another', () => {
  const tables = compileTables([
    level('role', { 'L3/seen': ramp(5_000), 'L3/unseen': ramp(199), 'L3/seen/off': ramp(300) }),
    level('fleet', { 'L3/seen': ramp(5_000), 'L2/unseen': ramp(400) }),
  ]);
  assert.equal(tables.find('d', 'L3/unseen'), null);
  assert.equal(tables.find('d', 'L3/unseen/work'), null);
  assert.equal(tables.find('d', 'L2/seen'), null);
  assert.equal(tables.find('another', 'L3/seen'), null);
  assert.equal(sole(tables.find('d', 'L2/unseen/off'))?.n, 400);
});

test('tables: an agent of its own shares with its role by how much it has shown', () => {
  const tables = compileTables([
    level('agent', { 'L3/seen': ramp(600) }),
    level('role', { 'L3/seen': ramp(2_000, -5_000) }),
  ]);
  const cell = tables.find('d', 'L3/seen');
  assert.ok(cell !== null);
  assert.deepEqual(
    cell.layers.map(({ weight }) => weight),
    [0.75, 0.25],
  );
  // Among its own this score is the lowest, in its role the highest.
  const low = place(cell, -1);
  near(low.e[0], 0.75 * calibratorLike(600, 601) + 0.25 * calibratorLike(2_000, 1), 1e-9);
  assert.equal(low.p, 1, 'p is never a mix');
});

test('tables: evidence weakens with age towards a fresher level, else towards one', () => {
  const alone = compileTables([level('role', { 'L3/seen': ramp(400) }, 120)]).find('d', 'L3/seen');
  assert.ok(alone !== null);
  near(place(alone, 1e9).e[0], 0.5 * calibratorLike(400, 1) + 0.5, 1e-9);
  const both = compileTables([
    level('role', { 'L3/seen': ramp(400) }, 120),
    level('fleet', { 'L3/seen': ramp(800, -9_000) }, 10),
  ]).find('d', 'L3/seen');
  assert.ok(both !== null);
  near(place(both, -1).e[0], 0.5 * calibratorLike(400, 401) + 0.5 * calibratorLike(800, 1), 1e-9);
});

test('tables: a session lane pools upward until its cut is not empty', () => {
  const tables = compileTables([
    level('agent', { 'L3/seen': ramp(250) }),
    level('role', { 'L3/seen': ramp(1_000) }),
  ]);
  const cell = tables.find('d', 'L3/seen');
  assert.ok(cell !== null);
  assert.equal(laneOf(cell, 0.01)?.layer.level, 'agent');
  const lane = laneOf(cell, 0.002);
  assert.equal(lane?.layer.level, 'role');
  assert.equal(lane?.cut, 1);
  assert.equal(lane === null ? null : layerP(lane.layer, 5_000), 1 / 1_001);
  assert.equal(laneOf(cell, 1e-5), null);
  assert.deepEqual([tables.opens('d', 0.002), tables.opens('d', 1e-5)], [true, false]);
});

test('tables: extreme scores are clamped, and what is no number stops the program', () => {
  const cell = compileTables([level('role', { 'L3/seen': ramp(200) })]).find('d', 'L3/seen');
  assert.ok(cell !== null);
  assert.deepEqual(place(cell, Number.POSITIVE_INFINITY), place(cell, 1e6));
  assert.throws(() => place(cell, Number.NaN), /not a number/);
  const broken = compileTables([level('role', { 'L3/seen': [...ramp(200), Number.NaN] })]);
  assert.throws(() => broken.find('d', 'L3/seen'), /not a number/);
});

test('tables: p and e never move the wrong way, ties and thinning included', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 200, maxLength: 700 }),
      fc.integer({ min: -2, max: 53 }),
      (values, score) => {
        const cell = compileTables([level('role', { 'L3/seen': values })]).find('d', 'L3/seen');
        assert.ok(cell !== null);
        const [low, high] = [place(cell, score), place(cell, score + 1)];
        assert.ok(high.p <= low.p && low.p <= 1 && high.p > 0);
        for (const table of [0, 1, 2] as const) assert.ok(high.e[table] >= low.e[table]);
      },
    ),
    { numRuns: 60 },
  );
});

test('tables: what is kept of a place or of a cell is what one gets anew', () => {
  const cells = { 'L3/seen': ramp(300), 'L3/unseen': ramp(250, 40) };
  const [kept, levels] = [compileTables([level('role', cells)]), [level('role', cells)]];
  for (const at of [0, 1, 0])
    for (const cell of ['L3/seen', 'L3/unseen', 'L2/seen', 'L3/seen'])
      assert.equal(kept.findAt(at, 'd', cell), kept.find('d', cell));
  assert.equal(kept.findAt(0, 'another', 'L3/seen'), null);
  for (const score of [-1e9, 12, 12.5, 299, 400, 12, 299]) {
    const fresh = compileTables(levels).find('d', 'L3/seen');
    const held = kept.find('d', 'L3/seen');
    assert.ok(fresh !== null && held !== null);
    assert.deepEqual(place(held, score), place(fresh, score));
  }
});
