/** Percentile: linear interpolation between closest ranks, and a sample that follows its window. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CorrelationRule } from '../../../../../src/detect/sigma/correlation/definition.ts';
import {
  percentileOf,
  percentiles,
} from '../../../../../src/detect/sigma/correlation/types/percentile.ts';
import { integer, stream } from '../../../../../src/simulation/random.ts';
import { rulesOf } from '../lane.ts';

const RULE = rulesOf(
  [
    {
      name: 'p',
      correlation: {
        type: 'value_percentile',
        rules: ['a'],
        'group-by': ['g'],
        timespan: '1m',
        condition: { field: 'v', percentile: 75, gte: 1 },
      },
      plumbline: { limits: { group_events: 50 } },
    },
  ],
  { a: 'gateway' },
)[0] as CorrelationRule;

describe('percentile', () => {
  it('is that of Hyndman and Fan, type 7', () => {
    const numbers = [15, 20, 35, 40, 50];
    assert.deepEqual(
      [0, 25, 40, 50, 90, 100].map((one) => percentileOf(numbers, one)),
      [15, 20, 29, 35, 46, 50],
    );
    assert.equal(percentileOf([], 50), null);
    assert.equal(percentileOf([7], 99), 7);
  });

  it('follows its window, restored or not, as sorting anew does', () => {
    const random = stream(1, 'percentile');
    let state = percentiles.create();
    let plain: [ms: number, value: number][] = [];
    for (let ms = 0; ms < 2000; ms += 1) {
      const value = integer(random, -5, 5) / 2;
      const isFull = percentiles.add(state, ms, value, RULE);
      plain.push([ms, value]);
      assert.equal(isFull, plain.length > 50);
      plain = plain.slice(-50);
      if (ms % 7 === 0) {
        percentiles.expire(state, ms - 30);
        plain = plain.filter(([at]) => at > ms - 30);
      }
      if (ms % 11 === 0) {
        const [at, gone] = plain[integer(random, 0, plain.length - 1)] as [number, number];
        percentiles.remove(state, at, gone);
        plain = plain.filter(([one]) => one !== at);
      }
      if (ms % 13 === 0) state = JSON.parse(JSON.stringify(state));
      const sorted = plain.map(([, one]) => one).sort((a, b) => a - b);
      assert.equal(percentiles.figure(state, RULE), percentileOf(sorted, 75));
    }
  });
});
