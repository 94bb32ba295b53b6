/** Room: a full ledger lets go of what is worth least, reviews what it lets go of, and says so. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createCorrelate } from '../../src/correlate/correlate.ts';
import type { AgentEntity, SessionEntity } from '../../src/correlate/session.ts';
import { keyOf } from '../../src/correlate/session.ts';
import type { Event } from '../../src/model/event.ts';
import type { Action } from '../../src/model/event-action.ts';
import type { Governance } from '../../src/model/event-governance.ts';
import type { Fact } from '../../src/model/fact.ts';
import { PAGES, Slots } from '../../src/state/slots.ts';
import { laneOptions } from '../sim/lane-options.ts';
import { eventOf } from './events.ts';

type Bounds = Partial<ReturnType<typeof laneOptions>['correlate']>;

function lab(bounds: Bounds = {}) {
  const facts: Fact[] = [];
  const said: string[] = [];
  const slots = new Slots();
  const correlate = createCorrelate(
    slots,
    { ...laneOptions().correlate, ...bounds },
    (fact) => facts.push(fact),
    (code, subject) => said.push(`${code} ${subject}`),
  );
  let n = 0;
  const fold = (ms: number, body: Partial<Event>, call?: string) => {
    n += 1;
    const kind = body.governance ? 'governance' : body.action ? 'gateway' : 'reasoning';
    const given = { kind, ms, id: `id/${n}`, offset: n, body } as const;
    correlate.passTime(ms - 1);
    correlate.fold(eventOf(call === undefined ? given : { ...given, call }), false);
  };
  const who = (agent: string, session: string) => ({
    agent: { id: agent },
    session: { id: session },
  });
  const acts = (
    ms: number,
    agent: string,
    session: string,
    rest: Partial<Action> = {},
    call?: string,
  ) => {
    const action: Action = {
      ...{ phase: 'result', tool: 'read', decision: 'allow', outcome: 'ok', args: { n } },
      ...rest,
    };
    fold(ms, { ...who(agent, session), category: 'tool_call', action }, call);
  };
  const says = (ms: number, agent: string, session: string, call: string) =>
    fold(
      ms,
      {
        ...who(agent, session),
        reasoning: { intents: [{ tool: 'read', toolCallId: call, args: {} }], claims: [] },
      },
      call,
    );
  const rules = (ms: number, agent: string, session: string | null, governance: Governance) =>
    fold(ms, {
      agent: { id: agent },
      ...(session === null ? {} : { session: { id: session } }),
      category: 'agent',
      governance,
      ...(session === null ? { session: undefined as never } : {}),
    });
  const registers = (agent: string) =>
    rules(0, agent, null, { change: 'agent.registered', detail: { role: 'clerk' } });
  const session = (id: string) => slots.get<SessionEntity>('S', keyOf('-', id));
  const agent = (id: string) => slots.get<AgentEntity>('A', keyOf('-', id));
  const count = (space: string) => slots.count(space);
  return { acts, says, registers, rules, session, agent, count, facts, said, correlate, slots };
}

const attempts = (facts: readonly Fact[]) => facts.filter(({ type }) => type === 'attempt').length;

describe('room', () => {
  it('lets a flood of sessions by one agent push out its own, the slight ones first', () => {
    const { acts, session, said, count, correlate } = lab({ maxSessionsPerAgent: 10 });
    acts(0, 'a', 'slow');
    acts(1, 'a', 'slow', { decision: 'deny', outcome: 'error' });
    acts(2, 'a', 'named');
    correlate.suspect('-', 'a', 'named');
    acts(3, 'b', 'other');
    for (let n = 0; n < 200; n += 1) acts(10 + n, 'a', `s${n}`);
    assert.ok(session('slow') !== undefined && session('named') !== undefined);
    assert.ok(session('other') !== undefined && session('s199') !== undefined);
    assert.equal(count('S'), 11);
    assert.deepEqual([...new Set(said)], ['state.evicted a']);
    assert.equal(said.length, 192);
  });

  it('lets go of agents nobody registered first, with their sessions, however loud they are', () => {
    const { acts, registers, agent, session, said, count, correlate } = lab({ maxAgents: 10 });
    registers('own');
    acts(0, 'own', 'kept');
    for (let n = 0; n < 100; n += 1) {
      acts(10 + n, `ghost-${n}`, `g${n}`);
      acts(10 + n, `ghost-${n}`, `g${n}`);
      correlate.suspect('-', `ghost-${n}`, `g${n}`);
    }
    assert.ok(agent('own') !== undefined && session('kept') !== undefined);
    assert.equal(count('A'), 10);
    assert.equal(count('S'), 10);
    assert.deepEqual([...new Set(said)], ['state.evicted agents']);
    assert.equal(correlate.fleet('-').total, 1);
  });

  it('makes its orders anew after a restart, and reads nobody for it', () => {
    const before = lab({ maxSessions: 10 });
    before.registers('own');
    before.rules(1, 'own', 'opened', { change: 'session.opened' });
    before.acts(2, 'taken', 'moved');
    before.rules(3, 'own', 'moved', { change: 'session.opened' });
    for (let n = 0; n < 5; n += 1) before.acts(10 + n, 'ghost', `g${n}`);
    const bytes = before.slots.takeDelta() as Buffer;
    const after = lab({ maxSessions: 10 });
    after.slots.restore([], [{ seq: 1, bytes }]);
    for (const _ of after.correlate.restoring());
    let woken = 0;
    for (let page = 0; page < 2 * PAGES; page += 1) woken += after.slots.rest(page % PAGES);
    assert.equal(woken, 0, 'all of them lie as they were written');
    for (const { acts } of [before, after])
      for (let n = 0; n < 50; n += 1) acts(100 + n, 'flood', `f${n}`);
    const left = ({ slots }: typeof before) => [...slots.heads('S')].map(([key]) => key).sort();
    assert.deepEqual(left(after), left(before));
    assert.deepEqual(after.said, before.said);
    assert.ok(after.session('opened') !== undefined && after.session('moved') !== undefined);
    assert.deepEqual([...after.slots.heads('S')].sort(), [...before.slots.heads('S')].sort());
  });

  it('knows no longer who is registered where it had to forget one that was', () => {
    const { registers, correlate, facts, acts } = lab({ maxAgents: 10 });
    for (let n = 0; n < 20; n += 1) registers(`a${n}`);
    assert.deepEqual(correlate.fleet('-'), { total: 10, roles: { clerk: 10 } });
    acts(1, 'stranger', 's');
    correlate.passTime(600_000);
    assert.equal(facts.filter(({ type }) => type === 'identity').length, 0, 'accuses nobody');
  });

  it('reviews each attempt before it lets go of it, whatever was announced to crowd it out', () => {
    const { acts, says, session, facts, said, correlate } = lab({ maxActsPerSession: 8 });
    for (let n = 0; n < 50; n += 1) {
      acts(n, 'a', 's', {}, `c${n}`);
      for (let more = 0; more < 20; more += 1) says(n, 'a', 's', `only-${n}-${more}`);
    }
    assert.equal(session('s')?.actCount, 8);
    correlate.passTime(600_000);
    assert.equal(attempts(facts), 50);
    assert.ok(said.includes('session.overflow a'));
  });

  it('reviews each attempt under one call id, and keeps the last of them', () => {
    const { acts, session, facts, correlate } = lab();
    for (let n = 0; n < 200; n += 1) acts(n, 'a', 's', {}, 'one');
    assert.equal(session('s')?.acts['c one']?.attempts.length, 32);
    correlate.passTime(600_000);
    assert.equal(attempts(facts), 200);
    assert.equal(correlate.counters['witnesses-dropped'], 168);
  });

  it('keeps acts of one agent to its share of the lane, and takes from its own sessions', () => {
    const { acts, session, said } = lab({ maxActs: 1600 });
    acts(0, 'b', 'other');
    for (let n = 0; n < 400; n += 1) acts(n, 'a', `s${n % 8}`, {}, `c${n}`);
    let held = 0;
    for (let n = 0; n < 8; n += 1) held += session(`s${n}`)?.actCount ?? 0;
    assert.ok(held <= 100, `${held} acts`);
    assert.ok(session('other') !== undefined);
    assert.ok(said.includes('state.evicted a'));
  });

  it('keeps traces of what is in progress while another session speaks in too many', () => {
    const { said, slots, count, correlate } = lab({ maxSessions: 300 });
    const trace = (ms: number, agent: string, session: string, traceId: string) =>
      correlate.fold(
        eventOf({
          ...{ kind: 'gateway', ms, id: `id/${agent} ${traceId}` },
          body: {
            ...{ agent: { id: agent }, session: { id: session }, keys: { traceId, spanId: 'x' } },
            action: { phase: 'result', tool: 'read', decision: 'deny', outcome: 'error' },
          },
        }),
        false,
      );
    trace(0, 'a', 'slow', 't-slow');
    for (let n = 0; n < 1000; n += 1) trace(n, 'b', 'noisy', `t${n}`);
    assert.ok(slots.get('trace', keyOf('-', 't-slow')) !== undefined);
    assert.equal(count('trace'), 257);
    assert.deepEqual([...new Set(said)], ['state.evicted b']);
    for (let n = 0; n < 1000; n += 1) trace(2000 + n, `c${n}`, `s${n}`, `u${n}`);
    assert.equal(count('trace'), 300);
    assert.ok(said.includes('state.evicted traces'));
  });

  it('bounds tenants that records make up, and keeps those that have a fleet', () => {
    const { slots, said, correlate } = lab();
    const of = (tenant: string, n: number, body: Partial<Event>) =>
      correlate.fold(eventOf({ ms: n, id: `id/${n}`, body: { tenant, ...body } }), false);
    of('own', 0, { governance: { change: 'agent.registered', detail: { role: 'clerk' } } });
    for (let n = 1; n < 10_200; n += 1) of(`t${n}`, n, { reasoning: { intents: [], claims: [] } });
    assert.ok(slots.count('L') <= 10_000);
    assert.ok(slots.count('B') <= 4 * 10_000);
    assert.ok(slots.get('L', 'lane own') !== undefined);
    assert.ok(said.includes('state.evicted tenants'));
  });

  it('lets go of grants that nobody has any more', () => {
    const { rules, count, agent } = lab();
    const tools = (n: number) => ({ tools: [{ tool: `t${n}` }] });
    for (let n = 0; n < 6000; n += 1) {
      rules(2 * n, 'a', null, { change: 'tools.granted', detail: tools(n) });
      if (n > 0) rules(2 * n, 'a', null, { change: 'tools.revoked', detail: tools(n - 1) });
      assert.ok(count('G') <= 1024, `${count('G')} grant sets`);
    }
    assert.ok(agent('a')?.grants !== null);
  });

  it('finds the same order again after a restore', () => {
    const bounds = { maxSessionsPerAgent: 10, maxAgents: 12, maxSessions: 40 };
    const { acts, registers, slots } = lab(bounds);
    registers('own');
    acts(0, 'own', 'kept');
    acts(1, 'own', 'kept', { decision: 'deny', outcome: 'error' });
    for (let n = 0; n < 20; n += 1) acts(10 + n, `g${n % 6}`, `s${n}`);
    const bytes = slots.takeDelta() as Buffer;
    const after = lab(bounds);
    after.slots.restore([], [{ seq: 1, bytes }]);
    for (const _ of after.correlate.restoring());
    for (let n = 100; n < 400; n += 1) after.acts(100 + n, `h${n % 20}`, `s${n}`);
    assert.ok(after.session('kept') !== undefined && after.agent('own') !== undefined);
    assert.ok(after.count('A') <= 12);
    assert.ok(after.count('S') <= 40);
  });
});
