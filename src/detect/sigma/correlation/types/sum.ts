/** Sum: the sum of a window's numbers, compensated, with the numbers themselves for expiry. */
import type { CorrelationRule } from '../definition.ts';
import type { Measure } from '../measure.ts';
import { numberOf } from '../measure.ts';
import { emptyRing, goneMs, insert, oldestMs, type Ring, shift, sizeOf, takeOut } from '../ring.ts';

/** Numbers of a window and their sum. Plain JSON. */
export interface Sum {
  readonly ring: Ring<number>;
  /** Null where it became too large for a number, until it is computed afresh. */
  total: number | null;
  /** What rounding lost (Neumaier 1974). */
  lost: number;
  /** Numbers taken out since the sum was last computed afresh. */
  taken: number;
}

/** Taking out leaves rounding behind: after so many the sum is computed afresh. */
const AFRESH_AFTER = 1024;

function plus(sum: Sum, value: number): void {
  const before = sum.total;
  if (before === null) return;
  const total = before + value;
  const lost =
    sum.lost +
    (Math.abs(before) >= Math.abs(value) ? before - total + value : value - total + before);
  const isSound = Number.isFinite(total + lost);
  sum.total = isSound ? total : null;
  sum.lost = isSound ? lost : 0;
}

function takenOut(sum: Sum, value: number): void {
  sum.taken += 1;
  if (sum.taken < AFRESH_AFTER && sum.total !== null && sizeOf(sum.ring) > 0) {
    plus(sum, -value);
    return;
  }
  sum.total = 0;
  sum.lost = 0;
  sum.taken = 0;
  for (let at = sum.ring.start; at < sum.ring.values.length; at += 1)
    plus(sum, sum.ring.values[at] as number);
}

/** The sum so far; null where it is too large for a number. */
export function totalOf({ total, lost }: Sum): number | null {
  return total === null ? null : total + lost;
}

/** All of a measure but its figure. Events beyond `group_events` are let go, oldest first, and said. */
export const sums: Omit<Measure<Sum>, 'figure' | 'text'> = {
  isDistinct: false,
  valueOf: numberOf,
  create: () => ({ ring: emptyRing(), total: 0, lost: 0, taken: 0 }),
  add(sum, ms, value, { limits }: CorrelationRule) {
    insert(sum.ring, ms, value as number);
    plus(sum, value as number);
    if (sizeOf(sum.ring) <= limits.groupEvents) return false;
    const entry = shift(sum.ring);
    if (entry !== null) takenOut(sum, entry[1]);
    return true;
  },
  expire(sum, untilMs) {
    while ((oldestMs(sum.ring) ?? Number.POSITIVE_INFINITY) <= untilMs) {
      const entry = shift(sum.ring);
      if (entry !== null) takenOut(sum, entry[1]);
    }
  },
  goneMs: ({ ring }) => goneMs(ring),
  remove(sum, ms, value) {
    if (takeOut(sum.ring, ms, value as number)) takenOut(sum, value as number);
  },
  count: ({ ring }) => sizeOf(ring),
};
