/** Sum: what comes and goes leaves nothing behind, however large it was. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CorrelationRule } from '../../../../../src/detect/sigma/correlation/definition.ts';
import { type Sum, sums, totalOf } from '../../../../../src/detect/sigma/correlation/types/sum.ts';
import { between, chance, stream } from '../../../../../src/simulation/random.ts';
import { rulesOf } from '../lane.ts';

const RULE = rulesOf(
  [
    {
      name: 's',
      correlation: {
        type: 'value_sum',
        rules: ['a'],
        'group-by': ['g'],
        timespan: '1m',
        condition: { field: 'v', gte: 1 },
      },
    },
  ],
  { a: 'gateway' },
)[0] as CorrelationRule;

describe('sum', () => {
  it('is that of the window after 20,000 numbers of all sizes', () => {
    const random = stream(2, 'sum');
    const state = sums.create() as Sum;
    const window: number[] = [];
    for (let ms = 0; ms < 20_000; ms += 1) {
      const value = chance(random, 0.01) ? 1e15 : Math.round(between(random, -1000, 1000)) / 8;
      sums.add(state, ms, value, RULE);
      sums.expire(state, ms - 100);
      window.push(value);
      if (window.length > 100) window.shift();
    }
    const large = window.filter((one) => one === 1e15).length;
    const small = window.filter((one) => one !== 1e15).reduce((a, b) => a + b, 0);
    assert.ok(Math.abs((totalOf(state) ?? 0) - large * 1e15 - small) < 1, `${totalOf(state)}`);
    sums.expire(state, 20_000);
    assert.equal(totalOf(state), 0);
  });

  it('is none while it is too large for a number, and recovers once what was is gone', () => {
    let state = sums.create() as Sum;
    const add = (ms: number, value: number) => sums.add(state, ms, value, RULE);
    add(0, 5);
    add(1, -1e308);
    add(2, -1e308);
    assert.equal(totalOf(state), null);
    // A crash in between changes nothing: JSON knows no infinity.
    state = JSON.parse(JSON.stringify(state)) as Sum;
    add(3, 7);
    assert.equal(totalOf(state), null);
    sums.expire(state, 0);
    assert.equal(totalOf(state), null);
    sums.expire(state, 2);
    assert.equal(totalOf(state), 7);
    add(4, 1);
    assert.equal(totalOf(state), 8);
  });

  it('lets the oldest go beyond the bound, and says so', () => {
    const state = sums.create() as Sum;
    for (let ms = 0; ms < 4096; ms += 1) assert.equal(sums.add(state, ms, 1, RULE), false);
    assert.equal(sums.add(state, 4096, 1, RULE), true);
    assert.equal(sums.count(state), 4096);
    assert.equal(totalOf(state), 4096);
  });
});
