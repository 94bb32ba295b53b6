/** Disuse: granted tools that an agent at work does not use. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EMPTY_INVENTORY } from '../../../src/baseline/inventory.ts';
import { disuse } from '../../../src/detect/kinds/disuse.ts';
import type { Action } from '../../../src/model/event-action.ts';
import type { Governance } from '../../../src/model/event-governance.ts';
import type { EventFact } from '../../../src/model/fact.ts';
import { Slots } from '../../../src/state/slots.ts';
import { eventOf } from '../../correlate/events.ts';
import { known } from '../../correlate/known.ts';

const DAY_MS = 86_400_000;

/** An agent under governance; `call` answers what a finding names, or null. */
function lab(params: object = {}) {
  const slots = new Slots();
  const evicted: string[] = [];
  const held = new Map<string, number | undefined>();
  const see = disuse.compile(
    { after: '30d', days: 10, ...params },
    {
      stem: 'x',
      scope: 'x',
      slots,
      inventory: EMPTY_INVENTORY,
      evicted: (_subject, detail) => evicted.push(detail),
    },
  );
  const factOf = (day: number, kind: 'gateway' | 'governance', body: object, agent: string) => {
    const { context: ask, ...rest } = known();
    const grants = Object.fromEntries(
      [...held].map(([tool, toMs]) => [
        tool,
        { class: null, tier: null, ...(toMs === undefined ? {} : { toMs }) },
      ]),
    );
    const fact: EventFact = {
      type: 'event',
      event: eventOf({ kind, ms: day * DAY_MS, body }),
      session: null,
      ...{ tenant: '-', agent, role: null, argsDigest: null, toolClass: null, granted: null },
      ...{ ours: false, model: null, late: false },
      ...rest,
      context: () => ({ ...ask(), agent: { ...ask().agent, grants } }),
    };
    return fact;
  };
  const change = (day: number, what: Governance['change'], tools: string[] = [], agent = 'a') => {
    const governance = { change: what, detail: { tools: tools.map((tool) => ({ tool })) } };
    assert.equal(see(factOf(day, 'governance', { governance }, agent)), null);
  };
  const grant = (day: number, tools: string[], toDay?: number, agent = 'a') => {
    for (const tool of tools) held.set(tool, toDay === undefined ? undefined : toDay * DAY_MS);
    change(day, 'tools.granted', tools, agent);
  };
  const revoke = (day: number, tools: string[]) => {
    for (const tool of tools) held.delete(tool);
    change(day, 'tools.revoked', tools);
  };
  const call = (day: number, tool: string, over: Partial<Action> = {}) => {
    const action = { phase: 'result', tool, decision: 'allow', outcome: 'ok', ...over } as Action;
    const finding = see(factOf(day, 'gateway', { action }, 'a'));
    return finding === null
      ? null
      : [...finding.explanation.matchAll(/"([^"]+)"/g)].map(([, n]) => n);
  };
  /** A call a day; days on which something was found, with the names. */
  const work = (from: number, to: number, tool = 'read', every = 1) => {
    const found: (readonly [number, unknown])[] = [];
    for (let day = from; day <= to; day += every) {
      const names = call(day, tool);
      if (names !== null) found.push([day, names]);
    }
    return found;
  };
  return { grant, revoke, change, call, work, slots, evicted };
}

describe('disuse', () => {
  it('names what was not called for so long, once', () => {
    const { grant, work } = lab();
    grant(0, ['read', 'write', 'pay']);
    assert.deepEqual(work(1, 90), [[30, ['write', 'pay']]]);
  });

  it('waits until the agent worked on so many days', () => {
    const { grant, work } = lab();
    grant(0, ['read', 'write']);
    assert.deepEqual(work(5, 90, 'read', 5), [[50, ['write']]]);
  });

  it('begins anew with each use, refused ones too', () => {
    const { grant, work, call } = lab();
    grant(0, ['read', 'write']);
    assert.deepEqual(work(1, 19), []);
    assert.equal(call(19.5, 'write', { decision: 'deny' }), null);
    assert.deepEqual(work(20, 90), [[50, ['write']]]);
    assert.equal(call(90.5, 'write'), null);
    assert.deepEqual(work(91, 150), [[121, ['write']]], 'after a use it may be told again');
  });

  it('does not begin anew because the same grant is said again', () => {
    const { grant, work } = lab();
    grant(0, ['read', 'write']);
    work(1, 20);
    grant(20, ['read', 'write']);
    assert.deepEqual(work(21, 40), [[30, ['write']]]);
  });

  it('leaves out what was taken away, has run out, or is of an agent that retired', () => {
    const taken = lab();
    taken.grant(0, ['read', 'write']);
    taken.revoke(10, ['write']);
    assert.deepEqual(taken.work(11, 90), []);
    const over = lab();
    over.grant(0, ['read']);
    over.grant(0, ['write'], 20);
    assert.deepEqual(over.work(1, 90), []);
    const retired = lab();
    retired.grant(0, ['read', 'write']);
    retired.change(5, 'agent.retired');
    assert.deepEqual(retired.work(6, 90), []);
  });

  it('says nothing of an agent that governance never listed', () => {
    assert.deepEqual(lab().work(1, 90), []);
  });

  it('writes of a busy agent a few times a day at most', () => {
    const { grant, call, slots } = lab();
    grant(0, ['read', 'write']);
    call(5, 'read');
    slots.takeDelta();
    for (let n = 1; n < 1000; n += 1) call(5 + n / 2000, 'read');
    assert.equal(slots.takeDelta(), null);
  });

  it('holds so many tools and agents, and says which it forgets', () => {
    const { grant, slots, evicted } = lab();
    grant(
      0,
      Array.from({ length: 400 }, (_, n) => `t${n}`),
    );
    for (const [, , entity] of slots.all())
      assert.equal((entity as unknown as { tools: unknown[] }).tools.length, 256);
    for (let n = 0; n < 100_003; n += 1) grant(1, [], undefined, `a${n}`);
    assert.equal(evicted.length, 4);
    assert.equal([...slots.all()].length, 100_000);
  });
});
