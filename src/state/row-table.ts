/** Row table: rows that nobody asked for, found by key without an object or a text for each. */
import { type Block, Blocks } from './blocks.ts';
import { behindQuoted, type RowAt } from './rows.ts';

/** Where an entity's row lies, and the rows of what changed in it later. */
export interface StoredRow extends RowAt {
  readonly later: LaterRow | null;
}

/** A row of what changed in an entity, and the one before it. */
export interface LaterRow extends RowAt {
  readonly before: LaterRow | null;
}

/** Numbers of an entry: hash, first byte, the byte behind its last, and the entry of its last later row. */
const WIDTH = 4;
const FROM = 1;
const TO = 2;
const LATER = 3;
const NONE = -1;
/** In place of `to`: the entry is free, and `later` is the next one that is. */
const FREE = 0;
const ENTRIES = 8;
/** Places of the index for an entry, at least. */
const SPARSE = 2;
/** Keys that somebody chose so that their hashes collide must not make finding one slow. */
const PROBES_MAX = 128;
const SPREAD = 0x9e3779b1;
/** Where no row lies. */
const NOWHERE = new Blocks(null).cut(Buffer.alloc(0)).at(0, 0);

/**
 * Rows of one space on one page. A key is compared as it is written: the same key is written the same
 * way. Entries are numbers, good until the row is dropped. O(1) in every step.
 */
export class RowTable {
  /** Where the key begins in each of its rows, from the row's first byte. */
  readonly #keyAt: number;
  #numbers = new Int32Array(WIDTH * ENTRIES);
  readonly #blocks: Block[] = [];
  #index = new Int32Array(SPARSE * ENTRIES);
  #shift = 32 - Math.log2(SPARSE * ENTRIES);
  #free = NONE;
  /** No entry stands farther from its home in the index. */
  #reach = 0;
  #size = 0;

  constructor(keyAt: number) {
    this.#keyAt = keyAt;
  }

  /** How many entities have their rows here. */
  get size(): number {
    return this.#size;
  }

