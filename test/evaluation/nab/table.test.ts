/** The tables: our rows among the published ones, in order. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NabReport, NabScores } from '../../../src/evaluation/nab/evaluate.ts';
import {
  checkRows,
  rankingRows,
  thresholdRows,
  variationRows,
} from '../../../src/evaluation/nab/table.ts';

const scores = (score: number): NabScores =>
  [0, 1, 2].map((less) => ({ score: score - less, threshold: 4, windowsFound: 5, falseRows: 6 }));

const report: NabReport = {
  series: 1,
  rows: 10,
  windows: 1,
  entries: [{ name: 'ours', best: scores(70), left: scores(68), fixed: scores(66) }],
  references: [
    { detector: 'above', scores: scores(80) },
    { detector: 'below', scores: scores(60) },
  ],
  checks: [{ detector: 'above', here: scores(80), published: scores(80), agrees: true }],
};

test('ours stands between the published ones', () => {
  const rows = rankingRows(report);
  assert.equal(rows.length, 5);
  assert.match(rows[2] ?? '', /^\| above .* 80\.00 \(5, 6\) \| +79\.00 \| +78\.00 \|$/);
  assert.match(rows[3] ?? '', /^\| \*\*ours\*\* /);
  assert.match(rows[4] ?? '', /^\| below /);
  assert.equal(new Set(rows.map((row) => row.length)).size, 1, 'columns are aligned');
});

test('three thresholds a set of constants', () => {
  const rows = thresholdRows(report);
  assert.deepEqual(
    rows.slice(2).map((row) => /(\d\d\.\d\d) \(5, 6\)/.exec(row)?.[1]),
    ['70.00', '68.00', '66.00'],
  );
});

test('checks say whether they agree', () => {
  assert.match(checkRows(report).join('\n'), /equal/);
  const differing = { ...report, checks: report.checks.map((c) => ({ ...c, agrees: false })) };
  assert.match(checkRows(differing).join('\n'), /DIFFERS/);
});

test('a row a variation', () => {
  assert.match(variationRows([{ name: 'bar', best: scores(71) }])[2] ?? '', /^\| bar +\| +71\.00/);
});
