/** Rate: a sliding window of event time, one finding an episode. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EMPTY_INVENTORY } from '../../../src/baseline/inventory.ts';
import { rate } from '../../../src/detect/kinds/rate.ts';
import type { EventFact } from '../../../src/model/fact.ts';
import { Slots } from '../../../src/state/slots.ts';
import { eventOf } from '../../correlate/events.ts';
import { known } from '../../correlate/known.ts';

const PARAMS = { kind: 'metrics', by: ['agent.id'], atLeast: 3, within: '10s' };

/** A counter of metrics by agent `a`; answers whether a value at a time fires. */
function lab(params: object = {}, ours = false, evicted: string[] = []) {
  const see = rate.compile(
    { ...PARAMS, ...params },
    {
      stem: 'x',
      scope: 'x',
      slots: new Slots(),
      inventory: EMPTY_INVENTORY,
      evicted: (_subject, detail) => evicted.push(detail),
    },
  );
  return (seconds: number, value = 1, agent = 'a', tenant = '-', name = 'm') => {
    const metric = { name, type: 'gauge', temporality: 'none', value } as const;
    const fact: EventFact = {
      type: 'event',
      event: eventOf({ kind: 'metrics', ms: seconds * 1000, body: { metric } }),
      session: null,
      tenant,
      agent,
      role: null,
      argsDigest: null,
      toolClass: null,
      granted: null,
      ours,
      model: null,
      late: false,
      ...known(),
    };
    return see(fact) !== null;
  };
}

describe('rate', () => {
  it('fires when the window holds enough, and its start is open', () => {
    const at = lab();
    assert.deepEqual([at(0), at(5), at(10)], [false, false, false]);
    assert.equal(at(14.9), true);
  });

  it('fires once an episode, and again after the next', () => {
    const at = lab();
    assert.deepEqual([at(0), at(1), at(2), at(3), at(4)], [false, false, true, false, false]);
    assert.deepEqual([at(60), at(61), at(62)], [false, false, true]);
  });

  it('ends an episode while nothing comes', () => {
    const at = lab({ atLeast: 100, sum: 'metric.value' });
    assert.equal(at(0, 150), true);
    assert.equal(at(1, 150), false);
    assert.equal(at(60, 150), true);
  });

  it('adds up numbers, and leaves out what is none', () => {
    const at = lab({ atLeast: 10, sum: 'metric.value' });
    assert.deepEqual(
      [at(0, 4), at(1, Number.NaN), at(2, 5), at(3, 1)],
      [false, false, false, true],
    );
    const nowhere = lab({ sum: 'metric.nothing' });
    assert.deepEqual([nowhere(0), nowhere(1), nowhere(2)], [false, false, false]);
  });

  it('counts groups and tenants apart', () => {
    const at = lab();
    assert.deepEqual(
      [at(0), at(1, 1, 'b'), at(2, 1, 'a', 't'), at(3)],
      [false, false, false, false],
    );
    assert.equal(at(4), true);
  });

  it('puts late events where they belong, and ignores those the window has left', () => {
    const at = lab();
    assert.deepEqual([at(20), at(12), at(5), at(10)], [false, false, false, false]);
    assert.equal(at(11), true);
  });

  it('counts only what fits the rule', () => {
    const fits = lab({ where: { 'metric.name': 'm' } });
    assert.deepEqual([fits(0), fits(1), fits(2)], [false, false, true]);
    const other = lab({ where: { 'metric.name': 'n' } });
    assert.deepEqual([other(0), other(1), other(2)], [false, false, false]);
    const category = lab({ category: 'usage' });
    assert.deepEqual([category(0), category(1), category(2)], [false, false, false]);
  });

  it('does not count what our own lease refused', () => {
    const blindToIt = lab({}, true);
    assert.deepEqual([blindToIt(0), blindToIt(1), blindToIt(2)], [false, false, false]);
  });

  it('folds nobody unnamed into one group', () => {
    const at = lab({ by: ['principal.sub'] });
    assert.deepEqual([at(0), at(1), at(2)], [false, false, false]);
  });

  it('lets a flood of groups by one agent push out nothing but its own, and says so', () => {
    const evicted: string[] = [];
    const at = lab({ by: ['metric.name'], within: '1h' }, false, evicted);
    assert.deepEqual([at(0, 1, 'slow', '-', 'x'), at(10, 1, 'slow', '-', 'x')], [false, false]);
    for (let n = 0; n < 5000; n += 1) at(11, 1, 'noisy', '-', `n${n}`);
    assert.equal(evicted.length, 4000);
    assert.equal(evicted[0], 'group evicted at 1 events: too many of one agent');
    assert.equal(at(3000, 1, 'slow', '-', 'x'), true);
  });

  it('keeps what is on its way where groups of many agents are too many', () => {
    const evicted: string[] = [];
    const at = lab({ by: ['metric.name'], within: '1h' }, false, evicted);
    assert.deepEqual([at(0, 1, 'slow', '-', 'x'), at(10, 1, 'slow', '-', 'x')], [false, false]);
    for (let n = 0; n < 101_000; n += 1) at(11, 1, `a${n % 300}`, '-', `n${n}`);
    assert.equal(evicted.length, 1001);
    assert.equal(at(3000, 1, 'slow', '-', 'x'), true);
  });
});
