/** text-drift: how unusual an agent's reasoning reads under its role's words (handbook 4.8). */
import type { UnitItem, UnitRecord } from '../../model/unit.ts';
import { ascending, medianSorted } from '../../stats/summary.ts';
import {
  type ContextCounts,
  compileContexts,
  contextCounts,
  contextKeys,
  countContexts,
  UNKNOWN,
} from '../../stats/witten-bell.ts';
import type { Dimension, Json, Scorer } from '../dimension.ts';
import { bySession, isKnown, tallied } from '../influence.ts';
import { grouped, rounded } from '../wording.ts';
import { readerOf, type TextModel, type TextState, wordsOf } from './text-words.ts';

/** Words a baseline knows, and pairs of them. */
const WORDS_MAX = 20_000;
const PAIRS_MAX = 40_000;
/** Pseudo-words with which the usual bits hold the mean. */
const SHRUNK_BY = 20;
interface TextCounts {
  /** Order 1 over words. */
  readonly words: ContextCounts;
  /** Order 2 over the letters of words, for words that are not known. */
  readonly letters: ContextCounts;
  /** Median over units of the mean bits per word, each half scored by counts of the other. */
  readonly usualBits: number;
  readonly read: number;
}

/** Shrunk mean bits per word. Closing; abstains where there is no prose, which is often. */
export const textDrift: Dimension = {
  name: 'text-drift',
  source: 'reasoning',
  timing: 'closing',
  takes: 'say',
  needs: 'L3',
  learn: (units) => learnText(units) as unknown as Json,
  compile: compileText,
  symbols(counts) {
    const { words } = counts as unknown as TextCounts;
    const found = new Map<string, number>();
    const next = words.rows.find(([context]) => context.length === 0)?.[1] ?? [];
    for (let at = 0; at + 1 < next.length; at += 2)
      found.set(words.symbols[(next[at] ?? 0) - 2] ?? '?', next[at + 1] ?? 0);
    return found;
  },
};

function textsOf(unit: UnitRecord): string[] {
  return unit.items.flatMap((item) =>
    item.type === 'say' && item.text !== null ? [item.text] : [],
  );
}

function turnsOf(unit: UnitRecord): string[][] {
  return textsOf(unit)
    .map(wordsOf)
    .filter((words) => words.length > 0);
}

function learnText(units: readonly UnitRecord[]): TextCounts {
  const turns = new Map(units.map((unit) => [unit, turnsOf(unit)]));
  const read = (unit: UnitRecord) => turns.get(unit) ?? [];
  const tally = tallied(units, (unit, add) => {
    for (const words of read(unit)) for (const word of words) add(word);
  });
  const known = [...tally.counters].filter(([, support]) => isKnown(support, tally));
  known.sort(([a, { n }], [b, { n: other }]) => other - n || (a < b ? -1 : 1));
  const symbols = known
    .slice(0, WORDS_MAX)
    .map(([word]) => word)
    .sort();
  const letters = countContexts(
    [...tally.counters.keys()].sort().map((word) => [...word, '']),
    2,
  );
  const ids = new Map(symbols.map((word, at) => [word, at + 2]));
  const count = (some: readonly UnitRecord[]): ContextCounts => pairsOf(some, symbols, ids, read);
  const halves: [UnitRecord[], UnitRecord[]] = [[], []];
  bySession(units).forEach((session, at) => {
    halves[at % 2 === 0 ? 0 : 1].push(...session.units);
  });
  const means: number[] = [];
  for (const [fit, held] of [halves, [halves[1], halves[0]] as const]) {
    const reader = readerOf(modelOf([{ words: count(fit), letters }]));
    for (const unit of held) {
      const state = fresh();
      for (const text of textsOf(unit)) reader(state, text);
      if (state.words > 0) means.push(state.bits / state.words);
    }
  }
  return {
    words: count(units),
    letters,
    usualBits: means.length === 0 ? 0 : medianSorted(ascending(means)),
    read: means.length,
  };
}

function pairsOf(
  units: readonly UnitRecord[],
  symbols: readonly string[],
  ids: ReadonlyMap<string, number>,
  read: (unit: UnitRecord) => readonly (readonly string[])[],
): ContextCounts {
  const tally = tallied(units, (unit, add) => {
    for (const words of read(unit))
      contextKeys(
        words.map((word) => ids.get(word) ?? UNKNOWN),
        1,
        add,
      );
  });
  const all = [...tally.counters];
  const singles = all.filter(([key]) => key.length === 1);
  const pairs = all.filter(([key, { n }]) => key.length === 2 && n > 1);
  pairs.sort(([a, { n }], [b, { n: other }]) => other - n || (a < b ? -1 : 1));
  const counters = new Map<string, number>();
  for (const [key, { n }] of [...singles, ...pairs.slice(0, PAIRS_MAX)]) counters.set(key, n);
  return contextCounts(symbols, 1, counters);
}

function modelOf(levels: readonly Pick<TextCounts, 'words' | 'letters'>[]): TextModel {
  return {
    words: compileContexts(levels.map(({ words }) => ({ counts: words, order: 1 }))),
    // How words are spelt differs between languages, not between agents: the widest level will do.
    letters: compileContexts(
      levels.slice(-1).map(({ letters }) => ({ counts: letters, order: 2 })),
    ),
  };
}

function fresh(): TextState {
  return { words: 0, unknown: 0, bits: 0 };
}

function compileText(levels: readonly Json[]): Scorer {
  const known = levels.map((level) => level as unknown as TextCounts);
  const read = readerOf(modelOf(known));
  const usual = known.find(({ read: units }) => units > 0)?.usualBits ?? null;
  return {
    begin: () => fresh() as unknown as Json,
    see(state, item: UnitItem) {
      if (item.type === 'say' && item.text !== null) read(state as unknown as TextState, item.text);
      return { state, score: null };
    },
    close(state) {
      const { words, bits } = state as unknown as TextState;
      if (words === 0 || usual === null) return null;
      return (bits + SHRUNK_BY * usual) / (words + SHRUNK_BY);
    },
    say(state) {
      const { words, unknown, bits } = state as unknown as TextState;
      if (words === 0) return 'no reasoning text was seen';
      return `${rounded(bits / words)} bits per word over ${grouped(words)} words, usual ${rounded(usual ?? 0)}; ${grouped(unknown)} words not known here`;
    },
  };
}
