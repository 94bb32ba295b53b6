/** The budget tables: realised against declared per cell, delays, comparators, as Markdown. */
import type { Cell, CellResult, CellRung } from './cells.ts';
import type { Comparison } from './compare.ts';
import { DELAY_MAX, quantile, type Story } from './delay.ts';

/** A cell over all seeds. */
export interface CellRow {
  readonly cell: Cell;
  readonly seeds: number;
  readonly ticks: number;
  /** Mean units per tick. */
  readonly block: number;
  /** Share of seeds in which the guard made marginal rungs certified. */
  readonly strict: number;
  readonly alarms: Readonly<Record<string, number>>;
  /** Rungs that fired more often than declared. */
  readonly broken: readonly string[];
}

/** Sums the seeds of a cell. `rungs` are those it ran with. */
export function sumCell(
  cell: Cell,
  rungs: readonly CellRung[],
  results: readonly CellResult[],
): CellRow {
  let [ticks, blocks, strict] = [0, 0, 0];
  const alarms: Record<string, number> = {};
  for (const result of results) {
    ticks += result.ticks;
    blocks += result.block;
    strict += result.strict ? 1 : 0;
    for (const { name } of rungs) alarms[name] = (alarms[name] ?? 0) + (result.alarms[name] ?? 0);
  }
  const seeds = results.length;
  const broken = rungs.filter(({ name, a }) => (alarms[name] ?? 0) > ticks / a);
  return {
    cell,
    seeds,
    ticks,
    block: blocks / seeds,
    strict: strict / seeds,
    alarms,
    broken: broken.map(({ name }) => name),
  };
}

/** One line per cell: firings and, in brackets, their share of the declared budget. */
export function cellTable(rows: readonly CellRow[], rungs: readonly CellRung[]): string {
  const lines = rows.map(({ cell, ticks, block, strict, alarms, broken }) => [
    cell.name,
    `${block.toFixed(1)}${strict > 0.5 ? ', certified' : ''}`,
    thousands(ticks),
    ...rungs.map(({ name, a }) => {
      const count = alarms[name] ?? 0;
      return `${thousands(count)} (${((100 * count * a) / ticks).toFixed(0)} %)`;
    }),
    broken.length === 0 ? 'kept' : `**${broken.length} of ${rungs.length} broken**`,
  ]);
  const head = ['cell', 'guard', 'ticks', ...rungs.map(({ name }) => name), 'budget'];
  return table(head, lines);
}

/** One line per story and correlation: median (p90) units to detect, by rung. */
export function delayTable(
  rows: readonly {
    readonly story: Story;
    readonly cell: Cell;
    readonly delays: Readonly<Record<string, readonly number[]>>;
  }[],
  rungs: readonly CellRung[],
): string {
  const lines = rows.map(({ story, cell, delays }) => [
    story.name,
    `${cell.law.rho}`,
    cell.joint,
    ...rungs.map(({ name }) => spread(delays[name] ?? [])),
    story.goal === null ? '–' : `≤ ${story.goal}`,
  ]);
  return table(['story', 'correlation', 'joint', ...rungs.map(({ name }) => name), 'goal'], lines);
}

/** One line per method: false alarms per 1,000 units at each correlation, and its delay. */
export function comparisonTable(
  methods: readonly { readonly name: string; readonly setting: string }[],
  cells: readonly { readonly cell: Cell; readonly results: readonly Comparison[] }[],
  a: number,
): string {
  const lines = methods.map(({ name, setting }) => [
    name,
    setting,
    ...cells.map(({ results }) => perThousand(name, results).toFixed(2)),
    ...cells.map(({ results }) => spread(results.flatMap(({ delays }) => delays[name] ?? []))),
  ]);
  const rho = cells.map(({ cell }) => `${cell.law.rho}`);
  return table(
    [
      'method',
      'setting',
      ...rho.map(
        (each) => `false alarms, correlation ${each} (declared ${(1_000 / a).toFixed(1)})`,
      ),
      ...rho.map((each) => `units to detect, ${each}`),
    ],
    lines,
  );
}

function perThousand(name: string, results: readonly Comparison[]): number {
  let [units, alarms] = [0, 0];
  for (const result of results) {
    units += result.units;
    alarms += result.alarms[name] ?? 0;
  }
  return (1_000 * alarms) / units;
}

function spread(delays: readonly number[]): string {
  const word = (value: number) => (value > DELAY_MAX ? `> ${DELAY_MAX}` : `${value}`);
  return `${word(quantile(delays, 0.5))} (${word(quantile(delays, 0.9))})`;
}

function table(head: readonly string[], lines: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [row(head), row(head.map((_, at) => (at === 0 ? '---' : '--:'))), ...lines.map(row)].join(
    '\n',
  );
}

/** A whole number with commas. */
export function thousands(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',');
}
