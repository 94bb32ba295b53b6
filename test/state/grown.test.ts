/** Short lists: grown one by one they hold what pushing would have put there. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { grown, grownNumbers } from '../../src/state/grown.ts';

describe('short lists', () => {
  it('hold every item in its order, and long ones stay the list they are', () => {
    let words: string[] = [];
    let numbers: number[] = [];
    for (let n = 0; n < 40; n += 1) {
      const before = [words, numbers] as const;
      words = grown(words, `w${n}`);
      numbers = grownNumbers(numbers, n / 2);
      if (n > 3) assert.deepEqual([words === before[0], numbers === before[1]], [true, true]);
      assert.deepEqual(
        words,
        Array.from({ length: n + 1 }, (_, at) => `w${at}`),
      );
      assert.deepEqual(
        numbers,
        Array.from({ length: n + 1 }, (_, at) => at / 2),
      );
    }
  });
});
