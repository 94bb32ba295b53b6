/** Slots: every stage's entities in one place, with deltas and pages for the store. */
import { assert } from '../model/errors.ts';

/** Number of pages the entities are spread over by the hash of their key. */
export const PAGES = 256;

/** An entity: plain JSON. `wake` is the event time, ms, at which its owner wants to be called. */
export interface Entity {
  wake?: number;
}

/** Keyed entities. A change is kept only if the key was `put`, `touch`ed or `remove`d. */
export class Slots {
  readonly #pages: Map<string, Entity>[] = Array.from({ length: PAGES }, () => new Map());
  readonly #counts = new Map<string, number>();
  #dirty = new Set<string>();
  #cursor = 0;

  /** The entity itself, to be changed in place and then touched. */
  get<T extends Entity>(space: string, key: string): T | undefined {
    const full = `${space} ${key}`;
    return this.#page(full).get(full) as T | undefined;
  }

  put(space: string, key: string, entity: Entity): void {
    const full = `${space} ${key}`;
    const page = this.#page(full);
    if (!page.has(full)) this.#counts.set(space, this.count(space) + 1);
    page.set(full, entity);
    this.#dirty.add(full);
  }

  touch(space: string, key: string): void {
    this.#dirty.add(`${space} ${key}`);
  }

  remove(space: string, key: string): void {
    const full = `${space} ${key}`;
    if (this.#page(full).delete(full)) this.#counts.set(space, this.count(space) - 1);
    this.#dirty.add(full);
  }

  /** How many entities a space holds. */
  count(space: string): number {
    return this.#counts.get(space) ?? 0;
  }

  /** How many entities changed since the last delta. */
  get dirty(): number {
    return this.#dirty.size;
  }

  /** Up to `most` entities of a space, resuming where the last call ended: for sampled eviction. */
  sample<T extends Entity>(space: string, most: number): [key: string, entity: T][] {
    const found: [string, T][] = [];
    const prefix = `${space} `;
    for (let tried = 0; tried < PAGES && found.length < most; tried += 1) {
      const page = this.#pages[this.#cursor] as Map<string, Entity>;
      this.#cursor = (this.#cursor + 1) % PAGES;
      for (const [full, entity] of page) {
        if (!full.startsWith(prefix)) continue;
        found.push([full.slice(prefix.length), entity as T]);
        if (found.length >= most) break;
      }
    }
    return found;
  }

  /** Every entity, for rebuilding timers after a restore. */
  *all(): Generator<[space: string, key: string, entity: Entity]> {
    for (const page of this.#pages)
      for (const [full, entity] of page) {
        const cut = full.indexOf(' ');
        yield [full.slice(0, cut), full.slice(cut + 1), entity];
      }
  }

  /** Changed entities since the last call, as bytes; null where nothing changed. */
  takeDelta(): Buffer | null {
    if (this.#dirty.size === 0) return null;
    const rows: [string, Entity | null][] = [];
    for (const full of this.#dirty) rows.push([full, this.#page(full).get(full) ?? null]);
    this.#dirty = new Set();
    return Buffer.from(JSON.stringify(rows));
  }

  /** One page in full, as bytes. */
  pageBytes(page: number): Buffer {
    assert(page >= 0 && page < PAGES, `page ${page}`);
    return Buffer.from(JSON.stringify([...(this.#pages[page] as Map<string, Entity>)]));
  }

  /** Loads pages, then deltas in order; a page ignores deltas it already contains. */
  restore(
    pages: readonly { readonly page: number; readonly uptoSeq: number; readonly bytes: Buffer }[],
    deltas: readonly { readonly seq: number; readonly bytes: Buffer }[],
  ): void {
    const upto = new Array<number>(PAGES).fill(0);
    for (const page of this.#pages) page.clear();
    for (const { page, uptoSeq, bytes } of pages) {
      upto[page] = uptoSeq;
      const target = this.#pages[page] as Map<string, Entity>;
      for (const [full, entity] of parseRows(bytes)) if (entity) target.set(full, entity);
    }
    for (const { seq, bytes } of deltas)
      for (const [full, entity] of parseRows(bytes)) {
        if (seq <= (upto[pageOf(full)] as number)) continue;
        if (entity) this.#page(full).set(full, entity);
        else this.#page(full).delete(full);
      }
    this.#counts.clear();
    for (const [space] of this.all()) this.#counts.set(space, this.count(space) + 1);
    this.#dirty = new Set();
  }

  #page(full: string): Map<string, Entity> {
    return this.#pages[pageOf(full)] as Map<string, Entity>;
  }
}

function parseRows(bytes: Buffer): [string, Entity | null][] {
  return JSON.parse(bytes.toString('utf8')) as [string, Entity | null][];
}

/** FNV-1a over UTF-16 units: stable for ever, for it decides where an entity is stored. */
function pageOf(full: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < full.length; at += 1)
    hash = Math.imul(hash ^ full.charCodeAt(at), 0x01000193);
  return (hash ^ (hash >>> 16)) & (PAGES - 1);
}
