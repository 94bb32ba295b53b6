/** Shrinking: what is left is needed, in its order, whatever it takes. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { shrink } from '../../src/commands/case-shrink.ts';
import { chance, integer, stream } from '../../src/simulation/random.ts';

const numbers = (n: number) => Array.from({ length: n }, (_, at) => at);

describe('shrink', () => {
  it('leaves exactly what is needed, in its order', () => {
    for (let seed = 1; seed <= 200; seed += 1) {
      const random = stream(seed, 'shrink');
      const items = numbers(integer(random, 1, 60));
      const needed = items.filter(() => chance(random, 0.15));
      if (needed.length === 0) needed.push(0);
      const holds = (some: readonly number[]) => needed.every((one) => some.includes(one));
      const { kept, isLeast } = shrink(items, holds, 10_000);
      assert.deepEqual(kept, needed, `seed ${seed}`);
      assert.ok(isLeast);
    }
  });

  it('lets go of what only something else needed', () => {
    // 5 is needed as long as 9 is there; 9 itself never is.
    const holds = (some: readonly number[]) =>
      some.includes(3) && (!some.includes(9) || some.includes(5));
    assert.deepEqual(shrink(numbers(12), holds, 1000).kept, [3]);
  });

  it('asks no more than it may, and says that fewer may do', () => {
    let asked = 0;
    const holds = (some: readonly number[]) => {
      asked += 1;
      return some.includes(70);
    };
    const shrunk = shrink(numbers(100), holds, 5);
    assert.deepEqual([asked, shrunk.asked, shrunk.isLeast], [5, 5, false]);
    assert.ok(shrunk.kept.includes(70) && shrunk.kept.length < 100);
  });

  it('never leaves nothing', () => {
    assert.deepEqual(shrink([1, 2, 3], () => true, 100).kept.length, 1);
    assert.deepEqual(shrink([1], () => true, 100).kept, [1]);
  });
});
