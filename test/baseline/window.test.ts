/** Windows: no path leads from time-out to promotion, and nobody promotes what is theirs. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { exitCriteria, NOTHING } from '../../src/baseline/criteria.ts';
import {
  isOpen,
  isSame,
  moveWindow,
  namesDimension,
  type Opening,
  openWindow,
  stanceOf,
  WINDOW_DEFAULT_MS,
  WINDOW_MAX_MS,
  type WindowMove,
} from '../../src/baseline/window.ts';
import type { LearningWindow } from '../../src/model/window.ts';

const START_MS = 1_000_000;
const opening: Opening = {
  scope: { level: 'role', subject: 'triage' },
  change: 'gov-evt-8831',
  rule: null,
  dimensions: ['sequence', 'level.*'],
  tools: null,
  opensMs: START_MS,
  openedBy: 'gina',
  beneficiary: 'team-x',
  reason: 'model upgrade',
};
const opened = (more: Partial<Opening> = {}): LearningWindow => {
  const result = openWindow({ ...opening, ...more });
  assert.ok(result.ok);
  return result.window;
};
const move = (window: LearningWindow, step: WindowMove): LearningWindow => {
  const result = moveWindow(window, step);
  assert.ok(result.ok, result.ok ? '' : result.reason);
  return result.window;
};
const refusal = (window: LearningWindow, step: WindowMove): string => {
  const result = moveWindow(window, step);
  assert.ok(!result.ok);
  return result.reason;
};
const at = START_MS + 1000;
const freeze: WindowMove = { type: 'freeze', fitUntilMs: at, atMs: at };
const propose: WindowMove = {
  type: 'propose',
  ...{ hash: 'sha256:1', by: 'bob', criteria: [], approvalsNeeded: 1, fullNeeded: false, atMs: at },
};
const approve = (by: string, more = {}): WindowMove => {
  return { type: 'approve', hash: 'sha256:1', by, reason: 'read', full: false, atMs: at, ...more };
};
const inReview = (more: Partial<Extract<WindowMove, { type: 'propose' }>> = {}): LearningWindow =>
  move(move(opened(), freeze), { ...propose, ...more } as WindowMove);

describe('opening a window', () => {
  it('takes seven days where nobody says otherwise, and thirty at most', () => {
    assert.equal(opened().expiresMs - START_MS, WINDOW_DEFAULT_MS);
    assert.equal(opened({ lengthMs: 1e12 }).expiresMs - START_MS, WINDOW_MAX_MS);
    assert.equal(WINDOW_DEFAULT_MS, 7 * 86_400_000);
    assert.equal(WINDOW_MAX_MS, 30 * 86_400_000);
  });

  it('gives a change one window, and a rule one for each occasion', () => {
    assert.equal(opened().id, opened({ opensMs: 5, openedBy: 'zoe' }).id);
    assert.notEqual(opened().id, opened({ change: 'other' }).id);
    const rule = { change: null, rule: 'genesis' };
    assert.notEqual(opened({ ...rule, nonce: '1' }).id, opened({ ...rule, nonce: '2' }).id);
  });

  it('refuses what nobody, or only who benefits, signed', () => {
    const cases: [Partial<Opening>, RegExp][] = [
      [{ openedBy: ' ' }, /signed by somebody/],
      [{ openedBy: 'Team-X ' }, /would benefit/],
      [{ scope: { level: 'agent', subject: 'a1' }, openedBy: 'A1' }, /agent cannot sign/],
      [{ change: null }, /names the governance change/],
      [{ rule: 'genesis' }, /names the governance change/],
      [{ dimensions: [] }, /names the dimensions/],
      [{ lengthMs: 0 }, /length above zero/],
    ];
    for (const [more, message] of cases) {
      const result = openWindow({ ...opening, ...more });
      assert.ok(!result.ok && message.test(result.reason), JSON.stringify(result));
    }
  });
});

describe('moving a window', () => {
  it('goes from learning to promotion by its exits only', () => {
    assert.match(refusal(opened(), propose), /not frozen yet/);
    const calibrating = move(opened(), freeze);
    assert.equal(calibrating.state, 'CALIBRATING');
    assert.match(refusal(calibrating, freeze), /frozen already/);
    assert.match(refusal(calibrating, approve('ann')), /nothing to approve/);
    const review = move(calibrating, propose);
    const promoted = move(review, approve('ann'));
    assert.equal(promoted.state, 'PROMOTED');
    assert.match(refusal(promoted, approve('carl')), /it is PROMOTED/);
    const superseded = move(promoted, { type: 'supersede', by: 'ann', why: 'newer', atMs: at });
    assert.equal(superseded.state, 'SUPERSEDED');
    assert.equal(move(superseded, { type: 'restore', atMs: at }).state, 'PROMOTED');
    assert.match(refusal(review, { type: 'restore', atMs: at }), /it is REVIEW/);
  });

  it('needs other eyes than the proposer and the beneficiary, whatever they call themselves', () => {
    for (const who of ['bob', ' BOB', 'ｂｏｂ', 'team-x'])
      assert.match(refusal(inReview(), approve(who)), /somebody else approves/, who);
    assert.match(refusal(inReview(), approve('')), /signed by somebody/);
    assert.match(refusal(inReview(), approve('ann', { hash: 'sha256:2' })), /another one by now/);
    const agent = move(
      move(opened({ scope: { level: 'agent', subject: 'a1' }, beneficiary: null }), freeze),
      propose,
    );
    assert.match(refusal(agent, approve('A1')), /agent cannot approve/);
    const two = inReview({ approvalsNeeded: 2, fullNeeded: true });
    assert.match(refusal(two, approve('ann')), /drift ledger is at its cap/);
    const one = move(two, approve('ann', { full: true }));
    assert.equal(one.state, 'REVIEW');
    assert.match(refusal(one, approve('Ann ', { full: true })), /another person is needed/);
    assert.equal(move(one, approve('carl', { full: true })).state, 'PROMOTED');
  });

  it('voids what was said to an older proposal', () => {
    const one = move(inReview({ approvalsNeeded: 2 }), approve('ann'));
    const newer = move(one, { ...propose, hash: 'sha256:2' } as WindowMove);
    assert.deepEqual([newer.approvals, newer.proposal], [[], 'sha256:2']);
  });

  it('asks for criteria that are met or waived', () => {
    const calibrating = move(opened(), freeze);
    const criteria = exitCriteria({ ...NOTHING, days: 3 });
    const reason = refusal(calibrating, { ...propose, criteria } as WindowMove);
    assert.match(reason, /fit-units not measured \(at least 200\).*days 3 \(at least 7\)/);
  });

  it('is extended once, by nobody who benefits, up to thirty days in all', () => {
    const byMs = 86_400_000;
    const longer = move(opened(), { type: 'extend', by: 'gina', byMs, atMs: at });
    assert.equal(longer.expiresMs - opened().expiresMs, byMs);
    assert.match(refusal(longer, { type: 'extend', by: 'gina', byMs, atMs: at }), /once/);
    const theirs: WindowMove = { type: 'extend', by: 'TEAM-X', byMs, atMs: at };
    assert.match(refusal(opened(), theirs), /would benefit/);
    const most = move(opened(), { type: 'extend', by: 'gina', byMs: 1e12, atMs: at });
    assert.equal(most.expiresMs - most.opensMs, WINDOW_MAX_MS);
  });

  it('never leads from time-out, refusal or hard evidence to promotion, by any path', () => {
    const moves = fc.constantFrom<(ms: number) => WindowMove>(
      (ms) => ({ ...freeze, atMs: ms }) as WindowMove,
      (ms) => ({ ...propose, atMs: ms }) as WindowMove,
      (ms) => approve('ann', { atMs: ms }),
      (ms) => approve('bob', { atMs: ms }),
      (ms) => ({ type: 'expire', atMs: ms }),
      (ms) => ({ type: 'extend', by: 'gina', byMs: 1e9, atMs: ms }),
      (ms) => ({ type: 'abort', evidence: 'd1', atMs: ms }),
      (ms) => ({ type: 'reject', by: 'ann', why: 'no', atMs: ms }),
      (ms) => ({ type: 'supersede', by: 'x', why: 'y', atMs: ms }),
      (ms) => ({ type: 'restore', atMs: ms }),
    );
    const steps = fc.array(fc.tuple(moves, fc.integer({ min: 0, max: 1e8 })), { maxLength: 14 });
    fc.assert(
      fc.property(steps, (list) => {
        let window = opened();
        let ms = START_MS;
        let isLost = false;
        for (const [make, later] of list) {
          ms += later;
          const result = moveWindow(window, make(ms));
          if (!result.ok) continue;
          const before = window;
          window = result.window;
          if (['EXPIRED', 'REJECTED', 'ABORTED'].includes(window.state)) isLost = true;
          assert.ok(!(isLost && window.state === 'PROMOTED'));
          if (window.state === 'PROMOTED' && before.state === 'REVIEW') {
            assert.ok(ms < before.expiresMs, 'promoted after its time');
            assert.ok(window.approvals.every(({ by }) => by === 'ann'));
          }
          assert.ok(window.expiresMs - window.opensMs <= WINDOW_MAX_MS);
          assert.equal(isOpen(window), window.ended === null && window.state !== 'PROMOTED');
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('what a window puts out of force', () => {
  const who = { agent: 'a1', role: 'triage' };
  it('is the dimensions it names, for whom it names, while it is open', () => {
    const windows = [opened()];
    assert.equal(stanceOf(windows, who, 'sequence', null, at), 'abstains');
    assert.equal(stanceOf(windows, who, 'level.tokens', null, at), 'abstains');
    assert.equal(stanceOf(windows, who, 'provenance', null, at), 'enforced');
    assert.equal(stanceOf(windows, { ...who, role: 'other' }, 'sequence', null, at), 'enforced');
    assert.equal(stanceOf(windows, who, 'sequence', null, START_MS - 1), 'enforced');
    assert.equal(
      stanceOf(windows, who, 'sequence', null, START_MS + WINDOW_DEFAULT_MS),
      'enforced',
    );
    const expired = move(opened(), { type: 'expire', atMs: opened().expiresMs });
    assert.equal(stanceOf([expired], who, 'sequence', null, at), 'enforced');
  });

  it('is only the tool that was granted, and one level up for one agent', () => {
    const scope = { level: 'agent', subject: 'a1' } as const;
    const one = opened({ scope, dimensions: ['*'], tools: ['pay'] });
    assert.equal(stanceOf([one], who, 'mix', 'pay', at), 'one-level-up');
    assert.equal(stanceOf([one], who, 'mix', 'get', at), 'enforced');
    assert.equal(stanceOf([one], who, 'level.cost', null, at), 'enforced');
    assert.equal(stanceOf([one, opened()], who, 'sequence', 'pay', at), 'abstains');
    assert.equal(stanceOf([one], { ...who, agent: 'a2' }, 'mix', 'pay', at), 'enforced');
  });

  it('names families by their prefix', () => {
    assert.ok(namesDimension(['level.*'], 'level.cost') && namesDimension(['*'], 'x'));
    assert.ok(!namesDimension(['level.*'], 'levels') && !namesDimension(['level'], 'level.cost'));
    assert.ok(isSame('Ann  Lee', 'ann lee') && !isSame('ann', 'anne'));
  });
});
