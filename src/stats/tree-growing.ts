/** Tree growing: boosted trees from binned rows, shallow and with monotone features. */
import type { TreeNode, Trees } from './boosted-trees.ts';

/** How a model is grown. */
export interface GrowOptions {
  /** Number of trees, <= 200. */
  readonly trees: number;
  /** Depth of each, <= 4. */
  readonly depth: number;
  /** Share of each tree's answer that is kept, 0..1. */
  readonly rate: number;
  /** Least weight of the second derivative in a leaf. */
  readonly leaf: number;
  /** Pull of leaf values towards 0. */
  readonly l2: number;
  /** Share of rows and of features each tree sees, 0..1. */
  readonly rows: number;
  readonly features: number;
  /** Per feature: +1 the answer may only grow with it, -1 only fall, 0 either. */
  readonly signs: readonly number[];
  /** Seed of the choice of rows and features. */
  readonly seed: number;
}

const MISSING = 255;

/** Features as bin numbers, column by column. */
export interface Binned {
  readonly rows: number;
  readonly cuts: readonly (readonly number[])[];
  readonly columns: readonly Uint8Array[];
}

/**
 * Rows as bins of about equal size, once for all models that are grown on them.
 * Parameters: x - rows of equal length, NaN = missing; bins - 2 to 250 per feature.
 * @example binned([[1], [2], [3], [4]], 2).cuts // [[3]]
 */
export function binned(x: readonly ArrayLike<number>[], bins: number): Binned {
  const width = x[0]?.length ?? 0;
  const cuts: number[][] = [];
  const columns: Uint8Array[] = [];
  for (let j = 0; j < width; j += 1) {
    const values: number[] = [];
    for (const row of x) if (!Number.isNaN(row[j])) values.push(row[j] as number);
    values.sort((a, b) => a - b);
    const own: number[] = [];
    for (let q = 1; q < bins && values.length > 0; q += 1) {
      const cut = values[Math.floor((q * values.length) / bins)] as number;
      if (own.length === 0 || cut > (own[own.length - 1] as number)) own.push(cut);
    }
    const column = new Uint8Array(x.length);
    for (let i = 0; i < x.length; i += 1) column[i] = binOf(own, x[i]?.[j] as number);
    cuts.push(own);
    columns.push(column);
  }
  return { rows: x.length, cuts, columns };
}

/**
 * Grows trees by gradient boosting on the logistic loss, each on a seeded share of rows and features.
 * Claim: deterministic for equal input; single splits obey `signs` (a restraint, not a proof of
 * monotony of the sum of deep paths).
 * Parameters: table - rows as bins; y - 0 or 1; weight - >= 0, a row of weight 0 is not there.
 * Answers: log-odds, to be calibrated as any score: they are no probabilities of anything outside.
 * Cost: O(trees · depth · rows · features). Reference: Friedman 2002 (stochastic gradient boosting);
 * Chen & Guestrin 2016 (second-order gain, missing values).
 */
export function growTrees(
  table: Binned,
  y: ArrayLike<number>,
  weight: ArrayLike<number>,
  options: GrowOptions,
): Trees {
  let [all, positive] = [0, 0];
  for (let i = 0; i < table.rows; i += 1) {
    all += weight[i] as number;
    positive += (weight[i] as number) * (y[i] as number);
  }
  if (!(positive > 0 && positive < all)) throw new RangeError('trees need rows of both classes');
  const base = Math.log(positive / (all - positive));
  const grower = new Grower(table, y, weight, base, options);
  const trees: TreeNode[] = [];
  for (let at = 0; at < options.trees; at += 1) trees.push(grower.next());
  return { base, trees };
}

function binOf(cuts: readonly number[], value: number): number {
  if (Number.isNaN(value)) return MISSING;
  let [low, high] = [0, cuts.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (value >= (cuts[middle] as number)) low = middle + 1;
    else high = middle;
  }
  return low;
}

interface Split {
  gain: number;
  feature: number;
  bin: number;
  missing: number;
}

