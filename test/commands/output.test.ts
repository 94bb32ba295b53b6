/** Output: foreign text is made harmless, and figures are written for people. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  count,
  jsonText,
  lengthOf,
  safe,
  table,
  timeOf,
  typed,
} from '../../src/commands/output.ts';

const CONTROLS = /[\p{Cc}\p{Cf}\u2028\u2029]/u;
const anyText = fc.string({ unit: 'binary', maxLength: 300 });

describe('output', () => {
  it('makes every control character visible', () => {
    assert.equal(safe('\u001b[31mred\u0007'), '\\u{1b}[31mred\\u{7}');
    assert.equal(safe('a\nb\r\tc\u0000'), 'a\\u{a}b\\u{d}\\u{9}c\\u{0}');
    assert.equal(safe('\u202egnp.exe\u200b'), '\\u{202e}gnp.exe\\u{200b}');
    assert.equal(safe('\u009b31m \u{e0041}'), '\\u{9b}31m \\u{e0041}');
    assert.equal(safe('lone \ud800.'), 'lone \ufffd.');
    assert.equal(safe('Ünïcödé 漢字 🙂'), 'Ünïcödé 漢字 🙂');
  });

  it('cuts what is long, and says so', () => {
    assert.equal(safe('abcdef', 6), 'abcdef');
    assert.equal(safe('abcdefg', 6), 'abcde…');
    assert.equal(safe('x'.repeat(1000)).length, 200);
  });

  it('lets no control character through, whatever the text', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const shown = safe(text, 500);
        assert.doesNotMatch(shown, CONTROLS);
        assert.ok(shown.isWellFormed());
      }),
      { numRuns: 500 },
    );
  });

  it('writes JSON that holds the same value without a raw control character', () => {
    fc.assert(
      fc.property(fc.dictionary(anyText, fc.oneof(anyText, fc.double(), fc.boolean())), (value) => {
        const text = jsonText(value);
        assert.doesNotMatch(text, CONTROLS);
        assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(value)));
      }),
      { numRuns: 300 },
    );
    assert.equal(jsonText('\u202e\u007f\u{e0041}'), '"\\u202e\\u007f\\udb40\\udc41"');
    assert.equal(jsonText(undefined), 'null');
  });

  it('writes times in UTC to the second, and none where there is none', () => {
    assert.equal(timeOf(Date.UTC(2026, 1, 3, 4, 5, 6, 789)), '2026-02-03 04:05:06Z');
    assert.equal(timeOf(0), '1970-01-01 00:00:00Z');
    for (const ms of [Number.NaN, Number.POSITIVE_INFINITY, 8.65e15, Number.MIN_SAFE_INTEGER])
      assert.equal(timeOf(ms), '-');
  });

  it('writes lengths of time as people say them', () => {
    assert.deepEqual(
      [0.4, 999, 1000, 59_960, 119_999, 120_000, 5_400_000, 7_200_000, 90_000_000].map(lengthOf),
      ['0 ms', '999 ms', '1 s', '60 s', '120 s', '2 min', '90 min', '2 h', '25 h'],
    );
  });

  it('counts in words', () => {
    assert.deepEqual(
      [count(0, 'case'), count(1, 'lease'), count(2, 'lease'), count(12_345, 'event')],
      ['0 cases', '1 lease', '2 leases', '12,345 events'],
    );
  });

  it('aligns columns and leaves no blanks at the end', () => {
    assert.deepEqual(
      table([
        ['A', 'LONG HEAD', 'C'],
        ['aaaa', 'b', ''],
        ['a', 'bb', 'cc'],
      ]),
      ['A     LONG HEAD  C', 'aaaa  b', 'a     bb         cc'],
    );
    assert.deepEqual(table([]), []);
    assert.deepEqual(table([['one'], ['a', 'b']]), ['one', 'a    b']);
  });

  it('names commands as they are typed in a checkout', () => {
    assert.equal(typed('cases'), 'npm run -s plumbline -- cases');
  });
});
