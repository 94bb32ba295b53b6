/** Tables: a profile's calibration scores compiled into look-ups of p and e by cell. */
import { assert } from '../model/errors.ts';
import { countAtLeast, pacCut } from '../stats/conformal.ts';
import { freshness, ownWeight } from '../stats/e-merge.ts';
import {
  certifiedQuantile,
  marginalE,
  steadyE,
  TABLES,
  type TableKind,
  thin,
  wilsonE,
} from '../stats/e-value.ts';

/** Sorted held-out scores: dimension → cell → ascending scores, as a profile holds them. */
export type Calibration = Readonly<Record<string, Readonly<Record<string, readonly number[]>>>>;

/** Calibration of one level of the hierarchy. */
export interface CalibrationLevel {
  readonly level: 'agent' | 'role' | 'fleet';
  readonly calibration: Calibration;
  /** Days since it was last revalidated: past 30 its evidence weakens. */
  readonly ageDays: number;
}

/** Fewest calibration scores a cell answers with. */
export const FLOOR = 200;
/** Scores are clamped to this, both signs. */
export const SCORE_MAX = 1e6;
/** Certified quantiles are computed at these sizes only; the next smaller one is stricter. */
const SIZES = [50, 64, 80, 100, 128, 160, 200, 250, 320, 400, 500, 640, 800, 1000, 1280, 1600];
const SIZES_LARGE = [2000, 2560, 3200, 4000, 5000];

/** One compiled calibration set. */
export interface Layer {
  readonly n: number;
  readonly level: CalibrationLevel['level'];
  /** Cell it was taken from, which may be wider than the one asked for. */
  readonly cell: string;
  /** Ascending, thinned. */
  readonly scores: Float64Array;
  /** p, and e by table, by the count of `scores` at least as high. */
  readonly p: Float64Array;
  readonly e: Readonly<Record<TableKind, Float64Array>>;
  /** Weight of its e; what the layers of a cell lack to 1 counts as e = 1. */
  readonly weight: number;
}

/** All that answers for one dimension and cell, most specific first; never empty. */
export interface Cell {
  readonly layers: readonly Layer[];
  /** What a score counts as that is not said yet: the least it can be. */
  readonly pending: Place;
  /** Where one layer answers: places by the count of its scores at least as high, as they were met. */
  readonly met: (Place | undefined)[] | null;
  /** Session lanes by rate, as they were asked for. */
  readonly lanes: Map<number, Lane | null>;
}

/** The layer that carries a session lane, and its PAC cut. */
export interface Lane {
  readonly layer: Layer;
  readonly cut: number;
}

/** A score's place in its cell. */
export interface Place {
  /** Conformal p in the most specific layer. */
  readonly p: number;
  /** E-values in the order of TABLES. */
  readonly e: readonly [marginal: number, certified: number, wilson: number];
}

/** Compiled tables. Pure apart from what they remember of cells already asked for. */
export interface Tables {
  /** What answers for a cell; null: nobody may, the dimension abstains (e = 1). */
  find(dimension: string, cell: string): Cell | null;
  /** The same; quick where the reading at this place was of that dimension and cell the last time too. */
  findAt(place: number, dimension: string, cell: string): Cell | null;
  /** Is a session lane at rate `alpha` possible in any cell of this dimension? */
  opens(dimension: string, alpha: number): boolean;
}

/**
 * Tables over levels, most specific first. A cell with fewer than `floor` scores is answered by the
 * same cell without hours, then by the next level. An unseen cell is never answered by a seen one,
 * nor one evidence level by another. Scores must come from the scorer each level was calibrated with.
 */
