/** Slots: every stage's entities in one place, with deltas and pages for the store. */
import type { StoredParts } from '../model/effects.ts';
import { assert } from '../model/errors.ts';
import { Blocks, type Packer } from './blocks.ts';
import { Draws } from './draws.ts';
import { loading, type Spaces } from './loading.ts';
import { PAGES } from './page.ts';
import { pageRows, restRows } from './resting.ts';
import { RowWriter } from './rows.ts';
import {
  ChangedParts,
  deltaRowOf,
  type Entity,
  entityOf,
  type Packing,
  type PartPacking,
  type Slot,
  type Space,
} from './slot.ts';
import {
  clear,
  countIn,
  glancesIn,
  headOf,
  headsIn,
  headsOn,
  leave,
  newSlot,
  newSpace,
  oneOf,
  slotOf,
  wakePage,
} from './space.ts';

export { PAGES };

/** Names of changed parts that a new one is compared with, so that each is written once. */
const PARTS_COMPARED = 16;

type StoredPages = StoredParts['pages'];
type StoredDeltas = StoredParts['deltas'];

/** Keyed entities. A change is kept only if the key was `put`, `touch`ed or `remove`d. */
export class Slots {
  readonly #spaces: Spaces = new Map<string, Space>();
  readonly #writer = new RowWriter();
  readonly #blocks: Blocks;
  #dirty: Slot[] = [];
  /** By page that was loaded: the last delta it contains. */
  readonly #upto = new Array<number>(PAGES).fill(0);
  readonly #draws = new Draws();

  /** `packer`: how what rests is packed (see `pack`). Null: it is not. */
  constructor(packer: Packer | null = null) {
    this.#blocks = new Blocks(packer);
  }

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
    const slot = slotOf(space, key) ?? newSlot(space, key);
    slot.entity = entity;
    slot.row = null;
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
    slot.parts ??= [];
    const changed = slot.parts.find((one) => one.record === record)?.names;
    if (changed === undefined) slot.parts.push(new ChangedParts(record, part));
    // Written twice is no harm: what is looked at is what was touched last.
    else if (changed.length > PARTS_COMPARED || !changed.includes(part)) changed.push(part);
  }

  remove(name: string, key: string): void {
    const slot = this.#find(name, key);
    if (slot === undefined) return;
    // It was read to be let go of: that it lay as a row cost nothing that would not be paid again.
    if (slot.isRead) slot.space.reads -= 1;
    leave(slot);
    slot.entity = null;
    slot.row = null;
    this.#mark(slot);
  }

  /** How many entities a space holds. */
  count(space: string): number {
    const held = this.#spaces.get(space);
    return held === undefined ? 0 : countIn(held);
  }

  /** Names of all spaces that hold something. */
  spaces(): string[] {
    return [...this.#spaces.values()].filter((one) => countIn(one) > 0).map(({ name }) => name);
  }

  /** Removes every entity of a space. */
  drop(name: string): void {
    const space = this.#spaces.get(name);
    if (space === undefined) return;
    for (const [key] of [...headsIn(space)]) this.remove(name, key);
  }

  /** How many entities that may rest do not. */
  get awake(): number {
    let awake = 0;
    for (const space of this.#spaces.values()) if (space.rests) awake += space.slots.size;
    return awake;
  }

  /** How often entities were asked for where they rested, less those that were removed at once. */
  get reads(): number {
    let reads = 0;
    for (const space of this.#spaces.values()) if (space.rests) reads += space.reads;
    return reads;
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
    const space = this.#spaces.get(name);
    if (space === undefined) return found;
    const from = this.#draws.below(PAGES);
    const draw = (below: number) => this.#draws.below(below);
    for (let tried = 0; tried < 2 * PAGES && found.length < most; tried += 1) {
      const slot = oneOf(space, (from + tried) % PAGES, draw);
      if (slot !== undefined) found.push([slot.key, entityOf(slot) as T]);
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
    const space = this.#spaces.get(name);
    if (space === undefined) return;
    for (let page = 0; page < PAGES; page += 1) wakePage(space, page);
    for (const slot of space.slots.values()) yield [slot.key, entityOf(slot) as T];
  }

  /**
   * Every entity of a space, to be looked at only: those that rest go on resting. One that is asked for
   * meanwhile may come twice; likewise with `heads`.
   */
  *glances<T extends Entity>(name: string): Generator<[key: string, entity: T]> {
    const space = this.#spaces.get(name);
    if (space !== undefined) yield* glancesIn(space) as Generator<[string, T]>;
  }

  /** Heads of a space's entities, by which timers and orders are rebuilt: none of them is read. */
  heads(name: string): Iterable<[key: string, head: unknown]> {
    const space = this.#spaces.get(name);
    return space === undefined ? [] : headsIn(space);
  }

  /** The same of one page: some of a space's entities, which one it is on never changes. */
  headsOn(name: string, page: number): Iterable<[key: string, head: unknown]> {
    const space = this.#spaces.get(name);
    return space === undefined ? [] : headsOn(space, page);
  }

  /** The head of one entity, which goes on resting where it rests; undefined where there is none. */
  head(name: string, key: string): unknown {
    const space = this.#spaces.get(name);
    return space === undefined ? undefined : headOf(space, key);
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
    return pageRows(this.#spaces.values(), page, this.#blocks, this.#writer);
  }

  /**
   * Lets entities of a page rest that nobody asked for since this was last called for it, where their
   * owner declared that they may. Returns how many.
   */
  rest(page: number): number {
    return restRows(this.#spaces.values(), page, this.#blocks, this.#writer);
  }

  /** What rests since the last call, or was loaded before it, may be packed from now on. */
  turn(): void {
    this.#blocks.turn();
  }

  /** Packs about `most` bytes of rows that may be packed. Returns how many bytes that were. */
  pack(most: number): number {
    return this.#blocks.pack(most);
  }

  /**
   * Loads pages, then deltas in order; a page ignores deltas it already contains. They may come in parts. A
   * step loads some rows: nothing may be read or changed before the last one.
   */
  *loading({ pages, deltas }: StoredParts): Generator<undefined, void> {
    const upto = this.#upto;
    for (const { page, uptoSeq, bytes } of pages) {
      upto[page] = uptoSeq;
      yield* loading(this.#spaces, this.#blocks, bytes, null);
    }
    for (const { seq, bytes } of deltas)
      yield* loading(this.#spaces, this.#blocks, bytes, (page) => seq > (upto[page] as number));
  }

  /** Forgets everything, and loads all of it in one step. */
  restore(pages: StoredPages, deltas: StoredDeltas): void {
    for (const space of this.#spaces.values()) clear(space);
    this.#blocks.clear();
    this.#upto.fill(0);
    this.#dirty = [];
    const steps = this.loading({ pages, deltas });
    while (steps.next().done !== true);
  }

  #find(name: string, key: string): Slot | undefined {
    const space = this.#spaces.get(name);
    return space === undefined ? undefined : slotOf(space, key);
  }

  #spaceOf(name: string): Space {
    let space = this.#spaces.get(name);
    if (space === undefined) {
      space = newSpace(name);
      this.#spaces.set(name, space);
    }
    return space;
  }

  #mark(slot: Slot): void {
    slot.isRead = false;
    if (slot.isDirty) return;
    slot.isDirty = true;
    this.#dirty.push(slot);
  }
}
