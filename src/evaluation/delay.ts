/** Delay: how many units of misbehaviour pass before the first firing. */
import { type Cell, type CellRung, prepare, type ScoreCode } from './cells.ts';
import { normals, SOURCES, type Uniform, unitsOf } from './units.ts';

/** A change that begins at one unit and stays. */
export interface Story {
  readonly name: string;
  /** Shift per source, in sd. */
  readonly shift: readonly number[];
  /** Median units to detect that were promised; null: none was. */
  readonly goal: number | null;
}

/** Stories of the handbook, 6.7. */
export const STORIES: readonly Story[] = [
  { name: 'one source +3 sd', shift: [0, 3, 0, 0], goal: 5 },
  { name: 'one source +1.5 sd', shift: [0, 1.5, 0, 0], goal: 20 },
  { name: 'two sources +1.5 sd', shift: [1.5, 1.5, 0, 0], goal: null },
  { name: 'all four +0.75 sd', shift: [0.75, 0.75, 0.75, 0.75], goal: 12 },
];

/** Ordinary units before the change. */
const BEFORE = 30;
/** Units after which a story counts as missed. */
export const DELAY_MAX = 400;

/** Delays of one seed: `agents` agents, by rung; DELAY_MAX + 1 where nothing fired. */
export function runDelay(
  cell: Cell,
  story: Story,
  rungs: readonly CellRung[],
  agents: number,
  code: ScoreCode,
  uniform: Uniform,
): Record<string, number[]> {
  const { calibration, joint, lag } = prepare(cell, uniform);
  const judge = code.open(calibration, rungs, code.guard(lag));
  const normal = normals(uniform);
  const scores = new Float64Array(SOURCES);
  const delays: Record<string, number[]> = {};
  for (const { name } of rungs) delays[name] = [];
  for (let agent = 0; agent < agents; agent += 1) {
    const units = unitsOf(cell.law, uniform, normal);
    for (let unit = 0; unit < BEFORE; unit += 1) {
      units.next(scores, null);
      judge.close(agent, scores, joint(scores));
    }
    const open = new Set(rungs.map(({ name }) => name));
    for (let unit = 1; unit <= DELAY_MAX && open.size > 0; unit += 1) {
      units.next(scores, story.shift);
      for (const name of judge.close(agent, scores, joint(scores)))
        if (open.delete(name)) delays[name]?.push(unit);
    }
    for (const name of open) delays[name]?.push(DELAY_MAX + 1);
  }
  return delays;
}

/** Value below which `share` of a list lies, nearest rank; NaN for none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, two) => one - two);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}
