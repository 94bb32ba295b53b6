/** Changes: declared ones are announced with approver and window, hidden ones show all the same. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WireEvent } from '../../src/model/event.ts';
import {
  CHANGE_KINDS,
  type Change,
  type ChangeKind,
  planChanges,
  standingOf,
} from '../../src/simulation/changes.ts';
import { agentsOf } from '../../src/simulation/population.ts';
import { STORY_ROLES } from '../../src/simulation/story-roles.ts';
import { findingsOf, keepBooks } from './books.ts';
import { START, type Told, tell } from './stories.ts';

const DAY_MS = 86_400_000;
const AGENTS = 20;
const UNTIL = START + 6 * DAY_MS;
const members = [...agentsOf(AGENTS, STORY_ROLES)];

function planOf(counts: Partial<Record<ChangeKind, number>>): Change[] {
  return planChanges(7, members, { counts, fromMs: START, toMs: UNTIL });
}

function story(kind: ChangeKind, count = 4): { told: Told; changes: Change[] } {
  const changes = planOf({ [kind]: count });
  const told = tell({ agents: AGENTS, sessionsPerHour: 6, untilMs: UNTIL, changes });
  return { told, changes };
}

/** Governance records outside sessions that come after the registration. */
function spoken(told: Told): WireEvent[] {
  return told.emissions
    .filter(({ event, atMs }) => event.governance && !event.session && atMs > START + 60_000)
    .map(({ event }) => event);
}

/** Sessions of an agent before and after a time. */
function around(told: Told, agentId: string, ms: number): { before: string[]; after: string[] } {
  const before: string[] = [];
  const after: string[] = [];
  for (const [id, [first]] of told.sessions) {
    if (first?.agent?.id !== agentId) continue;
    const openedMs = Number(BigInt(first.time.eventNs) / 1_000_000n);
    (openedMs < ms ? before : after).push(id);
  }
  return { before, after };
}

function tokensOf(told: Told, ids: readonly string[]): number {
  const turns = ids.flatMap((id) =>
    (told.sessions.get(id) ?? []).flatMap(({ reasoning }) => reasoning?.tokens?.out ?? []),
  );
  return turns.reduce((sum, tokens) => sum + tokens, 0) / turns.length;
}

test('a plan is the same for the same seed, changes nobody twice, and leaves time to show it', () => {
  const counts = Object.fromEntries(CHANGE_KINDS.map((kind) => [kind, 1]));
  const plan = planOf(counts);
  assert.deepEqual(planOf(counts), plan);
  const agents = plan.flatMap((change) => change.agents.map(({ id }) => id));
  assert.equal(new Set(agents).size, agents.length);
  assert.equal(plan.length, CHANGE_KINDS.length);
  for (const { atMs, untilMs } of plan) {
    assert.ok(atMs > START && atMs < START + 0.7 * (UNTIL - START));
    assert.ok(untilMs > atMs && untilMs <= UNTIL);
  }
  for (const change of plan) {
    const roles = new Set(change.agents.map(({ role }) => role));
    assert.equal(roles.size, 1);
    if (!change.kind.includes('rollout')) assert.equal(change.agents.length, 1);
    else assert.ok(change.agents.length >= 1);
  }
  const most = planOf({ model: 1_000 });
  assert.equal(most.length, AGENTS, 'what cannot be placed is left out');
});

const DECLARED = {
  model: 'model.changed',
  prompt: 'prompt.changed',
  grant: 'tools.granted',
  rollout: 'model.changed',
} as const;

for (const [kind, change] of Object.entries(DECLARED)) {
  test(`${kind}: governance says who approved it and for how long, and nothing is labelled`, () => {
    const { told, changes } = story(kind as ChangeKind, 2);
    const records = spoken(told);
    for (const { agents, atMs, untilMs, approver } of changes) {
      for (const { id } of agents) {
        const own = records.filter(({ agent }) => agent?.id === id);
        const names = own.map(({ governance }) => governance?.change);
        assert.equal(names[0], 'window.opened');
        assert.equal(names.at(-1), 'window.closed');
        assert.ok(names.includes(change));
        const { approval } = own[0]?.governance ?? {};
        assert.deepEqual([approval?.by, approval?.validFromMs], [[approver], atMs]);
        assert.equal(approval?.validToMs, untilMs);
      }
    }
    assert.deepEqual(told.truths, []);
    const labels = new Set([...told.labels.values()].map(({ label }) => label));
    assert.deepEqual([...labels], ['benign']);
  });
}

test('a model that was exchanged shows in tokens, declared or not; the name only if declared', () => {
  for (const kind of ['model', 'model-swap'] as const) {
    const { told, changes } = story(kind, 6);
    let moved = 0;
    for (const { agents, atMs } of changes) {
      const { id = '', model = '' } = agents[0] ?? {};
      const { before, after } = around(told, id, atMs);
      assert.ok(before.length > 2 && after.length > 5);
      const ratio = tokensOf(told, after) / tokensOf(told, before);
      if (ratio > 1.25 || ratio < 0.8) moved += 1;
      const named = new Set(
        after.flatMap((session) =>
          (told.sessions.get(session) ?? []).flatMap(({ reasoning }) => reasoning?.model ?? []),
        ),
      );
      assert.equal(named.has(model), kind === 'model-swap');
      assert.equal(named.size, 1);
    }
    assert.ok(moved >= 4, `${kind}: ${moved} of 6 moved`);
  }
});

