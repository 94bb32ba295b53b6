/** Telling: people are told while the work lasts, and at its end of what is due. */
import type { Notifier } from '../act/notify.ts';
import { type LockParts, leaderLock } from './leader.ts';

const TELLS = 'another member tells people';
/** How long an ending process still sends what is due, ms: what is left is sent by the next. */
const DRAIN_MS = 2_000;
const DRAIN_CAUGHT_UP_MS = 30_000;

/** Tells people while the work lasts; at its end what is due, and after the last record all there is. */
export async function tellBeside(
  notifier: Notifier | null,
  untilCaughtUp: boolean,
  work: () => Promise<void>,
): Promise<void> {
  if (notifier === null) return await work();
  const over = new AbortController();
  const telling = notifier.run(over.signal);
  try {
    await work();
  } finally {
    over.abort();
    await telling;
    await drain(notifier, untilCaughtUp);
  }
}

/** What members share the telling with. */
export interface TellingTogether {
  readonly locks: LockParts;
  readonly group: string;
  readonly untilCaughtUp: boolean;
}

/**
 * Of several members one tells people: whoever has the lock. Its notifier is made when the lock is had. Null:
 * nobody is told.
 */
export async function tellWhileLeading(
  makeNotifier: (() => Notifier) | null,
  { locks, group, untilCaughtUp }: TellingTogether,
  work: () => Promise<void>,
): Promise<void> {
  if (makeNotifier === null) return await work();
  const over = new AbortController();
  const wanted = { name: `plumbline tells ${group}`, waiting: TELLS };
  const tell = async (): Promise<void> => {
    while (!over.signal.aborted) {
      const lost = new AbortController();
      const lock = await leaderLock(locks, wanted, lost, over.signal);
      if (lock === null) return;
      try {
        const notifier = makeNotifier();
        await notifier.run(AbortSignal.any([over.signal, lost.signal]));
        if (over.signal.aborted) await drain(notifier, untilCaughtUp);
      } finally {
        await lock.release();
      }
    }
  };
  const telling = tell();
  try {
    await Promise.race([work(), telling.then(() => new Promise<never>(() => undefined))]);
  } finally {
    over.abort();
    await telling;
  }
}

async function drain(notifier: Notifier, untilCaughtUp: boolean): Promise<void> {
  await notifier.drain(untilCaughtUp ? DRAIN_CAUGHT_UP_MS : DRAIN_MS, untilCaughtUp);
}
