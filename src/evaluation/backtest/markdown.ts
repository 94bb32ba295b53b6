/** Page of a backtest: the report as Markdown, to be attached to a proposed change. */
import { KINDS } from '../../model/event.ts';
import type { Alert } from './alert.ts';
import { type DetectorDiff, isDifferent } from './diff.ts';
import { wordsOf } from './expectations.ts';
import type { BacktestReport, Comparison } from './report.ts';
import type { DetectorTally } from './tally.ts';
import {
  blindWords,
  changeWords,
  costCell,
  costWords,
  counted,
  figure,
  laterWords,
  markedName,
  whoOf,
} from './words.ts';

const LISTED_MAX = 20;
const TEXT_MAX = 300;

/** The report as Markdown. Texts of agents cannot break out of their place. */
export function reportText(report: BacktestReport): string {
  const { corpora, evidence, baselines, detectors, cost } = report;
  const alerts = detectors.reduce((sum, tally) => sum + tally.alerts, 0);
  const parts = [
    '# Backtest',
    '',
    `${counted(detectors.length, 'detector')}, ${counted(alerts, 'alert')}; evidence level ${evidence}; baselines: ${plain(baselines)}.`,
    '',
    ...section(
      'Corpora',
      table(
        ['corpus', 'records', 'sessions', 'agents', 'days', 'agent-days', 'unreadable', 'late'],
        corpora.map((one) => [
          plain(one.name),
          ...[one.records, one.sessions, one.agents].map(String),
          figure(one.days),
          ...[one.agentDays, one.deadLetters, one.late].map(String),
        ]),
      ),
    ),
    ...section(
      'Events by log source',
      table(
        ['corpus', ...KINDS],
        corpora.map(({ name, byKind }) => [
          plain(name),
          ...KINDS.map((kind) => String(byKind[kind])),
        ]),
      ),
    ),
    ...expectationPart(report),
    ...section('Detectors', detectorTable(report)),
    ...(cost === null ? [] : [costWords(cost), '']),
    ...section('Examples and coverage', detectors.flatMap(detectorPart)),
    ...(report.against === null ? [] : comparisonPart(report.against, report)),
  ];
  return `${parts.join('\n').trimEnd()}\n`;
}

/** Text as it is: controls and marks are made visible, and nothing of it is markup. */
export function plain(text: string): string {
  return text
    .slice(0, TEXT_MAX)
    .toWellFormed()
    .replace(
      /[\p{Cc}\p{Cf}\u2028\u2029]/gu,
      (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
    )
    .replace(/[\\`*_{}[\]<>#+!|~&]/g, '\\$&');
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`## ${title}`, '', ...lines, ''];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return rows.length === 0
    ? []
    : [line(head), `|${head.map(() => '---|').join('')}`, ...rows.map(line)];
}

function expectationPart({
  expectations,
  unexpected,
  isUnexpectedFatal,
}: BacktestReport): string[] {
  const rows = expectations.map((each) => [
    each.isMet ? 'met' : '**unmet**',
    plain(each.detector),
    plain(each.corpus ?? 'all'),
    wordsOf(each),
    String(each.found),
  ]);
  const others = unexpected.map(
    ({ detector, corpus, found }) =>
      `- ${plain(detector)} in ${plain(corpus)}: ${counted(found, 'alert')}`,
  );
  const title = isUnexpectedFatal ? 'Unexpected (fails)' : 'Unexpected';
  return [
    ...section('Expectations', table(['', 'detector', 'corpus', 'expected', 'found'], rows)),
    ...section(title, others),
  ];
}

function detectorTable({ detectors, cost }: BacktestReport): string[] {
  const labels = labelsIn(detectors);
  const head = [
    'detector',
    'maturity',
    'level',
    'alerts',
    'sessions',
    'agents',
    'a day',
    'an agent-day',
  ];
  return table(
    [...head, ...labels.map(plain), 'µs/event'],
    detectors.map((tally) => [
      plain(tally.detector),
      tally.maturity,
      tally.level,
      ...[tally.alerts, tally.sessions, tally.agents].map(String),
      figure(tally.perDay),
      figure(tally.perAgentDay),
      ...labels.map((label) => sessionsOf(tally, label)),
      costCell(cost, tally.detector),
    ]),
  );
}

/** Labels that appear in any tally. */
export function labelsIn(tallies: readonly DetectorTally[]): string[] {
  return [...new Set(tallies.flatMap(({ byLabel }) => byLabel.map(({ label }) => label)))];
}

/** Sessions of a label that were alerted, of how many. */
export function sessionsOf({ byLabel }: DetectorTally, label: string): string {
  const found = byLabel.find((each) => each.label === label);
  return found === undefined ? '-' : `${found.sessions}/${found.of}`;
}

function detectorPart(tally: DetectorTally): string[] {
  const notes = [...blindWords(tally).map(plain), ...tally.examples.map(example)];
  return notes.length === 0
    ? []
    : [`- ${plain(markedName(tally))}`, ...notes.map((note) => `  - ${note}`)];
}

function example(alert: Alert): string {
  return `${plain(alert.corpus)}, ${plain(whoOf(alert))}: ${plain(alert.explanation)}`;
}

function comparisonPart(
  { name, problems, diffs, cost }: Comparison,
  report: BacktestReport,
): string[] {
  const shown = diffs.filter((diff) => isDifferent(diff) || changeWords(diff) === 'edited');
  const rows = shown.map((diff) => [
    plain(diff.detector),
    changeWords(diff),
    ...[diff.gained.length, diff.lost.length, diff.same, diff.moved.length].map(String),
    `${figure(diff.oldPerDay)} → ${figure(diff.newPerDay)}`,
    laterWords(diff),
    `${costCell(cost, diff.detector)} → ${costCell(report.cost, diff.detector)}`,
  ]);
  const head = [
    'detector',
    '',
    'gained',
    'lost',
    'same',
    'other evidence',
    'a day',
    'decided later',
    'µs/event',
  ];
  const alike = diffs.length - shown.length;
  return [
    ...section(`Against ${plain(name)}`, [
      ...problems.map((problem) => `- not compared: ${plain(problem)}`),
      ...(problems.length > 0 ? [''] : []),
      ...table(head, rows),
      '',
      `${counted(alike, 'detector')} unedited, with the same alerts.`,
    ]),
    ...shown.flatMap(diffPart),
  ];
}

function diffPart(diff: DetectorDiff): string[] {
  const { detector, byLabel, gained, lost, moved } = diff;
  const labels = byLabel.map(({ label, ...n }) => [
    plain(label),
    ...[n.gained, n.lost, n.both].map(String),
  ]);
  const listed = (what: string, alerts: readonly Alert[]) => [
    ...alerts.slice(0, LISTED_MAX).map((alert) => `- ${what}: ${example(alert)}`),
    ...(alerts.length > LISTED_MAX ? [`- ${what}: ${alerts.length - LISTED_MAX} more`] : []),
  ];
  const lines = [
    ...table(['label', 'gained', 'lost', 'both'], labels),
    ...(labels.length > 0 ? [''] : []),
    ...listed('gained', gained),
    ...listed('lost', lost),
    ...listed(
      'other evidence',
      moved.map((pair) => pair.new),
    ),
  ];
  return lines.length === 0 ? [] : [`### ${plain(detector)}`, '', ...lines, ''];
}