export function compileTables(levels: readonly CalibrationLevel[], floor = FLOOR): Tables {
  const known = new Map<string, Map<string, Cell | null>>();
  const find = (dimension: string, cell: string): Cell | null => {
    let cells = known.get(dimension);
    if (cells === undefined) {
      cells = new Map();
      known.set(dimension, cells);
    }
    let found = cells.get(cell);
    if (found === undefined) {
      found = compileCell(levels, dimension, cell, floor);
      cells.set(cell, found);
    }
    return found;
  };
  // Readings name their dimensions in one order: whoever asks again at a place mostly asks the same.
  const last: { dimension: string; cell: string; found: Cell | null }[] = [];
  return {
    find,
    findAt(at, dimension, cell) {
      const known = last[at];
      if (known !== undefined && known.dimension === dimension && known.cell === cell)
        return known.found;
      const found = find(dimension, cell);
      last[at] = { dimension, cell, found };
      return found;
    },
    opens: (dimension, alpha) =>
      levels.some(({ calibration }) =>
        Object.keys(calibration[dimension] ?? {}).some((cell) => {
          const found = find(dimension, cell);
          return found?.layers.some(({ n }) => pacCut(n, alpha) > 0) ?? false;
        }),
      ),
  };
}

/** Where a score stands in a cell. Asserts that it is a number; clamps it to ±1e6. */
export function place(cell: Cell, score: number): Place {
  assert(!Number.isNaN(score), 'a score is not a number');
  const { met, layers } = cell;
  if (met === null) return placeIn(layers, clamp(score));
  const count = countAtLeast((layers[0] as Layer).scores, clamp(score));
  let known = met[count];
  if (known === undefined) {
    known = placeIn(layers, clamp(score));
    met[count] = known;
  }
  return known;
}

function placeIn(layers: readonly Layer[], value: number): Place {
  let p = 1;
  let [marginal, certified, wilson, used] = [0, 0, 0, 0];
  for (let at = 0; at < layers.length; at += 1) {
    const layer = layers[at] as Layer;
    const count = countAtLeast(layer.scores, value);
    if (at === 0) p = layer.p[count] as number;
    marginal += layer.weight * (layer.e.marginal[count] as number);
    certified += layer.weight * (layer.e.certified[count] as number);
    wilson += layer.weight * (layer.e.wilson[count] as number);
    used += layer.weight;
  }
  const rest = Math.max(0, 1 - used);
  return { p, e: [marginal + rest, certified + rest, wilson + rest] };
}

/** The least e-values the cell can give, in the order of TABLES: what a pending score counts as. */
export function leastOf(cell: Cell): Place['e'] {
  return cell.pending.e;
}

/**
 * The layer that carries a session lane at rate `alpha`, pooling upward, with its PAC cut; null where
 * the lane is closed for this cell.
 */
export function laneOf(cell: Cell, alpha: number): Lane | null {
  const known = cell.lanes.get(alpha);
  if (known !== undefined) return known;
  let lane: Lane | null = null;
  for (const layer of cell.layers) {
    const cut = pacCut(layer.n, alpha);
    if (cut <= 0) continue;
    lane = { layer, cut };
    break;
  }
  cell.lanes.set(alpha, lane);
  return lane;
}

/** Conformal p of a score in one layer. */
export function layerP(layer: Layer, score: number): number {
  return layer.p[countAtLeast(layer.scores, clamp(score))] as number;
}

function clamp(score: number): number {
  return score > SCORE_MAX ? SCORE_MAX : score < -SCORE_MAX ? -SCORE_MAX : score;
}

function compileCell(
  levels: readonly CalibrationLevel[],
  dimension: string,
  cell: string,
  floor: number,
): Cell | null {
  const found: Omit<Layer, 'weight'>[] = [];
  const ages: number[] = [];
  for (const { level, calibration, ageDays } of levels) {
    const gathered = gather(calibration[dimension] ?? {}, cell, Math.max(1, floor));
    if (gathered === null) continue;
    found.push(layerOf(level, gathered.cell, gathered.scores));
    ages.push(ageDays);
  }
  if (found.length === 0) return null;
  const weights = weightsOf(found, ages);
  const layers = found.map((layer, at) => ({ ...layer, weight: weights[at] as number }));
  const [only] = layers.length === 1 ? layers : [];
  return {
    layers,
    pending: { p: 1, e: placeIn(layers, -SCORE_MAX).e },
    met: only === undefined ? null : new Array(only.scores.length + 1).fill(undefined),
    lanes: new Map(),
  };
}

