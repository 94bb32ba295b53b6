/** Words of a backtest: figures and sentences that the terminal and the page share. */
import type { Alert } from './alert.ts';
import type { DetectorDiff } from './diff.ts';
import type { Cost } from './report.ts';
import type { DetectorTally } from './tally.ts';

/** A figure with two digits that mean something; `-` for none. */
export function figure(value: number | null): string {
  if (value === null) return '-';
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 100) return value.toFixed(0);
  if (size >= 10) return value.toFixed(1);
  return size >= 0.1 ? value.toFixed(2) : value.toPrecision(2);
}

/** `1 alert`, `2 alerts`. */
export function counted(n: number, word: string): string {
  return `${n} ${word}${n === 1 ? '' : 's'}`;
}

/** Stem of a detector, with a mark where its alerts go to nobody yet. */
export function markedName({ detector, maturity }: DetectorTally): string {
  return maturity === 'shadow' ? `${detector} (shadow)` : detector;
}

/** Where a detector could not see or was not heard, a sentence each; none where all was said. */
export function blindWords({ blindness, unkept, late, excused }: DetectorTally): string[] {
  const { abstained, unheard, belowEvidence, gaps, gapHours, sessions, alerts } = blindness;
  const said: string[] = [];
  if (abstained !== null) said.push(`abstained: ${abstained}`);
  if (unheard.length > 0)
    said.push(`abstained: it needs ${unheard.join(' and ')}, of which there is no record`);
  if (belowEvidence !== null && belowEvidence > 0)
    said.push(
      `${figure(100 * belowEvidence)} % of the events it looks at hold less content than it needs`,
    );
  if (gaps > 0)
    said.push(
      `blind in ${counted(gaps, 'interval')}, ${figure(gapHours)} h, in which ${counted(sessions, 'session')} acted`,
    );
  if (alerts > 0) said.push(`${counted(alerts, 'alert')} in sessions with a blind book`);
  if (unkept > 0) said.push(`${counted(unkept, 'alert')} beyond the bound: counted, not looked at`);
  for (const [exception, times] of Object.entries(excused))
    said.push(`${counted(times, 'alert')} more excused by ${exception}`);
  if (late > 0) said.push(`${counted(late, 'alert')} on records that came late`);
  return said;
}

/** Whom an alert is about. The ids in it may be hostile text. */
export function whoOf({ session, agent, seq }: Alert): string {
  const who = session === null ? `agent ${agent}` : `session ${session}`;
  return seq === null ? who : `${who}, seq ${seq}`;
}

/** Cost of one detector; `-` where it was not measured, `<` where it is lost in noise. */
export function costCell(cost: Cost | null, detector: string): string {
  const us = cost?.byDetector[detector];
  if (cost === null || us === undefined) return '-';
  return us < cost.noise ? `<${figure(cost.noise)}` : figure(us);
}

/** How the cost was measured. */
export function costWords({ facts, events, rounds, together, noise }: Cost): string {
  return (
    `µs/event: CPU of detection alone over ${counted(facts, 'fact')} of ${counted(events, 'event')}, the least of ${rounds} passes; ` +
    `all together ${figure(together)}; differences below ${figure(noise)} are noise`
  );
}

/** What became of a detector between two versions. */
export function changeWords({ oldVersion, newVersion }: DetectorDiff): string {
  if (oldVersion === null) return 'new';
  if (newVersion === null) return 'gone';
  return oldVersion === newVersion ? 'unchanged' : 'edited';
}

/** How much later the new version decides, median and range; `-` where nothing is in both. */
export function laterWords({ laterMs }: DetectorDiff): string {
  if (laterMs === null) return '-';
  const { median, least, most } = laterMs;
  if (least === 0 && most === 0) return '0';
  const seconds = (ms: number) => `${ms > 0 ? '+' : ''}${figure(ms / 1000)}`;
  return `${seconds(median)} s (${seconds(least)} to ${seconds(most)})`;
}