for (const kind of ['model-swap', 'prompt-swap', 'role-rollout', 'slow-drift'] as const) {
  test(`${kind}: governance is silent, the first session that shows it is the truth`, () => {
    const { told, changes } = story(kind, 3);
    assert.deepEqual(spoken(told), []);
    for (const { agents, atMs } of changes) {
      for (const { id } of agents) {
        const { before, after } = around(told, id, atMs);
        const truths = told.truths.filter(({ agentId }) => agentId === id);
        assert.deepEqual(
          truths.map(({ sessionId, kind: of }) => [sessionId, of]),
          [[after[0], kind]],
        );
        const labelOf = (session: string) => told.labels.get(session)?.label;
        assert.ok(before.every((session) => labelOf(session) === 'benign'));
        assert.ok(after.every((session) => labelOf(session) === 'attack_attempted'));
      }
    }
  });
}

test('a drift grows from nothing to its whole', () => {
  const [change] = planOf({ 'slow-drift': 1 });
  assert.ok(change !== undefined);
  const [agent] = change.agents;
  const role = STORY_ROLES.find(({ name }) => name === agent?.role);
  assert.ok(agent !== undefined && role !== undefined);
  const world = { seed: 7, roles: STORY_ROLES, changes: [change] };
  const driftAt = (share: number) => {
    const ms = change.atMs + share * (change.untilMs - change.atMs);
    return standingOf(world, agent, role, ms, 'session/1').drift;
  };
  assert.equal(driftAt(-0.1), 0);
  assert.equal(driftAt(0), 0);
  assert.ok(Math.abs(driftAt(0.5) - 0.5) < 1e-6);
  assert.equal(driftAt(1.5), 1);
});

test('an insider grants a tool without approval, and sessions use it outside', () => {
  const { told, changes } = story('insider-grant', 3);
  const grants = spoken(told);
  assert.equal(grants.length, changes.length);
  const tools = new Map<string, string>();
  for (const { governance, agent } of grants) {
    assert.equal(governance?.change, 'tools.granted');
    assert.equal(governance?.approval, undefined);
    tools.set(agent?.id ?? '', governance?.detail?.tools?.[0]?.tool ?? '');
  }
  assert.ok(told.truths.length > 4);
  for (const { agentId, sessionId, seq, kind } of told.truths) {
    assert.equal(kind, 'insider-grant');
    const record = told.sessions.get(sessionId)?.find(({ order }) => order?.seq === seq);
    assert.equal(record?.action?.tool, tools.get(agentId));
    assert.equal(told.labels.get(sessionId)?.label, 'attack_succeeded');
  }
});

test('a poisoned window: bad sessions lie within it and serve the same stranger', () => {
  const { told, changes } = story('poisoned-window', 3);
  assert.ok(told.truths.length > 4);
  const served = new Map<string, string[]>();
  for (const { agentId, sessionId, atMs, seq } of told.truths) {
    const change = changes.find(({ agents }) => agents.some(({ id }) => id === agentId));
    assert.ok(change !== undefined);
    assert.ok(atMs > change.atMs && atMs < change.untilMs + 3_600_000);
    const record = told.sessions.get(sessionId)?.find(({ order }) => order?.seq === seq);
    const said = JSON.stringify([record?.action?.tool, record?.action?.args]);
    served.set(agentId, [...(served.get(agentId) ?? []), said]);
  }
  for (const calls of served.values()) assert.ok(new Set(calls).size <= 3, 'few errands recur');
});

test('planted sessions serve one stranger, or one each where that is asked for', () => {
  const servedBy = (manyStrangers: boolean): { calls: Set<string>; sessions: number } => {
    const rates = { 'poisoned-window': 0.4 };
    const told = tell({
      ...{ agents: 4, sessionsPerHour: 6, untilMs: UNTIL, rates, manyStrangers },
    });
    const calls = told.truths.map(({ sessionId, seq }) => {
      const record = told.sessions.get(sessionId)?.find(({ order }) => order?.seq === seq);
      return JSON.stringify([record?.action?.tool, record?.action?.args]);
    });
    return { calls: new Set(calls), sessions: calls.length };
  };
  const one = servedBy(false);
  const many = servedBy(true);
  assert.ok(one.sessions > 20 && many.sessions > 20);
  assert.ok(one.calls.size < one.sessions / 2, `${one.calls.size} of ${one.sessions}`);
  assert.ok(many.calls.size > 0.8 * many.sessions, `${many.calls.size} of ${many.sessions}`);
});

test('changes break no rule by themselves', () => {
  const counts = Object.fromEntries(CHANGE_KINDS.map((kind) => [kind, 1]));
  const told = tell({
    ...{ agents: AGENTS, sessionsPerHour: 6, untilMs: UNTIL },
    changes: planOf(counts),
  });
  const ledger = keepBooks(told.emissions);
  for (const books of ledger.sessions.values()) assert.deepEqual(findingsOf(ledger, books), []);
});
