/** Context: what rules may ask of the ledger when an event is folded. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createCorrelate } from '../../src/correlate/correlate.ts';
import type { Event, Trust } from '../../src/model/event.ts';
import type { Action } from '../../src/model/event-action.ts';
import type { EventContext } from '../../src/model/event-context.ts';
import type { Governance, GrantedTool } from '../../src/model/event-governance.ts';
import type { EventFact } from '../../src/model/fact.ts';
import { Slots } from '../../src/state/slots.ts';
import { laneOptions } from '../sim/lane-options.ts';
import { eventOf } from './events.ts';

/** A lane that answers each folded event with its fact; times in seconds. */
function lab() {
  let last: EventFact | undefined;
  const { correlate: options } = laneOptions();
  const correlate = createCorrelate(
    new Slots(),
    options,
    (fact) => {
      if (fact.type === 'event') last = fact;
    },
    () => undefined,
  );
  let count = 0;
  const fold = (
    seconds: number,
    body: Partial<Event> & Pick<Event, 'kind'>,
    trust: Trust = body.kind === 'governance' ? 'policy' : 'gateway',
  ): EventFact => {
    count += 1;
    const ms = 1_800_000_000_000 + seconds * 1000;
    const event = eventOf({ kind: body.kind, ms, id: `id/${count}`, content: count, body });
    correlate.passTime(ms - 1);
    correlate.fold({ ...event, src: { ...event.src, trust } }, false);
    assert.ok(last !== undefined);
    return last;
  };
  const govern = (
    seconds: number,
    change: Governance['change'],
    more: Partial<Governance> = {},
    over: Partial<Event> = {},
  ) =>
    fold(seconds, {
      kind: 'governance',
      category: 'x',
      governance: { change, ...more },
      ...over,
    });
  const call = (seconds: number, tool: string, more: Partial<Action> = {}, session = 's') =>
    fold(seconds, {
      kind: 'gateway',
      category: 'tool_call',
      session: { id: session },
      action: { phase: 'result', tool, args: { id: 1 }, decision: 'allow', outcome: 'ok', ...more },
    });
  return { fold, govern, call };
}

const at = (seconds: number) => 1_800_000_000_000 + seconds * 1000;
const callOf = (fact: EventFact): NonNullable<EventContext['call']> => {
  const { call } = fact.context();
  assert.ok(call !== null);
  return call;
};
const granted = (tools: readonly GrantedTool[]) => ({ detail: { tools: [...tools] } });

