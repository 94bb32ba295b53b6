/** rate: speed by exposure, proportions of calls, bounded influence. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Dimension } from '../../../src/baseline/dimension.ts';
import { DIMENSIONS } from '../../../src/baseline/dimensions.ts';
import type { CallItem } from '../../../src/model/unit.ts';
import { callOf, unitOf } from '../../conformance/units.ts';
import { DAY_MS, scoreOf, sessions } from './score.ts';

function dimension(name: string): Dimension {
  const found = DIMENSIONS.find((each) => each.name === name);
  assert.ok(found !== undefined, `${name} is no dimension`);
  return found;
}

const BASE = 20_003 * DAY_MS;
/** So many calls, one every so many seconds; `over` says what differs in the n-th. */
const calls = (
  count: number,
  seconds: number,
  over: (n: number) => Partial<CallItem> = () => ({}),
  ms = BASE,
): CallItem[] =>
  Array.from({ length: count }, (_, n) =>
    callOf({ tool: `t${n % 3}`, ms: ms + n * seconds * 1_000, ...over(n) }),
  );

const failsEvery =
  (n: number) =>
  (at: number): Partial<CallItem> =>
    at % n === n - 1 ? { outcome: 'error' } : {};
const UNITS = sessions(100, (ms) => calls(10, 6, failsEvery(10), ms));
const score = (name: string, items: readonly CallItem[]) => {
  const own = dimension(name);
  return scoreOf(own, [own.learn(UNITS)], unitOf(items)).score;
};

describe('rate', () => {
  it('compares speed, not length: a part of a session is like the whole', () => {
    const part = score('rate.calls', calls(4, 6)) ?? 9;
    const whole = score('rate.calls', calls(40, 6)) ?? 9;
    assert.ok(part < 0.7 && whole < 0.7, `${part}, ${whole}`);
    assert.ok((score('rate.calls', calls(40, 1)) ?? 0) > 10);
  });

  it('takes calls of one instant for a second, and abstains on one call', () => {
    assert.ok((score('rate.calls', calls(5, 0)) ?? 0) > 2);
    assert.equal(score('rate.calls', calls(1, 0)), null);
  });

  it('judges errors in proportion to calls', () => {
    const usual = score('rate.errors', calls(50, 6, failsEvery(10))) ?? 9;
    const many = score('rate.errors', calls(10, 6, failsEvery(2))) ?? 0;
    assert.ok(usual < 0.5 && many > 2, `${usual}, ${many}`);
  });

  it('tells refusals from errors', () => {
    const denied = calls(8, 6, () => ({ decision: 'deny', outcome: 'error' }));
    assert.ok((score('rate.refusals', denied) ?? 0) > 5);
    assert.equal(score('rate.errors', denied), 0);
  });

  it('sees the same tool called again and again', () => {
    const loop = calls(12, 6, () => ({ tool: 'again' }));
    assert.ok((score('rate.repeats', loop) ?? 0) > 5);
    assert.equal(score('rate.repeats', calls(12, 6)), 0);
  });

  it('does not learn a habit of errors from one session', () => {
    const own = dimension('rate.errors');
    const loud = unitOf(
      calls(900, 1, () => ({ outcome: 'error' })),
      555,
    );
    const errors = own.symbols(own.learn([...UNITS, loud])).get('errors') ?? 0;
    assert.ok(errors <= 100 + 100, `${errors}`);
  });

  it('learns an agent from its role, where the agent did little', () => {
    const own = dimension('rate.errors');
    const few = own.learn(UNITS.slice(0, 1).map(({ items }) => unitOf(items.slice(0, 2), 1)));
    const items = calls(10, 6, failsEvery(2));
    const [role, agent] = [[own.learn(UNITS)], [few, own.learn(UNITS)]].map(
      (levels) => scoreOf(own, levels, unitOf(items)).score ?? 0,
    );
    assert.ok((agent ?? 0) > 1 && (agent ?? 0) < (role ?? 0));
  });

  it('says what was counted in what, and what is usual', () => {
    const own = dimension('rate.errors');
    const unit = unitOf(calls(10, 6, failsEvery(2)));
    const { sentence } = scoreOf(own, [own.learn(UNITS)], unit);
    assert.match(sentence, /^5 errors in 10 calls, usual 1 \(role 100 in 1,000\)/);
  });
});
