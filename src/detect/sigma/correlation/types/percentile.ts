/** Percentile: a sample of numbers, and the one below which a share of them lies. */
import type { Measure } from '../measure.ts';
import { numberOf } from '../measure.ts';
import { emptyRing, goneMs, insert, oldestMs, type Ring, shift, sizeOf, takeOut } from '../ring.ts';

/** The same numbers by size. Derived: rebuilt after a restore, never stored. */
const sorted = new WeakMap<Ring<number>, number[]>();

function sortedOf(ring: Ring<number>): number[] {
  const known = sorted.get(ring);
  if (known !== undefined) return known;
  const built = ring.values.slice(ring.start).sort((a, b) => a - b);
  sorted.set(ring, built);
  return built;
}

/** First place whose number is not smaller. */
function placeOf(numbers: readonly number[], value: number): number {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((numbers[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function dropOldest(ring: Ring<number>): void {
  const numbers = sortedOf(ring);
  const entry = shift(ring);
  if (entry !== null) numbers.splice(placeOf(numbers, entry[1]), 1);
}

/** Percentile of sorted numbers by linear interpolation between closest ranks (Hyndman and Fan 7). */
export function percentileOf(numbers: readonly number[], percentile: number): number | null {
  if (numbers.length === 0) return null;
  const rank = (percentile / 100) * (numbers.length - 1);
  const low = numbers[Math.floor(rank)] as number;
  const high = numbers[Math.ceil(rank)] as number;
  return low + (high - low) * (rank - Math.floor(rank));
}

/** All of a measure but its text. Events beyond `group_events` are let go, oldest first, and said. */
export const percentiles: Omit<Measure<Ring<number>>, 'text'> = {
  isDistinct: false,
  valueOf: numberOf,
  create: () => emptyRing(),
  add(ring, ms, value, { limits }) {
    const numbers = sortedOf(ring);
    insert(ring, ms, value as number);
    numbers.splice(placeOf(numbers, value as number), 0, value as number);
    if (sizeOf(ring) <= limits.groupEvents) return false;
    dropOldest(ring);
    return true;
  },
  expire(ring, untilMs) {
    while ((oldestMs(ring) ?? Number.POSITIVE_INFINITY) <= untilMs) dropOldest(ring);
  },
  goneMs,
  remove(ring, ms, value) {
    const numbers = sortedOf(ring);
    if (takeOut(ring, ms, value as number)) numbers.splice(placeOf(numbers, value as number), 1);
  },
  count: sizeOf,
  figure: (ring, { percentile }) => percentileOf(sortedOf(ring), percentile ?? 50),
};
