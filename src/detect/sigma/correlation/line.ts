/** Line: keys in the order in which they came; those that left are passed over in their turn. */

/** So many that left are never looked for. */
const LEFT_MIN = 1024;

/** Does the key stand where it came with this stamp? */
export type Stands = (key: string, stamp: number) => boolean;

/**
 * A queue that nobody has to be taken out of. Adding is one push; a set of as many keys would hash each of
 * them, which a start has no time for.
 */
export class Line {
  #keys: string[] = [];
  #stamps: number[] = [];
  #from = 0;
  #size = 0;

  /** How many stand in it. */
  get size(): number {
    return this.#size;
  }

  /** Adds a key behind all others, with a stamp above all of theirs. */
  add(key: string, stamp: number, stands: Stands): void {
    if (this.#keys.length - this.#from > 2 * this.#size + LEFT_MIN) this.#tidy(stands);
    this.#keys.push(key);
    this.#stamps.push(stamp);
    this.#size += 1;
  }

  /** One of its keys left; `stands` no longer says of it that it stands. */
  left(): void {
    this.#size -= 1;
  }

  /** The key that came first of those that stand. */
  first(stands: Stands): string | undefined {
    for (; this.#from < this.#keys.length; this.#from += 1) {
      const key = this.#keys[this.#from] as string;
      if (stands(key, this.#stamps[this.#from] as number)) return key;
    }
    return undefined;
  }

  /** All that stand, in order. */
  *keys(stands: Stands): Generator<string, void> {
    for (let at = this.#from; at < this.#keys.length; at += 1) {
      const key = this.#keys[at] as string;
      if (stands(key, this.#stamps[at] as number)) yield key;
    }
  }

  clear(): void {
    this.#keys = [];
    this.#stamps = [];
    this.#from = 0;
    this.#size = 0;
  }

  #tidy(stands: Stands): void {
    const places: number[] = [];
    for (let at = this.#from; at < this.#keys.length; at += 1)
      if (stands(this.#keys[at] as string, this.#stamps[at] as number)) places.push(at);
    this.#keys = places.map((at) => this.#keys[at] as string);
    this.#stamps = places.map((at) => this.#stamps[at] as number);
    this.#from = 0;
  }
}
