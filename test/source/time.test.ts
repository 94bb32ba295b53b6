/** Tests of the time parsers: strict, total, exact to the nanosecond. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatNs, parseEpoch, parseNs, parseRfc3339 } from '../../src/source/time.ts';
import { seedOf } from './seed.ts';

const at = (text: string) => {
  const ms = Date.parse(text);
  assert.ok(Number.isFinite(ms), text);
  return ms;
};

test('RFC 3339 in all its forms', () => {
  const cases: [string, number, number][] = [
    ['1970-01-01T00:00:00Z', 0, 0],
    ['2026-03-01T09:30:00Z', at('2026-03-01T09:30:00Z'), 0],
    ['2026-03-01t09:30:00z', at('2026-03-01T09:30:00Z'), 0],
    ['2026-03-01T09:30:00.5Z', at('2026-03-01T09:30:00Z') + 500, 0],
    ['2026-03-01T09:30:00.123456789Z', at('2026-03-01T09:30:00Z') + 123, 456_789],
    ['2026-03-01T09:30:00.000000001+00:00', at('2026-03-01T09:30:00Z'), 1],
    ['2026-03-01T09:30:00+05:30', at('2026-03-01T04:00:00Z'), 0],
    ['2026-03-01T00:30:00-11:45', at('2026-03-01T12:15:00Z'), 0],
    ['2024-02-29T23:59:59.999Z', at('2024-02-29T23:59:59.999Z'), 0],
    ['2000-02-29T12:00:00Z', at('2000-02-29T12:00:00Z'), 0],
    ['2016-12-31T23:59:60Z', at('2017-01-01T00:00:00Z'), 0],
    ['9999-12-31T23:59:59.999999999Z', 253_402_300_799_999, 999_999],
  ];
  for (const [text, ms, nsInMs] of cases) {
    assert.deepEqual(parseRfc3339(text), { ms, nsInMs }, text);
  }
});

test('what is no RFC 3339 date-time is null', () => {
  const wrong = [
    '',
    '2026-03-01',
    '2026-03-01T09:30Z',
    '2026-03-01 09:30:00Z',
    '2026-03-01T09:30:00',
    '2026-03-01T09:30:00.Z',
    '2026-03-01T09:30:00.1234567890Z',
    '2026-03-01T09:30:00+0100',
    '2026-03-01T09:30:00+24:00',
    '2026-03-01T09:30:00+01:60',
    '2026-03-01T09:30:00Zz',
    '2026-03-01T09:30:00+00:00Z',
    '2026-02-29T00:00:00Z',
    '1900-02-29T00:00:00Z',
    '2100-02-29T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2026-03-00T00:00:00Z',
    '2026-03-01T24:00:00Z',
    '2026-03-01T09:60:00Z',
    '2026-03-01T09:30:61Z',
    '1969-12-31T23:59:59Z',
    '1970-01-01T00:00:00+00:01',
    '9999-12-31T23:59:59-00:01',
    '２026-03-01T09:30:00Z',
    '-026-03-01T09:30:00Z',
    '2026-03-01T09:30:00Z\n',
    'x'.repeat(100_000),
  ];
  for (const text of wrong) assert.equal(parseRfc3339(text), null, text.slice(0, 40));
});

test('every day of 1970 to 2100 agrees with the platform', () => {
  for (let day = 0; day < 47_482; day += 1) {
    const text = new Date(day * 86_400_000).toISOString();
    assert.deepEqual(parseRfc3339(text), { ms: day * 86_400_000, nsInMs: 0 }, text);
  }
});

test('epoch times in four units, as numbers and as strings', () => {
  const ms = 1_772_357_400_123;
  const cases: [unknown, 'unix_s' | 'unix_ms' | 'unix_us' | 'unix_ns', number, number][] = [
    [1_772_357_400, 'unix_s', 1_772_357_400_000, 0],
    [1_772_357_400.123, 'unix_s', ms, 0],
    ['1772357400.123456789', 'unix_s', ms, 456_789],
    ['1772357400.1234567899999', 'unix_s', ms, 456_789],
    [ms, 'unix_ms', ms, 0],
    ['1772357400123.5', 'unix_ms', ms, 500_000],
    [1_772_357_400_123_456, 'unix_us', ms, 456_000],
    ['1772357400123456789', 'unix_ns', ms, 456_789],
    ['1772357400123456789.9', 'unix_ns', ms, 456_789],
    [0, 'unix_s', 0, 0],
    ['000', 'unix_ns', 0, 0],
  ];
  for (const [value, unit, wantMs, nsInMs] of cases) {
    assert.deepEqual(parseEpoch(value, unit), { ms: wantMs, nsInMs }, `${String(value)} ${unit}`);
  }
  for (const value of [
    '',
    '-1',
    '1e9',
    ' 1',
    '1.',
    '.5',
    '0x10',
    1e300,
    -5,
    Number.NaN,
    null,
    {},
    true,
  ]) {
    assert.equal(parseEpoch(value, 'unix_s'), null, String(value));
  }
  assert.equal(parseEpoch('253402300800', 'unix_s'), null, 'after the year 9999');
  assert.equal(parseEpoch('9'.repeat(41), 'unix_ns'), null);
});

test('nanoseconds survive writing and reading', (t) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 253_402_300_799_999 }),
      fc.integer({ min: 0, max: 999_999 }),
      (ms, nsInMs) => {
        assert.deepEqual(parseNs(formatNs({ ms, nsInMs })), { ms, nsInMs });
      },
    ),
    { seed: seedOf(t) },
  );
});

test('no text makes a parser throw', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 50 }), (text) => {
      for (const found of [parseRfc3339(text), parseNs(text), parseEpoch(text, 'unix_us')]) {
        if (found === null) continue;
        assert.ok(Number.isSafeInteger(found.ms) && found.nsInMs >= 0 && found.nsInMs <= 999_999);
      }
    }),
    { seed: seedOf(t), numRuns: 1000 },
  );
});
