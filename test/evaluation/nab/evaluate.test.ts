/** The whole evaluation on a corpus made here. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evaluateNab, readReferences, VARIATIONS } from '../../../src/evaluation/nab/evaluate.ts';
import { OperatingError } from '../../../src/model/errors.ts';

const two = (value: number): string => String(value).padStart(2, '0');
const stamp = (row: number): string => {
  const minutes = row * 5;
  const day = 1 + Math.floor(minutes / 1440);
  return `2014-04-${two(day)} ${two(Math.floor(minutes / 60) % 24)}:${two(minutes % 60)}:00`;
};

/** Noise without a generator: good enough to be no pattern over a few thousand rows. */
const rough = (row: number): number => (Math.imul(row, 2654435761) >>> 0) / 2 ** 32;

function files(): ReadonlyMap<string, string> {
  const csv = (at: number) =>
    [
      'timestamp,value',
      ...Array.from(
        { length: 3000 },
        (_, row) => `${stamp(row)},${rough(row) + (row === at ? 9 : 0)}`,
      ),
    ].join('\n');
  return new Map([
    ['data/made/one.csv', csv(2100)],
    ['data/made/two.csv', csv(-1)],
    [
      'labels/windows.json',
      JSON.stringify({ 'made/one.csv': [[stamp(2090), stamp(2140)]], 'made/two.csv': [] }),
    ],
  ]);
}

const figure = { score: 1, windows_detected: 0, false_rows: 0 };
const profiles = { standard: figure, reward_low_FP_rate: figure, reward_low_FN_rate: figure };

test('every set of constants finds the planted spike; the corpus is counted', () => {
  const report = evaluateNab(files(), null);
  assert.deepEqual([report.series, report.rows, report.windows], [2, 6000, 1]);
  assert.equal(report.entries.length, 3);
  for (const { name, best, fixed } of report.entries) {
    const [standard] = best;
    assert.equal(standard?.windowsFound, 1, name);
    assert.equal(standard?.falseRows, 0, name);
    assert.equal(fixed[0]?.windowsFound, 1, name);
    assert.ok((fixed[0]?.score ?? 100) <= (standard?.score ?? 0), 'fixed beats the best');
  }
  assert.deepEqual([report.references, report.checks], [[], []]);
});

test('with references: sorted, and a comparator that differs is said to differ', () => {
  const better = { ...profiles, standard: { ...figure, score: 90 } };
  const text = JSON.stringify({ detectors: { relativeEntropy: profiles, other: better } });
  const report = evaluateNab(files(), text);
  assert.deepEqual(
    report.references.map(({ detector }) => detector),
    ['other', 'relativeEntropy'],
  );
  assert.deepEqual(
    report.checks.map(({ detector, agrees }) => [detector, agrees]),
    [['relativeEntropy', false]],
  );
});

test('references in another form are refused', () => {
  for (const [text, message] of [
    ['{', /not JSON/],
    ['{"detectors":{"a":{"standard":{"score":1}}}}', /a\.standard lacks/],
  ] as const) {
    assert.throws(
      () => readReferences(text),
      (error) => error instanceof OperatingError && message.test(error.message),
    );
  }
});

test('variations change one number each, and are named once', () => {
  assert.equal(new Set(VARIATIONS.map(([name]) => name)).size, VARIATIONS.length);
  assert.ok(VARIATIONS.every(([, changed]) => Object.keys(changed).length <= 1));
});
