/** Stored ledger: sessions and agents come back as they were, by parts or whole. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type Act,
  type AgentEntity,
  newAgent,
  newSession,
  SESSION_RECORDS,
  type SessionEntity,
} from '../../src/correlate/session.ts';
import { AGENT_PACKING, SESSION_PACKING } from '../../src/correlate/stored.ts';
import type { Attempt, Intent, WitnessRecord } from '../../src/model/fact.ts';
import type { Entity } from '../../src/state/slot.ts';
import { PAGES, Slots } from '../../src/state/slots.ts';

const witness = (kind: 'reasoning' | 'gateway', seq: number): WitnessRecord => ({
  kind,
  topic: kind,
  nativeId: `session/s/${seq}`,
  at: { topic: kind, partition: 1, offset: 10 + seq, index: 0 },
  ms: 1_780_000_000_000 + seq,
  seq,
  agent: 'clerk',
  call: 'call_1',
  tool: 'read_record',
  digest: 'd1',
  leaves: { '/id': 'l1' },
});

const intent = (seq: number, more: Partial<Intent> = {}): Intent => ({
  ...witness('reasoning', seq),
  index: 0,
  afterSeq: seq,
  claimed: false,
  ...more,
});

const attempt = (seq: number, more: Partial<Attempt> = {}): Attempt => ({
  ...witness('gateway', seq),
  decision: 'allow',
  outcome: 'ok',
  policy: null,
  ours: false,
  toolClass: 'read',
  tier: null,
  granted: true,
  ...more,
});

const act = (intents: Intent[], attempts: Attempt[]): Act => ({
  ...{ intents, attempts, need: 'gateway', gap: 3, dueMs: 7, compared: 1, reviewed: 1 },
  ...{ state: 'joined', strength: 'strong' },
});

/** One act of every kind there is. */
function sessionOf(): SessionEntity {
  const session = newSession('', 's', 'clerk', 5);
  session.seen = { 4: 17, 'gateway id/x': 18 };
  session.counted = ['reasoning'];
  session.identities = { '@clerk': witness('reasoning', 0) };
  session.checked = { '@clerk': 1 };
  session.wake = 99;
  session.acts = {
    'c call_1': act([intent(1), intent(4, { claimed: true })], [attempt(2)]),
    'c differing': act([intent(1)], [attempt(2, { digest: 'd2', leaves: { '/id': 'l2' } })]),
    'c unread': act([intent(1, { digest: null, leaves: null })], [attempt(2)]),
    'c foreign': act([], [attempt(3, { agent: 'other', call: null, tool: 'x', nativeId: 'id/3' })]),
    'c given': act(
      [intent(1, { digest: null, leaves: null, given: 'sha256:g' })],
      [attempt(2, { given: 'sha256:g' })],
    ),
    'c without a counter': act([intent(1, { seq: null, nativeId: 'session/s/null' })], []),
    'n reasoning elsewhere': act(
      [intent(1, { at: { topic: 'other', partition: 0, offset: 1, index: 0 } })],
      [],
    ),
    'c with a member of tomorrow': act([{ ...intent(1), later: 1 } as Intent], []),
  };
  return session;
}

/** All members, those too that an entity may lack: whoever adds one is told here. */
type Whole<T> = {
  [K in keyof Required<T>]: NonNullable<T[K]> | (null extends T[K] ? null : never);
};

const APPROVAL = { ms: 1, tools: ['x'], by: ['u'], fromMs: 1, toMs: 2, quorum: 2 };

function slotsOf(): Slots {
  const slots = new Slots();
  slots.split('S', SESSION_RECORDS, SESSION_PACKING);
  slots.packs('A', AGENT_PACKING);
  return slots;
}

/** What a process finds that comes later. */
function later(
  pages: { page: number; uptoSeq: number; bytes: Buffer }[],
  deltas: readonly (Buffer | null)[],
  space: string,
): Entity {
  const slots = slotsOf();
  const rows = deltas.map((bytes, at) => ({ seq: at + 1, bytes: bytes as Buffer }));
  slots.restore(pages, rows);
  assert.equal(slots.dirty, 0, 'nothing of it has changed');
  return plain(slots.get(space, 'x') as Entity);
}

