/** Comparison: other methods on the units of a cell, beside the product's own accumulator. */
import { type Cell, prepare, type ScoreCode } from './cells.ts';
import type { Comparator, Watcher } from './comparators/comparator.ts';
import { DELAY_MAX, type Story } from './delay.ts';
import { normals, SOURCES, type Uniform, unitsOf } from './units.ts';

/** What one seed gave, by method. */
export interface Comparison {
  /** Ordinary units judged. */
  readonly units: number;
  /** Alarms among them. */
  readonly alarms: Readonly<Record<string, number>>;
  /** Units to the first alarm of the story, one per agent; DELAY_MAX + 1: none. */
  readonly delays: Readonly<Record<string, readonly number[]>>;
}

/** Name of the product's row. */
export const OURS = 'plumbline';

/** Runs every method over the same calibration and the same units of one seed. */
export function compare(
  cell: Cell,
  story: Story,
  methods: readonly Comparator[],
  size: { readonly agents: number; readonly units: number; readonly a: number },
  code: ScoreCode,
  uniform: Uniform,
): Comparison {
  const prepared = prepare(cell, uniform);
  const { calibration, joint, lag, rows } = prepared;
  const columns = calibration.sources.map((column) => Float64Array.from(column));
  const rung = { name: OURS, table: 'marginal' as const, a: size.a };
  const judge = code.open(calibration, [rung], code.guard(lag));
  const made = methods.map(({ name, train }) => ({
    name,
    make: train({ rows, columns, a: size.a, uniform }),
  }));
  const alarms: Record<string, number> = {};
  const delays: Record<string, number[]> = {};
  const normal = normals(uniform);
  const scores = new Float64Array(SOURCES);
  for (let agent = 0; agent < size.agents; agent += 1) {
    const watchers: [string, Watcher][] = [
      [OURS, (unit) => judge.close(agent, unit, joint(unit)).length > 0],
      ...made.map(({ name, make }): [string, Watcher] => [name, make()]),
    ];
    const units = unitsOf(cell.law, uniform, normal);
    for (let unit = 0; unit < size.units; unit += 1) {
      units.next(scores, null);
      for (const [name, watch] of watchers)
        if (watch(scores)) alarms[name] = (alarms[name] ?? 0) + 1;
    }
    const waiting = new Map(watchers);
    for (let unit = 1; unit <= DELAY_MAX && waiting.size > 0; unit += 1) {
      units.next(scores, story.shift);
      for (const [name, watch] of watchers) {
        const isOut = watch(scores);
        if (isOut && waiting.delete(name)) delays[name] = [...(delays[name] ?? []), unit];
      }
    }
    for (const name of waiting.keys()) delays[name] = [...(delays[name] ?? []), DELAY_MAX + 1];
  }
  return { units: size.agents * size.units, alarms, delays };
}
