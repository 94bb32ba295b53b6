/** The NAB figures as Markdown tables, ours between the published ones. */
import type { NabFigure, NabReport, NabScores } from './evaluate.ts';

/** Pads columns; the first is text, the others are numbers. */
function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((title, i) =>
    Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join(' | ')} |`;
  const rule = widths.map((width, i) =>
    i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  );
  return [line(head), line(rule), ...rows.map(line)];
}

const cell = ({ score, windowsFound, falseRows }: NabFigure): string =>
  `${score.toFixed(2)} (${windowsFound}, ${falseRows})`;

const scoreOnly = ({ score }: NabFigure): string => score.toFixed(2);

const HEAD = ['standard (windows, false rows)', 'low FP', 'low FN'];

const cellsOf = ([standard, ...others]: readonly NabFigure[]): string[] =>
  standard === undefined ? [] : [cell(standard), ...others.map(scoreOnly)];

/** All detectors at their best threshold, highest standard score first. */
export function rankingRows(report: NabReport): string[] {
  const all = [
    ...report.entries.map(({ name, best }) => ({ name: `**${name}**`, scores: best })),
    ...report.references.map(({ detector, scores }) => ({ name: detector, scores })),
  ].sort((a, b) => (b.scores[0]?.score ?? 0) - (a.scores[0]?.score ?? 0));
  return markdown(
    ['detector', ...HEAD],
    all.map(({ name, scores }) => [name, ...cellsOf(scores)]),
  );
}

/** Our detector at three kinds of threshold. */
export function thresholdRows(report: NabReport): string[] {
  const rows = report.entries.flatMap(({ name, best, fixed, left }) => [
    [name, `best here, ${best[0]?.threshold.toFixed(2)}`, ...cellsOf(best)],
    ['', 'best on the other series', ...cellsOf(left)],
    ['', `without labels, ${fixed[0]?.threshold.toFixed(2)}`, ...cellsOf(fixed)],
  ]);
  return markdown(['constants', 'threshold', ...HEAD], rows);
}

/** Published detectors written anew beside what is published of them. */
export function checkRows(report: NabReport): string[] {
  const rows = report.checks.flatMap(({ detector, here, published, agrees }) => [
    [detector, 'written anew', ...here.map(cell), agrees ? 'equal' : 'DIFFERS'],
    ['', 'published', ...published.map(cell), ''],
  ]);
  return markdown(['detector', '', 'standard', 'low FP', 'low FN', ''], rows);
}

/** One number changed at a time. */
export function variationRows(
  variations: readonly { readonly name: string; readonly best: NabScores }[],
): string[] {
  return markdown(
    ['constant', ...HEAD],
    variations.map(({ name, best }) => [name, ...cellsOf(best)]),
  );
}
