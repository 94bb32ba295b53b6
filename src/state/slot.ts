/** A slot: an entity as it is kept or as it was written, and the rows it is written as. */
import { assert } from '../model/errors.ts';
import { newTable, tableOf } from '../model/table.ts';
import type { LaterRow, RowTable, StoredRow } from './row-table.ts';
import { bodyOf, type RowAt, rowText } from './rows.ts';

/** An entity: plain JSON. `wake` is the event time, ms, at which its owner wants to be called. */
export interface Entity {
  wake?: number | undefined;
}

/** A record within an entity whose members are written one by one. */
export type Parts = Record<string, unknown>;

/** What both kinds of packing may say. */
interface Unpacking {
  /** The entity as it is kept, from what was written of it. Absent: it is kept as it is written. */
  restored?(stored: Entity, key: string): Entity;
  /** What is asked of every entity at a start, or of many: it can be read without reading the entity. */
  head?(entity: Entity): unknown;
}

/** How entities with split records are written where that is shorter than how they are kept. */
export interface PartPacking extends Unpacking {
  /** All but the split records. */
  rest(entity: Entity): Entity;
  /** Members of a split record; null stands for one that was deleted. */
  record(name: string, members: Parts, entity: Entity): Parts;
}

/**
 * How entities of a space are written where that is shorter than how they are kept. Both may note in an
 * entity what of it was written: what they return is written, or the slots are thrown away.
 */
export interface Packing extends Unpacking {
  /** All of it. */
  whole(entity: Entity): Entity;
  /**
   * What changed since either was last asked: the rest, and the members of records that were set.
   * Absent: all of it is written each time.
   */
  changed?(entity: Entity): readonly [rest: Entity, changed: Readonly<Record<string, Parts>>];
}

/** The entities of one owner. */
export interface Space {
  readonly name: string;
  /** The name as JSON. */
  readonly quoted: string;
  /** The same as it stands in rows. */
  readonly written: Buffer;
  /** Where the hashes of its keys begin. */
  readonly seed: number;
  /** Those that were asked for, or changed. */
  readonly slots: Map<string, Slot>;
  /** The same by page, in no order: sampling one space must not walk over the others, nor over a page. */
  pages: (Slot[] | undefined)[];
  /** By page: all others. */
  tables: (RowTable | undefined)[];
  /** How many these are. */
  resting: number;
  /** Records of its entities whose members are written one by one. */
  split: readonly string[] | null;
  partPacking: PartPacking | null;
  packing: Packing | null;
  /** Nobody holds on to an entity of it between steps. */
  rests: boolean;
  /** How many of its entities were read where they lay, less those that were removed at once. */
  reads: number;
  /** What is touched is what was just asked for, as a rule. */
  last: Slot | undefined;
}

/** Changed members of one split record. */
export class ChangedParts {
  readonly record: string;
  readonly names: string[];

  constructor(record: string, name: string) {
    this.record = record;
    this.names = [name];
  }
}

/** Where an entity lives, and what of it changed since the last delta. */
export interface Slot {
  readonly space: Space;
  readonly key: string;
  readonly page: number;
  /** Its place among those of its space on its page. */
  at: number;
  /** Null: it is gone. Undefined: it lies in `row` as it was written, and was not read yet. */
  entity: Entity | null | undefined;
  row: StoredRow | null;
  isDirty: boolean;
  /** True where the delta must hold all of it. */
  isWhole: boolean;
  /** True where it was asked for since it might last have gone to rest. */
  isUsed: boolean;
  /** True where it was read from its row, and not changed since. */
  isRead: boolean;
  /** Changed members of split records, now and then one of them twice. */
  parts: ChangedParts[] | null;
}

/** The entity, read where it still lies as it was written. */
export function entityOf(slot: Slot): Entity {
  if (slot.entity === undefined) {
    slot.entity = readIn(slot);
    slot.row = null;
    slot.isRead = true;
    slot.space.reads += 1;
  }
  return slot.entity as Entity;
}

/** The entity, not kept where it was not read: whoever only looks at it leaves it as it lies. */
export function glanceAt(slot: Slot): Entity {
  return slot.entity ?? readIn(slot);
}

function readIn({ space, key, row }: Slot): Entity {
  assert(row !== null, 'a slot holds an entity or a row');
  return readEntity(space, key, row);
}

