/** Loading: rows of pages and deltas into the tables of their spaces. */
import type { Blocks, Cut } from './blocks.ts';
import { FNV_BASIS, FNV_PRIME, hashed, pageOfHash } from './page.ts';
import type { RowTable } from './row-table.ts';
import { behindQuoted, quotedText, RowScan } from './rows.ts';
import type { Slot, Space } from './slot.ts';
import { leave, newSlot, newSpace, tableOf } from './space.ts';

/** Spaces by name. */
export type Spaces = Map<string, Space>;

/** Rows loaded in one step. */
const STEP_ROWS = 2000;
const BACKSLASH = 0x5c;
const NOT_ASCII = 0x80;

/**
 * Takes over the rows of a page or a delta, where `isNewer` says of a page that it does not contain them
 * yet, some thousand a step. What it loads into may be asked for nothing meanwhile.
 */
export function* loading(
  spaces: Spaces,
  blocks: Blocks,
  bytes: Buffer,
  isNewer: ((page: number) => boolean) | null,
): Generator<undefined, void> {
  const scan = new RowScan(bytes);
  const cut = blocks.cut(bytes);
  const names = new SpaceFinder(spaces);
  for (let loaded = 0; scan.next(); loaded += 1) {
    if (loaded % STEP_ROWS === 0) yield;
    load(names, scan, cut, isNewer);
  }
  cut.end();
}

function load(
  names: SpaceFinder,
  scan: RowScan,
  cut: Cut,
  isNewer: ((page: number) => boolean) | null,
): void {
  const space = names.of(scan);
  const keyFrom = scan.from + space.written.length + 2;
  const keyTo = behindQuoted(scan.bytes, keyFrom, scan.body);
  const hash = hashedQuoted(space.seed, scan.bytes, keyFrom, keyTo);
  const page = pageOfHash(hash);
  if (isNewer !== null && !isNewer(page)) return;
  const table = tableOf(space, page);
  const entry = table.find(hash, scan.bytes, keyFrom, keyTo);
  if (entry < 0) loadNew(space, table, scan, cut, hash, keyFrom, keyTo);
  else if (scan.isGone) {
    table.drop(entry);
    space.resting -= 1;
  } else {
    const { from, to } = scan;
    if (scan.isPart(keyTo)) table.append(entry, cut.at(from, to), from, to);
    else table.replace(entry, cut.at(from, to), from, to);
  }
}

/** A row whose key is in no table. Where too many keys are like it, it has a slot: maps stand that. */
function loadNew(
  space: Space,
  table: RowTable,
  scan: RowScan,
  cut: Cut,
  hash: number,
  keyFrom: number,
  keyTo: number,
): void {
  const { bytes, from, to, isGone } = scan;
  if (space.slots.size === 0) {
    if (isGone) return;
    if (table.add(hash, cut.at(from, to), from, to)) {
      space.resting += 1;
      return;
    }
  }
  const key = quotedText(bytes, keyFrom, keyTo);
  const known = space.slots.get(key);
  if (known !== undefined) loadInto(known, scan, keyTo);
  else if (isGone) return;
  else if (table.add(hash, cut.at(from, to), from, to)) space.resting += 1;
  else newSlot(space, key, { bytes, from, to, later: null });
}

function loadInto(slot: Slot, scan: RowScan, keyTo: number): void {
  const { bytes, from, to } = scan;
  const { row } = slot;
  if (scan.isGone) leave(slot);
  else if (row === null || !scan.isPart(keyTo)) slot.row = { bytes, from, to, later: null };
  else slot.row = { ...row, later: { bytes, from, to, before: row.later } };
}

/** The hash of a text that is quoted; of its units where its bytes are not the same. */
function hashedQuoted(seed: number, bytes: Buffer, from: number, to: number): number {
  let hash = seed;
  for (let at = from + 1; at < to - 1; at += 1) {
    const byte = bytes[at] as number;
    if (byte === BACKSLASH || byte >= NOT_ASCII) return hashed(seed, quotedText(bytes, from, to));
    hash = Math.imul(hash ^ byte, FNV_PRIME);
  }
  return hash;
}

/** Finds the spaces of rows by the bytes of their names. */
class SpaceFinder {
  readonly #spaces: Spaces;
  /** By a hash of the name as it is written. Where two have the same, the first one has it. */
  readonly #known = new Map<number, Space>();
  #last: Space | null = null;

  constructor(spaces: Spaces) {
    this.#spaces = spaces;
  }

  of(scan: RowScan): Space {
    const { bytes, from, body } = scan;
    if (this.#last !== null && isAt(bytes, from + 1, this.#last.written)) return this.#last;
    const to = behindQuoted(bytes, from + 1, body);
    let hash = FNV_BASIS;
    for (let at = from + 1; at < to; at += 1)
      hash = Math.imul(hash ^ (bytes[at] as number), FNV_PRIME);
    const known = this.#known.get(hash);
    const space =
      known !== undefined && isAt(bytes, from + 1, known.written)
        ? known
        : this.#named(quotedText(bytes, from + 1, to));
    if (known === undefined) this.#known.set(hash, space);
    this.#last = space;
    return space;
  }

  #named(name: string): Space {
    let space = this.#spaces.get(name);
    if (space === undefined) {
      space = newSpace(name);
      this.#spaces.set(name, space);
    }
    return space;
  }
}

/** Do these bytes stand there? A quotation mark ends them, and nothing before. */
function isAt(bytes: Buffer, from: number, written: Buffer): boolean {
  for (let at = written.length - 1; at >= 0; at -= 1)
    if (bytes[from + at] !== written[at]) return false;
  return true;
}
