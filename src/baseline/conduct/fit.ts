/** Fitting: one model of rehearsed calls, and held-out scores of genuine units in its scale. */
import {
  type Binned,
  binned,
  compileTrees,
  type GrowOptions,
  growTrees,
  type Trees,
} from '../../stats/boosted-trees.ts';
import { matchedQuantiles } from '../../stats/matched-quantiles.ts';
import { FEATURES, SIGNS } from './features.ts';

/** Models: for mandates that were learnt, and for others. */
export type Mode = 'seen' | 'unseen';

/** One call as a row of a model. */
export interface Row {
  readonly x: Float64Array;
  readonly y: 0 | 1;
  readonly weight: number;
  /** Units it was made from: neither may be in the fold it is held out for. */
  readonly host: number;
  readonly donor: number;
  readonly mode: Mode;
}

/** Rows of an accepted unit under a basis that does not know it. */
export interface Genuine {
  readonly host: number;
  readonly mode: Mode;
  readonly rows: readonly Float64Array[];
}

const GROW: Omit<GrowOptions, 'seed'> = {
  trees: 160,
  depth: 3,
  rate: 0.06,
  leaf: 8,
  l2: 1,
  rows: 0.4,
  features: 0.4,
  signs: SIGNS,
};
const BINS = 40;
/** Rows by which scores of two models are told in one scale: with fewer they are left as they are. */
const COMMON_MIN = 50;
const COMMON_MAX = 4_000;
/** Column that says whether a call changes something. */
export const CHANGING = FEATURES.findIndex(([name]) => name === 'changing');

/** Score of a unit none of whose calls is judged: below every other. */
export const UNJUDGED = -20;

/** What one model is learnt from. */
export interface Learning {
  readonly mode: Mode;
  readonly rows: readonly Row[];
  readonly genuine: readonly Genuine[];
  /** Units by fold. */
  readonly fold: readonly number[];
  /** How many mandates the units had. */
  readonly mandates: number;
  readonly seed: number;
  /** Told of each part of the work. */
  readonly progress: (part: number, of: number) => void;
}

/**
 * The model in force, and held-out scores of genuine units in its scale. Each is scored by a model
 * that knew neither it nor what shares its fold; boosted models end up sure to different degrees, so
 * the largest of scores from ten of them would say which model was surest, not which unit was strange.
 */
export function learnModel(learning: Learning): { model: Trees; scores: number[] } {
  const { mode, rows, genuine, fold, progress } = learning;
  const table = binned(
    rows.map(({ x }) => x),
    BINS,
  );
  const leaf = leafOf(learning);
  const model = grown(table, learning, leaf, () => false);
  const { predict: inForce } = compileTrees(model);
  const scores: number[] = [];
  const last = Math.max(...fold);
  for (let k = 0; k <= last; k += 1) {
    progress(k + 1, last + 1);
    const isOut = ({ host, donor }: Row) =>
      fold[host] === k || (mode === 'unseen' && fold[donor] === k);
    const { predict } = compileTrees(grown(table, learning, leaf, isOut));
    const common = commonRows(learning, isOut);
    const translate =
      common.length < COMMON_MIN
        ? (score: number) => score
        : matchedQuantiles(common.map(predict), common.map(inForce));
    for (const { host, rows: xs } of genuine) {
      if (fold[host] !== k) continue;
      const judged = mode === 'seen' ? xs : xs.filter((x) => x[CHANGING] === 1);
      if (judged.length > 0) scores.push(translate(Math.max(...judged.map(predict))));
      else if (xs.length > 0) scores.push(UNJUDGED);
    }
  }
  return { model, scores: scores.sort((a, b) => a - b) };
}

/** Rehearsed hijacks that both models were grown on, evenly taken: their scores reach into the tail. */
function commonRows({ mode, rows }: Learning, isOut: (row: Row) => boolean): Float64Array[] {
  const found = rows.filter((row) => row.y === 1 && row.mode === mode && !isOut(row));
  const step = Math.ceil(found.length / COMMON_MAX);
  return found.filter((_, at) => at % step === 0).map(({ x }) => x);
}

/**
 * Least weight of a leaf. Of what sessions of one mandate did, nothing follows for mandates nobody
 * learnt: there a leaf carries at least half of what a mandate brings to a tree when it begins.
 */
function leafOf({ mode, rows, mandates }: Learning): number {
  if (mode === 'seen') return GROW.leaf;
  let [all, positive] = [0, 0];
  for (const { weight, y } of rows) {
    all += weight;
    positive += weight * y;
  }
  const hessian = (positive * (all - positive)) / (all || 1);
  return Math.max(GROW.leaf, (GROW.rows * hessian) / mandates / 2);
}

/** A model of all rows but those left out. */
function grown(
  table: Binned,
  { rows, seed }: Learning,
  leaf: number,
  isOut: (row: Row) => boolean,
): Trees {
  return growTrees(
    table,
    rows.map(({ y }) => y),
    rows.map((row) => (isOut(row) ? 0 : row.weight)),
    { ...GROW, leaf, seed },
  );
}
