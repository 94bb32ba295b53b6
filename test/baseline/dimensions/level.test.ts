/** level: too much, odd within the range, the better of two metrics, hours. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { levelOf } from '../../../src/baseline/dimensions/level.ts';
import type { UnitItem } from '../../../src/model/unit.ts';
import { normal, stream } from '../../../src/simulation/random.ts';
import { unitOf } from '../../conformance/units.ts';
import { DAY_MS, scoreOf, sessions } from './score.ts';

const tokens = levelOf({ name: 'level.tokens', metrics: ['total', 'part'], sides: 'upper' });
const latency = levelOf({ name: 'level.latency', metrics: ['total'], sides: 'both' });
const metric = (name: string, value: number, ms = 20_003 * DAY_MS): UnitItem => ({
  type: 'metric',
  ms,
  name,
  value,
});

const random = stream(4, 'level');
/** Two clusters, around 1,000 and 9,000, and nothing between. */
const UNITS = sessions(400, (ms, n) => [
  metric('total', Math.exp(normal(random, Math.log(n % 2 === 0 ? 1_000 : 9_000), 0.05)), ms),
]);
const COUNTS = tokens.learn(UNITS);
const score = (...items: UnitItem[]) => scoreOf(tokens, [COUNTS], unitOf(items)).score;
const at = (value: number) => score(metric('total', value)) ?? Number.NaN;

describe('level', () => {
  it('rises with what is above the range', () => {
    assert.ok(at(20_000) > at(9_000) && at(200_000) > at(20_000));
  });

  it('finds a total strange that lies between the clusters', () => {
    assert.ok(at(3_000) > at(1_000) + 3 && at(3_000) > at(9_000) + 3);
  });

  it('does not mind less than usual where only more is a concern', () => {
    const both = scoreOf(latency, [latency.learn(UNITS)], unitOf([metric('total', 1)])).score ?? 0;
    assert.ok(both > at(1));
  });

  it('adds up the best metric a unit has, and no other', () => {
    const whole = score(metric('total', 400), metric('part', 1e9), metric('total', 600));
    assert.equal(whole, at(1_000));
    assert.equal(score(metric('part', 1e9), metric('total', 1_000)), at(1_000));
    assert.equal(score(metric('other', 5)), null);
  });

  it('leaves broken figures out', () => {
    const broken = [Number.NaN, -5, Number.POSITIVE_INFINITY].map((value) =>
      metric('total', value),
    );
    assert.equal(score(...broken), null);
    assert.equal(score(...broken, metric('total', 1_000)), at(1_000));
  });

  it('abstains without a baseline', () => {
    const bare = tokens.learn([]);
    assert.equal(scoreOf(tokens, [bare], unitOf([metric('total', 9)])).score, null);
    assert.ok(scoreOf(tokens, [bare, COUNTS], unitOf([metric('total', 9e5)])).score !== null);
  });

  it('keeps at most 2,048 values, none of the outermost 1 %', () => {
    const many = sessions(4_000, (ms, n) => [metric('total', n, ms)]);
    const { values } = tokens.learn(many) as unknown as { values: number[] };
    assert.equal(values.length, 2_048);
    assert.ok((values[0] ?? 0) > Math.log1p(30) && (values.at(-1) ?? 0) < Math.log1p(3_970));
  });

  it('says total, median and deviations', () => {
    const { sentence } = scoreOf(tokens, [COUNTS], unitOf([metric('total', 50_000)]));
    assert.match(
      sentence,
      /^total 50,000, median at this hour .* robust deviations \(units: role 400\)/,
    );
  });
});
