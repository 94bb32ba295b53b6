/** Every outcome of every step in every state: what becomes of the intention and its lease. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApplyOutcome } from '../../src/model/action-log.ts';
import type { Intention, LeaseState } from '../../src/model/decision.ts';
import { GIVE_UP_AFTER_MS, type Sent, settled } from '../../src/record/settle.ts';

const intention = (step: Intention['step'], cause: string | null = null): Intention => ({
  ...{ key: 'k', step, leaseId: 'l', caseId: 'c', decisionId: 'd', driver: 'webhook' },
  ...{ verb: 'freeze_tool', level: 'high', mode: 'autonomous', reason: 'r', issuedMs: 0 },
  subject: { tenant: 't', agent: 'a', session: null, tools: [] },
  expiresMs: 1000,
  cause,
  approval: null,
  evidenceMs: 0,
  grounds: null,
});

const sent = (step: Intention['step'], more: Partial<Sent> = {}): Sent => ({
  ...{ intention: intention(step), firstSentMs: 0, unsure: false, expiresMs: 1000 },
  ...{ leaseState: step === 'release' ? 'releasing' : 'requested', verification: 'none' },
  ...more,
});

const outcome = (type: ApplyOutcome['type']): ApplyOutcome =>
  type === 'retry' || type === 'unknown' ? { type, detail: '', afterMs: 10 } : { type, detail: '' };

const OUTCOMES: readonly ApplyOutcome['type'][] = [
  ...(['accepted', 'already', 'pending_approval'] as const),
  ...(['refused', 'retry', 'unknown', 'lapsed'] as const),
];

const summary = (from: Sent, type: ApplyOutcome['type'], nowMs: number): string => {
  const what = settled(from, outcome(type), nowMs);
  const flags = [what.accepted && 'accepted', what.over && 'over', what.release && 'release'];
  const due = what.done ? 'done' : `again at ${what.dueMs}${what.unsure ? ', unsure' : ''}`;
  return [what.leaseState, what.verification, due, ...flags.filter(Boolean)].join(' · ');
};

test('a request in its time', () => {
  assert.deepEqual(
    OUTCOMES.map((type) => summary(sent('request'), type, 5)),
    [
      'accepted · pending · done · accepted',
      'accepted · pending · done · accepted',
      'accepted · unverified · done · accepted',
      'refused · none · done · over',
      'requested · none · again at 15',
      'requested · none · again at 15, unsure',
      'lapsed · none · done · over',
    ],
  );
});

test('a request whose time is over: certain lapses, uncertain is released', () => {
  const unsure = sent('request', { unsure: true });
  assert.equal(summary(sent('request'), 'retry', 1000), 'lapsed · none · done · over');
  assert.equal(summary(sent('request'), 'unknown', 1000), 'requested · none · done · release');
  assert.equal(summary(unsure, 'retry', 1000), 'requested · none · done · release');
  assert.equal(summary(unsure, 'lapsed', 5), 'requested · none · done · release');
});

test('a request that cannot be undone is tried for a day', () => {
  const endless = sent('request', { expiresMs: null });
  const last = GIVE_UP_AFTER_MS - 1;
  assert.equal(summary(endless, 'retry', last), `requested · none · again at ${last + 10}`);
  assert.equal(summary(endless, 'retry', GIVE_UP_AFTER_MS), 'lapsed · none · done · over');
  assert.equal(summary(endless, 'unknown', GIVE_UP_AFTER_MS), 'failed · none · done · over');
});

test('a request whose release is on its way', () => {
  const undone = sent('request', { leaseState: 'releasing' });
  const unsure: Sent = { ...undone, unsure: true };
  assert.equal(summary(undone, 'accepted', 5), 'releasing · pending · done · accepted');
  assert.equal(summary(undone, 'retry', 5), 'lapsed · none · done · over');
  assert.equal(summary(unsure, 'retry', 5), 'releasing · none · done');
  assert.equal(summary(undone, 'unknown', 5), 'releasing · none · done');
  assert.equal(summary(undone, 'refused', 5), 'refused · none · done · over');
});

test('a renewal never moves the lease', () => {
  const renewal = sent('renew', { leaseState: 'accepted', verification: 'verified' });
  for (const type of OUTCOMES) {
    const again = type === 'retry' ? 'again at 15' : 'again at 15, unsure';
    const due = type === 'retry' || type === 'unknown' ? again : 'done';
    assert.equal(summary(renewal, type, 5), `accepted · verified · ${due}`);
    assert.equal(summary(renewal, type, 1000), 'accepted · verified · done');
  }
});

test('a release ends the lease by its cause, and is tried for a day', () => {
  const cases: readonly [string, LeaseState][] = [
    ['expired', 'expired'],
    ['undone', 'released'],
    ['lifted', 'released'],
  ];
  for (const [cause, state] of cases) {
    const release = sent('release', { intention: intention('release', cause) });
    assert.deepEqual(
      OUTCOMES.map((type) => summary(release, type, 5000)),
      [
        `${state} · none · done · over`,
        `${state} · none · done · over`,
        'releasing · none · again at 65000',
        'releasing · none · again at 65000',
        'releasing · none · again at 5010',
        'releasing · none · again at 5010, unsure',
        `${state} · none · done · over`,
      ],
    );
    for (const type of ['refused', 'pending_approval', 'retry', 'unknown'] as const) {
      assert.equal(summary(release, type, GIVE_UP_AFTER_MS), 'failed · none · done · over');
    }
  }
});

test('withheld at the moment of acting: over, unless an earlier sending may have worked', () => {
  assert.equal(summary(sent('request'), 'withheld', 5), 'refused · none · done · over');
  const unsure = summary(sent('request', { unsure: true }), 'withheld', 5);
  assert.equal(unsure, 'requested · none · done · release');
  const renewal = sent('renew', { leaseState: 'accepted', verification: 'pending' });
  assert.equal(summary(renewal, 'withheld', 5), 'accepted · pending · done');
});
