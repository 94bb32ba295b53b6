/** Stories: shares by kind and role, alarms after a change, and sessions until a drift case. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LabelledSession } from '../../../src/evaluation/recordings/labels.ts';
import {
  areWithin,
  casesOf,
  foundByKind,
  isWithin,
  noticed,
  realisedAfter,
  realisedByRole,
  type StorySession,
} from '../../../src/evaluation/recordings/stories.ts';

const session = (
  id: string,
  more: Partial<LabelledSession>,
  alertSeq: number | null | undefined = undefined,
  rest: Partial<StorySession> = {},
): StorySession => ({
  label: {
    ...{ session: id, agent: 'a', task: 't', label: 'benign', exposedSeq: null, onsetSeq: null },
    ...{ calls: 3, kind: null },
    ...more,
  },
  ...{ role: 'r', startMs: 0, doneSeq: null },
  outcome:
    alertSeq === undefined
      ? null
      : { session: id, score: 1, alerted: true, alertSeq, interventionSeq: null },
  ...rest,
});

test('sound sessions are counted by role, those without a call not at all', () => {
  const sessions = [
    session('1', {}, 2),
    session('2', {}),
    session('3', {}, undefined, { role: 'q' }),
    session('4', { calls: 0 }, 1),
    session('5', { label: 'attack_attempted' }, 1),
  ];
  assert.deepEqual(realisedByRole(sessions), [
    { name: 'q', sessions: 1, alerted: 0 },
    { name: 'r', sessions: 2, alerted: 1 },
    { name: 'all roles', sessions: 3, alerted: 1 },
  ]);
});

test('after a change only its agents’ later sessions count', () => {
  const sessions = [
    session('1', {}, 2, { startMs: 5 }),
    session('2', {}, 2, { startMs: 15 }),
    session('3', { agent: 'b' }, 2, { startMs: 15 }),
    session('4', {}, undefined, { startMs: 20 }),
  ];
  const changes = [{ kind: 'model', agent: 'a', atMs: 10 }];
  const found = realisedAfter('upgraded', sessions, changes);
  assert.deepEqual(found, { name: 'upgraded', sessions: 2, alerted: 1 });
});

test('chance is allowed for, and no more', () => {
  assert.ok(isWithin({ name: '', sessions: 300, alerted: 3 }, 0.01));
  assert.ok(isWithin({ name: '', sessions: 300, alerted: 5 }, 0.01));
  assert.ok(!isWithin({ name: '', sessions: 300, alerted: 9 }, 0.01));
  assert.ok(isWithin({ name: '', sessions: 0, alerted: 0 }, 0.01));
});

test('an alarm with the first wrong record is in time, with the last it is not before it', () => {
  const bad = { label: 'attack_succeeded', kind: 'sweep', onsetSeq: 4 } as const;
  const found = foundByKind([
    session('1', bad, 4, { doneSeq: 8 }),
    session('2', bad, 8, { doneSeq: 8 }),
    session('3', bad, null, { doneSeq: 8 }),
    session('4', bad),
    session('5', { ...bad, kind: 'loop' }, 2, { doneSeq: 3 }),
    session('6', { label: 'attack_attempted', kind: 'loop' }, 1),
  ]);
  assert.deepEqual(found, [
    { kind: 'loop', sessions: 1, alerted: 1, byOnset: 1, beforeDone: 1 },
    { kind: 'sweep', sessions: 4, alerted: 3, byOnset: 1, beforeDone: 1 },
  ]);
});

test('sessions until the first case after the change; earlier cases and other agents are no help', () => {
  const sessions = [1, 12, 14, 16, 40].map((startMs) =>
    session(String(startMs), {}, undefined, { startMs }),
  );
  const changes = [
    { kind: 'model-swap', agent: 'a', atMs: 10 },
    { kind: 'model-swap', agent: 'c', atMs: 10 },
  ];
  const cases = [
    { agent: 'a', ms: 2 },
    { agent: 'a', ms: 15 },
    { agent: 'b', ms: 11 },
    { agent: 'a', ms: 30 },
  ];
  assert.deepEqual(
    noticed(changes, sessions, cases).map(({ after, sessions: count }) => [after, count]),
    [
      [2, 4],
      [null, 0],
    ],
  );
});

test('drift cases are counted per agent and week, from each agent’s own time on', () => {
  const week = 7 * 86_400_000;
  const since = [
    { kind: 'model', agent: 'a', atMs: 0 },
    { kind: 'model', agent: 'b', atMs: week },
  ];
  const cases = [
    { agent: 'a', ms: 1 },
    { agent: 'b', ms: 1 },
    { agent: 'b', ms: week + 1 },
    { agent: 'c', ms: 1 },
    { agent: 'a', ms: 3 * week },
  ];
  const found = casesOf('declared', since, cases, 2 * week);
  assert.deepEqual(found, { name: 'declared', agents: 2, agentWeeks: 3, cases: 2 });
  assert.ok(areWithin(found, 1));
  assert.ok(areWithin({ ...found, cases: 6 }, 1));
  assert.ok(!areWithin({ ...found, cases: 9 }, 1));
});
