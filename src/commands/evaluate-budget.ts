/** Evaluation of budgets: realised false alarms in simulated cells, delays, other methods. */
import { exists, readText } from '../adapters/files.ts';
import {
  type CellRow,
  cellTable,
  comparisonTable,
  delayTable,
  sumCell,
} from '../evaluation/budget-table.ts';
import { CELLS, type Cell, RUNGS, runCell } from '../evaluation/cells.ts';
import { COMPARATORS } from '../evaluation/comparators/comparators.ts';
import { compare, OURS } from '../evaluation/compare.ts';
import { quantile, runDelay, STORIES, type Story } from '../evaluation/delay.ts';
import type { Goal } from '../evaluation/recordings/goals.ts';
import { stream, uniform } from '../simulation/random.ts';
import { binomialUpper } from '../stats/conformal.ts';
import { budgetCode } from './budget-code.ts';
import type { Bench, Section } from './evaluate-section.ts';
import { ROOT } from './library.ts';

/** Seeds from which on the cells are judged without slack; below, they are a spot check. */
export const SEEDS_FULL = 200;
/** What one seed runs. */
const CELL_SIZE = { agents: 3, units: 4_000 };
const DELAY_AGENTS = 5;
/** A median within a unit of its goal needs so many seeds, whatever the cells are given. */
const DELAY_SEEDS_MIN = 100;
const COMPARE_SIZE = { agents: 2, units: 1_000, a: 1_000 };
const DELAY_RUNGS = RUNGS.filter(({ a }) => a === 10_000);
/** Column the goals of delay are set for. */
const JUDGED = 'marginal 10000';
const FULL_RUN = `${ROOT}docs/evaluation-budget.md`;

const RATIO_CELLS = CELLS.filter(
  ({ n, name, joint }) => n === 2_000 && joint === 'ratio' && name.startsWith('correlation'),
);

interface DelayRow {
  readonly story: Story;
  readonly cell: Cell;
  readonly delays: Readonly<Record<string, readonly number[]>>;
}

/** Runs cells, delays and comparators over `seeds` seeds: a minute for a few, hours for 200. */
export async function evaluateBudget(seeds: number, bench: Bench): Promise<Section> {
  const { output, seed } = bench;
  const drawer = (nth: number, name: string) => {
    const random = stream(`${seed}/${nth}`, name);
    return () => uniform(random);
  };
  const times = <T>(count: number, run: (nth: number) => T): T[] =>
    Array.from({ length: count }, (_, nth) => run(nth));
  const over = <T>(run: (nth: number) => T): T[] => times(seeds, run);
  const delaySeeds = Math.max(seeds, DELAY_SEEDS_MIN);
  const cells = CELLS.map((cell) => {
    output.progress(`budget: ${cell.name}, ${seeds} seeds`);
    const results = over((nth) => runCell(cell, CELL_SIZE, budgetCode, drawer(nth, cell.name)));
    return sumCell(cell, RUNGS, results);
  });
  const delays = delaysOver((run) => times(delaySeeds, run), drawer, output.progress);
  const [story] = STORIES;
  const compared = RATIO_CELLS.map((cell) => {
    const name = `comparators, ${cell.name}`;
    output.progress(`budget: ${name}`);
    const results = over((nth) =>
      compare(cell, story as Story, COMPARATORS, COMPARE_SIZE, budgetCode, drawer(nth, name)),
    );
    return { cell, results };
  });
  const methods = [{ name: OURS, setting: 'R >= A, marginal table' }, ...COMPARATORS];
  const full = await fullRun();
  return {
    goals: [...cellGoals(cells, seeds, full), ...delayGoals(delays, delaySeeds)],
    texts: {
      seeds: String(seeds),
      delaySeeds: String(delaySeeds),
      cells: cellTable(cells, RUNGS),
      delays: delayTable(delays, DELAY_RUNGS),
      compared: comparisonTable(methods, compared, COMPARE_SIZE.a),
    },
    figures: { seeds, cells, full },
  };
}

