/** The NAB score of a detector: three weight profiles, at the best or at a fixed threshold. */

/** Rows `first`…`last` of one anomaly window, both inside. */
export interface NabWindow {
  readonly first: number;
  readonly last: number;
}

/** What the scorer must know of a series; `NabSeries` of the reader is one. */
export interface NabLabels {
  readonly rows: number;
  /** Ascending and without overlap. */
  readonly windows: readonly NabWindow[];
}

/** Weights of a window found, a window missed and a false row. */
export interface NabProfile {
  readonly name: 'standard' | 'reward_low_FP_rate' | 'reward_low_FN_rate';
  readonly hit: number;
  readonly miss: number;
  readonly falseRow: number;
}

/** The three published profiles. */
export const NAB_PROFILES: readonly NabProfile[] = [
  { name: 'standard', hit: 1, miss: 1, falseRow: 0.11 },
  { name: 'reward_low_FP_rate', hit: 1, miss: 1, falseRow: 0.22 },
  { name: 'reward_low_FN_rate', hit: 1, miss: 2, falseRow: 0.11 },
];

/** One score; 0 is a detector that never fires, 100 the perfect one, and it may be below 0. */
export interface NabScore {
  readonly score: number;
  /** Rows with a value of at least this are detections; Infinity fires never. */
  readonly threshold: number;
  readonly windowsFound: number;
  readonly falseRows: number;
}

/** A labelled series beside the detector's one number per row. */
export interface NabRun {
  readonly labels: NabLabels;
  readonly scores: Float64Array;
}

const PROBATION_SHARE = 0.15;
const PROBATION_ROWS_MAX = 750;
/** Windows behind which a false row counts in full. */
const FAR = 3;

/** Rows at the start of a series that are learnt on and not scored: `min(⌊.15·n⌋, 750)`. */
export function probationRows(rows: number): number {
  return Math.min(Math.floor(PROBATION_SHARE * rows), PROBATION_ROWS_MAX);
}

/**
 * The weight of a detection at relative position y: `2/(1 + e^(5y)) − 1`, and −1 beyond 3 windows.
 * @example sigma(-1) // 0.9866142981514305
 */
export function sigma(y: number): number {
  return y > FAR ? -1 : 2 / (1 + Math.exp(5 * y)) - 1;
}

const SIGMA_EARLIEST = sigma(-1);

/** Rows that can count, strongest first. */
interface Sweep {
  readonly values: Float64Array;
  /** Number of the window that the row lies in, −1 outside of all. */
  readonly window: Int32Array;
  /** Contribution of the row as a detection, at weight 1. */
  readonly worth: Float64Array;
  readonly order: Uint32Array;
  readonly windows: number;
}

/** Worth of row i and the window it lies in, walking the windows with it. */
function* rowsOf(labels: NabLabels): Generator<{ row: number; window: number; worth: number }> {
  const { rows, windows } = labels;
  let ahead = 0;
  for (let row = 0; row < rows; row++) {
    while (ahead < windows.length && (windows[ahead] as NabWindow).last < row) ahead += 1;
    const here = windows[ahead];
    if (here !== undefined && row >= here.first) {
      const y = -(here.last - row + 1) / (here.last - here.first + 1);
      yield { row, window: ahead, worth: sigma(y) / SIGMA_EARLIEST };
    } else {
      const before = windows[ahead - 1];
      const y = before === undefined ? FAR + 1 : (row - before.last) / (before.last - before.first);
      yield { row, window: -1, worth: sigma(y) };
    }
  }
}

function sweepOf(runs: readonly NabRun[]): Sweep {
  const total = runs.reduce((sum, { labels }) => sum + labels.rows, 0);
  const values = new Float64Array(total);
  const window = new Int32Array(total);
  const worth = new Float64Array(total);
  let size = 0;
  let windows = 0;
  for (const { labels, scores } of runs) {
    if (scores.length !== labels.rows) {
      throw new RangeError(`${scores.length} scores for a series of ${labels.rows} rows`);
    }
    const probation = probationRows(labels.rows);
    for (const at of rowsOf(labels)) {
      const value = scores[at.row] as number;
      if (Number.isNaN(value)) throw new RangeError(`row ${at.row} has no score but NaN`);
      if (at.row < probation) continue;
      values[size] = value;
      window[size] = at.window < 0 ? -1 : windows + at.window;
      worth[size] = at.worth;
      size += 1;
    }
    windows += labels.windows.length;
  }
  const order = Uint32Array.from({ length: size }, (_, i) => i);
  // Ties by place, so that sums are bit-identical wherever the sort comes from.
  order.sort((a, b) => (values[b] as number) - (values[a] as number) || a - b);
  return { values, window, worth, order, windows };
}

/** What stands at a threshold while it sinks. */
interface Standing {
  readonly best: Float64Array;
  found: number;
  gained: number;
  falseRows: number;
  lost: number;
}

/** Takes in the row; its window keeps only the best of its detections. */
function enter(standing: Standing, sweep: Sweep, row: number): void {
  const window = sweep.window[row] as number;
  const worth = sweep.worth[row] as number;
  if (window < 0) {
    standing.falseRows += 1;
    standing.lost += worth;
    return;
  }
  const before = standing.best[window] as number;
  if (before === 0) standing.found += 1;
  if (worth > before) {
    standing.gained += worth - before;
    standing.best[window] = worth;
  }
}

function rated(standing: Standing, sweep: Sweep, profile: NabProfile, threshold: number): NabScore {
  const { hit, miss, falseRow } = profile;
  // raw + miss·K, written so that firing never is exactly 0.
  const above = hit * standing.gained + miss * standing.found + falseRow * standing.lost;
  return {
    score: sweep.windows === 0 ? Number.NaN : (100 * above) / ((hit + miss) * sweep.windows),
    threshold,
    windowsFound: standing.found,
    falseRows: standing.falseRows,
  };
}

const nothingYet = (sweep: Sweep): Standing => ({
  best: new Float64Array(sweep.windows),
  found: 0,
  gained: 0,
  falseRows: 0,
  lost: 0,
});

/**
 * The score at a threshold fixed beforehand, one for all series.
 * Claim: rows with value >= threshold are the detections; the score is that of the published rules.
 * Throws a RangeError on scores that do not fit their series or are NaN.
 */
export function scoreAt(runs: readonly NabRun[], profile: NabProfile, threshold: number): NabScore {
  const sweep = sweepOf(runs);
  const standing = nothingYet(sweep);
  for (const row of sweep.order) {
    if ((sweep.values[row] as number) < threshold) break;
    enter(standing, sweep, row);
  }
  return rated(standing, sweep, profile, threshold);
}

/**
 * The score at the one threshold that is best on this very data, as the published figures are.
 * Claim: no threshold scores higher, firing never included; of equals the highest is given.
 * Cost: one sort of all rows and one walk. Throws as `scoreAt` does.
 */
export function scoreAtBest(runs: readonly NabRun[], profile: NabProfile): NabScore {
  const sweep = sweepOf(runs);
  const standing = nothingYet(sweep);
  let best = rated(standing, sweep, profile, Number.POSITIVE_INFINITY);
  const { order, values } = sweep;
  for (let at = 0; at < order.length; at++) {
    const row = order[at] as number;
    enter(standing, sweep, row);
    const value = values[row] as number;
    // Rows of equal value enter together: no threshold can tell them apart.
    if (at + 1 < order.length && values[order[at + 1] as number] === value) continue;
    const here = rated(standing, sweep, profile, value);
    if (here.score > best.score) best = here;
  }
  return best;
}
