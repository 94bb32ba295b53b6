/** Ring: times and values of one window, oldest first, in plain arrays that JSON can hold. */
import { grown, grownNumbers } from '../../../state/grown.ts';

/** What is in a window. What lies before `start` is gone already. */
export interface Ring<T> {
  times: number[];
  values: T[];
  start: number;
}

/** Below so many dead entries copying the living ones is not worth it. */
const SLACK = 64;

/** An empty ring. */
export function emptyRing<T>(): Ring<T> {
  return { times: [], values: [], start: 0 };
}

/** Living entries. */
export function sizeOf<T>(ring: Ring<T>): number {
  return ring.times.length - ring.start;
}

/** Adds an entry behind all that are not later. O(1) in order. */
export function insert<T>(ring: Ring<T>, ms: number, value: T): void {
  let at = ring.times.length;
  while (at > ring.start && (ring.times[at - 1] as number) > ms) at -= 1;
  if (at === ring.times.length) {
    ring.times = grownNumbers(ring.times, ms);
    ring.values = grown(ring.values, value);
  } else {
    ring.times.splice(at, 0, ms);
    ring.values.splice(at, 0, value);
  }
}

/** Takes the oldest entry out. O(1) amortised. */
export function shift<T>(ring: Ring<T>): readonly [ms: number, value: T] | null {
  if (sizeOf(ring) === 0) return null;
  const entry = [ring.times[ring.start] as number, ring.values[ring.start] as T] as const;
  ring.start += 1;
  if (ring.start > SLACK && ring.start > ring.times.length / 2) compact(ring);
  return entry;
}

/** Time of the oldest entry, or null. */
export function oldestMs<T>(ring: Ring<T>): number | null {
  return sizeOf(ring) === 0 ? null : (ring.times[ring.start] as number);
}

/** Time of the entry that was taken last from the old end; null where it is not known. */
export function goneMs<T>(ring: Ring<T>): number | null {
  return ring.start === 0 ? null : (ring.times[ring.start - 1] as number);
}

/** Takes one entry with this time and value out; false where there is none. */
export function takeOut<T>(ring: Ring<T>, ms: number, value: T): boolean {
  for (let at = ring.times.length - 1; at >= ring.start; at -= 1) {
    if (ring.times[at] !== ms || ring.values[at] !== value) continue;
    ring.times.splice(at, 1);
    ring.values.splice(at, 1);
    return true;
  }
  return false;
}

/** Drops the dead part but for its newest entry, which tells how far it reached. */
export function compact<T>(ring: Ring<T>): void {
  if (ring.start === 0) return;
  ring.times.splice(0, ring.start - 1);
  ring.values.splice(0, ring.start - 1);
  ring.start = 1;
}
