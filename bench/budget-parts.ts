/** The parts of the budget's evaluation: cells, delays, comparators, over many seeds. */
import { budgetCode } from '../src/commands/budget-code.ts';
import { type CellRow, sumCell } from '../src/evaluation/budget-table.ts';
import { CELLS, type Cell, RUNGS, runCell } from '../src/evaluation/cells.ts';
import { COMPARATORS } from '../src/evaluation/comparators/comparators.ts';
import { type Comparison, compare } from '../src/evaluation/compare.ts';
import { runDelay, STORIES, type Story } from '../src/evaluation/delay.ts';
import { stream, uniform } from '../src/simulation/random.ts';

/** What a child is asked for: every `of`-th cell from `from`, or one of the other parts. */
export interface BudgetPart {
  readonly part: 'cells' | 'delays' | 'comparisons';
  readonly seeds: number;
  /** The first seed. */
  readonly first: number;
  readonly from: number;
  readonly of: number;
}

type Seeds = Pick<BudgetPart, 'seeds' | 'first'>;

/** Delays of one story in one cell, by rung. */
export interface DelayRow {
  readonly story: Story;
  readonly cell: Cell;
  readonly delays: Readonly<Record<string, readonly number[]>>;
}

/** Every method's results in one cell. */
export interface CompareRow {
  readonly cell: Cell;
  readonly results: readonly Comparison[];
}

/** What a child answers: rows of its part, the other lists empty. */
export interface BudgetRows {
  readonly cells: readonly CellRow[];
  readonly delays: readonly DelayRow[];
  readonly comparisons: readonly CompareRow[];
}

/** What one seed runs of a cell. */
export const CELL_SIZE = { agents: 3, units: 4_000 };
/** Agents of a story, per seed. */
export const DELAY_AGENTS = 5;
/** What one seed runs of the comparison. */
export const COMPARE_SIZE = { agents: 2, units: 1_000, a: 1_000 };
const seconds = () => process.cpuUsage().user / 1e6;
const say = (line: string) => process.stderr.write(`${line}\n`);
const RHO_CELLS = CELLS.filter(({ n, name }) => n === 2_000 && name.startsWith('correlation'));
const RATIO_CELLS = RHO_CELLS.filter(({ joint }) => joint === 'ratio');
/** Rungs whose delays are told. */
export const DELAY_RUNGS = RUNGS.filter(({ a }) => a === 10_000);

/** One generator per seed and place: adding a cell moves no other. */
function drawer(seed: number, name: string): () => number {
  const random = stream(seed, name);
  return () => uniform(random);
}

function overSeeds<T>({ seeds, first }: Seeds, name: string, run: (seed: number) => T): T[] {
  const began = seconds();
  const results = Array.from({ length: seeds }, (_, at) => run(first + at));
  say(`${name}: ${seeds} seeds, ${(seconds() - began).toFixed(1)} s`);
  return results;
}

function cells(seeds: Seeds, from: number, of: number): CellRow[] {
  return CELLS.filter((_, at) => at % of === from).map((cell) => {
    const results = overSeeds(seeds, cell.name, (seed) =>
      runCell(cell, CELL_SIZE, budgetCode, drawer(seed, cell.name)),
    );
    return sumCell(cell, RUNGS, results);
  });
}

function delays(seeds: Seeds): DelayRow[] {
  return STORIES.flatMap((story) =>
    RHO_CELLS.map((cell) => {
      const name = `${story.name}, ${cell.name}`;
      const found: Record<string, number[]> = {};
      for (const one of overSeeds(seeds, name, (seed) =>
        runDelay(cell, story, DELAY_RUNGS, DELAY_AGENTS, budgetCode, drawer(seed, name)),
      ))
        for (const { name: rung } of DELAY_RUNGS)
          found[rung] = [...(found[rung] ?? []), ...(one[rung] ?? [])];
      return { story, cell, delays: found };
    }),
  );
}

function comparisons(seeds: Seeds): CompareRow[] {
  const [story] = STORIES;
  if (story === undefined) return [];
  return RATIO_CELLS.map((cell) => {
    const name = `comparators, ${cell.name}`;
    const results = overSeeds(seeds, name, (seed) =>
      compare(cell, story, COMPARATORS, COMPARE_SIZE, budgetCode, drawer(seed, name)),
    );
    return { cell, results };
  });
}

/** Runs a part. Progress goes to stderr. */
export function runPart({ part, from, of, ...seeds }: BudgetPart): BudgetRows {
  return {
    cells: part === 'cells' ? cells(seeds, from, of) : [],
    delays: part === 'delays' ? delays(seeds) : [],
    comparisons: part === 'comparisons' ? comparisons(seeds) : [],
  };
}
