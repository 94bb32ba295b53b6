/** Slots: every stage's entities in one place, with deltas and pages for the store. */
import { assert } from '../model/errors.ts';
import { Draws } from './draws.ts';
import { PAGES, pageOf } from './page.ts';
import { headOf, type RowAt, RowWriter, rowsIn } from './rows.ts';
import {
  deltaRowOf,
  type Entity,
  entityOf,
  glanceAt,
  headFor,
  leaveRow,
  lieIn,
  type Packing,
  type PartPacking,
  type Slot,
  type Space,
  wholeRowOf,
} from './slot.ts';

export { PAGES };

/** Names of changed parts that a new one is compared with, so that each is written once. */
const PARTS_COMPARED = 16;
/** Rows loaded in one step of a restore. */
const STEP_ROWS = 2000;

type StoredPages = readonly {
  readonly page: number;
  readonly uptoSeq: number;
  readonly bytes: Buffer;
}[];
type StoredDeltas = readonly { readonly seq: number; readonly bytes: Buffer }[];

/** Keyed entities. A change is kept only if the key was `put`, `touch`ed or `remove`d. */
export class Slots {
  readonly #spaces = new Map<string, Space>();
  readonly #writer = new RowWriter();
  #dirty: Slot[] = [];
  readonly #draws = new Draws();

  /**
   * Declares, before anything is put or restored, that entities of a space have records that outgrow
   * them: a delta then holds only those of their members that `touchPart` named, and `touch` speaks
   * of the rest. Whoever replaces such a record, or deletes much of it, calls `put`.
   */
  split(name: string, records: readonly string[], packing?: PartPacking): void {
    const space = this.#spaceOf(name);
    space.split = records;
    space.partPacking = packing ?? null;
  }

  /** Declares how entities of a space are written, and read. */
  packs(name: string, packing: Packing): void {
    const space = this.#spaceOf(name);
    const isNew = space.packing === null;
    space.packing = packing;
    // What was read while nobody said how is still as it was written.
    if (isNew && packing.restored !== undefined)
      for (const slot of space.slots.values())
        if (slot.entity != null && !slot.isWhole)
          slot.entity = packing.restored(slot.entity, slot.key);
  }

  /**
   * Declares that nobody holds on to an entity of the space, or to anything in it, from one delta to
   * the next: `rest` may then turn it into bytes.
   */
  rests(name: string): void {
    this.#spaceOf(name).rests = true;
  }

  /** The entity itself, to be changed in place and then touched. */
  get<T extends Entity>(space: string, key: string): T | undefined {
    const slot = this.#find(space, key);
    return slot === undefined ? undefined : (entityOf(slot) as T);
  }

  put(name: string, key: string, entity: Entity): void {
    const space = this.#spaceOf(name);
    const slot = this.#findIn(space, key) ?? this.#newSlot(space, key);
    slot.entity = entity;
    leaveRow(slot);
    slot.isWhole = true;
    this.#mark(slot);
  }

  touch(space: string, key: string): void {
    const slot = this.#find(space, key);
    if (slot !== undefined) this.#mark(slot);
  }

  /** One member of a split record was set, changed or deleted. */
  touchPart(space: string, key: string, record: string, part: string): void {
    const slot = this.#find(space, key);
    if (slot === undefined) return;
    this.#mark(slot);
    if (slot.isWhole) return;
    slot.parts ??= {};
    const changed = slot.parts[record];
    if (changed === undefined) slot.parts[record] = [part];
    // Written twice is no harm: what is looked at is what was touched last.
    else if (changed.length > PARTS_COMPARED || !changed.includes(part)) changed.push(part);
  }

  remove(name: string, key: string): void {
    const slot = this.#find(name, key);
    if (slot === undefined) return;
    this.#forget(slot);
    this.#mark(slot);
  }

  /** How many entities a space holds. */
  count(space: string): number {
    return this.#spaces.get(space)?.slots.size ?? 0;
  }

