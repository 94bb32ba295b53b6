/** An agenda: what is due soonest first; what is due later waits where it belongs. */
import { Heap } from './heap.ts';

/** How much of time lies together, ms: some thousand items of a busy lane, which are put in order at once. */
const SLOT_MS = 1024;
/** Below so many items nothing is looked for that could be thrown away. */
const SWEEP_MIN = 4096;
/** Items looked at with each that is pushed, while those that mean nothing any more are looked for. */
const SWEEP_EACH = 16;

/** The items of one stretch of time, in no order. */
interface Stretch<T> {
  readonly number: number;
  readonly items: T[];
  /** The one that is due before all others. */
  first: T;
}

/**
 * Items with a time, earliest first, as a heap of all of them would give them. Only those of the next second
 * are in one; others are put down where they belong, and nobody compares them before their time comes
 * near. No step is long: where items may lose their meaning, they are looked for a few at a time.
 */
export class Agenda<T extends { readonly at: number }> {
  readonly #before: (a: T, b: T) => boolean;
  readonly #near: Heap<T>;
  /** Number of the last stretch whose items are in `near`. */
  #nearTo = Number.NEGATIVE_INFINITY;
  readonly #later = new Map<number, Stretch<T>>();
  readonly #order = new Heap<number>((a, b) => a < b);
  readonly #isLive: ((item: T) => boolean) | null;
  /** Where the last item went: the next one often belongs there, too. */
  #last: Stretch<T> | null = null;
  #laterSize = 0;
  #sweepAt = SWEEP_MIN;
  /** Stretches that are still to be looked through, and how far the last of them was. */
  #sweeping: Stretch<T>[] = [];
  #sweptTo = 0;

  /**
   * `before` must be a strict total order in which what has the lower `at` comes first. Where items may lose
   * their meaning before their time `isLive` tells: it holds at most some two and a half times those that mean
   * something, or 8,192.
   */
  constructor(before: (a: T, b: T) => boolean, isLive: ((item: T) => boolean) | null = null) {
    this.#before = before;
    this.#near = new Heap(before, isLive);
    this.#isLive = isLive;
  }

  get size(): number {
    return this.#near.size + this.#laterSize;
  }

  push(item: T): void {
    const isDue = this.#sweeping.length > 0 || this.#laterSize >= this.#sweepAt;
    if (isDue && this.#isLive !== null) this.#sweep(this.#isLive);
    const number = Math.floor(item.at / SLOT_MS);
    if (number <= this.#nearTo) this.#near.push(item);
    else this.#put(number, item);
  }

  /** The first; looking at it brings nothing near: it may be due in a week. */
  peek(): T | undefined {
    return this.#near.peek() ?? this.#next()?.first;
  }

  pop(): T | undefined {
    const next = this.#near.size === 0 ? this.#next() : undefined;
    if (next !== undefined) this.#approach(next);
    return this.#near.pop();
  }

  clear(): void {
    this.#near.clear();
    this.#nearTo = Number.NEGATIVE_INFINITY;
    this.#later.clear();
    this.#order.clear();
    this.#last = null;
    this.#laterSize = 0;
    this.#sweepAt = SWEEP_MIN;
    this.#sweeping = [];
  }

  /** Takes these instead of what it held, all of which mean something. */
  fill(items: Iterable<T>): void {
    this.clear();
    for (const item of items) this.#put(Math.floor(item.at / SLOT_MS), item);
    this.#sweepAt = Math.max(SWEEP_MIN, 2 * this.#laterSize);
  }

  #put(number: number, item: T): void {
    this.#laterSize += 1;
    const known = this.#last?.number === number ? this.#last : this.#later.get(number);
    if (known === undefined) {
      this.#last = { number, items: [item], first: item };
      this.#later.set(number, this.#last);
      this.#order.push(number);
      return;
    }
    this.#last = known;
    known.items.push(item);
    if (this.#before(item, known.first)) known.first = item;
  }

  #next(): Stretch<T> | undefined {
    const number = this.#order.peek();
    return number === undefined ? undefined : this.#later.get(number);
  }

  /** The next stretch comes near: its items are put in order. */
  #approach(stretch: Stretch<T>): void {
    this.#order.pop();
    this.#later.delete(stretch.number);
    if (this.#last === stretch) this.#last = null;
    this.#laterSize -= stretch.items.length;
    this.#nearTo = stretch.number;
    // It takes the array: who looks for what means nothing must not find it there.
    this.#near.fill(stretch.items.splice(0));
  }

  /** Throws away what means nothing any more, of some items. */
  #sweep(isLive: (item: T) => boolean): void {
    if (this.#sweeping.length === 0) {
      this.#sweeping = [...this.#later.values()];
      this.#sweptTo = 0;
    }
    for (let left = SWEEP_EACH; left > 0; left -= 1) {
      const stretch = this.#sweeping.at(-1);
      if (stretch === undefined) {
        this.#sweepAt = Math.max(SWEEP_MIN, 2 * this.#laterSize);
        return;
      }
      const { items, first } = stretch;
      const item = items[this.#sweptTo];
      if (item === undefined) {
        this.#sweeping.pop();
        this.#sweptTo = 0;
      } else if (item === first || isLive(item)) this.#sweptTo += 1;
      else {
        const end = items.pop() as T;
        if (this.#sweptTo < items.length) items[this.#sweptTo] = end;
        this.#laterSize -= 1;
      }
    }
  }
}
