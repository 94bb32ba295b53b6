/** Distinct: how many different values a window holds, in constant time an event. */
import type { Measure } from '../measure.ts';
import { emptyRing, goneMs, insert, oldestMs, type Ring, shift, sizeOf, takeOut } from '../ring.ts';

/** How often each value stands in a ring. Derived: rebuilt after a restore, never stored. */
const counts = new WeakMap<Ring<string>, Map<string, number>>();

function countsOf(ring: Ring<string>): Map<string, number> {
  const known = counts.get(ring);
  if (known !== undefined) return known;
  const built = new Map<string, number>();
  for (let at = ring.start; at < ring.values.length; at += 1) {
    const value = ring.values[at] as string;
    built.set(value, (built.get(value) ?? 0) + 1);
  }
  counts.set(ring, built);
  return built;
}

function dropOldest(ring: Ring<string>): void {
  // Counted before anything goes: after a restore the counts are made from what is there.
  const all = countsOf(ring);
  const entry = shift(ring);
  if (entry !== null) lower(all, entry[1]);
}

function lower(all: Map<string, number>, value: string): void {
  const left = (all.get(value) ?? 0) - 1;
  if (left > 0) all.set(value, left);
  else all.delete(value);
}

/**
 * A count for each value, and a ring of events for expiry. What exceeds `distinct` values is let go
 * with the oldest events, so the figure saturates at that bound. Events beyond `group_events` go too:
 * then values seen only in them are missed, which is said.
 */
export const distinct: Omit<Measure<Ring<string>>, 'valueOf' | 'text'> = {
  isDistinct: true,
  create: () => emptyRing(),
  add(ring, ms, value, { limits }) {
    const all = countsOf(ring);
    insert(ring, ms, String(value));
    all.set(String(value), (all.get(String(value)) ?? 0) + 1);
    while (all.size > limits.distinct) dropOldest(ring);
    if (sizeOf(ring) <= Math.max(limits.groupEvents, limits.distinct)) return false;
    const before = all.size;
    dropOldest(ring);
    return all.size < before;
  },
  expire(ring, untilMs) {
    while ((oldestMs(ring) ?? Number.POSITIVE_INFINITY) <= untilMs) dropOldest(ring);
  },
  goneMs,
  remove(ring, ms, value) {
    const all = countsOf(ring);
    if (takeOut(ring, ms, String(value))) lower(all, String(value));
  },
  count: sizeOf,
  figure: (ring) => countsOf(ring).size || null,
};
