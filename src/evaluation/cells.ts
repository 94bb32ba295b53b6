/** Cells: false alarms that a budget promises and those that a simulated fleet really causes. */
import { extendedP, extendedTail } from '../stats/conformal.ts';
import { type Guard, lagSpearman } from '../stats/dependence.ts';
import type { TableKind } from '../stats/e-value.ts';
import { fitShiftRatio, normalScore, shiftRatio, standardShifts } from '../stats/shift-ratio.ts';
import { normals, PLAIN, SOURCES, type Uniform, type UnitLaw, unitsOf } from './units.ts';

/** Ascending calibration scores: one list per source, then the joint score. */
export interface CellCalibration {
  readonly sources: readonly (readonly number[])[];
  readonly joint: readonly number[];
}

/** A rung as the simulator declares it. */
export interface CellRung {
  readonly name: string;
  readonly table: TableKind;
  readonly a: number;
}

/** The product's score code, handed in: the evaluation has none of its own. */
export interface ScoreCode {
  open(calibration: CellCalibration, rungs: readonly CellRung[], guard: Guard): UnitJudge;
  /** What the product does about this lag-1 correlation. */
  guard(lag: number): Guard;
}

/** Judges the units of many agents. */
export interface UnitJudge {
  /** Closes a unit; NaN: missing. Returns the names of the rungs that fired. */
  close(agent: number, scores: Float64Array, joint: number): readonly string[];
}

/** One cell of the simulator. */
export interface Cell {
  readonly name: string;
  readonly law: UnitLaw;
  /** Calibration scores, and as many to fit the joint transforms. */
  readonly n: number;
  /** Share of calibration units an attacker replaced by extreme ones. */
  readonly poisoned: number;
  /** Every source's shift after calibration, in sd. */
  readonly drift: number;
  /** Joint score: ratio of likelihoods of shifts, or the sum of -ln p. */
  readonly joint: 'ratio' | 'sum';
  /** Dependence guard: off, by the measured correlation, or one tick per session. */
  readonly guard: 'off' | 'measured' | 'session';
  /** budget: must hold · breach: not covered, to be reported. */
  readonly promise: 'budget' | 'breach';
}

/** How much of a cell one seed runs. */
export interface Size {
  readonly agents: number;
  readonly units: number;
}

/** What one seed of a cell gave. */
export interface CellResult {
  readonly ticks: number;
  /** Units per tick. */
  readonly block: number;
  /** True where the guard made marginal rungs certified. */
  readonly strict: boolean;
  /** Firings by rung name. */
  readonly alarms: Readonly<Record<string, number>>;
}

/** The rungs every cell is run with, side by side. */
export const RUNGS: readonly CellRung[] = [1_000, 10_000].flatMap((a) =>
  (['marginal', 'certified', 'wilson'] as const).map((table) => ({
    name: `${table} ${a}`,
    table,
    a,
  })),
);

const cell = (name: string, n: number, law: Partial<UnitLaw>, rest: Partial<Cell> = {}): Cell => ({
  name,
  n,
  law: { ...PLAIN, ...law },
  poisoned: 0,
  drift: 0,
  joint: 'ratio',
  guard: 'measured',
  promise: 'budget',
  ...rest,
});

/** Cells of the handbook, 12.1: what must hold, then what is not covered and must be reported. */
export const CELLS: readonly Cell[] = [
  ...[200, 500, 2_000].flatMap((n) =>
    [0, 0.64, 0.8].map((rho) => cell(`correlation ${rho}, n = ${n}`, n, { rho })),
  ),
  ...[0, 0.64, 0.8].map((rho) =>
    cell(`correlation ${rho}, n = 2000, joint by sum`, 2_000, { rho }, { joint: 'sum' }),
  ),
  cell('one source missing 20 %', 500, { rho: 0.64, missing: 0.2 }),
  cell('90 % ties', 500, { rho: 0.64, ties: 0.9 }),
  cell('1 % poisoned calibration', 500, { rho: 0.64 }, { poisoned: 0.01 }),
  ...[0.05, 0.15, 0.3, 0.6, 0.9].map((phi) =>
    cell(`AR(1) ${phi}, guarded`, 2_000, { rho: 0.64, phi }),
  ),
  ...[0.2, 0.5].map((icc) =>
    cell(
      `ICC ${icc}, a tick a session`,
      2_000,
      { rho: 0.64, icc, session: 5 },
      { guard: 'session' },
    ),
  ),
  ...[0.3, 0.6, 0.9].map((phi) =>
    cell(`AR(1) ${phi}, guard off`, 2_000, { rho: 0.64, phi }, { guard: 'off', promise: 'breach' }),
  ),
  ...[0.2, 0.5].map((icc) =>
    cell(
      `ICC ${icc}, guard off`,
      2_000,
      { rho: 0.64, icc, session: 5 },
      { guard: 'off', promise: 'breach' },
    ),
  ),
  cell('regime shift +0.2 sd', 2_000, { rho: 0.64 }, { drift: 0.2, promise: 'breach' }),
];

