/** The one-pass detector on series made here: it fires, stays silent, and never looks ahead. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  createNabDetector,
  PROTOTYPE,
  scoreRow,
  scoreSeries,
  TUNED,
  WIDENED,
} from '../../../src/evaluation/nab/detector.ts';

const FIVE_MINUTES_MS = 300_000;
const WARM = 750;

/** Standard normal numbers of a seed (a linear congruence; good enough for noise). */
function noise(seed: number): () => number {
  let state = seed >>> 0;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

function seriesOf(rows: number, valueAt: (row: number) => number) {
  return {
    timesMs: Float64Array.from({ length: rows }, (_, row) => row * FIVE_MINUTES_MS),
    values: Float64Array.from({ length: rows }, (_, row) => valueAt(row)),
  };
}

const strongest = (scores: Float64Array): number =>
  scores.reduce((best, score, row) => (score > (scores[best] ?? 0) ? row : best), WARM);

for (const [name, constants] of Object.entries({ PROTOTYPE, WIDENED, TUNED })) {
  test(`the threshold of ${name} is what one row in a thousand of white noise reaches`, () => {
    const draw = noise(1);
    let rows = 0;
    let reached = 0;
    for (let repeat = 0; repeat < 10; repeat++) {
      const scores = scoreSeries(seriesOf(5000, draw), constants).subarray(WARM);
      rows += scores.length;
      reached += scores.filter((score) => score >= constants.threshold).length;
    }
    // 42,500 rows: 42.5 expected, and a tenth of the threshold is worth a fifth of the rate.
    assert.ok(reached / rows < 1 / 750 && reached / rows > 1 / 2000, `${reached} of ${rows}`);
  });
}

test('a spike, a level shift and an odd value inside the range are the strongest rows', () => {
  const cases: [string, (row: number, z: number) => number][] = [
    ['spike', (row, z) => z + (row === 2000 ? 12 : 0)],
    ['shift', (row, z) => z + (row >= 2000 ? 8 : 0)],
    ['inside', (row, z) => (row === 2000 ? 0 : (row % 7 < 3 ? 20 : -20) + z)],
  ];
  for (const [what, valueAt] of cases) {
    const draw = noise(5);
    const scores = scoreSeries(
      seriesOf(4000, (row) => valueAt(row, draw())),
      TUNED,
    );
    const at = strongest(scores);
    assert.ok(at >= 2000 && at < 2012, `${what}: strongest at ${at}`);
    assert.ok((scores[at] ?? 0) > TUNED.threshold, what);
  }
});

test('the same value at another hour is strange', () => {
  const draw = noise(9);
  const day = (row: number) => (Math.floor(row / 12) % 24 < 12 ? 100 : 10) + draw();
  // Rows 5904…5909 lie at noon of a day and carry the morning's level instead of the evening's.
  const wrong = (row: number) => (row >= 5904 && row < 5910 ? 100 : day(row));
  const scores = scoreSeries(seriesOf(6200, wrong), TUNED);
  const found = Math.max(...scores.subarray(5904, 5910));
  assert.ok(found > TUNED.threshold, `${found}`);
});

test('a flat line and a perfect daily cycle say nothing', () => {
  for (const valueAt of [() => 45, (row: number) => (Math.floor(row / 12) % 24 < 12 ? 100 : 10)]) {
    const scores = scoreSeries(seriesOf(5000, valueAt), TUNED).subarray(WARM);
    assert.ok(Math.max(...scores) < TUNED.threshold, `${Math.max(...scores)}`);
  }
});

test('one pass: the scores of a beginning do not depend on what follows', () => {
  const draw = noise(3);
  const whole = seriesOf(3000, draw);
  const part = { timesMs: whole.timesMs.slice(0, 1700), values: whole.values.slice(0, 1700) };
  assert.deepEqual(scoreSeries(part, TUNED), scoreSeries(whole, TUNED).slice(0, 1700));
});

test('finite and at least 0 for any finite value', () => {
  const values = [0, 1e308, -1e308, 5e-324, -0, 1e-9, 1e9];
  const scores = scoreSeries(
    seriesOf(1000, (row) => values[(row * row) % 7] ?? 0),
    TUNED,
  );
  assert.ok(scores.every((score) => Number.isFinite(score) && score >= 0));
});

test('does not grow with the series', () => {
  const detector = createNabDetector(TUNED);
  const size = () =>
    [detector.values, ...detector.cells, ...detector.ranked].reduce(
      (sum, window) => sum + window.ring.byteLength + window.sorted.byteLength,
      detector.recent.byteLength,
    );
  const before = size();
  for (let row = 0; row < 10_000; row++) scoreRow(detector, row * FIVE_MINUTES_MS, row % 97);
  assert.equal(size(), before);
  assert.ok(before < 1_000_000, `${before} bytes`);
});
