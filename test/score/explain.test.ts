/** Explanations: shares that add up, runs that end, names that are bounded. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { excessOf, gatherTick, newRun, type Part, sharesOf } from '../../src/score/explain.ts';

const part = (dimension: string, weight: number, e: number, p = 1): Part => ({
  dimension,
  weight,
  e: [e, e, e],
  p,
});

test('explain: a part with no excess holds nothing, joint is split by surprise', () => {
  const parts = [part('a', 0.25, 5, Math.exp(-3)), part('b', 0.25, 0.6, Math.exp(-1))];
  const excess = excessOf(parts, part('joint', 0.5, 9, 0.01));
  assert.deepEqual([...excess.keys()], ['a', 'b']);
  assert.ok(Math.abs((excess.get('a') ?? 0) - (1 + 3)) < 1e-12);
  assert.ok(Math.abs((excess.get('b') ?? 0) - 1) < 1e-12);
});

test('explain: a joint score with unremarkable parts answers for itself', () => {
  const excess = excessOf([part('a', 0.25, 0.6)], part('joint', 0.5, 3, 0.1));
  assert.deepEqual([...excess], [['joint', 1]]);
});

test('explain: shares add up to what the ticks of a run came to', () => {
  const run = newRun();
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'];
  let nats = 0;
  names.forEach((name, at) => {
    const lnE = 0.3 + at / 10;
    nats += lnE;
    const excess = () => excessOf([part(name, 0.2, 4), part('a', 0.1, 2)], null);
    gatherTick(run, lnE, excess, at + 1, at);
  });
  const shares = sharesOf(run.shares);
  const sum = shares.reduce((total, share) => total + share.nats, 0);
  assert.ok(Math.abs(sum - nats) < 1e-12);
  assert.ok(shares.length <= 7 && shares.some(({ dimension }) => dimension === 'others'));
});

test('explain: what came before the onset is forgotten', () => {
  const run = newRun();
  gatherTick(run, 0.5, () => new Map([['old', 1]]), 1, 10);
  gatherTick(run, -0.6, () => new Map(), 2, 20);
  gatherTick(run, 0.4, () => new Map([['new', 1]]), 3, 30);
  assert.deepEqual(run, { gap: 0.4, tick: 3, ms: 30, shares: { new: 0.4 } });
});

test('explain: largest share first, ties by name, one in sum', () => {
  const nats = fc.dictionary(
    fc.constantFrom('a', 'b', 'c', 'd'),
    fc.double({ min: 0.001, max: 10, noNaN: true }),
  );
  fc.assert(
    fc.property(nats, (shares) => {
      const sorted = sharesOf(shares);
      sorted.forEach(({ nats: own }, at) => {
        assert.ok(at === 0 || own <= (sorted[at - 1]?.nats ?? 0));
      });
      const sum = sorted.reduce((total, { share }) => total + share, 0);
      assert.ok(sorted.length === 0 || Math.abs(sum - 1) < 1e-9);
    }),
  );
  assert.deepEqual(
    sharesOf({ b: 1, a: 1 }).map(({ dimension }) => dimension),
    ['a', 'b'],
  );
});
