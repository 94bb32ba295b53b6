/** level.*: a unit's total of a metric against its usual level at that hour (handbook 4.3). */
import type { UnitRecord } from '../../model/unit.ts';
import { extendedP, extendedTail } from '../../stats/conformal.ts';
import {
  gapsWithin,
  logLevel,
  nearestDistance,
  type RobustLevel,
  robustZ,
  thinned,
  trimmed,
} from '../../stats/robust-level.ts';
import { hourCell, levelAt, type SeasonalLevel, seasonalLevel } from '../../stats/seasonal-cell.ts';
import { ascending } from '../../stats/summary.ts';
import type { Dimension, Json, Scorer } from '../dimension.ts';
import { grouped, levelNames, rounded } from '../wording.ts';

/** What a level is of. */
export interface LevelOptions {
  readonly name: string;
  /** Metrics that give it, best first: a unit's total is of the best that it has. */
  readonly metrics: readonly string[];
  readonly sides: 'upper' | 'both';
}

/** What a baseline stores: y = ln(1 + total), trimmed, rounded to six places. */
interface LevelCounts {
  readonly season: SeasonalLevel | null;
  readonly values: readonly number[];
  readonly units: number;
}

interface LevelState {
  /** Place of the metric in the list; its length where none was seen. */
  best: number;
  total: number;
  /** Event time of its first record, ms; null where none was seen. */
  ms: number | null;
}

/** Values a level's own ranks rest on; with fewer, the next level's. */
const VALUES_LEAST = 30;
/** Ranks below this are no rarer: the tail they come from is extrapolated. */
const RANK_LEAST = 1e-30;
/** Width of the bins a diff sees, in units of ln(1 + x). */
const STEP = 0.5;

/**
 * Level of a metric. Closing. Two things are ranked against the fitted totals and their logs added,
 * −ln p(z) − ln p(d): z, the distance from the shrunk median of the hour, and d, that from the nearest
 * value ever seen, which also finds odd totals inside the range. Calibrated as one score.
 */
export function levelOf({ name, metrics, sides }: LevelOptions): Dimension {
  return {
    name,
    source: 'metrics',
    timing: 'closing',
    takes: 'metric',
    metrics,
    needs: 'L0',
    learn: (units) => learnLevel(units, metrics) as unknown as Json,
    compile: (levels) => compileLevels(levels, metrics, sides),
    symbols(counts) {
      const found = new Map<string, number>();
      for (const y of (counts as unknown as LevelCounts).values) {
        const low = Math.floor(y / STEP) * STEP;
        const bin = `${rounded(Math.expm1(low))}..${rounded(Math.expm1(low + STEP))}`;
        found.set(bin, (found.get(bin) ?? 0) + 1);
      }
      return found;
    },
  };
}

function take(state: LevelState, metrics: readonly string[], name: string, value: number): boolean {
  const place = metrics.indexOf(name);
  if (place < 0 || place > state.best || !Number.isFinite(value) || value < 0) return false;
  if (place < state.best) {
    state.best = place;
    state.total = 0;
  }
  state.total = Math.min(Number.MAX_VALUE, state.total + value);
  return true;
}

/** A time that JSON can hold: the cell of a broken one does not matter, that there was one does. */
const timeOf = (ms: number): number => (Number.isFinite(ms) ? ms : 0);
const sixPlaces = (y: number): number => Math.round(y * 1e6) / 1e6;

function learnLevel(units: readonly UnitRecord[], metrics: readonly string[]): LevelCounts {
  const found: [ms: number, y: number][] = [];
  for (const unit of units) {
    const state: LevelState = { best: metrics.length, total: 0, ms: null };
    for (const item of unit.items)
      if (item.type === 'metric' && take(state, metrics, item.name, item.value))
        state.ms ??= timeOf(item.ms);
    if (state.ms !== null) found.push([state.ms, sixPlaces(logLevel(state.total))]);
  }
  const values = trimmed(ascending(found.map(([, y]) => y)));
  const [low, high] = [values[0] ?? 0, values.at(-1) ?? 0];
  const inside = found.filter(([, y]) => y >= low && y <= high);
  return { season: seasonalLevel(inside), values: thinned(values), units: found.length };
}

function compileLevels(
  levels: readonly Json[],
  metrics: readonly string[],
  sides: 'upper' | 'both',
): Scorer {
  const known = levels.map((level) => level as unknown as LevelCounts);
  const seasons = known.map(({ season }) => season);
  const own = known.find(({ values }) => values.length >= VALUES_LEAST) ?? known.at(-1);
  const values = own?.values ?? [];
  const whole = own?.season?.whole ?? null;
  const zs = whole === null ? [] : ascending(values.map((y) => robustZ(y, whole, sides)));
  const gaps = gapsWithin(values);
  const [zTail, gapTail] = [extendedTail(zs), extendedTail(gaps)];
  const expected = (ms: number | null): RobustLevel | null => levelAt(seasons, hourCell(ms ?? 0));
  return {
    begin: () => ({ best: metrics.length, total: 0, ms: null }),
    see(state, item) {
      const unit = state as unknown as LevelState;
      if (item.type === 'metric' && take(unit, metrics, item.name, item.value))
        unit.ms ??= timeOf(item.ms);
      return { state, score: null };
    },
    close(state) {
      const { total, ms } = state as unknown as LevelState;
      const level = expected(ms);
      if (ms === null || level === null || values.length === 0) return null;
      const y = sixPlaces(logLevel(total));
      const z = extendedP(zs, zTail, robustZ(y, level, sides));
      const gap = extendedP(gaps, gapTail, Math.min(1e6, nearestDistance(values, y)));
      return -Math.log(Math.max(z, RANK_LEAST)) - Math.log(Math.max(gap, RANK_LEAST));
    },
    say(state) {
      const { total, ms } = state as unknown as LevelState;
      const level = expected(ms);
      if (ms === null || level === null) return 'the metric was not reported';
      const names = levelNames(known.length);
      const units = known.map((counts, at) => `${names[at] ?? 'level'} ${grouped(counts.units)}`);
      const z = robustZ(logLevel(total), level, sides);
      return `total ${rounded(total)}, median at this hour ${rounded(Math.expm1(level.median))}, ${rounded(z)} robust deviations (units: ${units.join(', ')})`;
    },
  };
}
