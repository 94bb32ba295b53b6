/** The words of a unit: numbered in order, let go of in reverse, stored and read again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  addWords,
  bytesOfNumbers,
  bytesOfText,
  forgetFrom,
  knownNumber,
  newLexis,
  numberAt,
  numberOf,
  numbersAsText,
  wordsAsText,
} from '../../../src/baseline/conduct/lexis.ts';

const digest = fc.oneof(
  fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  // Many that fall into one place of the table.
  fc.nat(20).map((n) => (n << 20) | 7),
);

test('lexis: a word keeps its number, and what is let go of is as if it had never come', () => {
  fc.assert(
    fc.property(fc.array(digest, { maxLength: 600 }), fc.array(digest), (first, then) => {
      const lexis = newLexis();
      const numbers = first.map((h) => numberOf(lexis, h));
      assert.deepEqual(lexis.h, [...new Set(first)]);
      const floor = lexis.n;
      for (const h of then) numberOf(lexis, h);
      forgetFrom(lexis, floor);
      assert.deepEqual(
        first.map((h) => knownNumber(lexis, h)),
        numbers,
      );
      const known = new Set(first);
      for (const h of then) if (!known.has(h)) assert.equal(knownNumber(lexis, h), -1);
    }),
  );
});

test('lexis: words and rows of words are the same when they were stored', () => {
  fc.assert(
    fc.property(fc.array(digest, { maxLength: 300 }), fc.array(fc.nat(9_000)), (words, row) => {
      const lexis = newLexis();
      for (const h of words) numberOf(lexis, h);
      const read = newLexis();
      addWords(read, JSON.parse(JSON.stringify(wordsAsText(lexis, 0))));
      assert.deepEqual(read.h, lexis.h);
      const text: string = JSON.parse(JSON.stringify(numbersAsText(row)));
      assert.deepEqual(
        Array.from(text, (_, at) => numberAt(text, at)),
        row,
      );
      assert.equal(Buffer.byteLength(JSON.stringify(text)) - 2, bytesOfNumbers(row));
    }),
  );
});

test('lexis: no text takes more bytes stored than are counted', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      assert.ok(Buffer.byteLength(JSON.stringify(text)) - 2 <= bytesOfText(text));
    }),
  );
});