const plain = (entity: Entity): Entity => JSON.parse(JSON.stringify(entity)) as Entity;
const pagesOf = (slots: Slots, uptoSeq: number) =>
  Array.from({ length: PAGES }, (_, page) => ({ page, uptoSeq, bytes: slots.pageBytes(page) }));

describe('stored sessions', () => {
  it('come back whole as they were, whoever their acts name', () => {
    const slots = slotsOf();
    slots.put('S', 'x', sessionOf());
    const delta = slots.takeDelta();
    assert.deepEqual(later([], [delta], 'S'), plain(sessionOf()));
    assert.deepEqual(later(pagesOf(slots, 1), [], 'S'), plain(sessionOf()));
  });

  it('come back from what changed of them', () => {
    const slots = slotsOf();
    const session = sessionOf();
    slots.put('S', 'x', session);
    const first = slots.takeDelta();
    const pages = pagesOf(slots, 1);
    session.suspicious = true;
    session.wake = undefined;
    session.acts['c call_2'] = act([intent(6)], []);
    slots.touchPart('S', 'x', 'acts', 'c call_2');
    delete session.acts['c call_1'];
    slots.touchPart('S', 'x', 'acts', 'c call_1');
    const second = slots.takeDelta();
    assert.doesNotMatch(String(second), /c differing/);
    assert.deepEqual(later([], [first, second], 'S'), plain(session));
    assert.deepEqual(later(pages, [first, second], 'S'), plain(session));
  });

  it('say once of an act what its witnesses have in common', () => {
    const slots = slotsOf();
    const session = sessionOf();
    session.identities = {};
    session.acts = { a: act([intent(1)], [attempt(2)]) };
    slots.put('S', 'x', session);
    assert.equal(String(slots.takeDelta()).split('call_1').length - 1, 1);
  });
});

describe('stored lists', () => {
  it('leave out no member, those included that few have', () => {
    const session: Whole<SessionEntity> = {
      ...{ ...sessionOf(), wake: 99, counted: ['reasoning'], weaklyOwned: false, root: 'r' },
      ...{ depth: 2, children: 3, taskType: 't', mode: 'm', mandated: true, ownedBy: 'governance' },
      ...{ plan: { binding: true, steps: ['a'] }, denials: [{ ms: 1, tools: ['x'] }], role: 'r' },
      ...{ openedMs: 1, closedMs: 2, parent: 'p', principal: 'u', open: ['c'], actCount: 4 },
      ...{ uncalled: true, refused: [{ attempt: attempt(1) }], approvals: [APPROVAL], marks: 7 },
      ...{ blind: ['gateway'], pending: 1, settled: true, overflow: true, suspicious: true },
    };
    const agent: Whole<AgentEntity> = {
      ...{ ...newAgent('t', 'a', 5), role: 'r', model: 'm', registeredMs: 1, grants: 'g' },
      ...{ changedMs: 2, reasoned: true, announces: true, uninstrumented: true, ungoverned: true },
      ...{ approvals: [APPROVAL], reviewedMs: 3, denials: [{ ms: 1, tools: [] }], wake: 4 },
      ...{ declared: { maxDepth: 1 }, marks: { model: { seen: ['m'], announcedMs: 0 } } },
      ...{ seen: { x: 1 }, held: ['s'], acted: true, suspicious: true },
    };
    for (const [space, entity] of Object.entries({ S: session, A: agent })) {
      const slots = slotsOf();
      slots.put(space, 'x', entity as Entity);
      assert.deepEqual(later([], [slots.takeDelta()], space), plain(entity as Entity), space);
    }
  });
});

describe('stored agents', () => {
  it('come back as they were, without what every new one has', () => {
    const agent = newAgent('t', 'clerk', 5);
    agent.held = ['x'];
    const slots = slotsOf();
    slots.put('A', 'x', agent);
    const delta = slots.takeDelta();
    assert.doesNotMatch(String(delta), /approvals|registeredMs/);
    assert.deepEqual(later([], [delta], 'A'), plain(agent));
    agent.reasoned = true;
    slots.touch('A', 'x');
    assert.deepEqual(later([], [delta, slots.takeDelta()], 'A'), plain(agent));
  });
});
