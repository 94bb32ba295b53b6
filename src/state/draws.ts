/** Draws: numbers without a pattern that a key could be made for, the same ones in every run. */

/** An xorshift of 32 bits. Nothing that must be secret or is told to anybody depends on it. */
export class Draws {
  #state = 0x9e3779b9;

  /** A whole number from 0 to `limit` − 1; `limit` is at least 1. */
  below(limit: number): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x >>> 0;
    return this.#state % limit;
  }
}
