/** Budgets: the user's words, thresholds of the handbook's example, closed lanes, the sum. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DEFAULT_PLAN, parseBudget, publishedSum, thresholdsOf } from '../../src/score/budget.ts';
import { pacCut } from '../../src/stats/conformal.ts';

const LOAD = { agent: 100, fleet: 100_000 };
const near = (actual: number | null | undefined, expected: number, share = 0.01) => {
  assert.ok(typeof actual === 'number' && Math.abs(actual / expected - 1) <= share, `${actual}`);
};

test('budget: what users may write', () => {
  const read = (words: string) => {
    const budget = parseBudget(words);
    assert.ok(!('problem' in budget), words);
    return [budget.count, budget.scope, budget.per];
  };
  assert.deepEqual(read('1 per agent-week'), [1, 'agent', 7]);
  assert.deepEqual(read('One per fleet and month'), [1, 'fleet', 30]);
  assert.deepEqual(read('  0.5  per agent-day '), [0.5, 'agent', 1]);
  assert.deepEqual(read('2 per fleet-quarter'), [2, 'fleet', 90]);
  assert.deepEqual(read('1 per 10,000 sessions'), [1, 'unit', 10_000]);
  assert.deepEqual(read('1 in 200 units'), [1, 'unit', 200]);
  assert.deepEqual(read('1 % of sessions'), [1, 'unit', 100]);
  assert.deepEqual(read('2.5% of units'), [2.5, 'unit', 100]);
});

test('budget: what is wrong is said with what may be written', () => {
  for (const words of ['', 'never', '1 per agent-fortnight', '1 per week', '-1 per agent-week']) {
    const budget = parseBudget(words);
    assert.ok('problem' in budget && budget.problem.includes('"1 per agent-week"'), words);
  }
  for (const words of ['0 per agent-week', '0% of sessions', '1 per 0 sessions']) {
    const budget = parseBudget(words);
    assert.ok('problem' in budget && /allows nothing/.test(budget.problem), words);
  }
});

test('budget: reading never throws, whatever is written', () => {
  fc.assert(
    fc.property(fc.string(), (words) => {
      const budget = parseBudget(words);
      assert.ok('problem' in budget || budget.count > 0);
    }),
  );
});

test('budget: the ladder of the handbook at 1,000 agents of 100 units a day', () => {
  const [alert, posture, freeze, revoke, suspend] = thresholdsOf(DEFAULT_PLAN, LOAD, () => true);
  near(alert?.alpha, 7.14e-4);
  near(alert?.a, 1_400);
  near(posture?.alpha, 1.667e-4);
  near(posture?.a, 6_000);
  near(freeze?.a, 7e5);
  near(revoke?.a, 3e6);
  near(suspend?.a, 9e6);
  assert.deepEqual(
    [freeze, revoke, suspend].map((rung) => rung?.alpha),
    [null, null, null],
  );
});

test('budget: with 2,000 calibration scores both session lanes are closed and give their share', () => {
  const [alert, posture] = thresholdsOf(DEFAULT_PLAN, LOAD, (alpha) => pacCut(2_000, alpha) > 0);
  assert.deepEqual([alert?.alpha, posture?.alpha], [null, null]);
  near(alert?.a, 700);
  near(posture?.a, 3_000);
});

test('budget: a single lane takes the whole budget', () => {
  const budget = parseBudget('1 % of sessions');
  assert.ok(!('problem' in budget));
  const plan = { rung: 'alert', budget, table: 'marginal', sources: 1 } as const;
  const [session] = thresholdsOf([{ ...plan, lanes: 'session' }], LOAD, () => true);
  assert.deepEqual([session?.a, session?.alpha], [null, 0.01]);
  const [accumulator] = thresholdsOf([{ ...plan, lanes: 'accumulator' }], LOAD, () => true);
  assert.deepEqual([accumulator?.a, accumulator?.alpha], [100, null]);
  const [closed] = thresholdsOf([{ ...plan, lanes: 'session' }], LOAD, () => false);
  assert.deepEqual([closed?.a, closed?.alpha, closed?.perUnit], [null, null, 0]);
});

test('budget: lanes and rungs add up to what was declared, and the sum is published', () => {
  for (const open of [true, false]) {
    const thresholds = thresholdsOf(DEFAULT_PLAN, LOAD, () => open);
    const sum = publishedSum(thresholds, LOAD);
    const declared = (1 / 7 + 1 / 30) * 1_000 + 1 / 7 + 1 / 30 + 1 / 90;
    near(sum.perFleetWeek / 7, declared, 1e-9);
    near(sum.perAgentWeek, (declared / 1_000) * 7, 1e-9);
    for (const { a, alpha, perUnit } of thresholds)
      near(perUnit, (a === null ? 0 : 1 / a) + (alpha ?? 0), 1e-9);
  }
});
