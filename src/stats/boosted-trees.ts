/** Boosted trees: a small additive model of shallow trees, compiled for fast answers. */

/** One tree as nested arrays: `[feature, cut, missing goes left 0|1, left, right]` or a leaf's value. */
export type TreeNode = number | readonly [number, number, number, TreeNode, TreeNode];

/** A grown model: plain JSON. */
export interface Trees {
  /** Log-odds before any tree. */
  readonly base: number;
  readonly trees: readonly TreeNode[];
}

/** A compiled model. */
export interface CompiledTrees {
  /** Log-odds of the second class; NaN in a row means the feature is missing. */
  predict(row: ArrayLike<number>): number;
  /**
   * What each feature added to the last answer of `predict`, along the paths it took, into `into`; the
   * sum is that answer less what the trees say on average.
   */
  contributions(into: Float64Array): void;
}

/**
 * Trees filled up to one depth, in flat lists. Of each tree first its nodes, child 2k + 1 left and
 * 2k + 2 right, then its leaves.
 */
interface Flat {
  readonly depth: number;
  readonly trees: number;
  /** What nodes look at: columns that any of them does, and where a missing value goes, 1: left. */
  readonly columns: number[];
  readonly lefts: number[];
  /** By node: place in these lists. */
  readonly looked: Int32Array;
  readonly cut: Float64Array;
  readonly value: Float64Array;
  /** By leaf: the features on the way to it, root first, and what each step added; -1 ends it. */
  readonly path: Int32Array;
  readonly added: Float64Array;
}

/**
 * Compiles a model. Both answers hold what they read of a row in lists that are used again.
 * @example compileTrees({ base: 0, trees: [[0, 2, 1, -1, 1]] }).predict([3]) // 1
 */
export function compileTrees({ base, trees }: Trees): CompiledTrees {
  const flat = flattened(trees);
  const row = new Float64Array(Math.max(1, flat.columns.length));
  const leaves = new Int32Array(trees.length);
  const { depth, path, added, value } = flat;
  return {
    predict(given) {
      fall(flat, given, row, leaves);
      let sum = base;
      for (let tree = 0; tree < leaves.length; tree += 1)
        sum += value[leaves[tree] as number] as number;
      return sum;
    },
    contributions(into) {
      into.fill(0);
      for (let tree = 0; tree < leaves.length; tree += 1) {
        const end = ((leaves[tree] as number) + 1) * depth;
        for (let step = end - depth; step < end; step += 1) {
          const f = path[step] as number;
          if (f < 0) break;
          into[f] = (into[f] as number) + (added[step] as number);
        }
      }
    },
  };
}

/** Finds the leaf of each tree. */
function fall(flat: Flat, given: ArrayLike<number>, row: Float64Array, leaves: Int32Array): void {
  const { depth, columns, lefts, looked, cut } = flat;
  // A missing value is the least there is to nodes that send it left, and the most to the others.
  for (let j = 0; j < columns.length; j += 1) {
    const value = given[columns[j] as number] as number;
    if (!Number.isNaN(value)) row[j] = value;
    else row[j] = lefts[j] === 1 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  }
  const nodes = 2 ** depth - 1;
  const ends = nodes + 1;
  // The way down is computed, not branched: no processor can guess it, and guessing wrong costs more
  // than all the rest.
  for (let tree = 0; tree < leaves.length; tree += 1) {
    const first = tree * nodes;
    let k = 0;
    for (let level = 0; level < depth; level += 1) {
      const at = first + k;
      k = 2 * k + 2 - Number((row[looked[at] as number] as number) < (cut[at] as number));
    }
    leaves[tree] = tree * ends + k - nodes;
  }
}

function flattened(trees: readonly TreeNode[]): Flat {
  const depth = trees.reduce<number>((most, tree) => Math.max(most, depthOf(tree)), 0);
  const nodes = trees.length * (2 ** depth - 1);
  const ends = trees.length * 2 ** depth;
  const flat: Flat = {
    ...{ depth, trees: trees.length, columns: [], lefts: [] },
    looked: new Int32Array(nodes),
    // Above no value, NaN sends everything right: where a tree ends early both ways hold its value.
    cut: new Float64Array(nodes).fill(Number.NaN),
    value: new Float64Array(ends),
    path: new Int32Array(ends * depth).fill(-1),
    added: new Float64Array(ends * depth),
  };
  trees.forEach((tree, at) => {
    put(flat, at, { node: tree, k: 0, level: 0 }, []);
  });
  return flat;
}

/** Enters a node and what is below it; `way`: features and what they added, from the root on. */
function put(
  flat: Flat,
  tree: number,
  { node, k, level }: { node: TreeNode; k: number; level: number },
  way: readonly (readonly [feature: number, added: number])[],
): void {
  const { depth, looked, cut, value, path, added } = flat;
  const nodes = 2 ** depth - 1;
  if (level === depth) {
    const leaf = tree * (nodes + 1) + k - nodes;
    value[leaf] = node as number;
    way.forEach(([name, amount], step) => {
      path[leaf * depth + step] = name;
      added[leaf * depth + step] = amount;
    });
    return;
  }
  const sides = typeof node === 'number' ? null : ([node[3], node[4]] as const);
  if (typeof node !== 'number') {
    looked[tree * nodes + k] = lookOf(flat, node[0], node[2]);
    cut[tree * nodes + k] = node[1];
  }
  for (const side of [0, 1] as const) {
    const child = sides?.[side] ?? node;
    const step = typeof node === 'number' ? [] : [[node[0], meanOf(child) - meanOf(node)] as const];
    put(flat, tree, { node: child, k: 2 * k + 1 + side, level: level + 1 }, [...way, ...step]);
  }
}

/** Inner nodes have the plain mean of their children: contributions need a value on the way. */
function meanOf(node: TreeNode): number {
  return typeof node === 'number' ? node : (meanOf(node[3]) + meanOf(node[4])) / 2;
}

/** Place of a column among those that are looked at; a new one is entered. */
function lookOf({ columns, lefts }: Flat, column: number, left: number): number {
  for (let at = 0; at < columns.length; at += 1)
    if (columns[at] === column && lefts[at] === left) return at;
  lefts.push(left);
  return columns.push(column) - 1;
}

function depthOf(node: TreeNode): number {
  return typeof node === 'number' ? 0 : 1 + Math.max(depthOf(node[3]), depthOf(node[4]));
}
