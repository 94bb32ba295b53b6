/** A clock for hours in which nothing happens: waiting makes it later at once. */
import type { Clock } from '../../src/model/ports.ts';

/** A clock under control. */
export interface HurryingClock extends Clock {
  /** Moves on. */
  pass(ms: number): void;
}

/** Longer than any pause between two requests: limits of requests, which only an abort ends. */
const LIMIT_MS = 10_000;

/** A clock at `startMs`. A wait of ten seconds or more ends when it is aborted, and not before. */
export function createHurryingClock(startMs: number): HurryingClock {
  let now = startMs;
  return {
    nowMs: () => now,
    pass: (ms) => {
      now += ms;
    },
    sleep: async (ms, signal) => {
      if (ms < LIMIT_MS || signal === undefined) {
        now += Math.max(0, ms);
        return;
      }
      if (signal.aborted) return;
      await new Promise<void>((resolve) =>
        signal.addEventListener('abort', () => resolve(), { once: true }),
      );
    },
  };
}
