/** Pace: how many slices may wait for one commit, and how long. */

const EVERY_MS = 100;
/** Records that one commit takes up, about: its size is bounded where the clock stands still, too. */
const RECORDS_MAX = 5000;

/** What was taken in and is not committed yet. */
export class Pace {
  readonly #everyMs: number;
  #sinceMs = Number.POSITIVE_INFINITY;
  #records = 0;

  /** `everyMs`: how long the oldest of it may wait, ms. Default 100; 0: nothing waits. */
  constructor(everyMs = EVERY_MS) {
    this.#everyMs = everyMs;
  }

  /** So many records came at `nowMs`. */
  took(records: number, nowMs: number): void {
    this.#sinceMs = Math.min(this.#sinceMs, nowMs);
    this.#records += records;
  }

  /** Must it be committed now, though more is at hand? */
  isDue(nowMs: number): boolean {
    return this.#records >= RECORDS_MAX || nowMs - this.#sinceMs >= this.#everyMs;
  }

  /** It is committed, or lost. */
  over(): void {
    this.#sinceMs = Number.POSITIVE_INFINITY;
    this.#records = 0;
  }
}
