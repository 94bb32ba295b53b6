/** Plain text: nothing invisible is left, bounds hold, and characters are not parted. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cut, cutBytes, plain } from '../../src/act/plain.ts';
import { seedOf } from '../source/seed.ts';

test('control characters, bidi marks, tags and selectors are shown, not obeyed', () => {
  assert.equal(plain('a\u001b[31mb', 99), 'a\\u{1b}[31mb');
  assert.equal(plain('\u202Egpj', 99), '\\u{202e}gpj');
  assert.equal(plain('\u{e0041}\u{fe0f}\u{e0100}', 99), '\\u{e0041}\\u{fe0f}\\u{e0100}');
  assert.equal(plain('one\ntwo\u2028three', 99), 'one\\u{a}two\\u{2028}three');
  assert.equal(plain('zażółć 漢字 🔒', 99), 'zażółć 漢字 🔒');
});

test('what is longer is cut and marked', () => {
  assert.equal(plain('abcdef', 4), 'abc…');
  assert.equal(cut('abcd', 4), 'abcd');
  assert.equal(cut('ab🔒', 3), 'ab…');
});

test('for any text: well-formed, within the bound, nothing invisible', (t) => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.integer({ min: 1, max: 200 }),
      (text, max) => {
        const shown = plain(text, max);
        assert.ok(shown.length <= max && shown.isWellFormed());
        assert.doesNotMatch(shown, /[\p{Cc}\p{Cf}]|\p{Variation_Selector}/u);
        const short = cutBytes(shown, max + 3);
        assert.ok(Buffer.byteLength(short) <= max + 3 && short.isWellFormed());
      },
    ),
    { seed: seedOf(t), numRuns: 500 },
  );
});
