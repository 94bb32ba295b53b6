/** Budgets: the user's words for how many false firings are allowed, turned into thresholds. */
import type { Rung } from '../model/decision.ts';
import type { TableKind } from '../stats/e-value.ts';

/** A budget as declared: false firings per agent or fleet and time, or per number of units. */
export interface Budget {
  /** False firings allowed. */
  readonly count: number;
  readonly scope: 'agent' | 'fleet' | 'unit';
  /** In how many days (scope agent or fleet) or units. */
  readonly per: number;
  /** As the user wrote it. */
  readonly words: string;
}

/** How a rung fires. */
export interface RungPlan {
  readonly rung: Rung;
  readonly budget: Budget;
  readonly table: TableKind;
  /** Sources that must stand apart for it. */
  readonly sources: 1 | 2;
  readonly lanes: 'both' | 'session' | 'accumulator';
}

/** Units a day, p95 of the last 28 days. */
export interface Load {
  readonly agent: number;
  readonly fleet: number;
}

/** One rung ready for use. */
export interface Threshold {
  /** Unique; the rung's name unless a caller wants several of one rung. */
  readonly name: string;
  readonly rung: Rung;
  readonly table: TableKind;
  readonly sources: 1 | 2;
  /** The accumulator fires at R >= a; null where the rung has none. */
  readonly a: number | null;
  /** The session lane fires at p <= alpha; null where it is closed. */
  readonly alpha: number | null;
  /** Declared false firings per unit, both lanes. */
  readonly perUnit: number;
  readonly words: string;
}

const DAYS: Readonly<Record<string, number>> = {
  day: 1,
  week: 7,
  month: 30,
  quarter: 90,
  year: 365,
};
const WORDS: Readonly<Record<string, number>> = { a: 1, an: 1, one: 1, two: 2, three: 3 };
const TIMED = /^(\d+(?:\.\d+)?|an?|one|two|three) per (agent|fleet)(?:-| and )(\w+)$/;
const COUNTED =
  /^(\d+(?:\.\d+)?|an?|one|two|three) (?:per|in) (\d+(?:,\d{3})*) (?:sessions|units)$/;
const SHARE = /^(\d+(?:\.\d+)?) ?% of (?:sessions|units)$/;

/**
 * A budget in words: `1 per agent-week`, `one per fleet and month`, `1 per 10,000 sessions`,
 * `1 % of sessions`. Returns what is wrong, with what may be written, where it cannot be read.
 */
export function parseBudget(words: string): Budget | { readonly problem: string } {
  const text = words.trim().toLowerCase().replace(/\s+/g, ' ');
  const timed = TIMED.exec(text);
  if (timed !== null) {
    const per = DAYS[timed[3] ?? ''];
    if (per !== undefined)
      return positive(countOf(timed[1]), timed[2] === 'agent' ? 'agent' : 'fleet', per, words);
  }
  const counted = COUNTED.exec(text);
  if (counted !== null)
    return positive(
      countOf(counted[1]),
      'unit',
      Number((counted[2] ?? '').replaceAll(',', '')),
      words,
    );
  const share = SHARE.exec(text);
  if (share !== null) return positive(Number(share[1]), 'unit', 100, words);
  return {
    problem:
      `"${words.slice(0, 80)}" is no budget: write "1 per agent-week", "1 per fleet-month" ` +
      `(${Object.keys(DAYS).join(', ')}), "1 per 10,000 sessions" or "1 % of sessions"`,
  };
}

/** The rungs and budgets that hold unless the user declares others. */
export const DEFAULT_PLAN: readonly RungPlan[] = [
  plan('alert', 1, 'agent', 7, 'marginal', 1, 'both'),
  plan('posture', 1, 'agent', 30, 'marginal', 2, 'both'),
  plan('freeze_tool', 1, 'fleet', 7, 'certified', 2, 'accumulator'),
  plan('revoke_session', 1, 'fleet', 30, 'wilson', 2, 'accumulator'),
  plan('suspend_agent', 1, 'fleet', 90, 'wilson', 2, 'accumulator'),
];

/**
 * Thresholds of rungs under a load. `opens` answers whether a session lane at that rate is possible
 * with the calibration at hand: where it is not, its share goes to the accumulator.
 */
export function thresholdsOf(
  plans: readonly RungPlan[],
  load: Load,
  opens: (alpha: number) => boolean,
): Threshold[] {
  return plans.map(({ rung, budget, table, sources, lanes }) => {
    const perUnit = Math.min(1, ratePerUnit(budget, load));
    const share = lanes === 'both' ? 0.5 : 1;
    const alpha = lanes === 'accumulator' ? 0 : share * perUnit;
    const isOpen = alpha > 0 && opens(alpha);
    const left = lanes === 'session' ? 0 : isOpen ? perUnit - alpha : perUnit;
    return {
      name: rung,
      rung,
      table,
      sources,
      a: left > 0 ? 1 / left : null,
      alpha: isOpen ? alpha : null,
      perUnit: left + (isOpen ? alpha : 0),
      words: budget.words,
    };
  });
}

/** What all rungs together may cost: budgets of rungs and lanes add, and the sum is published. */
export function publishedSum(
  thresholds: readonly Threshold[],
  load: Load,
): { readonly perUnit: number; readonly perAgentWeek: number; readonly perFleetWeek: number } {
  let perUnit = 0;
  for (const threshold of thresholds) perUnit += threshold.perUnit;
  return {
    perUnit,
    perAgentWeek: perUnit * load.agent * 7,
    perFleetWeek: perUnit * load.fleet * 7,
  };
}

/** Declared false firings per unit. */
export function ratePerUnit(budget: Budget, load: Load): number {
  if (budget.scope === 'unit') return budget.count / budget.per;
  const units = budget.scope === 'agent' ? load.agent : load.fleet;
  // Below one unit a day the budget would buy a threshold under which everything fires.
  return budget.count / (budget.per * Math.max(1, units));
}

function countOf(text: string | undefined): number {
  return WORDS[text ?? ''] ?? Number(text);
}

function positive(
  count: number,
  scope: Budget['scope'],
  per: number,
  words: string,
): Budget | { readonly problem: string } {
  if (!(count > 0) || !(per > 0))
    return { problem: `"${words.slice(0, 80)}" allows nothing: a budget is above zero` };
  return { count, scope, per, words };
}

function plan(
  rung: Rung,
  count: number,
  scope: 'agent' | 'fleet',
  per: number,
  table: TableKind,
  sources: 1 | 2,
  lanes: RungPlan['lanes'],
): RungPlan {
  const unit = Object.keys(DAYS).find((name) => DAYS[name] === per) ?? 'day';
  return {
    rung,
    budget: { count, scope, per, words: `${count} per ${scope}-${unit}` },
    table,
    sources,
    lanes,
  };
}
