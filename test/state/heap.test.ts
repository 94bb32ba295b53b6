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
});
