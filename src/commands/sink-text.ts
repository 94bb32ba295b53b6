/** Sink text: how each sink stands, in words; one that fails is said to fail. */
import type { SinkStatus } from '../record/alert-read.ts';
import { count, lengthOf, safe, timeOf } from './output.ts';

/** What waits longer than this is an alarm by itself, ms. */
export const FAILING_MS = 600_000;

/** True where people are not being told: something waits too long, or nothing was taken for as long. */
export function isFailing({ oldestMs, failingSinceMs }: SinkStatus, nowMs: number): boolean {
  const waits = oldestMs !== null && nowMs - oldestMs > FAILING_MS;
  return waits || (failingSinceMs !== null && nowMs - failingSinceMs > FAILING_MS);
}

/** One line for each sink, and one more for each that fails. */
export function sinkLines(sinks: readonly SinkStatus[], nowMs: number): string[] {
  return sinks.flatMap((sink) => {
    const { depth, oldestMs, failingSinceMs, lastSentMs, lastDetail, dead, standing } = sink;
    const parts = [`${depth} on the way`];
    if (oldestMs !== null) parts.push(`the oldest for ${lengthOf(Math.max(0, nowMs - oldestMs))}`);
    parts.push(lastSentMs === null ? 'nothing sent yet' : `last sent ${timeOf(lastSentMs)}`);
    if (failingSinceMs !== null)
      parts.push(`failing since ${timeOf(failingSinceMs)} (${safe(lastDetail ?? '', 120)})`);
    if (dead > 0) parts.push(`${count(dead, 'dead letter')}: plumbline alerts list --dead`);
    parts.push(`${count(standing, 'case')} open`);
    const line = `Sink ${safe(sink.sink, 40)}: ${parts.join(', ')}`;
    if (!isFailing(sink, nowMs)) return [line];
    return [
      line,
      `AlertSinkFailing: ${safe(sink.sink, 40)} takes nothing; people are not told there`,
    ];
  });
}
