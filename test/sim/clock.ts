/** A clock that stands still until a test moves it: no test waits, none depends on speed. */
import type { Clock } from '../../src/model/ports.ts';

/** A clock under control. */
export interface VirtualClock extends Clock {
  /**
   * Moves time forward, waking sleepers in the order they are due, each at its own moment, and lets
   * everything they set off run to its next wait before going on.
   */
  advance(ms: number): Promise<void>;
  /** Lets what is runnable now run to its next wait, without moving time. */
  drain(): Promise<void>;
  /** How many are asleep. */
  sleeping(): number;
}

interface Sleeper {
  readonly dueMs: number;
  readonly order: number;
  readonly wake: () => void;
}

/** A clock at `startMs` (default 1,800,000,000,000). */
export function createVirtualClock(startMs = 1_800_000_000_000): VirtualClock {
  let now = startMs;
  let order = 0;
  const sleepers = new Set<Sleeper>();

  const next = (untilMs: number): Sleeper | null => {
    let first: Sleeper | null = null;
    for (const one of sleepers) {
      if (one.dueMs > untilMs) continue;
      const earlier =
        first === null ||
        one.dueMs < first.dueMs ||
        (one.dueMs === first.dueMs && one.order < first.order);
      if (earlier) first = one;
    }
    return first;
  };

  const drain = async () => {
    // A turn of the event loop runs every microtask there is, however long their chain.
    for (let turn = 0; turn < 3; turn += 1) {
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  };

  return {
    nowMs: () => now,
    sleep: (ms, signal) =>
      new Promise<void>((resolve) => {
        if (signal?.aborted === true) return resolve();
        order += 1;
        const wake = () => {
          sleepers.delete(sleeper);
          signal?.removeEventListener('abort', wake);
          resolve();
        };
        const sleeper = { dueMs: now + Math.max(0, ms), order, wake };
        sleepers.add(sleeper);
        signal?.addEventListener('abort', wake, { once: true });
      }),
    async advance(ms) {
      const untilMs = now + ms;
      await drain();
      for (let due = next(untilMs); due !== null; due = next(untilMs)) {
        now = Math.max(now, due.dueMs);
        due.wake();
        await drain();
      }
      now = untilMs;
    },
    drain,
    sleeping: () => sleepers.size,
  };
}
