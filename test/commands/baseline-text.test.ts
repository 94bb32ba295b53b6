/** A review is read on a terminal: whatever agents called their tools stays text. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { exitCriteria, NOTHING } from '../../src/baseline/criteria.ts';
import { ledgerAfter } from '../../src/baseline/ledger.ts';
import { profileHash } from '../../src/baseline/profile.ts';
import { ledgerSteps, review } from '../../src/baseline/review.ts';
import { moveWindow, openWindow } from '../../src/baseline/window.ts';
import { diffText, nextSteps, reviewText } from '../../src/commands/baseline-text.ts';
import type { LearningWindow } from '../../src/model/window.ts';
import { follower, profile, REGISTRY, unit, units } from '../baseline/profiles.ts';

const HOSTILE = '\u001b[2J\u001b]0;owned\u0007\u202egnp.exe\n\rX';

it('shows every section, escaped, with what to type next', () => {
  const first = profile({ subject: HOSTILE });
  const proposed = follower(first, {
    units: [...units(300, 0.3), ...[1, 2, 3, 4].map((n) => unit(900 + n, [HOSTILE, 'get_ticket']))],
    meta: { excluded: [{ session: HOSTILE, reason: HOSTILE }] },
  });
  const opened = openWindow({
    ...{ scope: { level: 'role', subject: HOSTILE }, change: HOSTILE, rule: null },
    ...{ dimensions: [HOSTILE], tools: [HOSTILE], opensMs: 0, openedBy: HOSTILE },
    ...{ beneficiary: null, reason: HOSTILE },
  });
  assert.ok(opened.ok);
  const window: LearningWindow = {
    ...opened.window,
    state: 'REVIEW',
    fullNeeded: true,
    proposedBy: HOSTILE,
    approvals: [{ by: HOSTILE, reason: HOSTILE, atMs: 1, full: true }],
    ended: { atMs: 1, by: HOSTILE, why: HOSTILE },
  };
  const row = { session: HOSTILE, agent: HOSTILE, atMs: 1, rung: HOSTILE, old: true, new: false };
  const report = review({
    ...{ proposed, proposedHash: profileHash(proposed), previous: first },
    previousHash: profileHash(first),
    registry: REGISTRY,
    criteria: exitCriteria(NOTHING, [{ name: 'days', why: HOSTILE }]),
    ledger: ledgerAfter({}, ledgerSteps(REGISTRY, proposed, first, first)),
    evidence: {
      literals: [HOSTILE],
      influence: { sessions: [{ id: HOSTILE, share: 0.5 }], days: [] },
      backtest: { days: 1, units: 1, rows: [row] },
      budgets: { [HOSTILE]: 1 },
    },
  });
  const lines = [...reviewText(report, window), ...nextSteps(report, window), ...diffText(report)];
  for (const line of lines) assert.doesNotMatch(line, /[\p{Cc}\p{Cf}]/u);
  const text = lines.join('\n');
  for (const title of [
    ...['Exit criteria', 'Kept out', 'What changes, by dimension', 'Literals that become known'],
    ...['Calibration scores, old → new', 'Influence', 'Drift since the last full approval'],
    ...['If 1 % of the calibration were planted', 'Backtest', 'Predicted firings per day'],
  ])
    assert.ok(text.includes(title), title);
  assert.match(text, /waived {2}days not measured \(at least 7\)/);
  assert.match(text, /NOT {5}lag-1 not measured/);
  assert.match(
    text,
    new RegExp(`baseline approve ${profileHash(proposed).slice(7, 19)} --full --by`),
  );
  const expired = moveWindow(opened.window, { type: 'expire', atMs: opened.window.expiresMs });
  assert.ok(expired.ok);
  assert.deepEqual(nextSteps(report, expired.window), []);
});
