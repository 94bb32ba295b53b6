/** Seasonal cells: level and rate by hour of day × weekday or weekend, shrunk to the whole. */
import { type RobustLevel, robustLevel, SHRINKAGE, shrunkLevel } from './robust-level.ts';
import { ascending } from './summary.ts';

/** Number of cells: 24 hours (UTC) on weekdays, then 24 at weekends. */
export const CELLS = 48;

const HOUR_MS = 3_600_000;

/**
 * Cell of an instant: hour of the UTC day, + 24 on Saturdays and Sundays.
 * Claim: a whole number in 0..47 for every finite time. Parameters: ms - since 1970.
 * @example hourCell(1_763_661_600_000) // 18
 */
export function hourCell(ms: number): number {
  if (!Number.isFinite(ms)) return 0;
  const hours = Math.floor(ms / HOUR_MS);
  const days = Math.floor(hours / 24);
  // 1970-01-01 was a Thursday: three days after a Monday.
  const weekday = (((days + 3) % 7) + 7) % 7;
  return hours - days * 24 + (weekday >= 5 ? 24 : 0);
}

/** A level as a whole and by cell. Plain JSON: this is what a baseline stores. */
export interface SeasonalLevel {
  readonly whole: RobustLevel;
  /** Cells with values, ascending by cell. */
  readonly cells: readonly (readonly [cell: number, level: RobustLevel])[];
}

/**
 * Level of values by cell.
 * Parameters: values - [ms since 1970, y], y finite; null where there are none.
 * Cost: O(n log n); at most 48 cells whatever n.
 */
export function seasonalLevel(
  values: readonly (readonly [ms: number, y: number])[],
): SeasonalLevel | null {
  if (values.length === 0) return null;
  const byCell = new Map<number, number[]>();
  for (const [ms, y] of values) {
    const cell = hourCell(ms);
    const list = byCell.get(cell);
    if (list === undefined) byCell.set(cell, [y]);
    else list.push(y);
  }
  const cells = [...byCell].sort(([a], [b]) => a - b);
  return {
    whole: robustLevel(ascending(values.map(([, y]) => y))),
    cells: cells.map(([cell, list]) => [cell, robustLevel(ascending(list))] as const),
  };
}

/**
 * Level to expect in a cell: from the general to the particular, whole first, then its cell, each
 * pulled towards what was known so far: (n·own + κ·known)/(n + κ).
 * Claim: lies within the range of the levels given; null where none is.
 * Parameters: levels - most particular first, null where one knows nothing; cell - 0..47; kappa -
 * pseudo-observations, default 30. Cost: O(levels · cells).
 * @example levelAt([seasonalLevel([[0, 1], [0, 1]]), seasonalLevel([[0, 4]])], 0, 2)?.median // 1.75
 */
export function levelAt(
  levels: readonly (SeasonalLevel | null)[],
  cell: number,
  kappa = SHRINKAGE,
): RobustLevel | null {
  let known: RobustLevel | null = null;
  for (let at = levels.length - 1; at >= 0; at -= 1) {
    const level = levels[at] ?? null;
    if (level === null) continue;
    known = known === null ? level.whole : shrunkLevel(level.whole, known, kappa);
    const own = level.cells.find(([name]) => name === cell)?.[1];
    if (own !== undefined) known = shrunkLevel(own, known, kappa);
  }
  return known;
}

/**
 * By how much a cell's rate differs from the whole's: (count + κ)/(expected + κ), 1 without evidence.
 * Parameters: count - events seen in the cell; expected - its exposure times the rate of the whole.
 * @example cellFactor(90, 30) // 2
 */
export function cellFactor(count: number, expected: number, kappa = SHRINKAGE): number {
  return (Math.max(0, count) + kappa) / (Math.max(0, expected) + kappa);
}
