/** Comparator: population stability index above .25 on any source, windows of 100 units. */
import { SOURCES } from '../units.ts';
import type { Comparator } from './comparator.ts';

const BINS = 10;
const WINDOW = 100;
const LIMIT = 0.25;
/** Keeps an empty bin from being infinitely strange. */
const SHARE_MIN = 1e-4;

/** The folklore of model monitoring; it can speak only once per window. */
export const psi: Comparator = {
  name: 'PSI above .25',
  setting: '10 decile bins, windows of 100',
  train({ columns }) {
    const edges = columns.map((column) =>
      Array.from(
        { length: BINS - 1 },
        (_, bin) => column[Math.floor(((bin + 1) * column.length) / BINS)] as number,
      ),
    );
    const expected = columns.map((column, at) => sharesOf(column, edges[at] ?? []));
    return () => {
      const window = Array.from({ length: SOURCES }, () => new Float64Array(WINDOW));
      let count = 0;
      return (scores) => {
        for (let at = 0; at < SOURCES; at += 1)
          (window[at] as Float64Array)[count] = scores[at] as number;
        count += 1;
        if (count < WINDOW) return false;
        count = 0;
        return window.some(
          (values, at) => index(sharesOf(values, edges[at] ?? []), expected[at] ?? []) > LIMIT,
        );
      };
    };
  },
};

/** Share of values per bin, each at least .0001. */
export function sharesOf(values: Float64Array, edges: readonly number[]): number[] {
  const counts = new Array<number>(edges.length + 1).fill(0);
  for (const value of values) {
    let bin = 0;
    while (bin < edges.length && value >= (edges[bin] as number)) bin += 1;
    counts[bin] = (counts[bin] as number) + 1;
  }
  return counts.map((count) => Math.max(SHARE_MIN, count / values.length));
}

/** Σ (p − q) ln(p/q). */
export function index(p: readonly number[], q: readonly number[]): number {
  let sum = 0;
  p.forEach((share, at) => {
    const other = q[at] as number;
    sum += (share - other) * Math.log(share / other);
  });
  return sum;
}
