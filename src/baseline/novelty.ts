/** Novelty: how surprising it is that a session shows a symbol, by level, order 0. */
import type { UnitRecord } from '../model/unit.ts';
import {
  type ContextCounts,
  compileContexts,
  contextCounts,
  surprisalBits,
} from '../stats/witten-bell.ts';
import type { Json } from './dimension.ts';
import { isKnown, tallied } from './influence.ts';
import { grouped, levelNames } from './wording.ts';

/** Something a session showed. */
export interface Sighting {
  /** Kind of symbol; each has a distribution of its own. */
  readonly space: string;
  readonly name: string;
  /** The symbol that stands for it where its name is not known: how it was unknown. */
  readonly otherwise: string;
}

/** What a baseline stores. Every symbol is counted once per session. */
export interface NoveltyCounts {
  readonly sessions: number;
  /** By space; every space of the dimension is there. */
  readonly spaces: Readonly<Record<string, ContextCounts>>;
}

/** Symbols that are always known, by space: the stand-ins, and closed lists. */
export type Closed = Readonly<Record<string, readonly string[]>>;

/** A compiled novelty score. */
export interface NoveltyModel {
  /** Surprisal of a sighting in bits; nothing is made for it. */
  bitsOf(space: string, name: string, otherwise: string): number;
  /** Surprisal of a sighting in bits, with the symbol it is counted as: its own or the stand-in. */
  judge(sighting: Sighting): { readonly bits: number; readonly symbol: string };
  /** How often each level saw a symbol: `agent 0 of 93 sessions, role 3 of 1,214`. */
  support(space: string, symbol: string): string;
}

/**
 * Counts, by space, in how many sessions each symbol was sighted, with bounded influence. What too
 * few sessions showed is counted under its stand-in: that is how often the unknown occurs.
 */
export function learnNovelty(
  units: readonly UnitRecord[],
  closed: Closed,
  sightings: (unit: UnitRecord) => Iterable<Sighting>,
): NoveltyCounts {
  const spaces = Object.keys(closed).sort();
  const names = tallied(
    units,
    (unit, add) => {
      for (const { space, name } of sightings(unit)) if (name !== '') add(`${space} ${name}`);
    },
    { once: true },
  );
  const known = new Set<string>();
  for (const [key, support] of names.counters) if (isKnown(support, names)) known.add(key);
  for (const space of spaces) for (const name of closed[space] ?? []) known.add(`${space} ${name}`);
  const symbols = tallied(
    units,
    (unit, add) => {
      for (const { space, name, otherwise } of sightings(unit))
        add(known.has(`${space} ${name}`) ? `${space} ${name}` : `${space} ${otherwise}`);
    },
    { once: true },
  );
  return {
    sessions: symbols.sessions,
    spaces: Object.fromEntries(
      spaces.map((space) => {
        const prefix = `${space} `;
        const own = [...known].filter((key) => key.startsWith(prefix));
        const list = own.map((key) => key.slice(prefix.length)).sort();
        const counters = new Map<string, number>();
        list.forEach((name, at) => {
          const n = symbols.counters.get(prefix + name)?.n ?? 0;
          if (n > 0) counters.set(String.fromCharCode(at + 2), n);
        });
        return [space, contextCounts(list, 0, counters)] as const;
      }),
    ),
  };
}

/** Makes a score of counts, most particular level first. */
export function compileNovelty(levels: readonly Json[], closed: Closed): NoveltyModel {
  const known = levels.map((level) => level as unknown as NoveltyCounts);
  // Order 0 has no context: every surprisal there is can be had beforehand.
  const bits = new Map<string, ReadonlyMap<string, number>>();
  for (const space of Object.keys(closed)) {
    const list = known.flatMap(({ spaces }) => {
      const counts = spaces[space];
      return counts === undefined ? [] : [{ counts, order: 0 }];
    });
    const empty = { order: 0, symbols: [...(closed[space] ?? [])].sort(), rows: [] };
    const model = compileContexts([...list, { counts: empty, order: 0 }]);
    const own = [...model.ids].map(([name, id]) => [name, surprisalBits(model, [], id)] as const);
    bits.set(space, new Map(own));
  }
  const names = levelNames(levels.length);
  return {
    bitsOf(space, name, otherwise) {
      const own = bits.get(space);
      return own?.get(name) ?? own?.get(otherwise) ?? 0;
    },
    judge({ space, name, otherwise }) {
      const own = bits.get(space)?.get(name);
      if (own !== undefined) return { bits: own, symbol: name };
      return { bits: bits.get(space)?.get(otherwise) ?? 0, symbol: otherwise };
    },
    support(space, symbol) {
      return known
        .map((counts, at) => {
          const n = symbolCounts(counts, space).get(symbol) ?? 0;
          return `${names[at] ?? 'level'} ${grouped(n)} of ${grouped(counts.sessions)}`;
        })
        .join(', ');
    },
  };
}

/** Sessions by symbol of one space. */
export function symbolCounts(counts: NoveltyCounts, space: string): Map<string, number> {
  const found = new Map<string, number>();
  const own = counts.spaces[space];
  const next = own?.rows[0]?.[1] ?? [];
  for (let at = 0; at + 1 < next.length; at += 2) {
    const name = own?.symbols[(next[at] ?? 0) - 2];
    if (name !== undefined) found.set(name, next[at + 1] ?? 0);
  }
  return found;
}

/** Every symbol of every space as `space name`, for diffs. */
export function noveltySymbols(counts: Json): Map<string, number> {
  const known = counts as unknown as NoveltyCounts;
  const found = new Map<string, number>();
  for (const space of Object.keys(known.spaces))
    for (const [name, n] of symbolCounts(known, space)) found.set(`${space} ${name}`, n);
  return found;
}

/** What a running novelty score remembers of a unit. Plain JSON. */
export interface NoveltyState {
  /** Running maximum, bits; null until something was sighted. */
  max: number | null;
  space: string;
  symbol: string;
  /** What the strangest is called in a sentence: safe to print. */
  label: string;
}

/** State of a unit that showed nothing yet. */
export function freshNovelty(): NoveltyState {
  return { max: null, space: '', symbol: '', label: '' };
}

/** Takes a sighting into the running maximum; `label` words the one that raises it. */
export function sight(
  model: NoveltyModel,
  state: NoveltyState,
  { space, name, otherwise }: Sighting,
  label: (sighting: Sighting, symbol: string) => string,
): void {
  sightAs(model, state, space, name, otherwise, label);
}

/** The same of a sighting in parts: it is made where it raises the maximum only, which is seldom. */
export function sightAs(
  model: NoveltyModel,
  state: NoveltyState,
  space: string,
  name: string,
  otherwise: string,
  label: (sighting: Sighting, symbol: string) => string,
): void {
  const most = state.max;
  if (most !== null && model.bitsOf(space, name, otherwise) <= most) return;
  const sighting = { space, name, otherwise };
  const { bits, symbol } = model.judge(sighting);
  state.max = bits;
  state.space = space;
  state.symbol = symbol;
  state.label = label(sighting, symbol);
}