describe('the context of an event', () => {
  it('knows root, depth and fan-out of the delegation tree', () => {
    const { govern, call } = lab();
    const open = (seconds: number, id: string, parent?: string) =>
      govern(seconds, 'session.opened', parent === undefined ? {} : { detail: { parent } }, {
        session: { id },
      });
    open(0, 'root');
    open(1, 'child', 'root');
    open(2, 'grandchild', 'child');
    open(3, 'sister', 'root');
    const session = (id: string) => call(10, 'read_x', {}, id).context().session;
    assert.deepEqual([session('root')?.root, session('root')?.depth], ['root', 0]);
    assert.equal(session('root')?.children, 2);
    assert.deepEqual([session('grandchild')?.root, session('grandchild')?.depth], ['root', 2]);
    assert.equal(session('grandchild')?.parentKnown, true);
  });

  it('names what is above where the root is not held, and follows no circle', () => {
    const { govern, call } = lab();
    govern(0, 'session.opened', { detail: { parent: 'gone' } }, { session: { id: 'orphan' } });
    govern(0, 'session.opened', { detail: { parent: 'b' } }, { session: { id: 'a' } });
    govern(0, 'session.opened', { detail: { parent: 'a' } }, { session: { id: 'b' } });
    const orphan = call(10, 'read_x', {}, 'orphan').context().session;
    assert.deepEqual([orphan?.root, orphan?.depth, orphan?.parentKnown], ['gone', 1, false]);
    assert.ok((call(11, 'read_x', {}, 'a').context().session?.depth ?? 99) < 40);
  });

  it('knows whether a grant is over, and how long it still holds', () => {
    const { govern, call } = lab();
    govern(0, 'tools.granted', granted([{ tool: 'write_x', validToMs: at(60) }, { tool: 'y' }]));
    const within = call(50, 'write_x');
    assert.deepEqual([callOf(within).grantExpired, callOf(within).validForMs], [false, 10_000]);
    assert.equal(within.granted, true);
    const after = call(90, 'write_x');
    assert.deepEqual([callOf(after).grantExpired, callOf(after).validForMs], [true, -30_000]);
    assert.equal(after.granted, false);
    assert.equal(callOf(call(91, 'y')).grantExpired, null);
  });

  it('keeps the key of grant sets without an end', () => {
    const { govern, call } = lab();
    govern(0, 'tools.granted', granted([{ tool: 'y', class: 'read', tier: 'autonomous' }]));
    const grants = call(1, 'y').context().agent.grants;
    assert.deepEqual({ ...grants }, { y: { class: 'read', tier: 'autonomous' } });
  });

  it('counts approvers once, leaves the agent out, and says where it approved itself', () => {
    const { govern, call } = lab();
    govern(0, 'tools.granted', granted([{ tool: 'pay', tier: 'human-in-the-loop', quorum: 2 }]));
    const approve = (seconds: number, by: string[]) =>
      govern(seconds, 'approval.granted', { approval: { by, tools: ['pay'] } });
    approve(1, ['mara', 'a']);
    const one = callOf(call(2, 'pay'));
    assert.deepEqual([one.approvers, one.selfApproved, one.quorum], [['mara'], true, 2]);
    approve(3, ['mara', 'ines']);
    assert.deepEqual(callOf(call(4, 'pay')).approvers, ['ines', 'mara']);
    assert.deepEqual(callOf(call(5, 'other')).approvers, []);
  });

  it('knows approvals that ran out, and the last word on one', () => {
    const { govern, call } = lab();
    const word = (seconds: number, change: Governance['change'], toMs?: number) =>
      govern(seconds, change, {
        approval: {
          by: ['mara'],
          tools: ['pay'],
          ...(toMs === undefined ? {} : { validToMs: toMs }),
        },
      });
    word(1, 'approval.granted', at(10));
    assert.equal(callOf(call(5, 'pay')).approvalExpired, false);
    assert.equal(callOf(call(20, 'pay')).approvalExpired, true);
    assert.equal(callOf(call(20, 'other')).approvalExpired, false);
    word(30, 'approval.denied');
    assert.equal(callOf(call(31, 'pay')).approvalDenied, true);
    assert.equal(callOf(call(31, 'other')).approvalDenied, false);
    word(40, 'approval.granted');
    const again = callOf(call(41, 'pay'));
    assert.deepEqual([again.approvalDenied, again.approvalExpired], [false, false]);
  });

  it('knows the plan that governance declared', () => {
    const { govern, call } = lab();
    assert.equal(call(1, 'x').context().session?.plan, null);
    const plan = { binding: true, steps: ['read_x', 'write_x'] };
    govern(2, 'plan.declared', { detail: { plan } });
    assert.deepEqual(call(3, 'x').context().session?.plan, plan);
  });

  it('knows what was refused or not granted above', () => {
    const { govern, call } = lab();
    govern(0, 'session.opened', {}, { session: { id: 'up' } });
    govern(1, 'session.opened', { detail: { parent: 'up' } }, { session: { id: 'down' } });
    govern(1, 'tools.granted', granted([{ tool: 'read_x' }]));
    call(2, 'drop_x', { decision: 'deny', outcome: 'error' }, 'up');
    const down = callOf(call(3, 'drop_x', {}, 'down'));
    assert.deepEqual([down.deniedAbove, down.grantedAbove], [true, false]);
    const other = callOf(call(4, 'drop_x', { args: { id: 2 } }, 'down'));
    assert.equal(other.deniedAbove, false);
    assert.equal(callOf(call(5, 'read_x', {}, 'down')).grantedAbove, true);
    assert.equal(callOf(call(6, 'read_x', {}, 'up')).deniedAbove, null);
  });

  it('knows change windows of agent, role and fleet, of trusted sources only', () => {
    const { govern, call, fold } = lab();
    const target = { type: 'agent', id: 'a' };
    const isOpen = (seconds: number) => call(seconds, 'x').context().windowOpen;
    assert.equal(isOpen(0), false);
    govern(1, 'window.opened', { target, detail: { validToMs: at(100) } });
    assert.deepEqual([isOpen(2), isOpen(101)], [true, false]);
    govern(102, 'window.opened', { target: { type: 'fleet', id: '*' } });
    assert.equal(isOpen(103), true);
    govern(104, 'window.closed', { target: { type: 'fleet', id: '*' } });
    assert.equal(isOpen(105), false);
    govern(106, 'window.opened', { target: { type: 'agent', id: 'another' } });
    assert.equal(isOpen(107), false);
    const governance = { change: 'window.opened', target } as const;
    fold(108, { kind: 'governance', category: 'window', governance }, 'agent');
    assert.equal(isOpen(109), false);
    fold(110, { kind: 'governance', category: 'window', governance }, 'platform');
    assert.equal(isOpen(111), true);
  });

  it('answers as of the moment it was asked, and the same again', () => {
    const { govern, call } = lab();
    const first = call(1, 'x');
    assert.equal(first.context().agent.grants, null);
    govern(2, 'tools.granted', granted([{ tool: 'x' }]));
    assert.equal(first.context().agent.grants, null);
    assert.ok(call(3, 'x').context().agent.grants !== null);
  });
});