  /** Names of all spaces that hold something. */
  spaces(): string[] {
    return [...this.#spaces.values()].filter(({ slots }) => slots.size > 0).map(({ name }) => name);
  }

  /** Removes every entity of a space. */
  drop(space: string): void {
    for (const key of [...(this.#spaces.get(space)?.slots.keys() ?? [])]) this.remove(space, key);
  }

  /** How many entities changed since the last delta. */
  get dirty(): number {
    return this.#dirty.length;
  }

  /**
   * Up to `most` entities of a space, drawn evenly from all of it, for sampled eviction: one that always
   * looked at the same end would never see what a flood put at the other. Few may come twice.
   */
  sample<T extends Entity>(name: string, most: number): [key: string, entity: T][] {
    const found: [string, T][] = [];
    const pages = this.#spaces.get(name)?.pages ?? [];
    const from = this.#draws.below(PAGES);
    for (let tried = 0; tried < 2 * PAGES && found.length < most; tried += 1) {
      const slots = pages[(from + tried) % PAGES];
      if (slots === undefined || slots.length === 0) continue;
      const slot = slots[this.#draws.below(slots.length)] as Slot;
      found.push([slot.key, entityOf(slot) as T]);
    }
    return found;
  }

  /** Every entity, each of them read. */
  *all(): Generator<[space: string, key: string, entity: Entity]> {
    for (const { name } of this.#spaces.values())
      for (const [key, entity] of this.entities(name)) yield [name, key, entity];
  }

  /** Every entity of a space, each of them read. */
  *entities<T extends Entity>(name: string): Generator<[key: string, entity: T]> {
    for (const slot of this.#spaces.get(name)?.slots.values() ?? [])
      yield [slot.key, entityOf(slot) as T];
  }

  /** Every entity of a space, to be looked at only: those that rest go on resting. */
  *glances<T extends Entity>(name: string): Generator<[key: string, entity: T]> {
    for (const slot of this.#spaces.get(name)?.slots.values() ?? [])
      yield [slot.key, glanceAt(slot) as T];
  }

  /** Heads of a space's entities, by which timers and orders are rebuilt: none of them is read. */
  *heads(name: string): Generator<[key: string, head: unknown]> {
    for (const slot of this.#spaces.get(name)?.slots.values() ?? []) yield [slot.key, headIn(slot)];
  }

  /** The head of one entity, which goes on resting where it rests; undefined where there is none. */
  head(name: string, key: string): unknown {
    const slot = this.#spaces.get(name)?.slots.get(key);
    return slot === undefined ? undefined : headIn(slot);
  }

  /** Changed entities since the last call, as bytes; null where nothing changed. */
  takeDelta(): Buffer | null {
    if (this.#dirty.length === 0) return null;
    for (const slot of this.#dirty) {
      this.#writer.text(deltaRowOf(slot));
      slot.isDirty = false;
      slot.isWhole = false;
      slot.parts = null;
    }
    this.#dirty = [];
    return this.#writer.take();
  }

  /** One page in full, as bytes. What lies in bytes lies in these from then on. */
  pageBytes(page: number): Buffer {
    assert(page >= 0 && page < PAGES, `page ${page}`);
    const moved: Slot[] = [];
    const places: number[] = [];
    for (const { pages } of this.#spaces.values())
      for (const slot of pages[page] ?? []) {
        const { bytes, from, to } = slot;
        if (bytes === null) {
          this.#writer.text(wholeRowOf(slot));
          continue;
        }
        moved.push(slot);
        places.push(this.#writer.length);
        if (slot.later === null) this.#writer.copy({ bytes, from, to });
        else this.#writer.text(wholeRowOf(slot));
        places.push(this.#writer.length);
      }
    const bytes = this.#writer.take();
    lieIn(bytes, moved, places);
    return bytes;
  }

  /**
   * Lets entities of a page rest that nobody asked for since this was last called for it, where their
   * owner declared that they may. Returns how many.
   */
  rest(page: number): number {
    const resting: Slot[] = [];
    const places: number[] = [];
    for (const { pages, rests } of this.#spaces.values()) {
      if (!rests) continue;
      for (const slot of pages[page] ?? []) {
        const isIdle = slot.bytes === null && !slot.isUsed && !slot.isDirty;
        slot.isUsed = false;
        if (!isIdle) continue;
        resting.push(slot);
        places.push(this.#writer.length);
        this.#writer.text(wholeRowOf(slot));
        places.push(this.#writer.length);
      }
    }
    if (resting.length > 0) lieIn(this.#writer.take(), resting, places);
    return resting.length;
  }

  /**
   * Loads pages, then deltas in order; a page ignores deltas it already contains. A step parses a
   * page or a delta, or loads some of its rows: nothing may be read or changed before the last one.
   */
  *restoring(pages: StoredPages, deltas: StoredDeltas): Generator<undefined, void> {
    const upto = new Array<number>(PAGES).fill(0);
    for (const space of this.#spaces.values()) {
      space.slots.clear();
      space.pages.fill(undefined);
      space.last = undefined;
    }
    for (const { page, uptoSeq, bytes } of pages) {
      upto[page] = uptoSeq;
      yield* this.#loading(bytes, null);
    }
    for (const { seq, bytes } of deltas)
      yield* this.#loading(bytes, (page) => seq > (upto[page] as number));
    this.#dirty = [];
  }

  /** `restoring`, all steps at once. */
  restore(pages: StoredPages, deltas: StoredDeltas): void {
    const steps = this.restoring(pages, deltas);
    while (steps.next().done !== true);
  }

  *#loading(
    bytes: Buffer,
    isNewer: ((page: number) => boolean) | null,
  ): Generator<undefined, void> {
    let loaded = 0;
    for (const row of rowsIn(bytes)) {
      if (loaded % STEP_ROWS === 0) yield;
      this.#load(row, isNewer);
      loaded += 1;
    }
  }

  #load(row: RowAt, isNewer: ((page: number) => boolean) | null): void {
    const { space: name, key, isPart, isGone } = headOf(row);
    const space = this.#spaceOf(name);
    const known = space.slots.get(key);
    if (isNewer !== null && !isNewer(known?.page ?? pageOf(space.name, key))) return;
    if (isGone) {
      if (known !== undefined) this.#forget(known);
      return;
    }
    const slot = known ?? this.#newSlot(space, key);
    if (isPart && slot.bytes !== null) {
      slot.later = { bytes: row.bytes, from: row.from, to: row.to, before: slot.later };
      return;
    }
    slot.bytes = row.bytes;
    slot.from = row.from;
    slot.to = row.to;
    slot.later = null;
  }

  #find(name: string, key: string): Slot | undefined {
    const space = this.#spaces.get(name);
    return space === undefined ? undefined : this.#findIn(space, key);
  }

  #findIn(space: Space, key: string): Slot | undefined {
    const { last } = space;
    if (last !== undefined && last.key === key) return last;
    const found = space.slots.get(key);
    if (found !== undefined) {
      space.last = found;
      found.isUsed = true;
    }
    return found;
  }

  #spaceOf(name: string): Space {
    let space = this.#spaces.get(name);
    if (space === undefined) {
      const pages = new Array<Slot[] | undefined>(PAGES).fill(undefined);
      space = {
        ...{
          name,
          quoted: JSON.stringify(name),
          slots: new Map(),
          pages,
          split: null,
          partPacking: null,
          packing: null,
        },
        ...{ rests: false, last: undefined },
      };
      this.#spaces.set(name, space);
    }
    return space;
  }

  #newSlot(space: Space, key: string): Slot {
    const page = pageOf(space.name, key);
    const slot: Slot = {
      space,
      key,
      page,
      at: 0,
      entity: undefined,
      bytes: null,
      from: 0,
      to: 0,
      later: null,
      isDirty: false,
      isWhole: false,
      isUsed: true,
      parts: null,
    };
    space.slots.set(key, slot);
    let slots = space.pages[page];
    if (slots === undefined) {
      slots = [];
      space.pages[page] = slots;
    }
    slot.at = slots.push(slot) - 1;
    return slot;
  }

  #forget(slot: Slot): void {
    const { space, key } = slot;
    space.slots.delete(key);
    offPage(slot);
    if (space.last === slot) space.last = undefined;
    slot.entity = null;
    leaveRow(slot);
  }

  #mark(slot: Slot): void {
    if (slot.isDirty) return;
    slot.isDirty = true;
    this.#dirty.push(slot);
  }
}

/** The last one of the page takes its place. */
function offPage({ space, page, at }: Slot): void {
  const slots = space.pages[page] ?? [];
  const last = slots.pop();
  if (last === undefined || at === slots.length) return;
  slots[at] = last;
  last.at = at;
}

function headIn({ space, entity, bytes, from, to, later }: Slot): unknown {
  if (bytes === null) return entity == null ? null : headFor(space, entity);
  return headOf(later ?? { bytes, from, to }).head;
}