class Grower {
  readonly #table: Binned;
  readonly #y: ArrayLike<number>;
  readonly #weight: ArrayLike<number>;
  readonly #options: GrowOptions;
  readonly #sum: Float64Array;
  readonly #g: Float64Array;
  readonly #h: Float64Array;
  readonly #node: Int32Array;
  readonly #chosen: Int32Array;
  /** Derivatives of the chosen rows, and where their node's bins begin; -1 where it has no node. */
  readonly #denseG: Float64Array;
  readonly #denseH: Float64Array;
  readonly #place: Int32Array;
  readonly #histG: Float64Array;
  readonly #histH: Float64Array;
  #state: number;

  constructor(
    table: Binned,
    y: ArrayLike<number>,
    weight: ArrayLike<number>,
    base: number,
    options: GrowOptions,
  ) {
    this.#table = table;
    this.#y = y;
    this.#weight = weight;
    this.#options = options;
    this.#sum = new Float64Array(table.rows).fill(base);
    this.#g = new Float64Array(table.rows);
    this.#h = new Float64Array(table.rows);
    this.#node = new Int32Array(table.rows);
    this.#chosen = new Int32Array(table.rows);
    this.#denseG = new Float64Array(table.rows);
    this.#denseH = new Float64Array(table.rows);
    this.#place = new Int32Array(table.rows);
    this.#histG = new Float64Array(2 ** options.depth * 256);
    this.#histH = new Float64Array(2 ** options.depth * 256);
    this.#state = options.seed >>> 0;
  }

  /** Grows one more tree and adds it to the sum. */
  next(): TreeNode {
    const { features, depth } = this.#options;
    const used = this.#table.columns.map((_, j) => j).filter(() => this.#uniform() < features);
    const count = this.#prepare();
    const splits = new Map<number, Split>();
    for (let level = 0; level < depth; level += 1) {
      const best = this.#splitsAt(level, used, count);
      if (best.size === 0) break;
      for (const [k, split] of best) splits.set(k, split);
      this.#descend(best);
    }
    return this.#finish(splits);
  }

