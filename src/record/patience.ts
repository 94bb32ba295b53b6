/** Patience: tries again what a store refuses for the moment, until it heals or time is over. */
import { OperatingError } from '../model/errors.ts';
import type { Clock, Log } from '../model/ports.ts';

/** How long somebody waits for a store to come back. */
export interface Patience {
  readonly clock: Clock;
  readonly log: Log;
  /** From the first try on, ms; a try under way at that moment is waited for. */
  readonly forMs: number;
  /** Which retryable failures are worth waiting for; absent: all. */
  readonly worth?: (cause: OperatingError) => boolean;
  /** Whoever is told to stop does not wait any longer. */
  readonly signal?: AbortSignal;
}

const FIRST_WAIT_MS = 100;
const WAIT_MS_MAX = 2000;

/**
 * Resolves to what `work` resolves to. A retryable OperatingError is tried again after 100 ms, then
 * after twice as long each time, at most 2 s apart; `work` must be safe to repeat. Rejects with the
 * last cause once time is over or the signal aborted, at once with anything else.
 */
export async function patiently<T>(work: () => Promise<T>, patience: Patience): Promise<T> {
  const { clock, log, forMs, worth, signal } = patience;
  const until = clock.nowMs() + forMs;
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(WAIT_MS_MAX, waitMs * 2)) {
    try {
      return await work();
    } catch (cause) {
      if (!(cause instanceof OperatingError && cause.retryable)) throw cause;
      const isOver = clock.nowMs() > until || signal?.aborted === true;
      if (isOver || worth?.(cause) === false) throw cause;
      log.warn({ code: cause.code, waitMs }, 'the database is away; trying again');
      await clock.sleep(waitMs, signal);
    }
  }
}

/** Resolves once the signal is aborted. */
export async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const done = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => done.resolve(), { once: true });
  await done.promise;
}
