/** `objectives`: what is promised, what was counted, and how much error budget is left. */
import type { Objective } from '../model/objective.ts';
import { newestHour, type ObjectiveSum, sumObjectives } from '../record/objectives.ts';
import { budgetLeft, burnRate } from '../stats/burn-rate.ts';
import type { Command } from './command.ts';
import { problemLines } from './config.ts';
import { configOf, detectorsDir } from './inputs.ts';
import { readLibrary } from './library.ts';
import { safe, table, timeOf } from './output.ts';
import { withStore } from './reading.ts';

/** One line of the list. */
export interface ObjectiveStand {
  readonly objective: string;
  readonly title: string;
  readonly scope: Objective['scope'];
  readonly target: number;
  readonly windowDays: number;
  readonly good: number;
  readonly bad: number;
  /** Times faster than allowed over the last day counted. */
  readonly burnDay: number;
  /** Share of the error budget left, below 0 where it is overspent; null where nothing was counted. */
  readonly budgetLeft: number | null;
}

const DAY_MS = 86_400_000;
const HEAD = ['OBJECTIVE', 'ABOUT', 'TARGET', 'WINDOW', 'GOOD', 'BAD', 'BURN (1d)', 'BUDGET LEFT'];

/** The command. */
export const objectives: Command = {
  name: 'objectives',
  synopsis: 'objectives',
  summary: 'service levels: what is promised, what was counted, how much error budget is left',
  options: { detectors: 'value' },
  run: async (given, { output, environment }) => {
    const { config } = await configOf(given);
    const { levels, problems } = await readLibrary(detectorsDir(given, config));
    for (const line of problemLines(problems)) output.line(line);
    if (levels.objectives.length === 0) {
      output.json([]);
      output.line('Nothing is promised: baselines/objectives.yaml is not there, or names nothing.');
      return problems.length > 0 ? 2 : 0;
    }
    const found = await withStore(given, environment, async (db) => {
      const newestMs = await newestHour(db);
      if (newestMs === null) return { newestMs, stands: levels.objectives.map(unseen) };
      const endMs = newestMs + DAY_MS / 24;
      const lastDay = await sumObjectives(db, endMs - DAY_MS);
      const stands: ObjectiveStand[] = [];
      for (const objective of levels.objectives) {
        const sums = await sumObjectives(db, endMs - objective.windowMs);
        stands.push(standOf(objective, sums, lastDay));
      }
      return { newestMs, stands };
    });
    output.json(found.stands);
    const rows = found.stands.map(rowOf);
    for (const row of table([HEAD, ...rows])) output.line(row);
    if (found.newestMs === null) output.line('No daemon has counted anything yet.');
    else output.line(`Counted up to the hour of ${timeOf(found.newestMs)}, by event time.`);
    return 0;
  },
};

function unseen(objective: Objective): ObjectiveStand {
  return standOf(objective, [], []);
}

/** Where an objective stands, over all tenants. */
export function standOf(
  objective: Objective,
  sums: readonly ObjectiveSum[],
  lastDay: readonly ObjectiveSum[],
): ObjectiveStand {
  const { name, title, scope, target, windowMs } = objective;
  const all = totalOf(sums, name);
  const isCounted = all.good + all.bad > 0;
  return {
    ...{ objective: name, title, scope, target, windowDays: windowMs / DAY_MS, ...all },
    burnDay: burnRate(totalOf(lastDay, name), target),
    budgetLeft: isCounted ? budgetLeft(all, target) : null,
  };
}

function totalOf(sums: readonly ObjectiveSum[], name: string): { good: number; bad: number } {
  const total = { good: 0, bad: 0 };
  for (const sum of sums)
    if (sum.objective === name) {
      total.good += sum.good;
      total.bad += sum.bad;
    }
  return total;
}

function rowOf(stand: ObjectiveStand): string[] {
  const about = Object.entries(stand.scope).map(([key, name]) => `${key} ${safe(name, 40)}`);
  const left = stand.budgetLeft;
  return [
    stand.objective,
    about.length === 0 ? 'the fleet' : about.join(', '),
    `${percent(stand.target)}`,
    `${stand.windowDays}d`,
    stand.good.toLocaleString('en'),
    stand.bad.toLocaleString('en'),
    stand.burnDay.toFixed(1),
    left === null ? '-' : `${percent(left)}${left < 0 ? ' OVERSPENT' : ''}`,
  ];
}

function percent(share: number): string {
  return `${Number((100 * share).toFixed(2))} %`;
}
