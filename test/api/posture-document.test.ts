/** The posture document: levels, segments, revisions, and names that agents gave themselves. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { renderPosture, stricter } from '../../src/api/posture-document.ts';
import { POSTURE_LEVELS, type PostureVerb } from '../../src/model/posture.ts';
import { allowedBy } from '../act/counterparts/polling-gateway.ts';
import { against, lease, NOW_MS, OPTIONS, stateOf } from './standing.ts';

const render = (...args: Parameters<typeof stateOf>) => renderPosture(stateOf(...args), OPTIONS);

describe('posture document', () => {
  it('says nothing where nothing stands', () => {
    const { document, leaseIds, changesMs } = render([]);
    const { revision, ...rest } = document;
    assert.match(revision, /^sha256:[0-9a-f]{64}$/);
    assert.deepEqual(rest, {
      schema: 'plumbline.posture/1',
      issuedAt: '2027-01-15T08:00:00.000Z',
      maxAgeSeconds: 30,
      default: { level: 'normal' },
      agents: Object.create(null),
      tools: {},
      observer: { paused: [] },
    });
    assert.deepEqual([leaseIds, changesMs], [[], null]);
  });

  it('has an entry with its end for each agent', () => {
    const { document, leaseIds, changesMs } = render([lease(1)]);
    assert.deepEqual(JSON.parse(JSON.stringify(document.agents)), {
      'agent-7': {
        level: 'guarded',
        lease: 'L1',
        case: 'C1',
        reason: 'unstated-action fired on hard evidence',
        freezeTools: ['send_money'],
        requireApproval: [],
        until: '2027-01-15T08:10:00.000Z',
        sessions: {},
      },
    });
    assert.deepEqual([leaseIds, changesMs], [['L1'], NOW_MS + 600_000]);
  });

  it('gives each verb its level, and leaves reading alone where it is cautious', () => {
    const entry = (verb: PostureVerb) => render([lease(1, { verb })]).document.agents['agent-7'];
    assert.equal(entry('freeze_tool')?.level, 'guarded');
    assert.equal(entry('posture')?.level, 'conservative');
    assert.deepEqual(entry('posture')?.requireApproval, [
      ...['communicate', 'execute', 'spend', 'write'],
    ]);
    assert.equal(entry('suspend_agent')?.level, 'halt');
  });

  it('combines by maximum: a second lease never loosens the first', () => {
    const levels = fc.constantFrom<PostureVerb[]>('freeze_tool', 'posture', 'suspend_agent');
    fc.assert(
      fc.property(levels, levels, fc.integer({ min: 1, max: 9 }), (one, other, minutes) => {
        const first = lease(1, { verb: one });
        const second = lease(2, { verb: other, expiresMs: NOW_MS + minutes * 60_000 });
        const level = (...leases: (typeof first)[]) =>
          render(leases).document.agents['agent-7']?.level ?? 'normal';
        assert.equal(level(first, second), stricter(level(first), level(second)));
        assert.equal(level(second, first), level(first, second));
      }),
    );
  });

  it('is right at every moment until its end without another word of us', () => {
    const leases = [
      lease(1, { verb: 'suspend_agent', expiresMs: NOW_MS + 60_000 }),
      lease(2, { expiresMs: NOW_MS + 120_000 }),
      against(3, { session: 's-1', tools: ['read_file'] }, { expiresMs: NOW_MS + 180_000 }),
      against(4, { session: 's-2', tools: [] }, { verb: 'suspend_agent' }),
    ];
    const { document } = render(leases);
    const held = JSON.parse(JSON.stringify(document)) as typeof document;
    // One copy, kept while nobody can be asked, against a fresh document of each moment.
    for (let ms = NOW_MS; ms < NOW_MS + 700_000; ms += 15_000) {
      const fresh = renderPosture(stateOf(leases), { ...OPTIONS, nowMs: ms }).document;
      for (const session of ['s-1', 's-2', 's-3'])
        for (const tool of ['send_money', 'read_file', 'other']) {
          const call = { agent: 'agent-7', session, tool };
          assert.equal(
            allowedBy(held, call, ms),
            allowedBy(fresh, call, ms),
            `${JSON.stringify(call)} after ${ms - NOW_MS}`,
          );
        }
    }
  });

  it('keeps sessions apart from their agent', () => {
    const { document } = render([against(1, { session: 's-1' }, { verb: 'suspend_agent' })]);
    const entry = document.agents['agent-7'];
    assert.equal(entry?.level, 'normal');
    assert.equal(entry?.sessions['s-1']?.level, 'halt');
    const call = { agent: 'agent-7', session: 's-2', tool: 'send_money' };
    assert.equal(allowedBy(document, call, NOW_MS), true);
    assert.equal(allowedBy(document, { ...call, session: 's-1' }, NOW_MS), false);
  });

  it('has one revision for one content, whenever and in whatever order it is read', () => {
    const [one, two] = [lease(1), against(2, { agent: 'agent-8' })];
    const first = render([one, two]).document;
    const later = renderPosture(stateOf([two, one]), { ...OPTIONS, nowMs: NOW_MS + 1000 }).document;
    assert.equal(first.revision, later.revision);
    assert.notEqual(first.issuedAt, later.issuedAt);
    assert.notEqual(first.revision, render([one]).document.revision);
    const renewed = lease(1, { expiresMs: NOW_MS + 700_000 });
    assert.notEqual(first.revision, render([renewed, two]).document.revision);
  });

  it('shows a tenant its own, and one agent only itself', () => {
    const leases = [lease(1), against(2, { tenant: 't2' }), against(3, { agent: 'agent-8' })];
    const agents = (change: Partial<Parameters<typeof renderPosture>[1]>) =>
      Object.keys(renderPosture(stateOf(leases), { ...OPTIONS, ...change }).document.agents);
    assert.deepEqual(agents({}), ['agent-7', 'agent-8']);
    assert.deepEqual(agents({ tenant: 't2' }), ['agent-7']);
    assert.deepEqual(agents({ agent: 'agent-8' }), ['agent-8']);
    assert.deepEqual(agents({ agent: 'agent-9' }), []);
  });

  it('carries the kill switch, and no agent of another tenant in it', () => {
    const pauses = [
      { scope: 'fleet', target: '' },
      { scope: 'agent', target: 'agent-7' },
    ] as const;
    const paused = (change: object) =>
      renderPosture(stateOf([], pauses), { ...OPTIONS, ...change }).document.observer.paused;
    assert.deepEqual(paused({}), pauses);
    assert.deepEqual(paused({ tenant: 't1' }), [pauses[0]]);
    assert.deepEqual(paused({ tenant: 't1', agent: 'agent-7' }), pauses);
    assert.notEqual(render([], pauses).document.revision, render([]).document.revision);
  });

  it('takes any name an agent gave itself for a name', () => {
    for (const agent of ['__proto__', 'constructor', '', 'a/../b', '\u2028"<script>', 'toString']) {
      const { document } = render([against(1, { agent, session: agent })]);
      const read = JSON.parse(JSON.stringify(document)) as typeof document;
      assert.ok(Object.hasOwn(read.agents, agent), agent);
      const call = { session: agent, tool: 'send_money' };
      assert.equal(allowedBy(read, { agent, ...call }, NOW_MS), false);
      assert.equal(allowedBy(read, { agent: 'agent-9', ...call }, NOW_MS), true);
    }
  });

  it('orders its levels from free to stopped', () => {
    assert.deepEqual([...POSTURE_LEVELS], ['normal', 'guarded', 'conservative', 'halt']);
  });
});
