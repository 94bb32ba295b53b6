/** Space: the entities of one owner; awake ones in slots, all others as rows. */
import { hashed, PAGES, pageOfHash, seedOf } from './page.ts';
import { behindKey, RowTable, type StoredRow } from './row-table.ts';
import { headAt, quotedText, type RowAt } from './rows.ts';
import { type Entity, glanceAt, headFor, readEntity, type Slot, type Space } from './slot.ts';

/** A space that holds nothing. */
export function newSpace(name: string): Space {
  const quoted = JSON.stringify(name);
  return {
    ...{ name, quoted, written: Buffer.from(quoted), seed: seedOf(name), slots: new Map() },
    ...{ pages: [], tables: [], resting: 0 },
    ...{ split: null, partPacking: null, packing: null, rests: false, reads: 0, last: undefined },
  };
}

/** Room for all pages: most of a hundred spaces hold nothing, and have none. */
function none<T>(): (T | undefined)[] {
  return new Array<T | undefined>(PAGES).fill(undefined);
}

/** Forgets everything that the space holds. */
export function clear(space: Space): void {
  space.slots.clear();
  space.pages = [];
  space.tables = [];
  space.resting = 0;
  space.last = undefined;
}

/** How many entities it holds. */
export function countIn({ slots, resting }: Space): number {
  return slots.size + resting;
}

/** The slot of a key; its row becomes one where it rested. Undefined where there is no such entity. */
export function slotOf(space: Space, key: string): Slot | undefined {
  const { last } = space;
  if (last !== undefined && last.key === key) return last;
  const found = space.slots.get(key) ?? woken(space, key);
  if (found !== undefined) {
    space.last = found;
    found.isUsed = true;
  }
  return found;
}

/** A slot for a key that has none and no row. */
export function newSlot(space: Space, key: string, row: StoredRow | null = null): Slot {
  const page = pageOfHash(hashed(space.seed, key));
  const slot: Slot = {
    space,
    key,
    page,
    at: 0,
    entity: undefined,
    row,
    isDirty: false,
    isWhole: false,
    isUsed: true,
    isRead: false,
    parts: null,
  };
  space.slots.set(key, slot);
  if (space.pages.length === 0) space.pages = none();
  let slots = space.pages[page];
  if (slots === undefined) {
    slots = [];
    space.pages[page] = slots;
  }
  slot.at = slots.push(slot) - 1;
  return slot;
}

/** The slot is one no more: its entity is gone, or rests. */
export function leave(slot: Slot): void {
  const { space, key, page, at } = slot;
  space.slots.delete(key);
  if (space.last === slot) space.last = undefined;
  // The last one of the page takes its place.
  const slots = space.pages[page] ?? [];
  const last = slots.pop();
  if (last === undefined || at === slots.length) return;
  slots[at] = last;
  last.at = at;
}

/** Rows of the space on a page. */
export function tableOf(space: Space, page: number): RowTable {
  if (space.tables.length === 0) space.tables = none();
  let table = space.tables[page];
  if (table === undefined) {
    table = new RowTable(keyAt(space));
    space.tables[page] = table;
  }
  return table;
}

/** Where the key begins in its rows: a bracket stands before the space, a comma behind it. */
export function keyAt({ written }: Space): number {
  return written.length + 2;
}

function woken(space: Space, key: string): Slot | undefined {
  if (space.resting === 0) return undefined;
  const hash = hashed(space.seed, key);
  const table = space.tables[pageOfHash(hash)];
  const entry = table?.findText(hash, key) ?? -1;
  return table === undefined || entry < 0 ? undefined : wake(space, table, entry, key);
}

function wake(space: Space, table: RowTable, entry: number, key: string): Slot {
  const row = table.rowAt(entry);
  table.drop(entry);
  space.resting -= 1;
  return newSlot(space, key, row);
}

/** Wakes all that rest on a page; none of them is read for that. */
export function wakePage(space: Space, page: number): void {
  const table = space.tables[page];
  if (table === undefined) return;
  for (let entry = 0; entry < table.bound; entry += 1)
    if (table.isEntry(entry)) wake(space, table, entry, keyIn(space, table.lastRowAt(entry)));
  space.tables[page] = undefined;
}

/** One of a page's entities, by a number below how many there are: some come twice, and others are left out. */
export function oneOf(
  space: Space,
  page: number,
  draw: (below: number) => number,
): Slot | undefined {
  const slots = space.pages[page] ?? [];
  const table = space.tables[page];
  const size = table?.size ?? 0;
  if (slots.length + size === 0) return undefined;
  const at = draw(slots.length + size);
  if (table === undefined || at < slots.length) return slots[at];
  // Entries that are free lie between the others: the next one that is not is as good.
  let entry = draw(table.bound);
  while (!table.isEntry(entry)) entry = (entry + 1) % table.bound;
  return wake(space, table, entry, keyIn(space, table.lastRowAt(entry)));
}

/**
 * Keys and heads of all; of what rests none is read. One that is asked for meanwhile, which wakes it, may
 * come twice.
 */
export function* headsIn(space: Space): Generator<[key: string, head: unknown]> {
  for (let page = 0; page < PAGES; page += 1) yield* headsOn(space, page);
}

/** The same of one page. */
export function* headsOn(space: Space, page: number): Generator<[key: string, head: unknown]> {
  const table = space.tables[page];
  for (let entry = 0; table !== undefined && entry < table.bound; entry += 1) {
    if (!table.isEntry(entry)) continue;
    const row = table.lastRowAt(entry);
    const keyTo = behindKey(row, keyAt(space));
    yield [quotedText(row.bytes, row.from + keyAt(space), keyTo), headAt(row, keyTo)];
  }
  for (const slot of space.pages[page] ?? []) yield [slot.key, headIn(slot)];
}

/** The head of one entity, which goes on resting where it rests; undefined where there is none. */
export function headOf(space: Space, key: string): unknown {
  const slot = space.slots.get(key);
  if (slot !== undefined) return headIn(slot);
  const hash = hashed(space.seed, key);
  const table = space.tables[pageOfHash(hash)];
  const entry = table?.findText(hash, key) ?? -1;
  if (table === undefined || entry < 0) return undefined;
  return headInRow(space, table.lastRowAt(entry));
}

/** Keys and entities of all, to be looked at only, likewise: those that rest go on resting. */
export function* glancesIn(space: Space): Generator<[key: string, entity: Entity]> {
  for (const table of space.tables) {
    if (table === undefined) continue;
    for (let entry = 0; entry < table.bound; entry += 1) {
      if (!table.isEntry(entry)) continue;
      const key = keyIn(space, table.lastRowAt(entry));
      yield [key, readEntity(space, key, table.rowAt(entry))];
    }
  }
  for (const slot of space.slots.values()) yield [slot.key, glanceAt(slot)];
}

function headIn({ space, entity, row }: Slot): unknown {
  if (row === null) return entity == null ? null : headFor(space, entity);
  return headInRow(space, row.later ?? row);
}

function headInRow(space: Space, row: RowAt): unknown {
  return headAt(row, behindKey(row, keyAt(space)));
}

/** The key in a row of the space. */
export function keyIn(space: Space, row: RowAt): string {
  const from = row.from + keyAt(space);
  return quotedText(row.bytes, from, behindKey(row, keyAt(space)));
}
