/** Sound sessions: the four books agree, and the honest noise of real agents is in them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFleet } from '../../src/simulation/fleet.ts';
import { ROLES } from '../../src/simulation/roles.ts';
import { crowded, findingsOf, keepBooks, type Made } from './books.ts';

const emissions = createFleet({
  seed: 11,
  agents: 60,
  startMs: Date.UTC(2026, 8, 1),
  sessionsPerHour: 900,
  badShare: 0,
  sessions: 1_500,
}).until(Number.MAX_SAFE_INTEGER);
const ledger = keepBooks(emissions);
const sessions = [...ledger.sessions.values()];
const calls = sessions.flatMap((books) => books.made);
const roleOf = (name: string) => ROLES.find((role) => role.name === name);

test('nothing is labelled, and nothing fails to add up', () => {
  assert.ok(sessions.length >= 1_500);
  assert.equal(
    emissions.some(({ truth }) => truth !== null),
    false,
  );
  for (const books of sessions) assert.deepEqual(findingsOf(ledger, books), [], books.id);
});

test('numbers run on without a hole but for calls that pass no gateway', () => {
  for (const books of sessions) {
    const taken = [...books.turns.map(({ seq }) => seq), ...books.made.map(({ seq }) => seq)];
    for (const { seq, index, toolType } of books.stated.values()) {
      if (toolType !== null) taken.push(seq + 1 + index);
    }
    assert.deepEqual(
      taken.sort((a, b) => a - b),
      taken.map((_, place) => place),
      books.id,
    );
  }
});

test('a call comes after its turn, within seconds, and the next turn says what came of it', () => {
  for (const books of sessions) {
    const made = new Map(books.made.map((each) => [each.callId, each]));
    for (const [callId, stated] of books.stated) {
      const call = made.get(callId);
      if (call === undefined) continue;
      assert.equal(call.seq, stated.seq + 1 + stated.index);
      const gapMs = call.atMs - stated.atMs;
      assert.ok(gapMs >= 0 && gapMs < 10_000, `${gapMs} ms`);
    }
    const claims = books.turns.flatMap((turn) => turn.claims);
    assert.equal(claims.length, books.stated.size);
    for (const claim of claims) {
      const outcome = made.get(claim.toolCallId ?? '')?.action.outcome ?? 'ok';
      assert.equal(claim.outcome, outcome);
    }
  }
});

test('governance frames each session, and its end is measured', () => {
  for (const books of sessions) {
    assert.equal(books.changes[0], 'session.opened');
    assert.equal(books.changes.at(-1), 'session.closed');
    assert.equal(
      books.metrics.filter((name) => name === 'agent.turn.tokens').length,
      books.turns.length,
    );
    assert.deepEqual(books.metrics.slice(-3), [
      'agent.session.tokens',
      'agent.session.cost',
      'agent.session.duration',
    ]);
  }
});

test('no sound session comes near a spiral or a burst', () => {
  for (const books of sessions) {
    assert.equal(crowded(books.made, 40, 60_000), null, books.id);
    const turnMax = roleOf(books.role)?.tokens.turnMax ?? 0;
    for (const { tokens } of books.turns) assert.ok(tokens > 0 && tokens <= turnMax);
    const repeats = new Map<string, Made[]>();
    for (const each of books.made) {
      const key = JSON.stringify([each.action.tool, each.action.args]);
      repeats.set(key, [...(repeats.get(key) ?? []), each]);
    }
    for (const list of repeats.values()) {
      const polled = roleOf(books.role)?.tools.find(
        (tool) => tool.name === list[0]?.action.tool,
      )?.polling;
      if (polled === true) continue;
      assert.ok(list.length < 5, `${list[0]?.action.tool} ${list.length} times alike`);
    }
  }
});

test('about one call in thirty names a tool that does not exist', () => {
  const known = new Set(ROLES.flatMap((role) => role.tools.map((tool) => tool.name)));
  const invented = calls.filter(({ action }) => !known.has(action.tool));
  assert.ok(
    invented.every(({ action }) => action.outcome === 'error' && action.decision === 'allow'),
  );
  const share = invented.length / calls.length;
  assert.ok(share > 1 / 38 && share < 1 / 24, `${share}`);
});

test('the noise that must not alarm anybody is there', () => {
  const has = (what: string, some: boolean) => assert.ok(some, `no ${what} in 1,500 sessions`);
  const denied = calls.filter(({ action }) => action.decision === 'deny');
  has(
    'type error',
    denied.some(({ action }) => action.policy === undefined && action.status === 422),
  );
  has(
    'refusal by policy',
    denied.some(({ action }) => action.policy?.id === 'limits'),
  );
  has(
    'escalation',
    calls.some(({ action }) => action.decision === 'escalate'),
  );
  has(
    'time-out',
    calls.some(({ action }) => action.status === 504),
  );
  const stated = sessions.flatMap((books) => [...books.stated.values()]);
  for (const type of ['local', 'provider'])
    has(
      type,
      stated.some(({ toolType }) => toolType === type),
    );
  has(
    'parallel calls',
    stated.some(({ index }) => index > 1),
  );
  const changes = new Set(sessions.flatMap((books) => books.changes));
  for (const change of ['plan.declared', 'approval.granted', 'approval.denied'] as const) {
    has(change, changes.has(change));
  }
  const children = sessions.filter(({ parent }) => parent !== null);
  has('child session', children.length > 0);
  for (const { parent, agent } of children)
    assert.equal(ledger.sessions.get(parent ?? '')?.agent, agent);
  const polls = calls.filter(({ action }) => action.tool === 'get_deploy_status');
  has('polling', polls.length > calls.length / 200);
});
