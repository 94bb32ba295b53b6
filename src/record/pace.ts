/** Pace: how many slices may wait for one commit, and how long. */

const EVERY_MS = 100;
/** Where storing is slow it is done less often: it takes a fifth of the time at most, to a bound. */
const SHARE = 4;
const SLOW_EVERY_MS = 250;
/** Records that one commit takes up, about: its size is bounded where the clock stands still, too. */
const RECORDS_MAX = 5000;

/** What was taken in and is not committed yet. */
export class Pace {
  readonly #leastMs: number;
  #everyMs: number;
  #sinceMs = Number.POSITIVE_INFINITY;
  #records = 0;

  /** `everyMs`: how long the oldest of it may wait, ms; longer where storing is slow. Default 100; 0: nothing waits. */
  constructor(everyMs = EVERY_MS) {
    this.#leastMs = everyMs;
    this.#everyMs = everyMs;
  }

  /** Storing took so long, ms. */
  stored(tookMs: number): void {
    if (this.#leastMs === 0) return;
    const slowMs = Math.min(SHARE * tookMs, SLOW_EVERY_MS);
    this.#everyMs = Math.max(this.#leastMs, slowMs);
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
