/** Misbehaviours: each leaves exactly the trace it claims, and sound sessions none. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MISBEHAVIOURS, type Truth } from '../../src/simulation/emission.ts';
import { createFleet } from '../../src/simulation/fleet.ts';
import type { FleetOptions } from '../../src/simulation/fleet-options.ts';
import { STORY_ROLES } from '../../src/simulation/story-roles.ts';
import { agreesWith, findingsOf, keepBooks } from './books.ts';

const OPTIONS: FleetOptions = {
  seed: 21,
  agents: 50,
  startMs: Date.UTC(2026, 8, 1),
  sessionsPerHour: 900,
  badShare: 0.5,
};

function run(options: Partial<FleetOptions>) {
  const fleet = createFleet({ ...OPTIONS, ...options });
  const emissions = fleet.until(Number.MAX_SAFE_INTEGER);
  const truths = emissions.flatMap(({ truth }) => (truth === null ? [] : [truth]));
  return { emissions, truths, ledger: keepBooks(emissions) };
}

function bySession(truths: readonly Truth[]): Map<string, Truth[]> {
  return Map.groupBy(truths, ({ sessionId }) => sessionId);
}

test('over many seeds the books say what the labels say, no more and no less', () => {
  const count = new Map<string, number>();
  for (let seed = 1; seed <= 12; seed += 1) {
    const { truths, ledger } = run({ seed, sessions: 240 });
    const labels = bySession(truths);
    for (const books of ledger.sessions.values()) {
      const findings = findingsOf(ledger, books);
      const expected = labels.get(books.id) ?? [];
      assert.ok(agreesWith(expected, findings), `${books.id}: ${findings}`);
    }
    for (const list of labels.values()) assert.equal(list.length, 1, 'one misdeed a session');
    for (const { kind } of truths) count.set(kind, (count.get(kind) ?? 0) + 1);
  }
  for (const kind of MISBEHAVIOURS) assert.ok((count.get(kind) ?? 0) >= 60, `${kind} is rare`);
});

for (const kind of MISBEHAVIOURS) {
  test(`${kind} alone: every session has it once, where the label says`, () => {
    const { emissions, truths, ledger } = run({ misbehaviours: [kind], badShare: 1, sessions: 30 });
    assert.equal(truths.length, 30);
    for (const truth of truths) {
      assert.equal(truth.kind, kind);
      const books = ledger.sessions.get(truth.sessionId);
      assert.ok(books !== undefined);
      assert.equal(books.agent, truth.agentId);
      assert.ok(agreesWith([truth], findingsOf(ledger, books)), books.id);
      assert.ok((truth.fromSeq ?? 0) <= (truth.seq ?? 0));
    }
    for (const { atMs, truth } of emissions) if (truth !== null) assert.equal(truth.atMs, atMs);
  });
}

test('spirals and retries say where they began', () => {
  const kinds = ['retry-spiral', 'call-burst', 'token-spiral', 'denied-then-retried'] as const;
  const { truths } = run({ misbehaviours: kinds, badShare: 1, sessions: 40 });
  assert.equal(truths.length, 40);
  for (const { fromSeq, seq } of truths) assert.ok((fromSeq ?? 0) < (seq ?? 0));
});

test('acts after the close come minutes later, stated like any other', () => {
  const { truths, ledger } = run({ misbehaviours: ['after-close'], badShare: 1, sessions: 30 });
  for (const { sessionId, atMs } of truths) {
    const afterMs = atMs - (ledger.sessions.get(sessionId)?.closedMs ?? atMs);
    assert.ok(afterMs > 60_000 && afterMs < 600_000, `${afterMs}`);
  }
});

test('a borrowed identity belongs to another registered agent, who has the record under its key', () => {
  const { emissions, ledger } = run({
    misbehaviours: ['identity-mismatch'],
    badShare: 1,
    sessions: 30,
  });
  for (const { key, event, truth } of emissions) {
    if (truth === null) continue;
    assert.notEqual(key, truth.agentId);
    assert.equal(key, event.agent?.id);
    assert.ok(ledger.grants.has(key));
  }
  const alone = run({ misbehaviours: ['identity-mismatch'], agents: 1, badShare: 1, sessions: 5 });
  assert.deepEqual(alone.truths, [], 'a fleet of one has nobody to borrow from');
});

test('the share of sessions that misbehave is the one asked for', () => {
  const { truths } = run({ sessions: 1_000, badShare: 0.1 });
  assert.ok(truths.length > 70 && truths.length < 130, `${truths.length}`);
});

test('a session that is refused gives up after one or two more tries, and its misdeed stays undone', () => {
  const refusedFrom = new Set<string>();
  const { emissions, truths, ledger } = run({
    badShare: 1,
    sessions: 120,
    misbehaviours: ['ungranted-action', 'call-burst', 'approval-missing'],
    gate: ({ sessionId }) => {
      refusedFrom.add(sessionId);
      return { allowed: false, policyId: 'lease-7', reason: 'session revoked' };
    },
  });
  assert.deepEqual(truths, []);
  const tries = new Set<number>();
  for (const id of refusedFrom) {
    const books = ledger.sessions.get(id);
    assert.ok(books !== undefined && books.closedMs !== null);
    assert.ok(
      books.made.every(({ action }) => action.decision === 'deny' && action.outcome === 'error'),
    );
    assert.ok(books.made.every(({ action }) => action.policy?.id === 'lease-7'));
    // All calls of one turn are made before the refusals are read.
    tries.add(new Set(books.made.map(({ callId }) => books.stated.get(callId)?.seq)).size);
  }
  assert.deepEqual(
    [...tries].filter((each) => each > 3),
    [],
  );
  const reasons = new Set(emissions.map(({ event }) => event.action?.reason));
  assert.deepEqual([...reasons].sort(), ['session revoked', undefined]);
});

test('a frozen tool is refused and the rest of the session goes on', () => {
  const frozen = 'reply_to_customer';
  const { ledger } = run({
    badShare: 0,
    sessions: 200,
    gate: ({ tool }) => ({ allowed: tool !== frozen }),
  });
  let went = 0;
  for (const books of ledger.sessions.values()) {
    const made = books.made.filter(({ action }) => action.tool === frozen);
    assert.ok(made.every(({ action }) => action.decision === 'deny'));
    const first = made[0];
    if (first === undefined) continue;
    if (books.made.some(({ atMs, action }) => atMs > first.atMs && action.decision === 'allow'))
      went += 1;
  }
  assert.ok(went > 10, `${went} sessions went on`);
});

test('a session revoked midway stops there, and others do not notice', () => {
  const plain = run({ badShare: 0, agents: 50, sessions: 40 });
  const target = [...plain.ledger.sessions.values()].find(
    ({ made, parent }) => made.length > 6 && parent === null,
  );
  assert.ok(target !== undefined);
  const revokedMs = target.made[2]?.atMs ?? 0;
  const gated = run({
    badShare: 0,
    sessions: 40,
    gate: ({ sessionId, atMs }) => ({ allowed: sessionId !== target.id || atMs < revokedMs }),
  });
  const stopped = gated.ledger.sessions.get(target.id);
  assert.ok(stopped !== undefined);
  assert.deepEqual(stopped.made.slice(0, 2), target.made.slice(0, 2));
  assert.ok(stopped.made.slice(2).every(({ action }) => action.decision === 'deny'));
  assert.ok(stopped.made.length < target.made.length + 3 && stopped.closedMs !== null);
  const before = (id: string) => plain.ledger.sessions.get(id);
  const overlapping = [...gated.ledger.sessions.values()].filter(
    ({ id, made }) => id !== target.id && (made[0]?.atMs ?? Number.POSITIVE_INFINITY) < revokedMs,
  );
  for (const books of overlapping) assert.deepEqual(books.made, before(books.id)?.made);
});

test('agents of story roles misbehave in the same ways, and leave the same traces', () => {
  const roles = { roles: STORY_ROLES, temper: { rho: 0.6 }, sessions: 280 };
  const { truths, ledger } = run({ ...roles, seed: 3 });
  const labels = bySession(truths);
  for (const books of ledger.sessions.values()) {
    const findings = findingsOf(ledger, books);
    assert.ok(agreesWith(labels.get(books.id) ?? [], findings), `${books.id}: ${findings}`);
  }
  assert.equal(new Set(truths.map(({ kind }) => kind)).size, MISBEHAVIOURS.length);
});
