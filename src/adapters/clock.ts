/** The system clock: the one place where real time enters. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../model/ports.ts';

/** Wall time and real waiting. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  sleep: async (ms, signal) => {
    try {
      await delay(Math.max(0, ms), undefined, signal === undefined ? {} : { signal });
    } catch (cause) {
      // An aborted wait is over, nothing more; anything else is a fault of the platform.
      if (!(cause instanceof Error) || cause.name !== 'AbortError') throw cause;
    }
  },
};