function delaysOver(
  over: <T>(run: (nth: number) => T) => T[],
  drawer: (nth: number, name: string) => () => number,
  progress: (text: string) => void,
): DelayRow[] {
  return STORIES.flatMap((story) =>
    RATIO_CELLS.map((cell) => {
      const name = `${story.name}, ${cell.name}`;
      progress(`budget: ${name}`);
      const runs = over((nth) =>
        runDelay(cell, story, DELAY_RUNGS, DELAY_AGENTS, budgetCode, drawer(nth, name)),
      );
      const delays = Object.fromEntries(
        DELAY_RUNGS.map(({ name: rung }) => [rung, runs.flatMap((one) => one[rung] ?? [])]),
      );
      return { story, cell, delays };
    }),
  );
}

/** What the whole run of `bench/budget.ts` found; null where its page is not there. */
export interface FullRun {
  readonly seeds: number;
  readonly kept: number;
  readonly cells: number;
}

async function fullRun(): Promise<FullRun | null> {
  return (await exists(FULL_RUN)) ? readFullRun(await readText(FULL_RUN)) : null;
}

/** Reads the verdict off the page that the whole run writes; null where it holds none. */
export function readFullRun(page: string): FullRun | null {
  const seeds = /--seeds (\d+)/.exec(page);
  const kept = /Budget kept in \*\*(\d+) of (\d+)\*\* cells/.exec(page);
  if (seeds === null || kept === null) return null;
  return { seeds: Number(seeds[1]), kept: Number(kept[1]), cells: Number(kept[2]) };
}

/**
 * The cells' goal is judged on at least 200 seeds: those of this run, or of the page that the whole
 * run wrote. Fewer seeds are a spot check, which a cell fails beyond what chance allows at its rate.
 */
export function cellGoals(rows: readonly CellRow[], seeds: number, full: FullRun | null): Goal[] {
  const promised = rows.filter(({ cell }) => cell.promise === 'budget');
  const what = 'realised false alarms within the declared budget';
  const wanted = 'every cell, all rungs, no slack';
  if (seeds >= SEEDS_FULL) {
    const kept = promised.filter(({ broken }) => broken.length === 0).length;
    const measured = `${kept} of ${promised.length} cells`;
    const where = `simulator, ${seeds} seeds`;
    return [{ what, where, wanted, measured, isMet: kept === promised.length }];
  }
  const beyond = promised.flatMap(({ cell, ticks, alarms }) =>
    RUNGS.filter(({ name, a }) => binomialUpper(ticks, alarms[name] ?? 0, 1 / a) < 1e-4).map(
      ({ name }) => `${cell.name}: ${name}`,
    ),
  );
  const whole: Goal = {
    ...{ what, wanted, where: `simulator, ${full?.seeds ?? SEEDS_FULL} seeds` },
    measured:
      full === null
        ? `not run: --seeds ${SEEDS_FULL}, or node bench/budget.ts`
        : `${full.kept} of ${full.cells} cells (docs/evaluation-budget.md)`,
    isMet: full !== null && full.seeds >= SEEDS_FULL && full.kept === full.cells,
  };
  const spot: Goal = {
    what: 'the same, spot check of this run',
    where: `simulator, ${seeds} seeds`,
    wanted: 'no cell beyond chance (p < .0001)',
    measured: beyond.length === 0 ? `none of ${promised.length}` : beyond.join('; '),
    isMet: beyond.length === 0,
  };
  return [whole, spot];
}

/** Goals of delay that the issue sets: a shift of one source, at one false alarm in 10,000. */
function delayGoals(rows: readonly DelayRow[], seeds: number): Goal[] {
  return rows
    .filter(({ story }) => story.goal !== null && story.shift.filter((sd) => sd > 0).length === 1)
    .map(({ story, cell, delays }) => {
      const median = quantile(delays[JUDGED] ?? [], 0.5);
      return {
        what: `median units to detect, ${story.name}, at 1 in 10,000`,
        where: `correlation ${cell.law.rho}, ${seeds} seeds`,
        wanted: `≤ ${story.goal}`,
        measured: String(median),
        isMet: median <= (story.goal ?? Number.NaN),
      };
    });
}
