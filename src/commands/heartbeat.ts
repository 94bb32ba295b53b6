/** Heartbeat: tells sinks that the observer works, so that they notice when it does not. */
import { type FindingOptions, renderAlert } from '../act/finding/finding.ts';
import type { Sink } from '../act/sink.ts';
import { assert } from '../model/errors.ts';
import type { Clock, Log } from '../model/ports.ts';
import type { Telemetry } from '../model/telemetry.ts';
import { heartbeatAlert } from './own-alerts.ts';

/** What a heart is made of. */
export interface HeartParts {
  readonly instance: string;
  readonly sinks: ReadonlyMap<string, Sink>;
  readonly finding: FindingOptions;
  readonly everyMs: number;
  /** Whether the observer does its work now: a standby is silent, for another speaks. */
  readonly works: () => boolean;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
  readonly log: Log;
}

/** How often it is looked whether the work is done again, ms. */
const LOOK_MS = 1_000;

/**
 * Beats until the signal aborts. Sinks that ring at people get none: nobody wants to be rung at because
 * all is well. Never rejects for what a sink does; a beat that is lost is not sent again, the next one is.
 */
export async function beatHeart(parts: HeartParts, signal: AbortSignal): Promise<void> {
  const { clock, everyMs, works } = parts;
  const openedMs = clock.nowMs();
  let sequence = 0;
  let beatMs = Number.NEGATIVE_INFINITY;
  while (!signal.aborted) {
    const nowMs = clock.nowMs();
    const isDue = nowMs - beatMs >= everyMs;
    if (isDue && works()) {
      sequence += 1;
      beatMs = nowMs;
      await tellAll(parts, sequence, openedMs);
    }
    // Once it is overdue the first moment at which the work is done again counts.
    await clock.sleep(Math.max(LOOK_MS, beatMs + everyMs - clock.nowMs()), signal);
  }
}

async function tellAll(parts: HeartParts, sequence: number, openedMs: number): Promise<void> {
  const { instance, sinks, finding, clock, telemetry, log } = parts;
  const due = heartbeatAlert(instance, sequence, openedMs, clock.nowMs());
  const alert = renderAlert(due, finding);
  assert(alert !== null, 'a heartbeat is rendered from itself');
  const listening = [...sinks].filter(([, sink]) => !sink.capabilities().notifies);
  await Promise.all(
    listening.map(async ([name, sink]) => {
      let outcome = 'failed';
      try {
        outcome = (await sink.send(alert, null)).type;
      } catch (cause) {
        // A sink promises outcomes; a rejection is its fault, and no reason for the heart to stop.
        const fault = cause instanceof Error ? cause.name : 'unnamed';
        log.error({ sink: name, fault }, 'sink failed instead of answering a heartbeat');
      }
      telemetry.add('plumbline_heartbeats_total', 1, { sink: name, outcome });
    }),
  );
}