/** Agents that calibration units come from, in sequence. */
const CALIBRATION_AGENTS = 10;

/** Units of a calibrated cell, before anything is judged. */
export interface Prepared {
  readonly calibration: CellCalibration;
  /** Joint score of a unit; NaN where a source is missing. */
  readonly joint: (scores: Float64Array) => number;
  /** Lag-1 Spearman correlation among calibration units: mean over sources or joint, the larger. */
  readonly lag: number;
  /** Rows of the calibration, in time order, for comparators. */
  readonly rows: readonly Float64Array[];
}

/** Draws and compiles a cell's calibration: joint transforms from one sample, ranks from another. */
export function prepare({ law, n, poisoned, joint: kind }: Cell, uniform: Uniform): Prepared {
  const normal = normals(uniform);
  const whole = { ...law, missing: 0 };
  const fitted = drawn(whole, n, uniform, normal);
  const fit = transposed(fitted);
  const joint = jointOf(kind, fitted, fit);
  const rows = drawn(whole, n, uniform, normal);
  if (poisoned > 0)
    for (const row of rows)
      if (uniform() < poisoned) for (let at = 0; at < SOURCES; at += 1) row[at] = 1e3;
  const columns = transposed(rows);
  const joints = Float64Array.from(rows, joint);
  return {
    calibration: {
      sources: columns.map((column) => [...column]),
      joint: [...joints.toSorted()],
    },
    joint: (scores) => (Number.isNaN(scores[0]) ? Number.NaN : joint(scores)),
    lag: lagOf(rows, joints),
    rows,
  };
}

/** One seed of a cell: `size.agents` agents of one calibration, each with `size.units` units. */
export function runCell(cell: Cell, size: Size, code: ScoreCode, uniform: Uniform): CellResult {
  const { calibration, joint, lag } = prepare(cell, uniform);
  const guard = guardFor(cell, lag, code);
  const { block } = guard;
  const judge = code.open(calibration, RUNGS, guard);
  const normal = normals(uniform);
  const shift = cell.drift === 0 ? null : new Array<number>(SOURCES).fill(cell.drift);
  const alarms: Record<string, number> = {};
  const scores = new Float64Array(SOURCES);
  for (const { name } of RUNGS) alarms[name] = 0;
  for (let agent = 0; agent < size.agents; agent += 1) {
    const units = unitsOf(cell.law, uniform, normal);
    for (let unit = 0; unit < size.units; unit += 1) {
      units.next(scores, shift);
      for (const name of judge.close(agent, scores, joint(scores)))
        alarms[name] = (alarms[name] ?? 0) + 1;
    }
  }
  return { ticks: size.agents * Math.floor(size.units / block), ...guard, alarms };
}

/** The joint score, fitted. */
function jointOf(
  kind: Cell['joint'],
  rows: readonly Float64Array[],
  columns: readonly Float64Array[],
): (scores: Float64Array) => number {
  const tails = columns.map(extendedTail);
  const p = (score: number, at: number) =>
    extendedP(columns[at] as Float64Array, tails[at] ?? null, score);
  if (kind === 'sum')
    return (scores) => {
      let sum = 0;
      for (let at = 0; at < SOURCES; at += 1) sum -= Math.log(p(scores[at] as number, at));
      return sum;
    };
  const z = (scores: Float64Array) => scores.map((score, at) => normalScore(p(score, at)));
  const ratio = fitShiftRatio(rows.map(z), standardShifts(SOURCES));
  return (scores) => shiftRatio(ratio, z(scores));
}

function guardFor(cell: Cell, lag: number, code: ScoreCode): Guard {
  if (cell.guard === 'session') return { block: cell.law.session, strict: true };
  return code.guard(cell.guard === 'measured' ? lag : 0);
}

function lagOf(rows: readonly Float64Array[], joints: Float64Array): number {
  const each = Math.ceil(rows.length / CALIBRATION_AGENTS);
  const lag = (score: (at: number) => number) =>
    lagSpearman(
      Array.from({ length: CALIBRATION_AGENTS }, (_, agent) =>
        rows.slice(agent * each, (agent + 1) * each).map((__, unit) => score(agent * each + unit)),
      ),
    );
  let sum = 0;
  for (let source = 0; source < SOURCES; source += 1)
    sum += lag((at) => rows[at]?.[source] as number);
  return Math.max(
    sum / SOURCES,
    lag((at) => joints[at] as number),
  );
}

function drawn(law: UnitLaw, n: number, uniform: Uniform, normal: () => number): Float64Array[] {
  const rows: Float64Array[] = [];
  const each = Math.ceil(n / CALIBRATION_AGENTS);
  while (rows.length < n) {
    const units = unitsOf(law, uniform, normal);
    for (let unit = 0; unit < each && rows.length < n; unit += 1) {
      const row = new Float64Array(SOURCES);
      units.next(row, null);
      rows.push(row);
    }
  }
  return rows;
}

function transposed(rows: readonly Float64Array[]): Float64Array[] {
  return Array.from({ length: SOURCES }, (_, source) =>
    Float64Array.from(rows, (row) => row[source] as number).sort(),
  );
}