  /** The entry of a key that is written in `bytes` from `keyFrom` to `keyTo`, or −1. */
  find(hash: number, bytes: Buffer, keyFrom: number, keyTo: number): number {
    const index = this.#index;
    const mask = index.length - 1;
    let at = this.#homeOf(hash);
    for (let away = 0; away <= this.#reach && index[at] !== 0; away += 1) {
      const entry = (index[at] as number) - 1;
      if (this.#numbers[WIDTH * entry] === hash && this.#isKey(entry, bytes, keyFrom, keyTo))
        return entry;
      at = (at + 1) & mask;
    }
    return NONE;
  }

  /** `find`, by the key's text. */
  findText(hash: number, key: string): number {
    const index = this.#index;
    const mask = index.length - 1;
    let at = this.#homeOf(hash);
    for (let away = 0; away <= this.#reach && index[at] !== 0; away += 1) {
      // Where one has that hash it is the key, as good as always: only then it is written to be compared.
      if (this.#numbers[WIDTH * ((index[at] as number) - 1)] === hash) {
        const quoted = Buffer.from(JSON.stringify(key));
        return this.find(hash, quoted, 0, quoted.length);
      }
      at = (at + 1) & mask;
    }
    return NONE;
  }

  /** Adds a row whose key is not here. False, and nothing is added, where too many keys are like it. */
  add(hash: number, block: Block, from: number, to: number): boolean {
    if (SPARSE * (this.#size + 1) > this.#index.length) this.#widen();
    const place = this.#placeFor(hash);
    if (place === NONE) return false;
    this.#index[place] = this.#enter(hash, block, from, to, NONE) + 1;
    this.#size += 1;
    return true;
  }

  /** The row lies elsewhere now; what changed later is in it. */
  replace(entry: number, block: Block, from: number, to: number): void {
    this.#freeLater(entry);
    const at = WIDTH * entry;
    block.enter();
    (this.#blocks[entry] as Block).leave();
    this.#blocks[entry] = block;
    this.#numbers[at + FROM] = from;
    this.#numbers[at + TO] = to;
  }

  /** A row of what changed in it. */
  append(entry: number, block: Block, from: number, to: number): void {
    const before = this.#numbers[WIDTH * entry + LATER] as number;
    // Below zero, so that whoever goes over entities knows that it is none.
    const later = this.#enter(0, block, from, -to, before);
    this.#numbers[WIDTH * entry + LATER] = later;
  }

  drop(entry: number): void {
    this.#freeLater(entry);
    this.#unindex(entry);
    this.#release(entry);
    this.#size -= 1;
  }

  /** Every entry is a number below it. */
  get bound(): number {
    return this.#blocks.length;
  }

  /** Is there an entity of this number below the bound? */
  isEntry(entry: number): boolean {
    return (this.#numbers[WIDTH * entry + TO] as number) > 0;
  }

  /** Where its row lies, with what changed later. */
  rowAt(entry: number): StoredRow {
    const later = this.#numbers[WIDTH * entry + LATER] as number;
    return { ...this.#placeOf(entry), later: later === NONE ? null : this.#laterAt(later) };
  }

  /** The row that was written last: its head is the one that holds. */
  lastRowAt(entry: number): RowAt {
    const later = this.#numbers[WIDTH * entry + LATER] as number;
    return this.#placeOf(later === NONE ? entry : later);
  }

  hasLater(entry: number): boolean {
    return this.#numbers[WIDTH * entry + LATER] !== NONE;
  }

  #placeOf(entry: number): RowAt {
    const at = WIDTH * entry;
    const to = Math.abs(this.#numbers[at + TO] as number);
    return (this.#blocks[entry] as Block).rowAt(this.#numbers[at + FROM] as number, to);
  }

  #laterAt(entry: number): LaterRow {
    const rows: RowAt[] = [];
    for (let at = entry; at !== NONE; at = this.#numbers[WIDTH * at + LATER] as number)
      rows.push(this.#placeOf(at));
    let before: LaterRow | null = null;
    for (const row of rows.reverse()) before = { ...row, before };
    return before as LaterRow;
  }

  #isKey(entry: number, bytes: Buffer, keyFrom: number, keyTo: number): boolean {
    const row = this.#placeOf(entry);
    const known = row.bytes;
    const from = row.from + this.#keyAt;
    // A quotation mark ends a key and nothing within it: what begins alike is no longer one.
    for (let at = 0; at < keyTo - keyFrom; at += 1)
      if (known[from + at] !== bytes[keyFrom + at]) return false;
    return true;
  }

  #homeOf(hash: number): number {
    return Math.imul(hash, SPREAD) >>> this.#shift;
  }

  /** A free place near home, or none. */
  #placeFor(hash: number): number {
    const index = this.#index;
    const mask = index.length - 1;
    let at = this.#homeOf(hash);
    for (let away = 0; away < PROBES_MAX; away += 1) {
      if (index[at] === 0) {
        if (away > this.#reach) this.#reach = away;
        return at;
      }
      at = (at + 1) & mask;
    }
    return NONE;
  }

  #enter(hash: number, block: Block, from: number, to: number, later: number): number {
    block.enter();
    let entry = this.#free;
    if (entry === NONE) {
      entry = this.#blocks.length;
      if (WIDTH * entry >= this.#numbers.length) this.#lengthen();
      this.#blocks.push(block);
    } else {
      this.#free = this.#numbers[WIDTH * entry + LATER] as number;
      this.#blocks[entry] = block;
    }
    const at = WIDTH * entry;
    const numbers = this.#numbers;
    numbers[at] = hash;
    numbers[at + FROM] = from;
    numbers[at + TO] = to;
    numbers[at + LATER] = later;
    return entry;
  }

  #release(entry: number): void {
    (this.#blocks[entry] as Block).leave();
    this.#blocks[entry] = NOWHERE;
    this.#numbers[WIDTH * entry + TO] = FREE;
    this.#numbers[WIDTH * entry + LATER] = this.#free;
    this.#free = entry;
  }

  #freeLater(entry: number): void {
    let later = this.#numbers[WIDTH * entry + LATER] as number;
    while (later !== NONE) {
      const before = this.#numbers[WIDTH * later + LATER] as number;
      this.#release(later);
      later = before;
    }
    this.#numbers[WIDTH * entry + LATER] = NONE;
  }

  /** Takes it out of the index; those behind it that it kept from their places move up. */
  #unindex(entry: number): void {
    const index = this.#index;
    const mask = index.length - 1;
    let gap = this.#homeOf(this.#numbers[WIDTH * entry] as number);
    while (index[gap] !== entry + 1) gap = (gap + 1) & mask;
    for (let at = (gap + 1) & mask; index[at] !== 0; at = (at + 1) & mask) {
      if (((at - gap) & mask) > this.#reach) break;
      const home = this.#homeOf(this.#numbers[WIDTH * ((index[at] as number) - 1)] as number);
      if (((at - home) & mask) < ((at - gap) & mask)) continue;
      index[gap] = index[at] as number;
      gap = at;
    }
    index[gap] = 0;
  }

  #lengthen(): void {
    const longer = new Int32Array(2 * this.#numbers.length);
    longer.set(this.#numbers);
    this.#numbers = longer;
  }

  #widen(): void {
    const before = this.#index;
    const index = new Int32Array(2 * before.length);
    const mask = index.length - 1;
    this.#index = index;
    this.#shift -= 1;
    this.#reach = 0;
    for (const one of before) {
      if (one === 0) continue;
      const home = this.#homeOf(this.#numbers[WIDTH * (one - 1)] as number);
      let at = home;
      while (index[at] !== 0) at = (at + 1) & mask;
      index[at] = one;
      this.#reach = Math.max(this.#reach, (at - home) & mask);
    }
  }
}

/** The byte behind a row's key, which begins `keyAt` bytes behind the row's first. */
export function behindKey({ bytes, from, to }: RowAt, keyAt: number): number {
  return behindQuoted(bytes, from + keyAt, to);
}
