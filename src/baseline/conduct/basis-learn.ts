/** Learning a basis: accepted units are counted, each word and tool once a unit. */
import type { UnitRecord } from '../../model/unit.ts';
import { toolWordsOf } from '../../stats/literals.ts';
import { digestOf } from '../../stats/tape.ts';
import {
  Back,
  type Basis,
  nextContexts,
  originContexts,
  originSymbol,
  raritiesOf,
  rarity,
  shapeOf,
} from './basis.ts';
import type { CallWords } from './call-words.ts';
import { numberAt } from './lexis.ts';
import { recollect } from './memory.ts';
import { originsOf } from './origin.ts';
import { openingsOf, readCall, sentenceKey, VALUE_KINDS, type ValueKind } from './reading.ts';
import { eachSentence } from './spans.ts';
import { type ConductState, hear, liveOf, newState, remember, toolOf, wordsIn } from './state.ts';

const WORDS_MAX = 60_000;
const MIN_FOR_BITS = 8;

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
      if (verb !== undefined) counting.verbs.add(digestOf(verb) >>> 0);
    }
  }
  for (const unit of units) countUnit(unit, counting);
  return finished(units.length, counting);
}

function countUnit(unit: UnitRecord, counting: Counting): void {
  const state = newState(unit.head);
  const { lexis } = liveOf(state);
  const mandate: number[] = [];
  for (let at = 0; at < lexis.n; at += 1) mandate.push((lexis.h[at] as number) >>> 0);
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
    const own = wordsIn(state, call);
    recollect(state, lexis, liveOf(state).memory);
    countCall(state, own, mandate.length, counting);
    if (call.granted) used.add(call.tool);
    for (const word of call.toolWords) words.add(word >>> 0);
    for (const number of own.short) words.add((lexis.h[number] as number) >>> 0);
    remember(state, call, item);
    countSentences(state, words, keys);
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

/** Words and keys of the sentences of the last result. */
function countSentences(state: ConductState, words: Set<number>, keys: Set<number>): void {
  const past = state.calls[state.calls.length - 1];
  if (past === undefined || past.spans === '') return;
  const { lexis } = liveOf(state);
  const row = past.said === '' ? past.tape : past.said;
  eachSentence(past.spans, (from, to) => {
    let key = 17;
    lexis.serial += 1;
    for (let at = from; at < to; at += 1) {
      const number = numberAt(row, at);
      if (lexis.stamp[number] === lexis.serial) continue;
      lexis.stamp[number] = lexis.serial;
      const word = (lexis.h[number] as number) >>> 0;
      words.add(word);
      key = sentenceKey(key, word);
    }
    keys.add(key);
  });
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
    for (const first of openingsOf(head.mandate ?? '')) counting.verbs.add(first >>> 0);
  }
  known.units += 1;
  return known;
}

/** `mandated`: so many of the unit's first words are those of its mandate. */
function countCall(
  state: ConductState,
  own: CallWords,
  mandated: number,
  counting: Counting,
): void {
  const { call, short } = own;
  const { tool, toolClass } = call;
  counting.toolNames.add(tool);
  counting.next.add(nextContexts(state), tool);
  for (const earlier of new Set(state.calls.map((past) => toolOf(state, past))))
    counting.later.add([earlier], tool);
  for (const origin of originsOf(state, own)) {
    const name = VALUE_KINDS[origin.kind] as ValueKind;
    const path = origin.isInside ? `${origin.path}#${name}` : origin.path;
    const contexts = originContexts({ kind: name, path }, call, state.role);
    const from = toolOf(state, state.calls[origin.from]);
    counting.origins.add(contexts, originSymbol(origin, from));
    counting.mandated.add(contexts, origin.origin === 'mandate' ? 'm' : 'u');
  }
  for (const leaf of call.leaves) {
    const { contexts, symbol } = shapeOf(leaf, call);
    counting.shapes.add(contexts, symbol);
  }
  const { lexis } = liveOf(state);
  const words: number[] = [];
  for (const number of short) if (number >= mandated) words.push((lexis.h[number] as number) >>> 0);
  counting.calls.push({ tool, toolClass, words });
}

function finished(units: number, counting: Counting): Basis {
  const words = most(counting.words, WORDS_MAX);
  const rarities = raritiesOf(units, words);
  const templates = [...counting.templates.values()];
  const bits = new Map<string, number[]>();
  for (const { tool, toolClass, words: own } of counting.calls) {
    let sum = 0;
    for (const word of own) sum += rarity(rarities, word);
    for (const key of [tool, `c:${toolClass}`]) {
      const sums = bits.get(key);
      if (sums === undefined) bits.set(key, [sum]);
      else sums.push(sum);
    }
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
