/** Comparator: isolation forest, 100 trees of 256 units, threshold at the 1 - 1/A quantile. */
import type { Uniform } from '../units.ts';
import type { Comparator } from './comparator.ts';

const TREES = 100;
const SAMPLE = 256;

/** A tree in arrays: source and split per node, children at 2i+1 and 2i+2; leaves hold a length. */
interface Tree {
  readonly source: Int8Array;
  readonly split: Float64Array;
  /** Path length at a leaf, with what an unbuilt subtree would add. */
  readonly path: Float64Array;
}

/** Liu, Ting and Zhou 2008. Half of the calibration trains, the other half sets the threshold. */
export const isolationForest: Comparator = {
  name: 'isolation forest',
  setting: '100 trees, 1 - 1/A quantile, the maximum if n < A',
  train({ rows, a, uniform }) {
    const half = Math.floor(rows.length / 2);
    const score = forestOf(rows.slice(0, half), uniform);
    const held = Float64Array.from(rows.slice(half), score).sort();
    const limit = held[Math.min(held.length - 1, Math.ceil((1 - 1 / a) * held.length))] as number;
    return () => (scores) => score(scores) > limit;
  },
};

/** Score of a row in (0, 1], higher is stranger, by 100 trees grown on these rows, all as wide. */
export function forestOf(
  rows: readonly Float64Array[],
  uniform: Uniform,
): (row: Float64Array) => number {
  const sample = Math.min(SAMPLE, rows.length);
  const depth = Math.ceil(Math.log2(Math.max(2, sample)));
  const trees = Array.from({ length: TREES }, () =>
    grow(drawn(rows, sample, uniform), depth, uniform),
  );
  const scale = averagePath(sample);
  return (row) => {
    let sum = 0;
    for (const tree of trees) sum += pathOf(tree, row);
    return 2 ** (-sum / TREES / scale);
  };
}

/** Mean path length of an unsuccessful search in a binary tree of n: 2H(n−1) − 2(n−1)/n. */
export function averagePath(n: number): number {
  if (n <= 1) return 0;
  let harmonic = 0;
  for (let k = 1; k < n; k += 1) harmonic += 1 / k;
  return 2 * harmonic - (2 * (n - 1)) / n;
}

function drawn(rows: readonly Float64Array[], size: number, uniform: Uniform): Float64Array[] {
  const left = [...rows];
  for (let at = 0; at < size; at += 1) {
    const from = at + Math.floor(uniform() * (left.length - at));
    const held = left[at] as Float64Array;
    left[at] = left[from] as Float64Array;
    left[from] = held;
  }
  return left.slice(0, size);
}

function grow(rows: readonly Float64Array[], depth: number, uniform: Uniform): Tree {
  const nodes = 2 ** (depth + 1) - 1;
  const width = rows[0]?.length ?? 0;
  const tree: Tree = {
    source: new Int8Array(nodes).fill(-1),
    split: new Float64Array(nodes),
    path: new Float64Array(nodes),
  };
  const visit = (node: number, here: readonly Float64Array[], level: number) => {
    const first = Math.floor(uniform() * width);
    const { source, low, high } = varying(here, first, width);
    if (level >= depth || here.length <= 1 || !(high > low)) {
      tree.path[node] = level + averagePath(here.length);
      return;
    }
    const split = low + uniform() * (high - low);
    tree.source[node] = source;
    tree.split[node] = split;
    const below = (row: Float64Array) => (row[source] as number) < split;
    visit(2 * node + 1, here.filter(below), level + 1);
    visit(
      2 * node + 2,
      here.filter((row) => !below(row)),
      level + 1,
    );
  };
  visit(0, rows, 0);
  return tree;
}

/** The first source from `first` on in which these rows differ: on others no split is possible. */
function varying(rows: readonly Float64Array[], first: number, width: number) {
  for (let step = 0; step < width; step += 1) {
    const source = (first + step) % width;
    let low = Number.POSITIVE_INFINITY;
    let high = Number.NEGATIVE_INFINITY;
    for (const row of rows) {
      low = Math.min(low, row[source] as number);
      high = Math.max(high, row[source] as number);
    }
    if (high > low) return { source, low, high };
  }
  return { source: first, low: 0, high: 0 };
}

function pathOf({ source, split, path }: Tree, scores: Float64Array): number {
  let node = 0;
  for (;;) {
    const at = source[node] as number;
    if (at < 0) return path[node] as number;
    node = 2 * node + ((scores[at] as number) < (split[node] as number) ? 1 : 2);
  }
}
