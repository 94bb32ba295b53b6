/** Order: the one that comparing gives, whatever the numbers are. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { inOrder } from '../../src/state/order.ts';

const number = fc.oneof(
  fc.nat({ max: 5 }),
  fc.maxSafeInteger(),
  fc.integer(),
  fc.double({ noNaN: true }),
);

describe('order', () => {
  it('is that of the numbers, and of equal ones as they came', () => {
    const lists = fc.oneof(fc.array(number), fc.array(fc.nat({ max: 5 })), fc.array(fc.nat()));
    fc.assert(
      fc.property(lists, (numbers) => {
        const things = numbers.map((value, at) => ({ value, at }));
        const compared = things.toSorted((a, b) =>
          a.value === b.value ? a.at - b.at : a.value < b.value ? -1 : 1,
        );
        const numberOf = ({ value }: { readonly value: number }) => value;
        assert.deepEqual(inOrder(things, numberOf), compared);
        const reversed = things.toSorted((a, b) =>
          a.value === b.value ? b.at - a.at : a.value < b.value ? -1 : 1,
        );
        assert.deepEqual(
          inOrder(things, numberOf, (a, b) => b.at - a.at),
          reversed,
        );
      }),
      { numRuns: 1000 },
    );
  });
});
