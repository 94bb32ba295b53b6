/** Steps: long work that lets the event loop turn. */
import type { Clock } from '../model/ports.ts';

/** How long the work keeps the event loop for itself, but for the step that it is in, ms. */
const WORK_MS = 25;

/** A stretch of work that gives way now and then, whatever pieces it comes in. */
export class Stint {
  readonly #clock: Clock;
  #sinceMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#sinceMs = clock.nowMs();
  }

  /** Lets the event loop turn once, between two steps. */
  async giveWay(): Promise<void> {
    await this.#clock.sleep(0);
    this.#sinceMs = this.#clock.nowMs();
  }

  /** Has the event loop waited for long enough? */
  get isDue(): boolean {
    return this.#clock.nowMs() - this.#sinceMs >= WORK_MS;
  }
}

/**
 * Takes all steps, or as many as are wanted. Between them the event loop turns, or the client of the broker
 * could not say that it is alive, would be put out of its group, and would begin anew for ever.
 */
export async function inSteps(
  steps: Iterable<undefined>,
  stint: Stint,
  isWanted: () => boolean,
): Promise<void> {
  for (const _step of steps) {
    if (!isWanted()) return;
    if (stint.isDue) await stint.giveWay();
  }
}
