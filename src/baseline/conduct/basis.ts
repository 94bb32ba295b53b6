/** Basis: what accepted units did and said, as counts; the ground on which a call is judged. */
import type { Origin } from './origin.ts';
import { type Leaf, type ReadCall, VALUE_KINDS, type ValueKind } from './reading.ts';
import type { ConductState } from './state.ts';

/** context → symbol → count. */
export type Table = Map<string, Map<string, number>>;

/** Weights of words, nats: of those that occurred, and of all others. */
export interface Rarities {
  readonly rarities: ReadonlyMap<number, number>;
  readonly unheard: number;
}

/** Counts and what is derived from them. Built from a document or while learning; never changed. */
export interface Basis extends Rarities {
  /** Units, and in how many each word occurred. */
  readonly units: number;
  readonly words: ReadonlyMap<number, number>;
  /** Words of mandates: in how many templates. */
  readonly mandateWords: ReadonlyMap<number, number>;
  readonly templates: readonly TemplateCounts[];
  readonly byTemplate: ReadonlyMap<number, TemplateCounts>;
  /** Tools by `*`, role and template, each once per unit; and how many there are. */
  readonly tools: Back;
  readonly toolCount: number;
  /** word of the mandate → tool → units; word → units. */
  readonly lexicon: ReadonlyMap<number, ReadonlyMap<string, number>>;
  readonly lexiconUnits: ReadonlyMap<number, number>;
  /** Next tool after one and two; any later tool after one. */
  readonly next: Back;
  readonly later: Back;
  /** Origin and mandated-or-not by tool and path; shape by tool and path. */
  readonly origins: Back;
  readonly mandated: Back;
  readonly shapes: Back;
  /** Keys of sentences that two units and more contained. */
  readonly sentences: ReadonlySet<number>;
  /** First words of tools and of mandates' sentences. */
  readonly verbs: ReadonlySet<number>;
  /** Median and upper spread of unmandated argument bits by tool and class. */
  readonly bits: ReadonlyMap<string, readonly [number, number]>;
}

/** One template of mandates. */
export interface TemplateCounts {
  readonly template: number;
  readonly units: number;
  readonly words: readonly number[];
  readonly tools: ReadonlySet<string>;
}

/** What one context was followed by. */
export interface Counts {
  readonly symbols: Map<string, number>;
  total: number;
}

/** Back-off counts by Witten and Bell: contexts from general to particular. */
export class Back {
  readonly table: Table;
  readonly #counts = new Map<string, Counts>();

  constructor(table: Table = new Map()) {
    this.table = table;
    for (const [context, symbols] of table) {
      let total = 0;
      for (const n of symbols.values()) total += n;
      this.#counts.set(context, { symbols, total });
    }
  }

  add(contexts: readonly string[], symbol: string): void {
    for (const context of contexts) {
      let counts = this.#counts.get(context);
      if (counts === undefined) {
        counts = { symbols: new Map(), total: 0 };
        this.table.set(context, counts.symbols);
        this.#counts.set(context, counts);
      }
      counts.symbols.set(symbol, (counts.symbols.get(symbol) ?? 0) + 1);
      counts.total += 1;
    }
  }

  /** P(symbol | context) in (0, 1], backing off to `base`, which it is in unknown contexts. */
  step(context: string, symbol: string, base: number): number {
    const counts = this.#counts.get(context);
    return counts === undefined ? base : backedOff(counts, symbol, base);
  }

  /** Counts of a context, where it is known. */
  counts(context: string): Counts | undefined {
    return this.#counts.get(context);
  }

  /** Counts of the contexts that are known, in the order given; of a basis that grows no more. */
  known(contexts: readonly string[]): readonly Counts[] {
    return contexts.flatMap((context) => this.#counts.get(context) ?? []);
  }
}

/** P(symbol | contexts) in (0, 1] along counts from general to particular, backing off to `base`. */
export function along(counts: readonly Counts[], symbol: string, base: number): number {
  let p = base;
  for (const one of counts) p = backedOff(one, symbol, p);
  return p;
}

/** P(symbol | context) of counts that may be missing, backing off to `base`. */
export function stepOf(counts: Counts | undefined, symbol: string, base: number): number {
  return counts === undefined ? base : backedOff(counts, symbol, base);
}

function backedOff({ symbols, total }: Counts, symbol: string, base: number): number {
  return ((symbols.get(symbol) ?? 0) + symbols.size * base) / (total + symbols.size);
}

/** Contexts of an origin, general to particular. */
export function originContexts(
  origin: { readonly kind: ValueKind; readonly path: string },
  call: ReadCall,
  role: string,
): string[] {
  const reach = call.toolClass ?? '?';
  return [
    '*',
    `${reach}/${origin.kind}`,
    `${role}/${reach}/${origin.kind}`,
    `${role}/${call.tool}`,
    `${role}/${call.tool}/${origin.path}`,
  ];
}

/** Symbol of an origin; `tool` names the one whose result it was. */
export function originSymbol({ origin }: Origin, tool: string): string {
  return origin === 'result' ? `r:${tool}` : origin;
}

/** Contexts and symbol of a value's shape: kind and length in doublings. */
export function shapeOf(leaf: Leaf, call: ReadCall): { contexts: string[]; symbol: string } {
  const symbol = `${VALUE_KINDS[leaf.kind]}/${doublings(leaf)}`;
  return { contexts: shapeContexts(leaf, call), symbol };
}

/** Contexts of a value's shape, general to particular. */
export function shapeContexts({ path }: Leaf, { tool, toolClass }: ReadCall): string[] {
  return [String(toolClass), tool, `${tool}/${path}`];
}

/** Length of a value in doublings, 0..6: the least k with length < 2^k. */
export function doublings({ length }: Pick<Leaf, 'length'>): number {
  return length >= 63 ? 6 : 32 - Math.clz32(length);
}

/** Weight of a word: how rarely units contained it, nats. */
export function rarity({ rarities, unheard }: Rarities, word: number): number {
  return rarities.get(word) ?? unheard;
}

/** Weights of words by in how many of so many units each occurred. */
export function raritiesOf(units: number, words: ReadonlyMap<number, number>): Rarities {
  const nats = (n: number) => Math.log((units + 1) / (n + 0.5));
  const rarities = new Map<number, number>();
  for (const [word, n] of words) rarities.set(word, nats(n));
  return { rarities, unheard: nats(0) };
}

/** Contexts of the next tool: any, after one, after two. */
export function nextContexts({ previous: [before, last] }: ConductState): string[] {
  return ['*', `1${last}`, `2${before}>${last}`];
}
