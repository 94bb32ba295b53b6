/** Basis: what accepted units did and said, as counts; the ground on which a call is judged. */
import type { UnitRecord } from '../../model/unit.ts';
import { hash32, toolWordsOf } from '../../stats/literals.ts';
import type { Json } from '../dimension.ts';
import { type Origin, originsOf } from './origin.ts';
import {
  distinct,
  type Leaf,
  type ReadCall,
  readCall,
  sentenceKey,
  sentencesIn,
} from './reading.ts';
import { type ConductState, hear, newState, remember } from './state.ts';

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

const WORDS_MAX = 60_000;
const MIN_FOR_BITS = 8;

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

function backedOff({ symbols, total }: Counts, symbol: string, base: number): number {
  return ((symbols.get(symbol) ?? 0) + symbols.size * base) / (total + symbols.size);
}

/** Contexts of an origin, general to particular. */
export function originContexts(
  origin: Pick<Origin, 'kind' | 'path'>,
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

/** Symbol of an origin. */
export function originSymbol({ origin, tool }: Origin): string {
  return origin === 'result' ? `r:${tool}` : origin;
}

/** Contexts and symbol of a value's shape: kind and length in doublings. */
export function shapeOf(leaf: Leaf, call: ReadCall): { contexts: string[]; symbol: string } {
  const symbol = `${leaf.kind}/${doublings(leaf)}`;
  return { contexts: shapeContexts(leaf, call), symbol };
}

/** Contexts of a value's shape, general to particular. */
export function shapeContexts({ path }: Leaf, { tool, toolClass }: ReadCall): string[] {
  return [String(toolClass), tool, `${tool}/${path}`];
}

/** Length of a value in doublings, 0..6. */
export function doublings({ length }: Leaf): number {
  return Math.min(6, Math.ceil(Math.log2(1 + length)));
}

/** Weight of a word: how rarely units contained it, nats. */
export function rarity({ rarities, unheard }: Rarities, word: number): number {
  return rarities.get(word) ?? unheard;
}

function raritiesOf(units: number, words: ReadonlyMap<number, number>): Rarities {
  const nats = (n: number) => Math.log((units + 1) / (n + 0.5));
  const rarities = new Map<number, number>();
  for (const [word, n] of words) rarities.set(word, nats(n));
  return { rarities, unheard: nats(0) };
}

/** Everything is counted here while learning. */
interface Counting {
  words: Map<number, number>;
  mandateWords: Map<number, number>;
  templates: Map<number, { template: number; units: number; words: number[]; tools: Set<string> }>;
  lexicon: Map<number, Map<string, number>>;
  lexiconUnits: Map<number, number>;
  sentences: Map<number, number>;
  verbs: Set<number>;
  tools: Back;
  next: Back;
  later: Back;
  origins: Back;
  mandated: Back;
  shapes: Back;
  toolNames: Set<string>;
  /** Unmandated words of each call, for `bits`. */
  calls: { tool: string; toolClass: string | null; words: number[] }[];
}

/** Counts accepted units. */
export function learnBasis(units: readonly UnitRecord[]): Basis {
  const counting: Counting = {
    words: new Map(),
    mandateWords: new Map(),
    templates: new Map(),
    lexicon: new Map(),
    lexiconUnits: new Map(),
    sentences: new Map(),
    verbs: new Set(),
    tools: new Back(),
    next: new Back(),
    later: new Back(),
    origins: new Back(),
    mandated: new Back(),
    shapes: new Back(),
    toolNames: new Set(),
    calls: [],
  };
  for (const unit of units) {
    for (const tool of Object.keys(unit.grants ?? {})) {
      counting.toolNames.add(tool);
      const [verb] = toolWordsOf(tool);
      if (verb !== undefined) counting.verbs.add(hash32(verb));
    }
  }
  for (const unit of units) countUnit(unit, counting);
  return finished(units.length, counting);
}

function countUnit(unit: UnitRecord, counting: Counting): void {
  const state = newState(unit.head);
  const mandate = distinct(state.mandate);
  const words = new Set<number>(mandate);
  const keys = new Set<number>();
  const used = new Set<string>();
  const template = countTemplate(unit, state, mandate, counting);
  for (const item of unit.items) {
    if (item.type !== 'call') {
      hear(state, item);
      continue;
    }
    if (item.ours) continue;
    const call = readCall(item);
    countCall(state, call, mandate, counting);
    if (call.granted) used.add(call.tool);
    for (const word of call.toolWords) words.add(word);
    for (const word of call.short) words.add(word);
    remember(state, call, item);
    for (const sentence of state.calls[state.calls.length - 1]?.sentences ?? []) {
      for (const word of sentence.w) words.add(word);
      keys.add(sentenceKey(sentence));
    }
  }
  for (const key of keys) count(counting.sentences, key);
  for (const word of words) count(counting.words, word);
  for (const word of mandate) count(counting.lexiconUnits, word);
  for (const tool of used) {
    template.tools.add(tool);
    counting.tools.add(['*', state.role, `#${state.template}`], tool);
    for (const word of mandate) {
      const tools = counting.lexicon.get(word) ?? new Map<string, number>();
      counting.lexicon.set(word, tools.set(tool, (tools.get(tool) ?? 0) + 1));
    }
  }
}

function countTemplate(
  { head }: UnitRecord,
  { template }: ConductState,
  words: number[],
  counting: Counting,
): { tools: Set<string> } {
  let known = counting.templates.get(template);
  if (known === undefined) {
    known = { template, units: 0, words, tools: new Set() };
    counting.templates.set(template, known);
    for (const word of words) count(counting.mandateWords, word);
    for (const { first } of sentencesIn(head.mandate ?? '')) counting.verbs.add(first);
  }
  known.units += 1;
  return known;
}

function countCall(
  state: ConductState,
  call: ReadCall,
  mandate: readonly number[],
  counting: Counting,
): void {
  const { tool, toolClass } = call;
  counting.toolNames.add(tool);
  counting.next.add(nextContexts(state), tool);
  for (const earlier of new Set(state.calls.map((past) => past.tool)))
    counting.later.add([earlier], tool);
  for (const origin of originsOf(state, call)) {
    const contexts = originContexts(origin, call, state.role);
    counting.origins.add(contexts, originSymbol(origin));
    counting.mandated.add(contexts, origin.origin === 'mandate' ? 'm' : 'u');
  }
  for (const leaf of call.leaves) {
    const { contexts, symbol } = shapeOf(leaf, call);
    counting.shapes.add(contexts, symbol);
  }
  const words = call.short.filter((word) => !mandate.includes(word));
  counting.calls.push({ tool, toolClass, words });
}

/** Contexts of the next tool: any, after one, after two. */
export function nextContexts({ previous: [before, last] }: ConductState): string[] {
  return ['*', `1${last}`, `2${before}>${last}`];
}

function finished(units: number, counting: Counting): Basis {
  const words = most(counting.words, WORDS_MAX);
  const rarities = raritiesOf(units, words);
  const templates = [...counting.templates.values()];
  const bits = new Map<string, number[]>();
  for (const { tool, toolClass, words: own } of counting.calls) {
    let sum = 0;
    for (const word of own) sum += rarity(rarities, word);
    for (const key of [tool, `c:${toolClass}`]) bits.set(key, [...(bits.get(key) ?? []), sum]);
  }
  return {
    ...rarities,
    units,
    words,
    mandateWords: counting.mandateWords,
    templates,
    byTemplate: new Map(templates.map((template) => [template.template, template])),
    tools: counting.tools,
    toolCount: counting.toolNames.size,
    lexicon: counting.lexicon,
    lexiconUnits: counting.lexiconUnits,
    next: counting.next,
    later: counting.later,
    origins: counting.origins,
    mandated: counting.mandated,
    shapes: counting.shapes,
    sentences: new Set([...counting.sentences].filter(([, n]) => n >= 2).map(([key]) => key)),
    verbs: counting.verbs,
    bits: new Map([...bits].flatMap(([key, values]) => spread(key, values))),
  };
}

function spread(key: string, values: number[]): [string, readonly [number, number]][] {
  if (values.length < MIN_FOR_BITS) return [];
  values.sort((a, b) => a - b);
  const median = values[values.length >> 1] as number;
  const upper = values[Math.floor(values.length * 0.84)] as number;
  return [[key, [median, upper - median]]];
}

function count<K>(into: Map<K, number>, key: K): void {
  into.set(key, (into.get(key) ?? 0) + 1);
}

/** The `limit` most frequent; what is left out counts as never seen, which only makes it rarer. */
function most(counts: Map<number, number>, limit: number): Map<number, number> {
  if (counts.size <= limit) return counts;
  return new Map([...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0]).slice(0, limit));
}

