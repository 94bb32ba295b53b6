/** Which governance events open which windows, and whose word is not enough. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Permission, windowFor } from '../../src/baseline/governance-window.ts';
import type { Event } from '../../src/model/event.ts';
import type { Governance } from '../../src/model/event-governance.ts';

const event = (governance: Partial<Governance>, more: Partial<Event> = {}): Event => ({
  kind: 'governance',
  category: 'change',
  nativeId: 'e1',
  contentHash: 1,
  agent: { id: 'a1' },
  src: {
    ...{ topic: 'governance', partition: 0, offset: 0, index: 0 },
    ...{ name: 'governance', format: 'canonical', trust: 'platform' },
  },
  time: { eventMs: 5000, nsInMs: 0, observedMs: 5000, clamped: false },
  governance: { change: 'model.changed', actor: 'gina', ...governance },
  ...more,
});
const opens = (permission: Permission) => {
  assert.equal(permission.type, 'opens', JSON.stringify(permission));
  assert.ok(permission.type === 'opens');
  return permission.window;
};
const refused = (permission: Permission): string => {
  assert.ok(permission.type === 'refused', JSON.stringify(permission));
  return permission.reason;
};

describe('windowFor', () => {
  it('opens what each change can move, and nothing else', () => {
    const model = opens(windowFor(event({})));
    assert.deepEqual(model.dimensions, ['intent-gap', 'level.*', 'sequence', 'text-drift']);
    assert.deepEqual(model.scope, { level: 'agent', subject: 'a1' });
    assert.deepEqual([model.opensMs, model.beneficiary, model.openedBy], [5000, 'a1', 'gina']);
    const prompt = opens(windowFor(event({ change: 'prompt.changed' })));
    assert.deepEqual(prompt.dimensions, ['intent-gap', 'mix', 'text-drift']);
    assert.deepEqual(opens(windowFor(event({ change: 'role.changed' }))).dimensions, ['*']);
    const detail = { tools: [{ tool: 'pay' }, { tool: 'ask' }] };
    const granted = opens(windowFor(event({ change: 'tools.granted', detail })));
    assert.deepEqual([granted.dimensions, granted.tools], [['*'], ['ask', 'pay']]);
    const target = { type: 'tool', id: 'pay' };
    assert.deepEqual(opens(windowFor(event({ change: 'tool.added', target }))).tools, ['pay']);
    for (const change of ['session.opened', 'approval.granted', 'tools.revoked', 'window.opened'])
      assert.equal(windowFor(event({ change: change as 'session.opened' })).type, 'none', change);
    assert.equal(windowFor(event({ change: 'tools.granted' })).type, 'none');
  });

  it('is about a role or the fleet where no agent is named', () => {
    const about = (type: string, id: string): Event => {
      const { agent: _, ...rest } = event({ target: { type, id } });
      return rest;
    };
    assert.deepEqual(opens(windowFor(about('role', 'triage'))).scope, {
      level: 'role',
      subject: 'triage',
    });
    assert.equal(opens(windowFor(about('fleet', 'all'))).scope.subject, '*');
    assert.equal(windowFor(about('model', 'm')).type, 'none');
  });

  it('is the same window each time the same event is read', () => {
    assert.equal(opens(windowFor(event({}))).id, opens(windowFor(event({}))).id);
    const other = { ...event({}), nativeId: 'e2' };
    assert.notEqual(opens(windowFor(event({}))).id, opens(windowFor(other)).id);
  });

  it('counts no signature of the agent, of what it acts for, or of nobody', () => {
    assert.match(refused(windowFor(event({ actor: 'A1' }))), /would benefit/);
    const principal = { sub: 'user-7' } as NonNullable<Event['principal']>;
    assert.match(refused(windowFor(event({ actor: 'user-7' }, { principal }))), /would benefit/);
    assert.match(refused(windowFor(event({ actor: ' ' }))), /nobody signed/);
    const second = event({ actor: 'a1', approval: { by: ['a1', 'zoe'] } });
    assert.equal(opens(windowFor(second)).openedBy, 'zoe');
    assert.match(refused(windowFor(event({}), { signers: ['zoe'] })), /list of signers/);
    assert.equal(opens(windowFor(second, { signers: ['Zoe'] })).openedBy, 'zoe');
  });

  it('cannot be had from a source that is not trusted for it', () => {
    for (const trust of ['agent', 'runtime', 'gateway'] as const) {
      const { src } = event({});
      const claimed = event({}, { src: { ...src, trust } });
      assert.match(refused(windowFor(claimed)), /needs policy or platform/);
    }
    const reasoning = { ...event({}), kind: 'reasoning' as const };
    assert.equal(windowFor(reasoning).type, 'none');
  });
});
