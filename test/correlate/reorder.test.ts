/** Reorder buffer: one canonical order out, whatever the order in. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Reorder } from '../../src/correlate/reorder.ts';
import { type Event, KINDS } from '../../src/model/event.ts';
import { eventOf } from './events.ts';

function take(reorder: Reorder, ms: number): Event[] {
  return reorder.take(ms, Number.POSITIVE_INFINITY);
}

const described = ({ kind, nativeId }: Event) => `${kind} ${nativeId}`;

describe('reorder', () => {
  it('orders by time, book, nanoseconds, counter and identity', () => {
    const reorder = new Reorder();
    const wanted = [
      eventOf({ ms: 1, kind: 'metrics', id: 'm' }),
      eventOf({ ms: 2, kind: 'governance', id: 'v' }),
      eventOf({ ms: 2, kind: 'reasoning', id: 'r' }),
      eventOf({ ms: 2, kind: 'gateway', id: 'g1', ns: 1, seq: 9 }),
      eventOf({ ms: 2, kind: 'gateway', id: 'g2', ns: 5, seq: 3 }),
      eventOf({ ms: 2, kind: 'gateway', id: 'g3', ns: 5, seq: 4 }),
      eventOf({ ms: 2, kind: 'gateway', id: 'g4', ns: 5, seq: 4 }),
    ];
    for (const at of [3, 6, 0, 5, 1, 4, 2]) reorder.offer(wanted[at] as Event);
    assert.deepEqual(take(reorder, 2).map(described), wanted.map(described));
  });

  it('gives the same order for every order of arrival', () => {
    const one = fc.record({
      ms: fc.integer({ min: 0, max: 3 }),
      kind: fc.constantFrom(...KINDS),
      ns: fc.integer({ min: 0, max: 1 }),
      seq: fc.integer({ min: 0, max: 2 }),
      id: fc.integer({ min: 0, max: 999 }).map(String),
    });
    const events = fc.uniqueArray(one, { selector: ({ id }) => id, maxLength: 30 });
    const shuffled = events.chain((list) =>
      fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
    );
    fc.assert(
      fc.property(shuffled, ([a, b]) => {
        const orders = [a, b].map((list) => {
          const reorder = new Reorder();
          for (const each of list) reorder.offer(eventOf(each));
          return take(reorder, 3).map(described);
        });
        assert.deepEqual(orders[0], orders[1]);
      }),
    );
  });

  it('parts what is much, but never what bears the same millisecond', () => {
    const reorder = new Reorder();
    [10, 10, 11, 12, 12, 12, 13].forEach((ms, n) => {
      reorder.offer(eventOf({ ms, id: `e${n}` }));
    });
    const parts = [2, 2, 2, 2].map((most) =>
      reorder.take(12, most).map(({ nativeId }) => nativeId),
    );
    assert.deepEqual(parts, [['e0', 'e1'], ['e2', 'e3', 'e4', 'e5'], [], []]);
    assert.equal(reorder.size, 1);
  });

  it('releases nothing above the watermark', () => {
    const reorder = new Reorder();
    reorder.offer(eventOf({ ms: 10 }));
    assert.equal(reorder.takeUpTo(9), undefined);
    assert.equal(reorder.nextMs(), 10);
    assert.equal(take(reorder, 10).length, 1);
    assert.equal(reorder.size, 0);
  });

  it('tells a repeat from a forgery, while it holds the first', () => {
    const reorder = new Reorder();
    assert.equal(reorder.offer(eventOf({ id: 'x', content: 1 })), 'held');
    assert.equal(reorder.offer(eventOf({ id: 'x', content: 1, offset: 1 })), 'repeat');
    assert.equal(reorder.offer(eventOf({ id: 'x', content: 2, offset: 2 })), 'forged');
    assert.equal(reorder.offer(eventOf({ id: 'x', kind: 'gateway' })), 'held');
    assert.equal(reorder.size, 2);
  });

  it('names the oldest record of a partition that is still needed', () => {
    const reorder = new Reorder();
    assert.equal(reorder.low('reasoning', 0), null);
    reorder.offer(eventOf({ id: 'late', ms: 90, offset: 4 }));
    reorder.offer(eventOf({ id: 'soon', ms: 10, offset: 5 }));
    reorder.offer(eventOf({ id: 'other', ms: 10, offset: 1, partition: 1 }));
    assert.equal(reorder.low('reasoning', 0), 4);
    take(reorder, 50);
    assert.equal(reorder.low('reasoning', 0), 4);
    assert.equal(reorder.low('reasoning', 1), null);
    take(reorder, 100);
    assert.equal(reorder.low('reasoning', 0), null);
  });

  it('stays small behind a long stream', () => {
    const reorder = new Reorder();
    for (let n = 0; n < 20_000; n += 1) {
      reorder.offer(eventOf({ id: String(n), ms: n, offset: n }));
      take(reorder, n - 10);
      assert.equal(reorder.low('reasoning', 0), Math.max(0, n - 9));
      assert.ok(reorder.size <= 10);
    }
  });
});
