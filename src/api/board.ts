/** Board: the posture as last read, read again when somebody asks, and waited on for changes. */
import type { Clock } from '../model/ports.ts';
import type { PostureState } from '../model/posture.ts';

/** Reads the posture; asked no oftener than `refreshMs`. */
export interface Board {
  /** The state, at most `refreshMs` old. Rejects with what reading rejects with. */
  now(): Promise<PostureState>;
  /**
   * What `render` makes of the state, as soon as its revision differs from `known`, or when `waitMs`
   * are over or the signal is aborted: whichever is first.
   */
  changed<T extends { readonly revision: string }>(
    render: (state: PostureState, nowMs: number) => T,
    known: string | null,
    waitMs: number,
    signal: AbortSignal,
  ): Promise<T>;
}

/** A reader of the posture. */
export type ReadState = (nowMs: number) => Promise<PostureState>;

/** How old what is told may be, ms: the database is asked so often at most, however many wait. */
export const REFRESH_MS = 250;

/** Makes a board. It reads nothing while nobody asks. */
export function createBoard(read: ReadState, clock: Clock, refreshMs = REFRESH_MS): Board {
  let held: { readonly state: PostureState; readonly atMs: number } | null = null;
  let reading: Promise<PostureState> | null = null;
  const now = async (): Promise<PostureState> => {
    const nowMs = clock.nowMs();
    if (held !== null && nowMs - held.atMs < refreshMs && nowMs >= held.atMs) return held.state;
    reading ??= read(nowMs)
      .then((state) => {
        held = { state, atMs: nowMs };
        return state;
      })
      .finally(() => {
        reading = null;
      });
    return await reading;
  };
  return {
    now,
    async changed(render, known, waitMs, signal) {
      const untilMs = clock.nowMs() + waitMs;
      for (;;) {
        const made = render(await now(), clock.nowMs());
        const leftMs = untilMs - clock.nowMs();
        if (made.revision !== known || leftMs <= 0 || signal.aborted) return made;
        await clock.sleep(Math.min(refreshMs, leftMs), signal);
      }
    },
  };
}
