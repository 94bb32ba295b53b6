/** Ends: of many values the first and the last, so that padding hides none. */

/** Takes values in their order; of more than `max`, an even number, half of it at each end is kept. */
export class Ends<T> {
  readonly #half: number;
  readonly #kept: T[] = [];
  #taken = 0;

  constructor(max: number) {
    this.#half = max / 2;
  }

  /** Takes the next value. */
  push(value: T): void {
    const behind = this.#taken - this.#half;
    this.#kept[behind < 0 ? this.#taken : this.#half + (behind % this.#half)] = value;
    this.#taken += 1;
  }

  /** How many values between the first and the last ones were let go. */
  get left(): number {
    return this.#taken - this.#kept.length;
  }

  /** What was kept, in its order. */
  list(): readonly T[] {
    if (this.left === 0) return this.#kept;
    const oldest = this.#half + ((this.#taken - this.#half) % this.#half);
    return [
      ...this.#kept.slice(0, this.#half),
      ...this.#kept.slice(oldest),
      ...this.#kept.slice(this.#half, oldest),
    ];
  }
}
