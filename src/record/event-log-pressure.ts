/** Event log pressure: are senders to wait, since the log or the database is behind? */
import { OperatingError } from '../model/errors.ts';
import type { Pressure } from '../model/ingest.ts';
import type { Clock, Database, Log } from '../model/ports.ts';
import { backlogBytes } from './event-log.ts';
import type { EventLogWriter } from './event-log-writer.ts';

/** When it is too much. */
export interface PressureBounds {
  /** Unread bytes of the log. */
  readonly backlogBytesMax: number;
  /** Bytes that wait for their commit. */
  readonly waitingBytesMax: number;
  /** How long the oldest of them may wait, ms. */
  readonly waitingMsMax: number;
}

/** What is watched. */
export interface PressureParts {
  readonly db: Pick<Database, 'query'>;
  /** Whose reading counts. */
  readonly group: string;
  readonly topics: readonly string[];
  readonly writer: Pick<EventLogWriter, 'waitingBytes' | 'waitingSinceMs'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Watches the log. */
export interface PressureGauge {
  /** Null while there is room. Asks nobody: it is asked for each request. */
  now(): Pressure | null;
  /** Bytes that were unread when it was last looked. */
  backlog(): number;
  /** Looks each second until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

/** Bounds of what waits in this process, unless said otherwise. */
export const WAITING_BOUNDS = { waitingBytesMax: 64 * 1024 * 1024, waitingMsMax: 5000 } as const;

const LOOK_MS = 1000;

/** Makes the gauge; until it runs it knows of this process only. */
export function createPressureGauge(parts: PressureParts, bounds: PressureBounds): PressureGauge {
  const { db, group, topics, writer, clock, log } = parts;
  let behind = 0;
  let isAway = false;
  let said = '';
  const say = (pressure: Pressure | null) => {
    const reason = pressure?.reason ?? '';
    if (reason === said) return;
    said = reason;
    if (pressure === null) log.info({}, 'ingest: there is room again');
    else log.warn({ behind, waiting: writer.waitingBytes() }, `ingest: ${reason}: senders wait`);
  };
  const now = (): Pressure | null => {
    if (isAway) return { reason: 'the database is away', waitSeconds: 5 };
    if (writer.waitingBytes() > bounds.waitingBytesMax)
      return { reason: 'more is being sent than can be stored', waitSeconds: 1 };
    const sinceMs = writer.waitingSinceMs();
    if (sinceMs !== null && clock.nowMs() - sinceMs > bounds.waitingMsMax)
      return { reason: 'the database is slow', waitSeconds: 2 };
    if (behind > bounds.backlogBytesMax)
      return { reason: 'the observer is behind with reading', waitSeconds: 10 };
    return null;
  };
  return {
    now,
    backlog: () => behind,
    async run(signal) {
      while (!signal.aborted) {
        try {
          behind = await backlogBytes(db, group, topics);
          isAway = false;
        } catch (cause) {
          if (!(cause instanceof OperatingError)) throw cause;
          isAway = true;
        }
        say(now());
        await clock.sleep(LOOK_MS, signal);
      }
    },
  };
}
