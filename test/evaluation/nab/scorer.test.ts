/** The NAB scorer: worked cases by hand, and against a plain reading of the rules. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  NAB_PROFILES,
  type NabProfile,
  type NabRun,
  probationRows,
  scoreAt,
  scoreAtBest,
  sigma,
} from '../../../src/evaluation/nab/scorer.ts';

const [standard, lowFp, lowFn] = NAB_PROFILES as readonly [NabProfile, NabProfile, NabProfile];

/** 100 rows, so 15 of probation; detections at the rows given. */
const runOf = (
  rows: readonly number[],
  windows: readonly (readonly [number, number])[],
): NabRun => ({
  labels: { rows: 100, windows: windows.map(([first, last]) => ({ first, last })) },
  scores: Float64Array.from({ length: 100 }, (_, i) => (rows.includes(i) ? 1 : 0)),
});
const near = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 1e-9, `${actual} for ${expected}`);

test('the published constants', () => {
  near(sigma(-1), 0.9866142981514305);
  assert.equal(sigma(0), 0);
  assert.equal(sigma(3.0001), -1);
  assert.deepEqual(
    [10, 4032, 5315, 22695].map((rows) => probationRows(rows)),
    [1, 604, 750, 750],
  );
});

test('never firing is 0, the first row of every window and nothing else is 100', () => {
  const windows = [
    [20, 29],
    [60, 79],
  ] as const;
  for (const profile of NAB_PROFILES) {
    assert.equal(scoreAt([runOf([], windows)], profile, 1).score, 0);
    const perfect = scoreAt([runOf([20, 60], windows)], profile, 1);
    near(perfect.score, 100);
    assert.deepEqual([perfect.windowsFound, perfect.falseRows], [2, 0]);
  }
});

test('worked by hand: one window found late, one missed, three false rows', () => {
  // Row 25 of 20…29: y = −5/10. Row 10 is in probation. Row 18 before any window: −1.
  // Row 36: y = (36 − 29)/(29 − 20). Row 59: y = 30/9 > 3, so −1.
  const run = runOf(
    [10, 18, 25, 27, 36, 59],
    [
      [20, 29],
      [60, 79],
    ],
  );
  const gained = sigma(-0.5) / sigma(-1);
  const lost = -1 + sigma(7 / 9) - 1;
  for (const { profile, miss, weight } of [
    { profile: standard, miss: 1, weight: 0.11 },
    { profile: lowFp, miss: 1, weight: 0.22 },
    { profile: lowFn, miss: 2, weight: 0.11 },
  ]) {
    const raw = gained - miss + weight * lost;
    const { score, windowsFound, falseRows } = scoreAt([run], profile, 1);
    near(score, (100 * (raw + 2 * miss)) / ((1 + miss) * 2));
    assert.deepEqual([windowsFound, falseRows], [1, 3]);
  }
});

test('a window in probation counts as missed, whatever fires in it', () => {
  const { score, windowsFound } = scoreAt([runOf([5, 7], [[4, 9]])], standard, 1);
  assert.deepEqual([score, windowsFound], [0, 0]);
});

test('rows of equal value enter together', () => {
  const best = scoreAtBest([runOf([20, 90, 91, 92, 93], [[20, 29]])], standard);
  assert.equal(best.falseRows, 4);
  assert.equal(best.threshold, 1);
  const many = Array.from({ length: 40 }, (_, i) => 55 + i);
  const never = scoreAtBest([runOf([29, ...many], [[20, 29]])], standard);
  assert.deepEqual([never.score, never.threshold], [0, Number.POSITIVE_INFINITY]);
});

test('scores that do not fit are refused', () => {
  const run = runOf([], []);
  const short = { labels: run.labels, scores: run.scores.subarray(1) };
  assert.throws(() => scoreAt([short], standard, 1), /99 scores for a series of 100 rows/);
  const broken = { labels: run.labels, scores: run.scores.map(() => Number.NaN) };
  assert.throws(() => scoreAtBest([broken], standard), /row 0 has no score/);
});

/** The seven rules of the corpus read literally: no sweep, no order, one threshold at a time. */
function plainRaw(runs: readonly NabRun[], profile: NabProfile, threshold: number): number {
  let raw = 0;
  for (const { labels, scores } of runs) {
    const fires = (row: number) =>
      row >= Math.min(Math.floor(0.15 * labels.rows), 750) && (scores[row] ?? 0) >= threshold;
    for (const { first, last } of labels.windows) {
      const worth: number[] = [];
      for (let row = first; row <= last; row++) {
        if (fires(row)) worth.push(sigma(-(last - row + 1) / (last - first + 1)));
      }
      raw += worth.length > 0 ? (profile.hit * Math.max(...worth)) / sigma(-1) : -profile.miss;
    }
    for (let row = 0; row < labels.rows; row++) {
      if (!fires(row) || labels.windows.some((w) => row >= w.first && row <= w.last)) continue;
      const before = labels.windows.filter(({ last }) => last < row).at(-1);
      const y = before && (row - before.last) / (before.last - before.first);
      raw += profile.falseRow * (y === undefined ? -1 : sigma(y));
    }
  }
  return raw;
}

const runs = fc
  .record({
    cuts: fc.uniqueArray(fc.integer({ min: 0, max: 199 }), { maxLength: 8 }),
    scores: fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 200, maxLength: 200 }),
  })
  .map(({ cuts, scores }): NabRun => {
    const edges = cuts.sort((a, b) => a - b);
    const windows = [];
    for (let i = 0; i + 1 < edges.length; i += 2) {
      windows.push({ first: edges[i] ?? 0, last: edges[i + 1] ?? 0 });
    }
    return { labels: { rows: 200, windows }, scores: Float64Array.from(scores) };
  });

test('sweep and plain reading agree at every threshold, and the best is the best of them', () => {
  fc.assert(
    fc.property(fc.array(runs, { minLength: 1, maxLength: 4 }), (all) => {
      const windows = all.reduce((sum, { labels }) => sum + labels.windows.length, 0);
      fc.pre(windows > 0);
      for (const profile of NAB_PROFILES) {
        const plain = [Number.POSITIVE_INFINITY, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0].map((threshold) => {
          const raw = plainRaw(all, profile, threshold) + profile.miss * windows;
          const score = (100 * raw) / ((profile.hit + profile.miss) * windows);
          near(scoreAt(all, profile, threshold).score, score);
          return score;
        });
        near(scoreAtBest(all, profile).score, Math.max(...plain));
      }
    }),
    { seed: 46, numRuns: 60 },
  );
});
