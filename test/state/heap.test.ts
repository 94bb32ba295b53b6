/** Heap: pops in order, whatever was pushed when. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Heap } from '../../src/state/heap.ts';

describe('heap', () => {
  it('pops what a sort would give, with pushes and pops mixed', () => {
    const step = fc.oneof(fc.integer({ min: -50, max: 50 }), fc.constant('pop' as const));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const heap = new Heap<number>((a, b) => a < b);
        const model: number[] = [];
        for (const one of steps) {
          if (one === 'pop') assert.equal(heap.pop(), model.shift());
          else {
            heap.push(one);
            model.push(one);
            model.sort((a, b) => a - b);
          }
          assert.equal(heap.peek(), model[0]);
          assert.equal(heap.size, model.length);
        }
      }),
    );
  });

  it('is empty after clear', () => {
    const heap = new Heap<number>((a, b) => a < b);
    heap.push(1);
    heap.clear();
    assert.equal(heap.pop(), undefined);
    assert.equal(heap.size, 0);
  });

  it('throws away what lost its meaning, and holds at most twice the rest', () => {
    const live = new Set<number>();
    const heap = new Heap<number>(
      (a, b) => a < b,
      (n) => live.has(n),
    );
    for (let n = 0; n < 100_000; n += 1) {
      live.add(n);
      heap.push(n);
      live.delete(n - 100);
      assert.ok(heap.size <= 4096, `${heap.size} held`);
    }
    const popped: number[] = [];
    for (let n = heap.pop(); n !== undefined; n = heap.pop()) popped.push(n);
    assert.deepEqual(
      popped.filter((n) => live.has(n)),
      [...live],
    );
    assert.deepEqual(
      popped,
      popped.toSorted((a, b) => a - b),
    );
  });
});
