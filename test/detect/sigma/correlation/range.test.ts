/** Ranges: what operators ask, and what can be said of them before any event. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  holds,
  isDecidedOnArrival,
  isEmpty,
  leastCount,
  OPERATORS,
  type Range,
} from '../../../../src/detect/sigma/correlation/range.ts';

/** Every pair of operators with bounds from 0 to 3. */
const RANGES: Range[] = OPERATORS.flatMap((one) =>
  OPERATORS.flatMap((other) =>
    [0, 1, 2, 3].flatMap((a) => [0, 1, 2, 3].map((b) => ({ [one]: a, [other]: b }) as Range)),
  ),
);

describe('range', () => {
  it('is empty if and only if nothing satisfies it', () => {
    const numbers = Array.from({ length: 81 }, (_, at) => at / 8 - 3);
    for (const range of RANGES)
      assert.equal(
        isEmpty(range),
        !numbers.some((one) => holds(range, one)),
        JSON.stringify(range),
      );
  });

  it('is decided on arrival if and only if more cannot undo it', () => {
    for (const range of RANGES) {
      if (isEmpty(range)) continue;
      const holdsAt = Array.from({ length: 12 }, (_, at) => holds(range, at));
      const isMonotone = holdsAt.every((one, at) => at === 0 || one || !holdsAt[at - 1]);
      // neq below everything never bites, and says nothing else: it is asked at the close all the same.
      if (isDecidedOnArrival(range)) assert.ok(isMonotone, JSON.stringify(range));
    }
  });

  it('knows the least count', () => {
    for (const range of RANGES) {
      const least = leastCount(range);
      if (least === null || isEmpty(range)) continue;
      for (let count = 0; count < least; count += 1) assert.ok(!holds(range, count));
    }
    assert.equal(leastCount({ lt: 3 }), null);
    assert.equal(leastCount({ gt: 3 }), 4);
  });
});
