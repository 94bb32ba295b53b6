/** Slots: every stage's entities in one place, with deltas and pages for the store. */
import { assert } from '../model/errors.ts';
import { Draws } from './draws.ts';
import { PAGES, pageOf } from './page.ts';

export { PAGES };

/** Rows loaded in one step of a restore. */
const STEP_ROWS = 2000;

/** An entity: plain JSON. `wake` is the event time, ms, at which its owner wants to be called. */
export interface Entity {
  wake?: number | undefined;
}

/** A record within an entity whose members are written one by one. */
export type Parts = Record<string, unknown>;

/** How an entity is written: at once, or without its split records and with what changed in them. */
type StoredRow =
  | readonly [full: string, entity: Entity | null]
  | readonly [full: string, head: Entity, changed: Readonly<Record<string, Parts>>];

type StoredPages = readonly {
  readonly page: number;
  readonly uptoSeq: number;
  readonly bytes: Buffer;
}[];
type StoredDeltas = readonly { readonly seq: number; readonly bytes: Buffer }[];

/** How entities with split records are written where that is shorter than how they are kept. */
export interface PartPacking {
  /** All but the split records. */
  rest(entity: Entity): Entity;
  /** Members of a split record; null stands for one that was deleted. */
  record(name: string, members: Parts, entity: Entity): Parts;
}

/**
 * How entities of a space are written where that is shorter than how they are kept. Both may note in an
 * entity what of it was written: what they return is written, or the slots are thrown away.
 */
export interface Packing {
  /** All of it. */
  whole(entity: Entity): Entity;
  /**
   * What changed since either was last asked: the rest, and the members of records that were set.
   * Absent: all of it is written each time.
   */
  changed?(entity: Entity): readonly [rest: Entity, changed: Readonly<Record<string, Parts>>];
}

/** Where an entity lives, and what of it changed since the last delta. */
interface Slot {
  readonly space: string;
  readonly key: string;
  readonly page: number;
  entity: Entity | null;
  isDirty: boolean;
  /** Its place among those of its space on its page. */
  at: number;
  /** True where the delta must hold all of it. */
  isWhole: boolean;
  /** By split record: its changed members. */
  parts: Record<string, Set<string>> | null;
}

/** Keyed entities. A change is kept only if the key was `put`, `touch`ed or `remove`d. */
export class Slots {
  readonly #spaces = new Map<string, Map<string, Slot>>();
  /** By page, then by space: sampling one space must not walk over the others. */
  readonly #pages: Map<string, Slot[]>[] = Array.from({ length: PAGES }, () => new Map());
  /** By space: the records of its entities whose members are written one by one. */
  readonly #split = new Map<string, readonly string[]>();
  readonly #partPackings = new Map<string, PartPacking>();
  readonly #packings = new Map<string, Packing>();
  #dirty: Slot[] = [];
  #last: Slot | undefined;
  readonly #draws = new Draws();

  /**
   * Declares, before anything is put or restored, that entities of a space have records that outgrow
   * them: a delta then holds only those of their members that `touchPart` named, and `touch` speaks
   * of the rest. Whoever replaces such a record, or deletes much of it, calls `put`. What is packed is
   * read so by whoever restores it, and `adopt`s it.
   */
  split(space: string, records: readonly string[], packing?: PartPacking): void {
    this.#split.set(space, records);
    if (packing !== undefined) this.#partPackings.set(space, packing);
  }

  /** Declares how entities of a space are written; whoever restores them reads that, and `adopt`s. */
  packs(space: string, packing: Packing): void {
    this.#packings.set(space, packing);
  }

  /** Puts what a restored entity was unpacked to in its place: the same, so nothing is to be written. */
  adopt(space: string, key: string, entity: Entity): void {
    const slot = this.#spaces.get(space)?.get(key);
    if (slot !== undefined) slot.entity = entity;
  }

  /** The entity itself, to be changed in place and then touched. */
  get<T extends Entity>(space: string, key: string): T | undefined {
    return this.#find(space, key)?.entity as T | undefined;
  }

  put(space: string, key: string, entity: Entity): void {
    const slot = this.#slotOf(space, key, entity);
    slot.entity = entity;
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
    if (changed === undefined) slot.parts[record] = new Set([part]);
    else changed.add(part);
  }

