/** A binary min-heap over a caller's order; the plain insides of buffers and timers. */

/** Below so many items nothing is looked for that could be thrown away. */
const PRUNE_MIN = 4096;

/** Smallest first. O(log n) push and pop, no allocation besides the array. */
export class Heap<T> {
  #items: T[] = [];
  readonly #before: (a: T, b: T) => boolean;
  readonly #isLive: ((item: T) => boolean) | null;
  #pruneAt = PRUNE_MIN;

  /**
   * `before` must be a strict total order, or pops of equals come in unspecified order. Where items may
   * lose their meaning before they are popped `isLive` tells: they are thrown away whenever the heap has
   * doubled, so that it holds at most twice those that mean something, or 4,096.
   */
  constructor(before: (a: T, b: T) => boolean, isLive: ((item: T) => boolean) | null = null) {
    this.#before = before;
    this.#isLive = isLive;
  }

  get size(): number {
    return this.#items.length;
  }

  peek(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    if (this.#isLive !== null && this.#items.length >= this.#pruneAt) this.#prune(this.#isLive);
    const items = this.#items;
    let at = items.length;
    items.push(item);
    while (at > 0) {
      const up = (at - 1) >> 1;
      const parent = items[up] as T;
      if (!this.#before(item, parent)) break;
      items[at] = parent;
      at = up;
    }
    items[at] = item;
  }

  pop(): T | undefined {
    const items = this.#items;
    const top = items[0];
    const last = items.pop();
    if (last === undefined || items.length === 0) return top;
    this.#sink(0, last);
    return top;
  }

  clear(): void {
    this.#items = [];
  }

  /** Takes these instead of what it held: O(n), where pushing each is O(n log n). It keeps the array. */
  fill(items: T[]): void {
    this.#items = items;
    for (let at = (items.length >> 1) - 1; at >= 0; at -= 1) this.#sink(at, items[at] as T);
  }

  /** Puts the item where it belongs at or below `from`, which is free. */
  #sink(from: number, item: T): void {
    const items = this.#items;
    const size = items.length;
    let at = from;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && this.#before(items[child + 1] as T, items[child] as T)) child += 1;
      const below = items[child] as T;
      if (!this.#before(below, item)) break;
      items[at] = below;
      at = child;
    }
    items[at] = item;
  }

  #prune(isLive: (item: T) => boolean): void {
    const live = this.#items.filter(isLive);
    this.#items = [];
    this.#pruneAt = Number.POSITIVE_INFINITY;
    for (const item of live) this.push(item);
    this.#pruneAt = Math.max(PRUNE_MIN, 2 * live.length);
  }
}
