/** Text of a backtest: what people read in a terminal. */
import type { Alert } from '../evaluation/backtest/alert.ts';
import { type DetectorDiff, isDifferent } from '../evaluation/backtest/diff.ts';
import { wordsOf } from '../evaluation/backtest/expectations.ts';
import { labelsIn, sessionsOf } from '../evaluation/backtest/markdown.ts';
import { type BacktestReport, type Comparison, totalDays } from '../evaluation/backtest/report.ts';
import {
  blindWords,
  changeWords,
  costCell,
  costWords,
  figure,
  laterWords,
  markedName,
  whoOf,
} from '../evaluation/backtest/words.ts';
import { count, safe, table } from './output.ts';

/** More rows than this without an alert become one line. */
const SILENT_ROWS_MAX = 12;
const EXAMPLES_MAX = 3;
const DIFFERENCES_MAX = 5;
const SENTENCE_MAX = 300;

/** The whole report, part by part. */
export function backtestLines(report: BacktestReport): string[] {
  const { cost, against } = report;
  return [
    ...corpusLines(report),
    '',
    ...tallyTable(report),
    ...(cost === null ? [] : [costWords(cost)]),
    ...block(detailLines(report)),
    ...block(against === null ? [] : comparisonLines(against, report)),
    ...block(expectationLines(report)),
  ];
}

function block(lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', ...lines];
}

function corpusLines({ corpora, baselines }: BacktestReport): string[] {
  const lines = corpora.flatMap((one) => {
    const said = [
      count(one.records, 'record'),
      count(one.sessions, 'session'),
      count(one.agents, 'agent'),
      `${figure(one.days)} days`,
      count(one.agentDays, 'agent-day'),
    ].join(', ');
    const { deadLetters, late } = one;
    return [
      `${safe(one.name)}: ${said}`,
      ...(deadLetters > 0 ? [`  ${count(deadLetters, 'record')} could not be read`] : []),
      ...(late > 0 ? [`  ${count(late, 'record')} later than the lateness of their source`] : []),
    ];
  });
  const days = totalDays(corpora);
  const short = days > 0 && days < 1 ? ['less than a day: rates a day are extrapolated'] : [];
  return [...lines, ...short, `baselines: ${safe(baselines, SENTENCE_MAX)}`];
}

/**
 * One row for each detector that was run; sessions alerted of each label. Where many kept silent, their
 * names in one line: rows of noughts hide those that spoke.
 */
function tallyTable({ detectors: all, cost }: BacktestReport): string[] {
  const silent = all.filter(
    ({ alerts, excused }) => alerts === 0 && Object.keys(excused).length === 0,
  );
  const isFolded = silent.length > SILENT_ROWS_MAX;
  const detectors = isFolded ? all.filter((tally) => !silent.includes(tally)) : all;
  const folded = `${count(silent.length, 'detector')} without an alert (--report and --json have their rows): ${silent.map(markedName).join(', ')}`;
  const rows = isFolded && detectors.length === 0 ? [] : tallyRows(detectors, all, cost);
  return isFolded ? [...rows, folded] : rows;
}

function tallyRows(
  detectors: BacktestReport['detectors'],
  all: BacktestReport['detectors'],
  cost: BacktestReport['cost'],
): string[] {
  const labels = labelsIn(all);
  const head = ['detector', 'alerts', 'sessions', 'agents', 'a day', 'an agent-day', 'µs/event'];
  const rows = detectors.map((tally) => [
    markedName(tally),
    ...[tally.alerts, tally.sessions, tally.agents].map(String),
    figure(tally.perDay),
    figure(tally.perAgentDay),
    costCell(cost, tally.detector),
    ...labels.map((label) => sessionsOf(tally, label)),
  ]);
  return table([[...head, ...labels], ...rows]);
}

/** First examples of the detectors that fired, and where each could not see. */
function detailLines({ detectors }: BacktestReport): string[] {
  return detectors.flatMap((tally) => {
    const examples = tally.examples.slice(0, EXAMPLES_MAX).map(exampleLine);
    const notes = [...blindWords(tally), ...examples];
    return notes.length === 0 ? [] : [`${tally.detector}:`, ...notes.map((note) => `  ${note}`)];
  });
}

function exampleLine(alert: Alert): string {
  const where = `${safe(alert.corpus)}: ${safe(whoOf(alert))}`;
  return `${where}: ${safe(alert.explanation, SENTENCE_MAX)}`;
}

function comparisonLines(
  { name, problems, diffs, cost }: Comparison,
  report: BacktestReport,
): string[] {
  const shown = diffs.filter((diff) => isDifferent(diff) || changeWords(diff) === 'edited');
  const rows = shown.map((diff) => [
    diff.detector,
    changeWords(diff),
    ...[diff.gained.length, diff.lost.length, diff.same, diff.moved.length].map(String),
    `${figure(diff.oldPerDay)} → ${figure(diff.newPerDay)}`,
    laterWords(diff),
    `${costCell(cost, diff.detector)} → ${costCell(report.cost, diff.detector)}`,
  ]);
  const head = ['detector', '', 'gained', 'lost', 'same', 'moved', 'a day', 'later', 'µs/event'];
  return [
    `against ${safe(name)}: ${count(diffs.length - shown.length, 'detector')} unedited, with the same alerts`,
    ...problems.map((problem) => `  not compared: ${problem}`),
    ...(rows.length === 0 ? [] : table([head, ...rows])),
    ...shown.flatMap(diffLines),
  ];
}

function diffLines({ detector, byLabel, gained, lost, moved }: DetectorDiff): string[] {
  const listed = (mark: string, alerts: readonly Alert[]) => [
    ...alerts.slice(0, DIFFERENCES_MAX).map((alert) => `  ${mark} ${exampleLine(alert)}`),
    ...(alerts.length > DIFFERENCES_MAX
      ? [`  ${mark} ${alerts.length - DIFFERENCES_MAX} more (--report or --json has all)`]
      : []),
  ];
  const labels = byLabel
    .filter((label) => label.gained + label.lost > 0)
    .map(
      ({ label, gained: more, lost: less, both }) => `${label} +${more} −${less} (${both} in both)`,
    );
  const lines = [
    ...(labels.length === 0 ? [] : [`  by label: ${labels.join(', ')}`]),
    ...listed('+', gained),
    ...listed('−', lost),
    ...listed(
      '~',
      moved.map((pair) => pair.new),
    ),
  ];
  return lines.length === 0 ? [] : [`${detector}:`, ...lines];
}

/** What was expected; what is unmet catches the eye. */
function expectationLines({
  expectations,
  unexpected,
  isUnexpectedFatal,
}: BacktestReport): string[] {
  const unmet = expectations.filter(({ isMet }) => !isMet).length;
  const lines = expectations.map((each) => {
    const where = each.corpus === null ? '' : ` in ${safe(each.corpus)}`;
    const mark = each.isMet ? 'met  ' : 'UNMET';
    return `  ${mark}  ${each.detector}: ${wordsOf(each)}${where}; found ${each.found}`;
  });
  const head =
    expectations.length === 0
      ? []
      : [
          `${count(expectations.length, 'expectation')}, ${unmet === 0 ? 'all met' : `${unmet} unmet`}`,
        ];
  const word = isUnexpectedFatal ? 'UNEXPECTED' : 'unexpected';
  const others = unexpected.map(
    ({ detector, corpus, found }) =>
      `  ${word}: ${detector} in ${safe(corpus)}: ${count(found, 'alert')}`,
  );
  return [...head, ...lines, ...others];
}