  #uniform(): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0;
    return this.#state / 4294967296;
  }

  /** Derivatives, and the rows this tree sees; how many. */
  #prepare(): number {
    let count = 0;
    for (let i = 0; i < this.#table.rows; i += 1) {
      const p = 1 / (1 + Math.exp(-(this.#sum[i] as number)));
      const weight = this.#weight[i] as number;
      this.#g[i] = weight * (p - (this.#y[i] as number));
      this.#h[i] = weight * p * (1 - p);
      if (this.#uniform() < this.#options.rows && weight > 0) {
        this.#chosen[count] = i;
        this.#denseG[count] = this.#g[i] as number;
        this.#denseH[count] = this.#h[i] as number;
        count += 1;
      }
    }
    this.#node.fill(0);
    return count;
  }

  #splitsAt(level: number, used: readonly number[], count: number): Map<number, Split> {
    const first = 2 ** level - 1;
    const nodes = 2 ** level;
    const totalG = new Float64Array(nodes);
    const totalH = new Float64Array(nodes);
    for (let q = 0; q < count; q += 1) {
      const k = (this.#node[this.#chosen[q] as number] as number) - first;
      this.#place[q] = k < 0 ? -1 : k * 256;
      if (k < 0) continue;
      totalG[k] = (totalG[k] as number) + (this.#denseG[q] as number);
      totalH[k] = (totalH[k] as number) + (this.#denseH[q] as number);
    }
    const best = new Map<number, Split>();
    for (const j of used) {
      if ((this.#table.cuts[j]?.length ?? 0) === 0) continue;
      this.#histogram(j, nodes, count);
      for (let k = 0; k < nodes; k += 1) {
        if ((totalH[k] as number) < 2 * this.#options.leaf) continue;
        const known = best.get(first + k);
        const split = this.#bestCut(j, k, totalG[k] as number, totalH[k] as number);
        if (split !== null && split.gain > (known?.gain ?? 1e-6)) best.set(first + k, split);
      }
    }
    return best;
  }

  /** The hot loop: everything it reads lies in local, dense arrays. */
  #histogram(j: number, nodes: number, count: number): void {
    const histG = this.#histG;
    const histH = this.#histH;
    histG.fill(0, 0, nodes * 256);
    histH.fill(0, 0, nodes * 256);
    const column = this.#table.columns[j] as Uint8Array;
    const [chosen, place, g, h] = [this.#chosen, this.#place, this.#denseG, this.#denseH];
    for (let q = 0; q < count; q += 1) {
      const base = place[q] as number;
      if (base < 0) continue;
      const at = base + (column[chosen[q] as number] as number);
      histG[at] = (histG[at] as number) + (g[q] as number);
      histH[at] = (histH[at] as number) + (h[q] as number);
    }
  }

  #bestCut(j: number, k: number, g: number, h: number): Split | null {
    const { l2, leaf, signs } = this.#options;
    const sign = signs[j] ?? 0;
    const missG = this.#histG[k * 256 + MISSING] as number;
    const missH = this.#histH[k * 256 + MISSING] as number;
    const parent = (g * g) / (h + l2);
    const cuts = this.#table.cuts[j] as readonly number[];
    let best: Split | null = null;
    let [leftG, leftH] = [0, 0];
    for (let bin = 0; bin < cuts.length; bin += 1) {
      leftG += this.#histG[k * 256 + bin] as number;
      leftH += this.#histH[k * 256 + bin] as number;
      for (let missing = 0; missing <= (missH > 0 ? 1 : 0); missing += 1) {
        const lg = leftG + (missing === 1 ? missG : 0);
        const lh = leftH + (missing === 1 ? missH : 0);
        const [rg, rh] = [g - lg, h - lh];
        if (lh < leaf || rh < leaf) continue;
        if (sign !== 0 && (lg / (lh + l2) - rg / (rh + l2)) * sign < 0) continue;
        const gain = (lg * lg) / (lh + l2) + (rg * rg) / (rh + l2) - parent;
        if (gain > (best?.gain ?? 0)) best = { gain, feature: j, bin, missing };
      }
    }
    return best;
  }

  #descend(best: ReadonlyMap<number, Split>): void {
    for (let i = 0; i < this.#table.rows; i += 1) {
      const k = this.#node[i] as number;
      const split = best.get(k);
      if (split === undefined) continue;
      const bin = (this.#table.columns[split.feature] as Uint8Array)[i] as number;
      const left = bin === MISSING ? split.missing === 1 : bin <= split.bin;
      this.#node[i] = left ? 2 * k + 1 : 2 * k + 2;
    }
  }

  /** Values of the leaves from the rows this tree saw; every row's sum moves. */
  #finish(splits: ReadonlyMap<number, Split>): TreeNode {
    const { l2, rate, depth } = this.#options;
    const size = 2 ** (depth + 1) - 1;
    const sumG = new Float64Array(size);
    const sumH = new Float64Array(size);
    const node = this.#node;
    for (let i = 0; i < node.length; i += 1) {
      const k = node[i] as number;
      sumG[k] = (sumG[k] as number) + (this.#g[i] as number);
      sumH[k] = (sumH[k] as number) + (this.#h[i] as number);
    }
    const values = sumG.map((g, k) => (-rate * g) / ((sumH[k] as number) + l2));
    const sum = this.#sum;
    for (let i = 0; i < node.length; i += 1)
      sum[i] = (sum[i] as number) + (values[node[i] as number] as number);
    const stored = (k: number): TreeNode => {
      const split = splits.get(k);
      if (split === undefined) return values[k] as number;
      const cut = (this.#table.cuts[split.feature] as readonly number[])[split.bin] as number;
      return [split.feature, cut, split.missing, stored(2 * k + 1), stored(2 * k + 2)];
    };
    return stored(0);
  }
}
