/** The tables of the evaluation as Markdown: methods on recordings, and goals. */
import { type Goal, withInterval } from './goals.ts';
import type { Quality, RateName } from './quality.ts';

/** One line: a method on a set of recordings. */
export interface MethodRow {
  readonly name: string;
  readonly setting: string;
  readonly quality: Quality;
}

const RATES: readonly (readonly [RateName, string])[] = [
  ['auc', 'AUC'],
  ['detectedAt1', 'detected at 1 %'],
  ['detectedAt5', 'detected at 5 %'],
  ['detected', 'detected as set'],
  ['falseAlarms', 'false alarms'],
  ['hardNegatives', 'hard negatives'],
  ['alertedInTime', 'in time'],
  ['intervenedInTime', 'intervened in time'],
];

/** Methods as lines, rates with 95 % intervals as columns; our own rows are bold. */
export function methodTable(rows: readonly MethodRow[], ours: ReadonlySet<string>): string {
  return markdown(
    ['method', 'setting', ...RATES.map(([, title]) => title)],
    rows.map(({ name, setting, quality }) => [
      ours.has(name) ? `**${name}**` : name,
      setting,
      ...RATES.map(([rate]) => withInterval(quality, rate)),
    ]),
    2,
  );
}

/** Goals as lines. */
export function goalTable(goals: readonly Goal[]): string {
  return markdown(
    ['what', 'where', 'wanted', 'measured', ''],
    goals.map(({ what, where, wanted, measured, isMet }) => [
      ...[what, where, wanted, measured],
      isMet ? 'met' : '**missed**',
    ]),
    2,
  );
}

/** A Markdown table whose first `texts` columns are text; the others are set to the right. */
export function markdown(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  texts: number,
): string {
  const line = (cells: readonly string[]) => `| ${cells.map(safeCell).join(' | ')} |`;
  const rule = head.map((_, at) => (at < texts ? '---' : '--:'));
  return [line(head), `| ${rule.join(' | ')} |`, ...rows.map(line)].join('\n');
}

/** A bar within a cell would end it. */
const safeCell = (text: string): string => text.replaceAll('|', '\\|').replace(/\s+/g, ' ');
