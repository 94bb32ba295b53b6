/** Text of a backtest: what people read in a terminal. */
import type { Alert } from '../evaluation/backtest/alert.ts';
import {
  type JudgedExpectation,
  type Unexpected,
  wordsOf,
} from '../evaluation/backtest/expectations.ts';
import {
  type Blindness,
  type CorpusRun,
  type DetectorTally,
  sumOf,
} from '../evaluation/backtest/tally.ts';
import { daysOf } from '../evaluation/backtest/traffic.ts';
import { count, safe, table } from './output.ts';

/** A figure with two digits that mean something. */
export function figure(value: number | null): string {
  if (value === null) return '-';
  if (value === 0) return '0';
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  const text = value.toFixed(digits);
  return Number(text) === 0 ? value.toPrecision(1) : text;
}

/** What was run, a line for each corpus. */
export function corpusLines(runs: readonly CorpusRun[]): string[] {
  return runs.flatMap(({ name, traffic, records, deadLetters, late }) => {
    const { sessions, agents, agentDays } = traffic;
    const said = [
      count(records, 'record'),
      count(sessions.size, 'session'),
      count(agents.size, 'agent'),
      `${figure(daysOf(traffic))} days`,
      count(agentDays, 'agent-day'),
    ].join(', ');
    const flaws = [
      ...(deadLetters > 0 ? [`${count(deadLetters, 'record')} could not be read`] : []),
      ...(late > 0
        ? [`${count(late, 'record')} came later than the lateness of their source`]
        : []),
    ];
    return [`${safe(name)}: ${said}`, ...flaws.map((flaw) => `  ${flaw}`)];
  });
}

/** One row for each detector that was run; those in shadow bear a mark. */
export function tallyTable(
  tallies: readonly DetectorTally[],
  costs: ReadonlyMap<string, number>,
): string[] {
  const labels = [...new Set(tallies.flatMap(({ byLabel }) => byLabel.map(({ label }) => label)))];
  const head = ['detector', 'alerts', 'sessions', 'agents', 'a day', 'an agent-day', ...labels];
  const hasCost = costs.size > 0;
  const rows = tallies.map((tally) => [
    `${tally.detector}${tally.maturity === 'shadow' ? ' (shadow)' : ''}`,
    String(tally.alerts),
    String(tally.sessions),
    String(tally.agents),
    figure(tally.perDay),
    figure(tally.perAgentDay),
    ...labels.map((label) => {
      const found = tally.byLabel.find((each) => each.label === label);
      return found === undefined ? '-' : `${found.sessions}/${found.of}`;
    }),
    ...(hasCost ? [figure(costs.get(tally.detector) ?? null)] : []),
  ]);
  return table([[...head, ...(hasCost ? ['µs/event'] : [])], ...rows]);
}

/** First examples of the detectors that fired, and where each could not see. */
export function detailLines(tallies: readonly DetectorTally[]): string[] {
  return tallies.flatMap((tally) => {
    const notes = [
      ...blindLines(tally.blindness),
      ...(tally.unkept > 0
        ? [`${count(tally.unkept, 'alert')} beyond the bound were counted and not looked at`]
        : []),
      ...(tally.late > 0 ? [`${count(tally.late, 'alert')} on late records`] : []),
      ...tally.examples.map((alert) => exampleLine(alert)),
    ];
    return notes.length === 0 ? [] : [`${tally.detector}:`, ...notes.map((note) => `  ${note}`)];
  });
}

/** Where a detector could not see, in words. */
export function blindLines(blindness: Blindness): string[] {
  const { unheard, belowEvidence, gaps, gapHours, sessions, alerts } = blindness;
  const lines: string[] = [];
  if (unheard.length > 0)
    lines.push(`abstained: it needs ${unheard.join(' and ')}, of which there is no record`);
  if (belowEvidence !== null && belowEvidence > 0)
    lines.push(
      `${figure(100 * belowEvidence)} % of the events it looks at hold less content than it needs`,
    );
  if (gaps > 0)
    lines.push(
      `blind in ${count(gaps, 'interval')}, ${figure(gapHours)} h, in which ${count(sessions, 'session')} acted`,
    );
  if (alerts > 0) lines.push(`${count(alerts, 'alert')} in sessions with a blind book`);
  return lines;
}

/** One alert on one line. */
export function exampleLine({ corpus, session, agent, seq, explanation }: Alert): string {
  const who = session === null ? `agent ${safe(agent)}` : `session ${safe(session)}`;
  const at = seq === null ? '' : ` seq ${seq}`;
  return `${safe(corpus)}: ${who}${at}: ${safe(explanation, 300)}`;
}

/** What was expected, unmet first in the eye by its mark. */
export function expectationLines(
  judged: readonly JudgedExpectation[],
  unexpected: readonly Unexpected[],
): string[] {
  const unmet = sumOf(judged, ({ isMet }) => (isMet ? 0 : 1));
  const lines = judged.map((each) => {
    const where = each.corpus === null ? '' : ` in ${safe(each.corpus)}`;
    const mark = each.isMet ? 'met  ' : 'UNMET';
    return `  ${mark}  ${each.detector}: ${wordsOf(each)}${where}; found ${each.found}`;
  });
  const head =
    judged.length === 0
      ? []
      : [`${count(judged.length, 'expectation')}, ${unmet === 0 ? 'all met' : `${unmet} unmet`}`];
  const others = unexpected.map(
    ({ detector, corpus, found }) =>
      `  unexpected: ${detector} in ${safe(corpus)}: ${count(found, 'alert')}`,
  );
  return [...head, ...lines, ...others];
}
