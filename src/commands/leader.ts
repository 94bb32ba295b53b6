/** Leader: of several processes one has a lock; the others stand by until it is free. */
import { OperatingError } from '../model/errors.ts';
import type { Clock, Database, Log } from '../model/ports.ts';

const STANDBY_MS = 1000;

/** What a lock is waited for with. */
export interface LockParts {
  readonly db: Pick<Database, 'tryLock'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** A lock that is wanted. */
export interface WantedLock {
  readonly name: string;
  /** Said once while another process has it. */
  readonly waiting: string;
  /** Called each time that another process was found to have it. */
  readonly standsBy?: () => void;
}

/**
 * Waits until this process has the lock, whether another has it or the database is away. Null: the signal
 * aborted first. `lost` is aborted when the connection that holds the lock breaks: its holder must stop.
 */
export async function leaderLock(
  { db, clock, log }: LockParts,
  { name, waiting, standsBy }: WantedLock,
  lost: AbortController,
  signal: AbortSignal,
): Promise<{ release(): Promise<void> } | null> {
  let said = '';
  const say = (message: string) => {
    if (message !== said) log.info({ lock: name }, message);
    said = message;
  };
  while (!signal.aborted) {
    try {
      const lock = await db.tryLock(name, () => lost.abort());
      if (lock !== null) return lock;
      standsBy?.();
      say(waiting);
    } catch (cause) {
      // It answered when we started: a database that is away comes back, and we wait for it.
      if (!(cause instanceof OperatingError && cause.retryable)) throw cause;
      say('the database is away: waiting for it');
    }
    await clock.sleep(STANDBY_MS, signal);
  }
  return null;
}