/** What is known of an entity before its first row is read. */
const NOTHING_YET: Record<string, Parts> = Object.freeze({});

/** The entity of a row, with what changed in it later. */
export function readEntity(space: Space, key: string, row: StoredRow): Entity {
  const rows: RowAt[] = [];
  for (let at: LaterRow | null = row.later; at !== null; at = at.before) rows.push(at);
  rows.push(row);
  let entity = NOTHING_YET;
  for (const at of rows.reverse()) {
    const before = entity;
    const [rest, changed] = bodyOf(at) as readonly [
      Record<string, Parts>,
      Readonly<Record<string, Parts>>?,
    ];
    entity = rest;
    if (changed === undefined) continue;
    // What is packed names all of its records in each row; it may be of somebody who is gone.
    for (const name of space.split ?? Object.keys(changed))
      entity[name] = merged(before[name], changed[name] ?? {});
  }
  // Whole rows hold their records as JSON made them.
  for (const name of space.split ?? []) {
    const record = entity[name];
    if (record !== undefined) entity[name] = tableFrom(record);
  }
  const unpacking = space.packing ?? space.partPacking;
  const made = unpacking?.restored?.(entity as Entity, key);
  return made ?? (entity as Entity);
}

/** What may be asked of a stored entity before it is read. */
export function headFor({ packing, partPacking }: Space, entity: Entity): unknown {
  const by = packing ?? partPacking;
  return by?.head === undefined ? (entity.wake ?? null) : by.head(entity);
}

/** The row of what changed in it since the last delta; all of it, or that it is gone. */
export function deltaRowOf(slot: Slot): string {
  const { space, key, isWhole, parts } = slot;
  const { quoted } = space;
  if (slot.entity === null) return rowText(quoted, key, null, null);
  const entity = entityOf(slot);
  const head = headFor(space, entity);
  if (isWhole) return rowText(quoted, key, head, wholeOf(space, entity));
  const { packing, split } = space;
  if (packing !== null)
    return packing.changed === undefined
      ? rowText(quoted, key, head, packing.whole(entity))
      : rowText(quoted, key, head, ...packing.changed(entity));
  if (split === null) return rowText(quoted, key, head, entity);
  return rowText(quoted, key, head, ...partsOf(space, split, entity, parts));
}

/** The row of all of an entity. */
export function wholeRowOf(space: Space, key: string, entity: Entity): string {
  return rowText(space.quoted, key, headFor(space, entity), wholeOf(space, entity));
}

function wholeOf({ packing, partPacking, split }: Space, entity: Entity): Entity {
  if (packing !== null) return packing.whole(entity);
  if (partPacking === null) return entity;
  const whole = partPacking.rest(entity) as Record<string, Parts>;
  for (const name of split ?? [])
    whole[name] = partPacking.record(name, (entity as Record<string, Parts>)[name] ?? {}, entity);
  return whole as Entity;
}

/** The rest of an entity, and what changed in its split records. */
function partsOf(
  { partPacking }: Space,
  split: readonly string[],
  entity: Entity,
  parts: Slot['parts'],
): [rest: Entity, changed: Record<string, Parts>] {
  const rest = (partPacking?.rest(entity) ?? { ...entity }) as Record<string, unknown>;
  const changed: Record<string, Parts> = newTable();
  for (const name of split) {
    rest[name] = undefined; // JSON leaves it out
    const names = parts?.find(({ record }) => record === name)?.names;
    if (names === undefined) continue;
    const record = (entity as Record<string, Parts>)[name] as Parts;
    const members: Parts = newTable();
    // Parts bear names of others: what every object inherits is none of them.
    for (const part of names) members[part] = Object.hasOwn(record, part) ? record[part] : null;
    changed[name] = partPacking?.record(name, members, entity) ?? members;
  }
  return [rest as Entity, changed];
}

/** The record of before, if there is one, with what changed in it: a table, whoever chose its keys. */
function merged(before: Parts | undefined, changed: Parts): Parts {
  const record = before === undefined ? newTable<unknown>() : tableFrom(before);
  for (const part of Object.keys(changed))
    if (changed[part] === null) delete record[part];
    else record[part] = changed[part];
  return record;
}

function tableFrom(record: Parts): Parts {
  return Object.getPrototypeOf(record) === null ? record : tableOf(record);
}
