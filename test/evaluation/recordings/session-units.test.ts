/** Session units: order, heads, grants and metrics, whatever order the records come in. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unitsOf } from '../../../src/evaluation/recordings/session-units.ts';
import type { Event, WireEvent } from '../../../src/model/event.ts';
import type { Governance } from '../../../src/model/event-governance.ts';
import { shuffled, stream } from '../../../src/simulation/random.ts';

function event(ms: number, more: Partial<WireEvent>): Event {
  return {
    ...{ kind: 'gateway', category: 'x', agent: { id: 'a', basis: 'key' }, session: { id: 's' } },
    ...more,
    src: {
      ...{ topic: 't', partition: 0, offset: ms, index: 0, name: 't', format: 'canonical' },
      trust: 'platform',
    },
    time: { eventMs: ms, nsInMs: 0, observedMs: ms, clamped: false },
    ...{ nativeId: `n${ms}`, contentHash: ms },
  };
}

const agent = { id: 'a', basis: 'registry' };
const outside = (ms: number, governance: Governance): Event => {
  const { session: _session, ...rest } = event(ms, { kind: 'governance', governance });
  return rest;
};
const gateway = (ms: number, seq: number, tool: string): Event =>
  event(ms, {
    order: { seq, of: 'session' },
    action: { phase: 'result', tool, decision: 'allow', outcome: 'ok', args: { q: seq } },
  });

const EVENTS: readonly Event[] = [
  outside(1, { change: 'agent.registered', detail: { role: 'r', model: 'm' } }),
  outside(2, { change: 'tools.granted', detail: { tools: [{ tool: 'send', class: 'write' }] } }),
  event(10, {
    ...{ kind: 'governance', agent },
    governance: { change: 'session.opened', detail: { mandate: 'mail it' } },
  }),
  event(11, {
    ...{ kind: 'reasoning', order: { seq: 0, of: 'session' } },
    reasoning: { intents: [{ tool: 'send' }], claims: [], text: 'now' },
  }),
  gateway(12, 1, 'send'),
  // The counter says that this came first, whatever the time says.
  gateway(14, 3, 'other'),
  gateway(15, 2, 'send'),
  event(20, {
    kind: 'metrics',
    metric: { name: 'tokens', type: 'counter', temporality: 'delta', value: 7 },
  }),
];

test('one session, its items in the producer’s order, opening first, metrics last', () => {
  const [unit, ...more] = unitsOf(EVENTS);
  assert.equal(more.length, 0);
  assert.deepEqual(
    [unit?.head.role, unit?.head.model, unit?.head.mandate, unit?.lastMs],
    ['r', 'm', 'mail it', 20],
  );
  assert.deepEqual(unit?.grants, { send: 'write' });
  assert.deepEqual(
    unit?.items.map((item) => ('tool' in item ? `${item.tool} ${item.toolClass}` : item.type)),
    ['change', 'say', 'send write', 'send write', 'other null', 'metric'],
  );
});

test('the order of arrival does not matter', () => {
  const whole = unitsOf(EVENTS);
  for (let seed = 0; seed < 20; seed += 1)
    assert.deepEqual(unitsOf(shuffled(stream(seed, 'order'), EVENTS)), whole);
});