  remove(space: string, key: string): void {
    const slots = this.#spaces.get(space);
    const slot = slots?.get(key);
    if (slots === undefined || slot === undefined) return;
    slots.delete(key);
    if (this.#last === slot) this.#last = undefined;
    this.#offPage(slot);
    slot.entity = null;
    this.#mark(slot);
  }

  /** How many entities a space holds. */
  count(space: string): number {
    return this.#spaces.get(space)?.size ?? 0;
  }

  /** Names of all spaces that hold something. */
  spaces(): string[] {
    return [...this.#spaces].filter(([, slots]) => slots.size > 0).map(([space]) => space);
  }

  /** Removes every entity of a space. */
  drop(space: string): void {
    for (const key of [...(this.#spaces.get(space)?.keys() ?? [])]) this.remove(space, key);
  }

  /** How many entities changed since the last delta. */
  get dirty(): number {
    return this.#dirty.length;
  }

  /** Entities of one space. */
  *of<T extends Entity>(space: string): Generator<[key: string, entity: T]> {
    for (const { key, entity } of this.#spaces.get(space)?.values() ?? []) yield [key, entity as T];
  }

  /**
   * Up to `most` entities of a space, drawn evenly from all of it, for sampled eviction: one that always
   * looked at the same end would never see what a flood put at the other. Few may come twice.
   */
  sample<T extends Entity>(space: string, most: number): [key: string, entity: T][] {
    const found: [string, T][] = [];
    const from = this.#draws.below(PAGES);
    for (let tried = 0; tried < 2 * PAGES && found.length < most; tried += 1) {
      const slots = this.#pages[(from + tried) % PAGES]?.get(space);
      if (slots === undefined || slots.length === 0) continue;
      const { key, entity } = slots[this.#draws.below(slots.length)] as Slot;
      found.push([key, entity as T]);
    }
    return found;
  }

  /** Every entity, for rebuilding timers after a restore. */
  *all(): Generator<[space: string, key: string, entity: Entity]> {
    for (const page of this.#pages)
      for (const slots of page.values())
        for (const { space, key, entity } of slots) if (entity !== null) yield [space, key, entity];
  }

  /** Changed entities since the last call, as bytes; null where nothing changed. */
  takeDelta(): Buffer | null {
    if (this.#dirty.length === 0) return null;
    const rows = this.#dirty.map((slot) => this.#rowOf(slot));
    for (const slot of this.#dirty) {
      slot.isDirty = false;
      slot.isWhole = false;
      slot.parts = null;
    }
    this.#dirty = [];
    return Buffer.from(JSON.stringify(rows));
  }

  /** One page in full, as bytes. */
  pageBytes(page: number): Buffer {
    assert(page >= 0 && page < PAGES, `page ${page}`);
    const rows: StoredRow[] = [];
    for (const slots of this.#pages[page]?.values() ?? [])
      for (const { space, key, entity } of slots) {
        const written = entity === null ? null : this.#wholeOf(space, entity);
        rows.push([`${space} ${key}`, written]);
      }
    return Buffer.from(JSON.stringify(rows));
  }

  /**
   * Loads pages, then deltas in order; a page ignores deltas it already contains. A step parses a
   * page or a delta, or loads some of its rows: nothing may be read or changed before the last one.
   */
  *restoring(pages: StoredPages, deltas: StoredDeltas): Generator<undefined, void> {
    const upto = new Array<number>(PAGES).fill(0);
    for (const page of this.#pages) page.clear();
    this.#spaces.clear();
    this.#last = undefined;
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

  #rowOf({ space, key, entity, isWhole, parts }: Slot): StoredRow {
    const full = `${space} ${key}`;
    if (entity === null) return [full, null];
    if (isWhole) return [full, this.#wholeOf(space, entity)];
    const packing = this.#packings.get(space);
    if (packing !== undefined)
      return packing.changed === undefined
        ? [full, packing.whole(entity)]
        : [full, ...packing.changed(entity)];
    const split = this.#split.get(space);
    return split === undefined
      ? [full, entity]
      : [full, ...this.#partsOf(space, split, entity, parts)];
  }

  #wholeOf(space: string, entity: Entity): Entity {
    const packing = this.#packings.get(space);
    if (packing !== undefined) return packing.whole(entity);
    const partPacking = this.#partPackings.get(space);
    if (partPacking === undefined) return entity;
    const whole = partPacking.rest(entity) as Record<string, Parts>;
    for (const name of this.#split.get(space) ?? [])
      whole[name] = partPacking.record(name, (entity as Record<string, Parts>)[name] ?? {}, entity);
    return whole;
  }

  /** The rest of an entity, and what changed in its split records. */
  #partsOf(
    space: string,
    split: readonly string[],
    entity: Entity,
    parts: Slot['parts'],
  ): [rest: Entity, changed: Record<string, Parts>] {
    const packing = this.#partPackings.get(space);
    const rest = (packing?.rest(entity) ?? { ...entity }) as Record<string, unknown>;
    const changed: Record<string, Parts> = {};
    for (const name of split) {
      rest[name] = undefined; // JSON leaves it out
      const names = parts?.[name];
      if (names === undefined) continue;
      const record = (entity as Record<string, Parts>)[name] as Parts;
      const members: Parts = {};
      // Parts bear names of others: what every object inherits is none of them.
      for (const part of names)
        own(members, part, Object.hasOwn(record, part) ? record[part] : null);
      changed[name] = packing?.record(name, members, entity) ?? members;
    }
    return [rest, changed];
  }

  *#loading(
    bytes: Buffer,
    isNewer: ((page: number) => boolean) | null,
  ): Generator<undefined, void> {
    let loaded = 0;
    for (const row of parseRows(bytes)) {
      if (loaded % STEP_ROWS === 0) yield;
      this.#load(row, isNewer);
      loaded += 1;
    }
  }

  #load(row: StoredRow, isNewer: ((page: number) => boolean) | null): void {
    const [full, entity, changed] = row;
    const cut = full.indexOf(' ');
    const space = full.slice(0, cut);
    const key = full.slice(cut + 1);
    if (isNewer !== null && !isNewer(pageOf(space, key))) return;
    if (entity === null) {
      this.remove(space, key);
      return;
    }
    const slot = this.#slotOf(space, key, entity);
    if (changed === undefined) {
      slot.entity = entity;
      return;
    }
    const before = slot.entity as Record<string, Parts>;
    // What is packed names all of its records in each row; it may be of somebody who is gone.
    for (const name of this.#split.get(space) ?? Object.keys(changed))
      (entity as Record<string, Parts>)[name] = merged(before[name] ?? {}, changed[name] ?? {});
    slot.entity = entity;
  }

  /** What is touched is what was just asked for, as a rule. */
  #find(space: string, key: string): Slot | undefined {
    const last = this.#last;
    if (last !== undefined && last.key === key && last.space === space) return last;
    const found = this.#spaces.get(space)?.get(key);
    if (found !== undefined) this.#last = found;
    return found;
  }

  #slotOf(space: string, key: string, entity: Entity): Slot {
    let slots = this.#spaces.get(space);
    if (slots === undefined) {
      slots = new Map();
      this.#spaces.set(space, slots);
    }
    let slot = slots.get(key);
    if (slot === undefined) {
      const page = pageOf(space, key);
      slot = { space, key, page, entity, isDirty: false, at: 0, isWhole: false, parts: null };
      slots.set(key, slot);
      slot.at = this.#onPage(slot).push(slot) - 1;
    }
    return slot;
  }

  #mark(slot: Slot): void {
    if (slot.isDirty) return;
    slot.isDirty = true;
    this.#dirty.push(slot);
  }

  #onPage({ page, space }: Slot): Slot[] {
    const spaces = this.#pages[page] as Map<string, Slot[]>;
    let slots = spaces.get(space);
    if (slots === undefined) {
      slots = [];
      spaces.set(space, slots);
    }
    return slots;
  }

  /** The last one of the page takes its place. */
  #offPage(slot: Slot): void {
    const slots = this.#onPage(slot);
    const last = slots.pop() as Slot;
    if (last === slot) return;
    slots[slot.at] = last;
    last.at = slot.at;
  }
}

function merged(record: Parts, changed: Parts): Parts {
  for (const [part, value] of Object.entries(changed))
    if (value === null) delete record[part];
    else own(record, part, value);
  return record;
}

/** Sets an own property, also one of the name __proto__. */
function own(record: Parts, part: string, value: unknown): void {
  if (part !== '__proto__') record[part] = value;
  else
    Object.defineProperty(record, part, {
      ...{ value, enumerable: true, configurable: true, writable: true },
    });
}

function parseRows(bytes: Buffer): StoredRow[] {
  return JSON.parse(bytes.toString('utf8')) as StoredRow[];
}