/**
 * Layers by the scores they were compiled from: a lane is made anew after each crash and each reload
 * of a profile, and what its cells say depends on nothing else.
 */
const COMPILED = new WeakMap<readonly number[], Omit<Layer, 'weight'>>();

function layerOf(
  level: CalibrationLevel['level'],
  cell: string,
  scores: readonly number[],
): Omit<Layer, 'weight'> {
  const known = COMPILED.get(scores);
  if (known !== undefined && known.level === level && known.cell === cell) return known;
  const made = compileLayer(level, cell, ascending(scores));
  COMPILED.set(scores, made);
  return made;
}

/** Scores of a cell, or of that cell over all hours. */
function gather(
  cells: Readonly<Record<string, readonly number[]>>,
  cell: string,
  floor: number,
): { cell: string; scores: readonly number[] } | null {
  const exact = cells[cell] ?? [];
  if (exact.length >= floor) return { cell, scores: exact };
  const wide = cell.split('/').slice(0, 2).join('/');
  const named = cells[wide];
  const pooled =
    named ??
    Object.keys(cells)
      .filter((name) => name.startsWith(`${wide}/`))
      .sort()
      .flatMap((name) => cells[name] ?? []);
  return pooled.length >= floor ? { cell: wide, scores: pooled } : null;
}

function ascending(scores: readonly number[]): Float64Array {
  const sorted = Float64Array.from(scores, clamp).sort();
  assert(!sorted.some(Number.isNaN), 'a calibration score is not a number');
  return sorted;
}

function compileLayer(
  level: CalibrationLevel['level'],
  cell: string,
  sorted: Float64Array,
): Omit<Layer, 'weight'> {
  const { scores, ranks, n } = thin(sorted);
  const quantile = n >= (SIZES[0] as number) ? certifiedQuantile(sizeBelow(n)) : null;
  const e = { marginal: [0], certified: [0], wilson: [0] } as Record<TableKind, number[]>;
  for (const kind of TABLES)
    e[kind] = Array.from(ranks, (rank) => {
      if (kind === 'wilson') return wilsonE(n, rank);
      if (kind === 'marginal') return steadyE(n, rank);
      // Too few scores for a certificate that is worth its name: it says nothing for, only against.
      return quantile === null ? Math.min(1, marginalE(n, rank)) : marginalE(n, rank) / quantile;
    });
  return {
    n,
    level,
    cell,
    scores,
    p: Float64Array.from(ranks, (rank) => rank / (n + 1)),
    e: {
      marginal: Float64Array.from(e.marginal),
      certified: Float64Array.from(e.certified),
      wilson: Float64Array.from(e.wilson),
    },
  };
}

function sizeBelow(n: number): number {
  let size = SIZES[0] as number;
  for (const candidate of [...SIZES, ...SIZES_LARGE]) if (candidate <= n) size = candidate;
  return size;
}

/**
 * Weights of the layers: an agent's own scores share with the level above by how many they are; a
 * level that has aged shares with a fresher one above it, or with 1.
 */
function weightsOf(layers: readonly Omit<Layer, 'weight'>[], ages: readonly number[]): number[] {
  const weights = layers.map(() => 0);
  let mass = 1;
  for (let at = 0; at < layers.length; at += 1) {
    const above = at + 1 < layers.length;
    const layer = layers[at] as Omit<Layer, 'weight'>;
    const own = layer.level === 'agent' && above ? ownWeight(layer.n) : 1;
    const fresh = freshness(ages[at] as number);
    const isFresher = above && freshness(ages[at + 1] as number) > fresh;
    weights[at] = mass * fresh * own;
    mass *= fresh * (1 - own) + (isFresher ? 1 - fresh : 0);
  }
  return weights;
}
