/** Turns: slices, ticks and takeovers never overlap. */

/**
 * Takes work one after the other. Work that fails leaves the core between two steps, or with a commit that
 * nobody wrote. Turns that wait already must find nothing: if they committed, what that step changed and
 * found would be missing from the record for good. So `failed` is called before the next one begins.
 */
export class Turns {
  readonly #failed: () => void;
  #last: Promise<unknown> = Promise.resolve();

  constructor(failed: () => void) {
    this.#failed = failed;
  }

  async take<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#last;
    const turn = (async () => {
      await before.catch(() => undefined);
      try {
        return await work();
      } catch (cause) {
        this.#failed();
        throw cause;
      }
    })();
    this.#last = turn.catch(() => undefined);
    return await turn;
  }

  /** Resolves when the last one that was taken so far is over, however it ended. */
  async over(): Promise<void> {
    await this.#last;
  }
}