type Pairs = readonly (readonly [string | number, number])[];

/** The basis as plain JSON, every list in sorted order. */
export function basisDocument(basis: Basis): Json {
  const numbers = (map: ReadonlyMap<number, number>) => [...map].sort((a, b) => a[0] - b[0]);
  const names = (map: ReadonlyMap<string, number>) => [...map].sort(byName);
  const back = ({ table }: Back) =>
    [...table].sort(byName).map(([context, symbols]) => [context, names(symbols)] as const);
  return {
    units: basis.units,
    words: numbers(basis.words),
    mandateWords: numbers(basis.mandateWords),
    templates: [...basis.templates]
      .sort((a, b) => a.template - b.template)
      .map(({ template, units, words, tools }) => [template, units, words, [...tools].sort()]),
    tools: back(basis.tools),
    toolCount: basis.toolCount,
    lexicon: [...basis.lexicon]
      .sort((a, b) => a[0] - b[0])
      .map(([word, tools]) => [word, names(tools)]),
    lexiconUnits: numbers(basis.lexiconUnits),
    next: back(basis.next),
    later: back(basis.later),
    origins: back(basis.origins),
    mandated: back(basis.mandated),
    shapes: back(basis.shapes),
    sentences: [...basis.sentences].sort((a, b) => a - b),
    verbs: [...basis.verbs].sort((a, b) => a - b),
    bits: [...basis.bits].sort(byName),
  };
}

