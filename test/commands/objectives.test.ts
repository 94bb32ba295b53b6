/** `objectives`: where a promise stands, over all tenants and not a word where nothing was counted. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { standOf } from '../../src/commands/objectives.ts';
import type { Objective } from '../../src/model/objective.ts';

const DAY_MS = 86_400_000;
const PROMISE: Objective = {
  name: 'calls-succeed',
  title: 'calls of clerks succeed',
  scope: { role: 'clerk' },
  indicator: { of: 'calls' },
  target: 0.99,
  windowMs: 28 * DAY_MS,
  leastBad: 5,
};
const sum = (objective: string, tenant: string, good: number, bad: number) => ({
  ...{ objective, tenant, good, bad },
});

describe('objectives', () => {
  it('adds up the tenants of one objective and nobody else', () => {
    const sums = [
      sum('calls-succeed', 'a', 600, 1),
      sum('calls-succeed', 'b', 395, 4),
      sum('other', 'a', 0, 1000),
    ];
    const stand = standOf(PROMISE, sums, [sum('calls-succeed', 'b', 90, 10)]);
    assert.deepEqual([stand.good, stand.bad, stand.windowDays], [995, 5, 28]);
    // 0.5 % bad of 1 % allowed: half the budget; on the last day ten times faster than allowed.
    assert.equal(Math.round(100 * (stand.budgetLeft ?? Number.NaN)), 50);
    assert.equal(Math.round(stand.burnDay), 10);
  });

  it('says that a budget is overspent, and by how much', () => {
    const stand = standOf(PROMISE, [sum('calls-succeed', 'a', 970, 30)], []);
    assert.equal(Math.round(100 * (stand.budgetLeft ?? Number.NaN)), -200);
    assert.equal(stand.burnDay, 0);
  });

  it('claims no budget where nothing was counted', () => {
    const stand = standOf(PROMISE, [sum('other', 'a', 5, 5)], []);
    assert.deepEqual([stand.good, stand.bad, stand.budgetLeft], [0, 0, null]);
  });
});
