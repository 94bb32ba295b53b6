/** Collecting: what a unit holds, and where it ends. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createCollector } from '../../src/baseline/collect.ts';
import { EMPTY_INVENTORY } from '../../src/baseline/inventory.ts';
import type { EventFact } from '../../src/model/fact.ts';
import type { UnitRecord } from '../../src/model/unit.ts';
import { called, factOf, governed, sessionView } from './facts.ts';

const MINUTE_MS = 60_000;

function collected(
  facts: readonly EventFact[],
  bounds: { maxUnits?: number; maxItems?: number } = {},
) {
  const collector = createCollector({ inventory: EMPTY_INVENTORY, ...bounds });
  for (const fact of facts) collector.see(fact);
  return { units: collector.finish(), dropped: collector.dropped };
}

const toolsOf = ({ items }: UnitRecord) =>
  items.flatMap((item) => (item.type === 'call' ? [item.tool] : []));

describe('collecting', () => {
  it('keeps what governance, the model, the gateway and metrics say of a session', () => {
    const { units } = collected([
      governed(0, 'session.opened', { mandate: 'file it', taskType: 'filing' }),
      governed(1, 'plan.declared', { tools: [{ tool: 'find_note' }] }),
      factOf(2, {
        kind: 'reasoning',
        reasoning: { text: 'first find', intents: [{ tool: 'find_note' }], claims: [] },
      }),
      called(3, 'find_note'),
      factOf(4, {
        kind: 'metrics',
        metric: { name: 'tokens', type: 'gauge', temporality: 'none', value: 12 },
      }),
    ]);
    const [unit] = units;
    assert.ok(unit !== undefined && units.length === 1);
    const { mandate, taskType, role, model } = unit.head;
    assert.deepEqual([mandate, taskType, role, model], ['file it', 'filing', 'scribe', 'm-1']);
    assert.deepEqual(
      unit.items.map(({ type }) => type),
      ['change', 'change', 'say', 'call', 'metric'],
    );
    assert.deepEqual(unit.items[1], {
      ...{ type: 'change', ms: 1, change: 'plan.declared', tools: ['find_note'] },
    });
    const call = unit.items[3];
    assert.ok(call?.type === 'call');
    assert.deepEqual([call.toolClass, call.granted, call.ours], ['read', true, false]);
    assert.equal(call.result, null);
  });

  it('leaves out sessions without a call', () => {
    assert.deepEqual(collected([governed(0, 'session.opened')]).units, []);
  });

  it('ends a unit at the close and its grace, at idleness, at age and after twenty actions', () => {
    const closed = [called(0, 'a'), governed(10, 'session.closed'), called(12_010, 'b')];
    assert.deepEqual(collected(closed).units.map(toolsOf), [['a', 'b']]);
    const after = [...closed, called(12_011, 'c')];
    assert.deepEqual(collected(after).units.map(toolsOf), [['a', 'b'], ['c']]);
    const idle = [called(0, 'a'), called(30 * MINUTE_MS, 'b'), called(60 * MINUTE_MS + 1, 'c')];
    assert.deepEqual(collected(idle).units.map(toolsOf), [['a', 'b'], ['c']]);
    const long = Array.from({ length: 45 }, (_, n) => called(n, `t${n}`));
    assert.deepEqual(
      collected(long).units.map((unit) => toolsOf(unit).length),
      [20, 20, 5],
    );
  });

  it('gives the agent’s own changes to the sessions it has open', () => {
    const grant = governed(
      5,
      'tools.granted',
      { tools: [{ tool: 'x', class: 'spend' }] },
      {
        session: null,
      },
    );
    const [unit] = collected([called(0, 'a'), grant]).units;
    assert.deepEqual(
      unit?.items.map(({ type }) => type),
      ['call', 'change'],
    );
    assert.equal(unit?.grants?.['x'], 'spend');
  });

  it('counts what it leaves out', () => {
    const facts = [0, 1, 2].map((n) =>
      called(n, 'a', { session: sessionView({ id: `s-${n}` }), late: n === 2 }),
    );
    assert.deepEqual(collected(facts, { maxUnits: 2 }).dropped, { units: 1, items: 0, late: 1 });
    const many = Array.from({ length: 9 }, (_, n) => called(n, 'a'));
    assert.deepEqual(collected(many, { maxItems: 5 }).dropped, { units: 0, items: 4, late: 0 });
  });
});
