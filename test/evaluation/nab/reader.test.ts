/** The corpus reader: times, windows by their first row, and what it refuses. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCorpus, readSeries, timeMs } from '../../../src/evaluation/nab/reader.ts';
import { OperatingError } from '../../../src/model/errors.ts';

const CSV = [
  'timestamp,value',
  '2014-02-28 23:55:00,1',
  '2014-03-01 00:00:00,2.5',
  '2014-03-01 00:00:00,-3e2',
  '2014-03-01 00:05:00,4',
  '',
].join('\n');
const WINDOW = ['2014-03-01 00:00:00.000000', '2014-03-01 00:05:00.000000'];

test('times agree with the calendar of the platform', () => {
  for (const text of [
    ...['1970-01-01 00:00:00', '2000-02-29 12:34:56', '2014-12-31 23:59:59'],
    ...['2015-03-01 00:00:00', '1969-12-31 23:59:59', '2100-02-28 01:02:03'],
  ]) {
    assert.equal(timeMs(text), Date.parse(`${text.replace(' ', 'T')}Z`), text);
  }
  assert.equal(timeMs('2015-03-01 00:00:01.999999'), timeMs('2015-03-01 00:00:01'));
  for (const text of ['', '2015-13-01 00:00:00', '2015-01-01T00:00:00', '2015-01-01 24:00:00']) {
    assert.ok(Number.isNaN(timeMs(text)), text);
  }
});

test('a window covers the first rows with its two times', () => {
  const series = readSeries('a/b.csv', CSV, [WINDOW]);
  assert.deepEqual([...series.values], [1, 2.5, -300, 4]);
  assert.deepEqual(series.windows, [{ first: 1, last: 3 }]);
  assert.equal(series.rows, 4);
});

test('a corpus is its series sorted by name; other files are left alone', () => {
  const files = new Map([
    ['data/z/one.csv', CSV],
    ['data/a/two.csv', CSV.replaceAll('\n', '\r\n')],
    ['LICENSE.txt', 'text'],
    ['labels/windows.json', JSON.stringify({ 'z/one.csv': [WINDOW], 'a/two.csv': [] })],
  ]);
  const series = readCorpus(files);
  assert.deepEqual(
    series.map(({ name, windows }) => [name, windows.length]),
    [
      ['a/two.csv', 0],
      ['z/one.csv', 1],
    ],
  );
});

const corpus = (csv: string, labels: string | null): ReadonlyMap<string, string> =>
  new Map([
    ['data/a/b.csv', csv],
    ...(labels === null ? [] : [['labels/windows.json', labels]]),
  ] as [string, string][]);
const labelled = (limits: unknown) => JSON.stringify({ 'a/b.csv': limits });

for (const [what, files, message] of [
  ['no labels', corpus(CSV, null), /windows\.json: is missing/],
  ['labels that are no JSON', corpus(CSV, '{'), /is not JSON/],
  ['labels that are a list', corpus(CSV, '[]'), /not an object/],
  ['a series without labels', corpus(CSV, '{}'), /a\/b\.csv is not in it/],
  ['labels without a series', corpus(CSV, '{"a/b.csv":[],"c/d.csv":[]}'), /c\/d\.csv: is labelled/],
  ['another header', corpus('time,value\n', labelled([])), /header/],
  ['a value that is no number', corpus(`${CSV}2014-03-01 00:10:00,x\n`, labelled([])), /line 6/],
  ['a value that is missing', corpus(`${CSV}2014-03-01 00:10:00,\n`, labelled([])), /line 6/],
  ['a third column', corpus(`${CSV}2014-03-01 00:10:00,1,2\n`, labelled([])), /line 6/],
  ['limits that are no list', corpus(CSV, labelled('x')), /no list of windows/],
  ['a window off the rows', corpus(CSV, labelled([['2014-03-02 00:00:00', WINDOW[1]]])), /rows of/],
  ['a window backwards', corpus(CSV, labelled([[WINDOW[1], WINDOW[0]]])), /rows of/],
  ['overlapping windows', corpus(CSV, labelled([WINDOW, WINDOW])), /overlap/],
  ['nothing at all', new Map([['labels/windows.json', '{}']]), /no series/],
] as const) {
  test(`refuses ${what}`, () => {
    assert.throws(
      () => readCorpus(files),
      (error) =>
        error instanceof OperatingError &&
        error.code === 'SOURCE_UNREADABLE' &&
        message.test(error.message),
    );
  });
}
