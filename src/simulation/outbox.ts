/** Emissions waiting to be fetched, oldest first. */
import type { Emission } from './emission.ts';

/** A queue; shifting from an array would cost its length. */
export class Outbox {
  #items: Emission[] = [];
  #head = 0;

  /** Adds one. */
  push(emission: Emission): void {
    this.#items.push(emission);
  }

  /** The oldest, which stays; null when there is none. */
  peek(): Emission | null {
    return this.#items[this.#head] ?? null;
  }

  /** The oldest, which goes. */
  take(): Emission | null {
    const item = this.peek();
    if (item === null) return null;
    this.#head += 1;
    if (this.#head === this.#items.length) {
      this.#items.length = 0;
      this.#head = 0;
    }
    return item;
  }
}
