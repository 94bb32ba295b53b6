/** Word table: places of words by digest, in lists that are read without allocation. */

/** Places by digest: open addressing over signed 32-bit digests. */
export interface WordTable {
  readonly keys: Int32Array;
  /** Place + 1 by slot; 0 where the slot is free. */
  readonly slots: Int32Array;
}

/** Table of distinct digests, signed or not; the place of each is its place in the list. */
export function wordTable(words: Iterable<number>): WordTable {
  const list = [...words];
  const keys = Int32Array.from(list);
  let size = 16;
  while (size < 3 * keys.length) size *= 2;
  const slots = new Int32Array(size);
  keys.forEach((key, place) => {
    let slot = key & (size - 1);
    while (slots[slot] !== 0) slot = (slot + 1) & (size - 1);
    slots[slot] = place + 1;
  });
  return { keys, slots };
}

/** Place of a digest, or -1. */
export function placeOf({ keys, slots }: WordTable, h: number): number {
  const mask = slots.length - 1;
  let slot = h & mask;
  for (let held = slots[slot] as number; held !== 0; held = slots[slot] as number) {
    if (keys[held - 1] === h) return held - 1;
    slot = (slot + 1) & mask;
  }
  return -1;
}
