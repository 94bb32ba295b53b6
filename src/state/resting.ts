/** Resting: entities that become rows, and rows that lie in a page from when it is written. */
import type { Block, Blocks } from './blocks.ts';
import { hashed } from './page.ts';
import type { RowTable } from './row-table.ts';
import type { RowWriter } from './rows.ts';
import { entityOf, readEntity, type Slot, type Space, wholeRowOf } from './slot.ts';
import { keyIn, leave, tableOf } from './space.ts';

/** Writes all rows of a page. What lies in bytes lies in these from then on. */
export function pageRows(
  spaces: Iterable<Space>,
  page: number,
  blocks: Blocks,
  writer: RowWriter,
): Buffer {
  const moving = new Moving(writer);
  for (const space of spaces) {
    for (const slot of space.pages[page] ?? [])
      if (slot.row === null) writer.text(wholeRowOf(space, slot.key, entityOf(slot)));
      else moving.slot(slot);
    const table = space.tables[page];
    if (table === undefined) continue;
    for (let entry = 0; entry < table.bound; entry += 1)
      if (table.isEntry(entry)) moving.row(space, table, entry);
  }
  const bytes = writer.take();
  moving.lieIn(bytes, blocks, false);
  return bytes;
}

/**
 * Makes rows of entities of a page that nobody asked for since this was last called for it, in spaces
 * that declared it. Returns how many.
 */
export function restRows(
  spaces: Iterable<Space>,
  page: number,
  blocks: Blocks,
  writer: RowWriter,
): number {
  const moving = new Moving(writer);
  let resting = 0;
  for (const space of spaces) {
    if (!space.rests) continue;
    for (const slot of space.pages[page] ?? []) {
      const isIdle = slot.row === null && !slot.isUsed && !slot.isDirty;
      slot.isUsed = false;
      if (!isIdle) continue;
      resting += 1;
      moving.slot(slot);
    }
  }
  if (resting > 0) moving.lieIn(writer.take(), blocks, true);
  return resting;
}

/** Its row goes to the table; where that has too many like it, it stays a slot that was not read. */
function toTable(slot: Slot, block: Block, from: number, to: number): void {
  const { space, key, page } = slot;
  if (!tableOf(space, page).add(hashed(space.seed, key), block, from, to)) return;
  leave(slot);
  space.resting += 1;
}

/** Rows on the way from where they lie, or from entities, to the bytes that are being written. */
class Moving {
  readonly #writer: RowWriter;
  /** Slots, and tables with the entry in them. */
  readonly #slots: (Slot | null)[] = [];
  readonly #tables: (RowTable | null)[] = [];
  readonly #entries: number[] = [];
  /** Where the writer stood before and behind each. */
  readonly #places: number[] = [];

  constructor(writer: RowWriter) {
    this.#writer = writer;
  }

  /** Writes a slot's row, or its entity. */
  slot(slot: Slot): void {
    this.#begin(slot, null, 0);
    const { space, key, row } = slot;
    if (row !== null && row.later === null) this.#writer.copy(row);
    else this.#writer.text(wholeRowOf(space, key, entityOf(slot)));
    this.#places.push(this.#writer.length);
  }

  /** Writes a row of a table, with what changed later. */
  row(space: Space, table: RowTable, entry: number): void {
    this.#begin(null, table, entry);
    if (!table.hasLater(entry)) this.#writer.copy(table.lastRowAt(entry));
    else {
      const row = table.rowAt(entry);
      const key = keyIn(space, row);
      this.#writer.text(wholeRowOf(space, key, readEntity(space, key, row)));
    }
    this.#places.push(this.#writer.length);
  }

  #begin(slot: Slot | null, table: RowTable | null, entry: number): void {
    this.#slots.push(slot);
    this.#tables.push(table);
    this.#entries.push(entry);
    this.#places.push(this.#writer.length);
  }

  /**
   * They lie in `bytes` from now on: in some of their own where they are less than half of these. `rest`: and
   * slots become rows.
   */
  lieIn(bytes: Buffer, blocks: Blocks, rest: boolean): void {
    let length = 0;
    for (let at = 0; at < this.#slots.length; at += 1) length += this.#to(at) - this.#from(at);
    const isMost = length * 2 > bytes.length;
    const own = isMost ? bytes : Buffer.allocUnsafeSlow(length);
    const cut = blocks.cut(own);
    let next = 0;
    for (let at = 0; at < this.#slots.length; at += 1) {
      const [from, to] = [this.#from(at), this.#to(at)];
      const start = isMost ? from : next;
      if (!isMost) bytes.copy(own, next, from, to);
      next += to - from;
      const end = start + to - from;
      const slot = this.#slots[at] as Slot | null;
      if (slot === null) {
        const entry = this.#entries[at] as number;
        this.#tables[at]?.replace(entry, cut.at(start, end), start, end);
        continue;
      }
      slot.entity = undefined;
      slot.row = { bytes: own, from: start, to: end, later: null };
      if (rest) toTable(slot, cut.at(start, end), start, end);
    }
    cut.end();
  }

  /** Before the first row stands a bracket, before others a comma and a line feed. */
  #from(at: number): number {
    const before = this.#places[2 * at] as number;
    return before === 1 ? 1 : before + 2;
  }

  #to(at: number): number {
    return this.#places[2 * at + 1] as number;
  }
}
