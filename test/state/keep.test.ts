/** Keep: a flood pushes out nothing but itself. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Keep, RANKS } from '../../src/state/keep.ts';

/** A space with room for `max`, whose entities have the rank that is set for them. */
function space(max: number, perOwner = Number.POSITIVE_INFINITY) {
  const ranks = new Map<string, number>();
  const gone: string[] = [];
  const keep = new Keep((key) => ranks.get(key) ?? null);
  const remove = (key: string | undefined) => {
    if (key === undefined) return;
    ranks.delete(key);
    keep.remove(key);
    gone.push(key);
  };
  const add = (key: string, owner = 'o') => {
    if (keep.heldBy(owner) >= perOwner) remove(keep.leastOf(owner));
    if (ranks.size >= max) remove(keep.least(max));
    ranks.set(key, 0);
    keep.add(key, owner);
  };
  return { add, remove, ranks, keep, gone };
}

describe('keep', () => {
  it('loses new ones to newer ones, the oldest first, once they have more than their fifth', () => {
    const { add, ranks, gone } = space(10);
    for (let n = 0; n < 8; n += 1) {
      add(`old-${n}`);
      ranks.set(`old-${n}`, 1);
    }
    for (let n = 0; n < 100; n += 1) add(`new-${n}`);
    // Two had room beside the old ones, and the third came at the cost of an old one: the fifth is theirs.
    assert.deepEqual(gone.slice(0, 3), ['old-0', 'new-0', 'new-1']);
    assert.ok(gone.slice(1).every((key) => key.startsWith('new-')));
  });

  it('gives new ones their fifth where all others have proven themselves', () => {
    const { add, ranks, keep } = space(10);
    for (let n = 0; n < 10; n += 1) {
      add(`old-${n}`);
      ranks.set(`old-${n}`, 3);
    }
    add('a');
    add('b');
    assert.deepEqual(
      [ranks.has('old-0'), ranks.has('old-1'), ranks.has('a')],
      [false, false, true],
    );
    ranks.set('a', 7);
    for (let n = 0; n < 50; n += 1) add(`new-${n}`);
    assert.ok(ranks.has('a'), 'what proved itself meanwhile stays, though nobody said so');
    assert.equal(keep.size, 10);
  });

  it('takes the lowest rank first, and of one rank the oldest', () => {
    const { add, ranks, keep } = space(100);
    for (const [key, rank] of Object.entries({ a: 5, b: 2, c: 2, d: 1, e: 7 })) {
      add(key);
      ranks.set(key, rank);
    }
    const order: string[] = [];
    for (let key = keep.least(0); key !== undefined; key = keep.least(0)) {
      order.push(key);
      ranks.delete(key);
      keep.remove(key);
    }
    assert.deepEqual(order, ['d', 'b', 'c', 'a', 'e']);
  });

  it('takes what fell where it fell to', () => {
    const { add, ranks, keep } = space(100);
    for (const key of ['a', 'b']) {
      add(key);
      ranks.set(key, 4);
    }
    assert.equal(keep.least(0), 'a');
    ranks.set('b', 1);
    keep.fell('b');
    assert.equal(keep.least(0), 'b');
  });

  it('takes from an owner with too many its own least, and never the one that is spared', () => {
    const { add, ranks, keep, gone } = space(1000, 50);
    add('slow', 'noisy');
    ranks.set('slow', 4);
    for (let n = 0; n < 500; n += 1) add(`n-${n}`, 'noisy');
    for (let n = 0; n < 30; n += 1) add(`q-${n}`, 'quiet');
    assert.equal(keep.heldBy('noisy'), 50);
    assert.equal(keep.heldBy('quiet'), 30);
    assert.ok(ranks.has('slow'));
    assert.equal(gone.length, 451);
    const only = space(10);
    only.add('x');
    assert.equal(only.keep.leastOf('o', 'x'), undefined);
    assert.equal(only.keep.least(0, 'x'), undefined);
  });

  it('is made anew from what was restored', () => {
    const ranks = new Map([
      ['a', 2],
      ['b', 0],
      ['c', 2],
    ]);
    const keep = new Keep((key) => ranks.get(key) ?? null);
    keep.adopt([
      ['c', 'o', 5],
      ['a', 'o', 1],
      ['b', 'p', 1],
    ]);
    assert.deepEqual([keep.size, keep.heldBy('o'), keep.weight, keep.weightOf('o')], [3, 2, 7, 6]);
    keep.remove('b');
    assert.equal(keep.least(0), 'c');
  });

  it('knows at all times how many there are, whose they are, and what they weigh', () => {
    const step = fc.record({
      key: fc.integer({ min: 0, max: 12 }),
      owner: fc.constantFrom('o', 'p', 'q'),
      does: fc.constantFrom('add', 'remove', 'weigh', 'give', 'fell', 'least', 'leastOf'),
      by: fc.integer({ min: 0, max: 5 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const model = new Map<string, { owner: string; weight: number; rank: number }>();
        const keep = new Keep((key) => model.get(key)?.rank ?? null);
        for (const { key: n, owner, does, by } of steps) {
          const key = String(n);
          const own = model.get(key);
          if (does === 'add' && own === undefined) {
            model.set(key, { owner, weight: 0, rank: 0 });
            keep.add(key, owner);
          } else if (does === 'remove') {
            model.delete(key);
            keep.remove(key);
          } else if (does === 'weigh' && own !== undefined) {
            own.weight += by;
            own.rank = Math.min(RANKS - 1, by);
            keep.weigh(key, by);
          } else if (does === 'give' && own !== undefined) {
            own.owner = owner;
            keep.give(key, owner);
          } else if (does === 'fell') keep.fell(key);
          else if (does === 'least') {
            const least = keep.least(by);
            assert.equal(least === undefined, model.size === 0);
            assert.ok(least === undefined || model.has(least));
          } else if (does === 'leastOf') {
            const least = keep.leastOf(owner);
            const owned = [...model].filter(([, one]) => one.owner === owner);
            const lowest = Math.min(...owned.map(([, one]) => one.rank));
            assert.equal(least === undefined ? Infinity : model.get(least)?.rank, lowest);
          }
          const all = [...model.values()];
          const sum = (list: typeof all) => list.reduce((total, { weight }) => total + weight, 0);
          assert.equal(keep.size, model.size);
          assert.equal(keep.weight, sum(all));
          for (const who of ['o', 'p', 'q']) {
            const owned = all.filter((one) => one.owner === who);
            assert.equal(keep.heldBy(who), owned.length);
            assert.equal(keep.weightOf(who), sum(owned));
          }
        }
      }),
    );
  });
});
