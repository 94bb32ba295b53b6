/** Usage: sums by agent, workflow, model and day; taken once. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { EventFact } from '../../../src/model/fact.ts';
import { createKeepNames } from '../../../src/score/objectives/kept-names.ts';
import { Usage } from '../../../src/score/objectives/usage.ts';
import { Slots } from '../../../src/state/slots.ts';
import { eventOf } from '../../correlate/events.ts';
import { known } from '../../correlate/known.ts';

const DAY_MS = 86_400_000;

function fact(ms: number, agent: string): EventFact {
  return {
    ...{ type: 'event', event: eventOf({ kind: 'gateway', ms, body: {} }), session: null },
    ...{ tenant: '-', agent, role: null, argsDigest: null, toolClass: null, granted: null },
    ...{ ours: false, model: null, late: false },
    ...known(),
  };
}

it('adds up by every key, in one order whatever came first, and begins anew when taken', () => {
  const sums = (order: readonly [number, string][]) => {
    const usage = new Usage(createKeepNames(new Slots()));
    for (const [ms, agent] of order) usage.add(fact(ms, agent), 'w', { calls: 1, cost: 0.5 });
    const taken = usage.take();
    assert.deepEqual(usage.take(), []);
    return taken.map(({ agent, dayMs, calls, cost }) => [agent, dayMs, calls, cost]);
  };
  const order: [number, string][] = [
    [1, 'a'],
    [2, 'a'],
    [3, 'b'],
    [DAY_MS + 1, 'a'],
  ];
  const want = [
    ['a', 0, 2, 1],
    ['b', 0, 1, 0.5],
    ['a', DAY_MS, 1, 0.5],
  ];
  assert.deepEqual(sums(order), want);
  assert.deepEqual(sums(order.toReversed()), want);
});
