import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { occurs } from '../../src/stats/word-tape.ts';

test('word tape: finds just what a naive search over joined text finds', () => {
  const words = fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 12 });
  fc.assert(
    fc.property(words, words, (tape, value) => {
      const joined = `,${tape.map((word) => `${word},`).join('')}`;
      const naive = value.length > 0 && joined.includes(`,${value.join(',')},`);
      assert.equal(occurs(tape, value), naive);
    }),
  );
});
