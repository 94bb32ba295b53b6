/** Goals: limits are met or missed as they say, and tables show every figure with its interval. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordingGoals, shown, withInterval } from '../../../src/evaluation/recordings/goals.ts';
import type { Quality } from '../../../src/evaluation/recordings/quality.ts';
import { goalTable, methodTable } from '../../../src/evaluation/recordings/table.ts';

const RATES = {
  ...{ auc: 0.98, detectedAt1: 0.8, detectedAt5: 0.92, detected: 0.8, falseAlarms: 0.021 },
  ...{ hardNegatives: 0.05, alertedInTime: 0.7, intervenedInTime: Number.NaN },
};
const QUALITY: Quality = {
  ...RATES,
  sessions: { benign: 1, succeeded: 1, hardNegatives: 1, attempted: 0, unscored: 0 },
  interval: {
    ...{ auc: [0.97, 0.99], detectedAt1: [0.7, 0.9], detectedAt5: [0.9, 1], detected: [0.7, 0.9] },
    ...{ falseAlarms: [0, 0.04], hardNegatives: [0, 0.1], alertedInTime: [0.6, 0.8] },
    intervenedInTime: [Number.NaN, Number.NaN],
  },
  ...{ attemptedFlagged: 0, f1: 0 },
};

test('a line is missed on the wrong side of its limit only', () => {
  const missed = recordingGoals('known', QUALITY, QUALITY).filter(({ isMet }) => !isMet);
  assert.deepEqual(
    missed.map(({ what, where }) => [what, where]),
    [
      ['its realised false alarms', 'known'],
      ['its realised false alarms', 'known, L2'],
    ],
  );
  const nothing = { ...QUALITY, auc: Number.NaN };
  const [first] = recordingGoals('fresh', nothing, QUALITY);
  assert.equal(first?.isMet, false);
});

test('figures are shown with their interval; what was not measured is a dash', () => {
  assert.equal(withInterval(QUALITY, 'auc'), '0.980 [0.970, 0.990]');
  assert.equal(withInterval(QUALITY, 'falseAlarms'), '2.1 % [0, 4]');
  assert.equal(shown('intervenedInTime', Number.NaN), '–');
  assert.equal(withInterval(QUALITY, 'intervenedInTime'), '– [–, –]');
});

test('tables: our row is bold, missed goals too, a bar stays within its cell', () => {
  const rows = [
    { name: 'ours', setting: '1 %', quality: QUALITY },
    { name: 'a|b', setting: '-', quality: QUALITY },
  ];
  const lines = methodTable(rows, new Set(['ours'])).split('\n');
  assert.equal(lines.length, 4);
  assert.match(lines[2] ?? '', /^\| \*\*ours\*\* \| 1 % \| 0\.980 \[0\.970, 0\.990\] \|/);
  assert.match(lines[3] ?? '', /a\\\|b/);
  const goal = { what: 'w', where: 'x', wanted: '≥ 1', measured: '0', isMet: false };
  assert.match(goalTable([goal]), /\*\*missed\*\*/);
});
