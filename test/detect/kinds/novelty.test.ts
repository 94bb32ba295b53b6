/** Novelty: first use of a tool by an agent that hardly ever does anything new. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EMPTY_INVENTORY } from '../../../src/baseline/inventory.ts';
import { novelty } from '../../../src/detect/kinds/novelty.ts';
import type { Action } from '../../../src/model/event-action.ts';
import type { EventFact } from '../../../src/model/fact.ts';
import { Slots } from '../../../src/state/slots.ts';
import { eventOf } from '../../correlate/events.ts';
import { known } from '../../correlate/known.ts';

interface Call {
  readonly tool: string;
  readonly agent?: string;
  readonly role?: string | null;
  readonly tenant?: string;
  readonly action?: Partial<Action>;
}

/** Makes calls; answers whether one fires. */
function lab(params: object = {}) {
  const slots = new Slots();
  const evicted: string[] = [];
  let ms = 0;
  const see = novelty.compile(
    { onceIn: 10, peers: 2, ...params },
    {
      stem: 'x',
      scope: 'x',
      slots,
      inventory: EMPTY_INVENTORY,
      evicted: (_subject, detail) => evicted.push(detail),
    },
  );
  const call = ({ tool, agent = 'a', role = 'clerk', tenant = '-', action = {} }: Call) => {
    ms += 1000;
    const body = {
      action: { phase: 'result', tool, decision: 'allow', outcome: 'ok', ...action } as Action,
    };
    const fact: EventFact = {
      type: 'event',
      event: eventOf({ kind: 'gateway', ms, body }),
      session: null,
      ...{ tenant, agent, role },
      ...{ argsDigest: null, toolClass: null, granted: null, ours: false, model: null },
      late: false,
      ...known(),
    };
    return see(fact) !== null;
  };
  const often = (times: number, one: Call) => {
    for (let n = 0; n < times; n += 1) assert.equal(call(one), false);
  };
  return { call, often, slots, evicted };
}

describe('novelty', () => {
  it('fires once something new is rarer than once in so many calls', () => {
    // One tool and N calls: once in N + 1.
    for (const [calls, fires] of [
      [9, false],
      [10, true],
    ] as const) {
      const { call, often } = lab();
      often(calls, { tool: 'read' });
      assert.equal(call({ tool: 'erase' }), fires, `${calls} calls`);
    }
  });

  it('asks more calls of an agent that uses more tools', () => {
    const { call, often } = lab();
    often(1, { tool: 'read' });
    often(18, { tool: 'write' });
    assert.equal(call({ tool: 'erase' }), true, '20 of 2 tools are more than 10 each');
    const other = lab();
    other.often(1, { tool: 'read' });
    other.often(16, { tool: 'write' });
    assert.equal(other.call({ tool: 'erase' }), false);
  });

  it('says it of the first use only', () => {
    const { call, often } = lab();
    often(40, { tool: 'read' });
    assert.equal(call({ tool: 'erase' }), true);
    assert.equal(call({ tool: 'erase' }), false);
  });

  it('is silent where enough others of the role use the tool', () => {
    const { call, often } = lab();
    often(40, { tool: 'read' });
    often(1, { tool: 'erase', agent: 'b' });
    often(1, { tool: 'erase', agent: 'c' });
    assert.equal(call({ tool: 'erase' }), false);
  });

  it('counts neither one peer twice, nor other roles and tenants', () => {
    const { call, often } = lab();
    often(40, { tool: 'read' });
    often(2, { tool: 'erase', agent: 'b' });
    often(1, { tool: 'erase', agent: 'c', role: 'cook' });
    often(1, { tool: 'erase', agent: 'd', tenant: 'else' });
    often(1, { tool: 'erase', agent: 'e', role: null });
    assert.equal(call({ tool: 'erase' }), true);
  });

  it('looks at what was executed, and learns from nothing else', () => {
    const { call, often } = lab();
    often(40, { tool: 'read', action: { outcome: 'error' } });
    assert.equal(call({ tool: 'erase' }), false, 'forty failures teach nothing');
    often(40, { tool: 'erase' });
    assert.equal(call({ tool: 'wipe', action: { decision: 'deny' } }), false);
    assert.equal(call({ tool: 'wipe' }), true, 'the refused one was no use of it');
  });

  it('stops writing of an agent that is settled', () => {
    const { often, slots } = lab();
    often(40, { tool: 'read' });
    assert.notEqual(slots.takeDelta(), null);
    often(1000, { tool: 'read' });
    assert.equal(slots.takeDelta(), null);
  });

  it('says nothing of an agent that uses more tools than are kept', () => {
    const { call, often, slots } = lab({ onceIn: 2 });
    for (let n = 0; n < 300; n += 1) {
      call({ tool: `t${n}` });
      often(3, { tool: 't0' });
    }
    assert.equal(call({ tool: 'erase' }), false);
    for (const [, , entity] of slots.all())
      assert.ok((entity as unknown as { tools: unknown[] }).tools.length <= 128);
  });

  it('forgets the agent with the least to tell, and says so', () => {
    const { often, slots, evicted } = lab();
    often(5, { tool: 'read', agent: 'old' });
    for (let n = 0; n < 100_010; n += 1) often(1, { tool: 'read', agent: `a${n}` });
    assert.equal(evicted.length, 12);
    let held = 0;
    let isOldHeld = false;
    for (const [, key] of slots.all()) {
      held += 1;
      if (key.endsWith(' old')) isOldHeld = true;
    }
    assert.equal(held, 100_000);
    assert.equal(isOldHeld, true);
  });
});
