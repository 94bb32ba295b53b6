import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { matchedQuantiles } from '../../src/stats/matched-quantiles.ts';

const score = fc.double({ min: -50, max: 50, noNaN: true });
const pairs = fc.array(fc.tuple(score, score), { minLength: 1, maxLength: 40 });
const lists = (rows: readonly (readonly [number, number])[]) =>
  [rows.map(([one]) => one), rows.map(([, other]) => other)] as const;

test('matchedQuantiles: the example', () => {
  assert.equal(matchedQuantiles([1, 2, 3], [10, 20, 40])(2.5), 30);
  assert.equal(matchedQuantiles([3, 1, 2], [40, 10, 20])(3), 40);
});

test('matchedQuantiles: tied scores go to the middle, ends keep their distance', () => {
  const match = matchedQuantiles([1, 2, 2, 2, 3], [10, 20, 30, 40, 50]);
  assert.equal(match(2), 30);
  assert.equal(match(0.5), 9.5);
  assert.equal(match(5), 52);
});

test('matchedQuantiles: it never turns two scores round', () => {
  fc.assert(
    fc.property(pairs, fc.array(score), (rows, more) => {
      const match = matchedQuantiles(...lists(rows));
      const asked = [...more, ...rows.map(([one]) => one)].sort((x, y) => x - y);
      const told = asked.map(match);
      for (let at = 1; at < told.length; at += 1)
        assert.ok((told[at] as number) >= (told[at - 1] as number) - 1e-9);
    }),
  );
});

test('matchedQuantiles: a scale that was stretched and moved is found again', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.integer({ min: -1000, max: 1000 }), { minLength: 2 }),
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: -9, max: 9 }),
      (from, factor, offset) => {
        const stretched = (one: number) => factor * one + offset;
        const match = matchedQuantiles(from, from.map(stretched));
        for (const one of from) assert.ok(Math.abs(match(one) - stretched(one)) < 1e-9);
      },
    ),
  );
});

test('matchedQuantiles: nothing to match by is refused', () => {
  assert.throws(() => matchedQuantiles([], []), RangeError);
  assert.throws(() => matchedQuantiles([1, 2], [1]), RangeError);
});