/** The basis of a document that `basisDocument` made. */
export function readBasis(document: Json): Basis {
  const read = document as Readonly<Record<string, unknown>>;
  const numbers = (key: string) =>
    new Map<number, number>(read[key] as readonly (readonly [number, number])[]);
  const back = (key: string) =>
    new Back(
      new Map(
        (read[key] as readonly (readonly [string, Pairs])[]).map(([context, symbols]) => [
          context,
          new Map(symbols as readonly (readonly [string, number])[]),
        ]),
      ),
    );
  const templates = (
    read['templates'] as readonly (readonly [number, number, number[], string[]])[]
  ).map(([template, units, words, tools]) => ({ template, units, words, tools: new Set(tools) }));
  const units = read['units'] as number;
  const words = numbers('words');
  return {
    ...raritiesOf(units, words),
    units,
    words,
    mandateWords: numbers('mandateWords'),
    templates,
    byTemplate: new Map(templates.map((template) => [template.template, template])),
    tools: back('tools'),
    toolCount: read['toolCount'] as number,
    lexicon: new Map(
      (read['lexicon'] as readonly (readonly [number, Pairs])[]).map(([word, tools]) => [
        word,
        new Map(tools as readonly (readonly [string, number])[]),
      ]),
    ),
    lexiconUnits: numbers('lexiconUnits'),
    next: back('next'),
    later: back('later'),
    origins: back('origins'),
    mandated: back('mandated'),
    shapes: back('shapes'),
    sentences: new Set(read['sentences'] as readonly number[]),
    verbs: new Set(read['verbs'] as readonly number[]),
    bits: new Map(read['bits'] as readonly (readonly [string, readonly [number, number]])[]),
  };
}

function byName<T>(a: readonly [string, T], b: readonly [string, T]): number {
  return a[0] < b[0] ? -1 : 1;
}
