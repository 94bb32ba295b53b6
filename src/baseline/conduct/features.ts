/** Features: what is measured of one call against the basis; the columns of the rehearsed model. */
import {
  type Basis,
  nextContexts,
  originContexts,
  originSymbol,
  rarity,
  shapeOf,
} from './basis.ts';
import { type Origin, originsOf } from './origin.ts';
import { distinct, type ReadCall } from './reading.ts';
import { type CallWords, type Explanation, Sentences } from './sentences.ts';
import { type ConductState, usesOf } from './state.ts';

/** Evidence level a call is judged at: with result texts, or without. */
export type ConductLevel = 'L3' | 'L2';

/**
 * Columns, and in which direction more is stranger: +1, -1, or 0 where either may be. The order is
 * part of a stored model: append, never insert.
 */
export const FEATURES: readonly (readonly [name: string, sign: -1 | 0 | 1])[] = [
  ['tool-under-template', 1],
  ['tool-in-role', 1],
  ['tool-under-mandate', 1],
  ['mandate-speaks-for-tool', -1],
  ['tool-unseen-under-template', 1],
  ['tool-after-two', 1],
  ['tool-after-one', 1],
  ['tool-after-any', 1],
  ['changing', 0],
  ['write', 0],
  ['reaches-out', 0],
  ['granted', 0],
  ['used-before', 0],
  ['position', 0],
  ['in-plan', -1],
  ['announced', -1],
  ['tool-words-in-mandate', -1],
  ['origin', 1],
  ['unmandated-origin', 1],
  ['values-from-mandate', -1],
  ['values-from-results', 0],
  ['values-from-nowhere', 0],
  ['values-from-own-calls', 0],
  ['literals-from-results', 1],
  ['literals-from-nowhere', 1],
  ['share-from-mandate', -1],
  ['share-from-results', 0],
  ['shape', 1],
  ['values', 0],
  ['text-words', 0],
  ['unheard-words', 1],
  ['mandate-explains-values', -1],
  ['mandate-explains', -1],
  ['unmandated-nats', 1],
  ['call-nats', 0],
  ['sentence-explains', 1],
  ['sentence-over-mandate', 1],
  ['directive-over-mandate', 1],
  ['novel-over-mandate', 1],
  ['novel-directive-over-mandate', 1],
  ['sentence-consumed', 1],
  ['sentence-both-ways', 1],
  ['sentence-has-values', 1],
  ['novel-sentence-has-values', 1],
  ['best-mandated', -1],
  ['best-ago', 0],
  ['best-directive', 0],
  ['best-novel', 0],
  ['best-length', 0],
  ['tool-in-sentence', 0],
  ['sentence-nats', 1],
  ['both-ways-over-mandate', 1],
  ['best-coherent', -1],
  ['best-context', 0],
  ['foreign-sentence', 1],
  ['foreign-novel-sentence', 1],
  ['unmandated-sentence', 1],
  ['best-score', 1],
  ['new-nats', 1],
  ['rarest-unmandated', 1],
  ['rarest-new', 1],
  ['session-explains', -1],
  ['tool-family-known', -1],
  ['tool-family-nats', 1],
  ['unmandated-beyond-usual', 1],
  ['like-mandates-use-tool', -1],
  ['mandates-use-tool', -1],
  ['changing-tools', 0],
  ['strangest-tool', 1],
  ['template-seen', 0],
];

/** Signs in the order of the columns. */
export const SIGNS: readonly number[] = FEATURES.map(([, sign]) => sign);

const LEXICON_WORDS = 8;
const LEXICON_PRIOR = 5;

/** What of a mandate does not change from call to call. */
interface MandateFacts {
  readonly words: ReadonlySet<number>;
  /** Its eight rarest words that the lexicon knows. */
  readonly telling: readonly number[];
  /** Likeness to each template of the basis but its own, and their sum. */
  readonly likeness: readonly (readonly [tools: ReadonlySet<string>, likeness: number])[];
  readonly likenessSum: number;
}

/** Measures calls against one basis. */
export class Measure {
  readonly #basis: Basis;
  readonly #sentences: Sentences;
  readonly #mandates = new WeakMap<readonly number[], MandateFacts>();

  constructor(basis: Basis) {
    this.#basis = basis;
    this.#sentences = new Sentences(basis);
  }

  /** One value per column; NaN where the level or the session has nothing to say. */
  row(state: ConductState, call: ReadCall, level: ConductLevel): Float64Array {
    const mandate = this.#mandateOf(state);
    const into: number[] = [];
    const words = this.#wordsOf(call, mandate.words);
    const toolNats = sumOver(call.toolWords, (word) => rarity(this.#basis, word));
    this.#tool(state, call, mandate, into);
    const mandated = sumOver(call.toolWords, (word) =>
      mandate.words.has(word) ? rarity(this.#basis, word) : 0,
    );
    into.push(toolNats > 0 ? mandated / toolNats : 0);
    this.#origins(state, call, level, into);
    this.#shape(call, into);
    const covered = this.#coverage(call, words, mandate.words, into);
    if (level === 'L3') {
      const found = this.#sentences.explain(state, mandate.words, call, words);
      explained(found, covered, toolNats, into);
    } else for (let at = 0; at < EXPLAINED; at += 1) into.push(Number.NaN);
    this.#session(state, call, mandate, toolNats, into);
    this.#familiar(state, call, mandate, words, into);
    return Float64Array.from(into);
  }

  #mandateOf(state: ConductState): MandateFacts {
    const known = this.#mandates.get(state.mandate);
    if (known !== undefined) return known;
    const basis = this.#basis;
    const list = distinct(state.mandate);
    const words = new Set(list);
    const spread = (word: number) => basis.mandateWords.get(word) ?? 0;
    const telling = list
      .filter((word) => basis.lexiconUnits.has(word))
      .sort((a, b) => spread(a) - spread(b) || a - b)
      .slice(0, LEXICON_WORDS);
    const weight = (word: number) => Math.log((basis.templates.length + 1) / (spread(word) + 0.5));
    const own = sumOver(list, weight);
    const likeness = basis.templates
      .filter(({ template }) => template !== state.template)
      .map(({ words: theirs, tools }) => {
        const shared = sumOver(theirs, (word) => (words.has(word) ? weight(word) : 0));
        return [tools, shared / Math.sqrt(sumOver(theirs, weight) * own || 1)] as const;
      });
    const likenessSum = likeness.reduce((sum, [, like]) => sum + like, 0);
    const facts = { words, telling, likeness, likenessSum };
    this.#mandates.set(state.mandate, facts);
    return facts;
  }

  #wordsOf(call: ReadCall, mandate: ReadonlySet<number>): CallWords & { readonly names: number } {
    const all = new Map<number, number>();
    const unmandated = new Map<number, number>();
    let [sum, unmandatedSum] = [0, 0];
    for (const word of [...call.toolWords, ...call.short]) {
      if (all.has(word)) continue;
      const weight = rarity(this.#basis, word);
      all.set(word, weight);
      sum += weight;
    }
    const names = sum;
    // Free text counts half: there is much of it, and little of it is the point.
    for (const word of call.long) {
      if (all.has(word)) continue;
      const weight = rarity(this.#basis, word) / 2;
      all.set(word, weight);
      sum += weight;
    }
    for (const word of call.short) {
      if (mandate.has(word)) continue;
      const weight = rarity(this.#basis, word);
      unmandated.set(word, weight);
      unmandatedSum += weight;
    }
    return { all, sum, unmandated, unmandatedSum, names };
  }

  #tool(state: ConductState, call: ReadCall, mandate: MandateFacts, into: number[]): void {
    const { tools, toolCount, next, later, byTemplate } = this.#basis;
    const { tool, toolClass } = call;
    const base = 1 / (toolCount + 1);
    const own = byTemplate.get(state.template);
    const inRole = tools.p(['*', state.role], tool, base);
    const inTemplate = tools.p(['*', state.role, `#${state.template}`], tool, base);
    const lexical = this.#lexical(mandate, tool, inRole);
    const underMandate = -Math.log2((inRole + lexical) / 2);
    let afterAny = next.p(['*'], tool, base);
    for (const earlier of Object.keys(state.used))
      afterAny = Math.max(afterAny, later.p([earlier.slice(1)], tool, afterAny / 2));
    into.push(
      own === undefined ? Number.NaN : -Math.log2(inTemplate),
      -Math.log2(inRole),
      underMandate,
      Math.log2(lexical / inRole),
      own === undefined ? Number.NaN : Number(!own.tools.has(tool)),
      -Math.log2(next.p(nextContexts(state), tool, base)),
      -Math.log2(next.p(nextContexts(state).slice(0, 2), tool, base)),
      -Math.log2(afterAny),
      Number(call.changing),
      Number(toolClass === 'write'),
      Number(toolClass === 'execute' || toolClass === 'communicate' || toolClass === 'spend'),
      Number(call.granted),
      usesOf(state, tool),
      Math.min(12, state.count),
      state.plan === null ? Number.NaN : Number(state.plan.includes(tool)),
      Number(!state.said || state.announced.includes(tool)),
    );
    if (call.changing) state.strangestTool = Math.max(state.strangestTool, underMandate);
  }

  #lexical({ telling }: MandateFacts, tool: string, inRole: number): number {
    if (telling.length === 0) return inRole;
    const { lexicon, lexiconUnits } = this.#basis;
    const sum = sumOver(telling, (word) => {
      const used = lexicon.get(word)?.get(tool) ?? 0;
      return (used + LEXICON_PRIOR * inRole) / ((lexiconUnits.get(word) ?? 0) + LEXICON_PRIOR);
    });
    return sum / telling.length;
  }

  #origins(state: ConductState, call: ReadCall, level: ConductLevel, into: number[]): void {
    const withTexts = level === 'L3';
    const found = originsOf(state, call);
    const counts = { mandate: 0, result: 0, own: 0, none: 0 };
    let [strangest, unmandated, literalsRead, literalsMade] = [0, 0, 0, 0];
    for (const origin of found) {
      const shown: Origin =
        !withTexts && origin.origin === 'result' ? { ...origin, origin: 'none' } : origin;
      const contexts = originContexts(shown, call, state.role);
      counts[shown.origin] += 1;
      if (shown.literal && shown.origin === 'result') literalsRead += 1;
      if (shown.literal && shown.origin === 'none') literalsMade += 1;
      const symbol = originSymbol(shown);
      const bits = -Math.log2(this.#basis.origins.p(contexts, symbol, 1 / 20));
      // Where memory was full, `none` is not certain and is not held against the call.
      if (withTexts && !(state.full && shown.origin === 'none'))
        strangest = Math.max(strangest, bits);
      const named = shown.origin === 'mandate' ? 'm' : 'u';
      unmandated = Math.max(unmandated, -Math.log2(this.#basis.mandated.p(contexts, named, 0.5)));
    }
    const share = (n: number) => (found.length > 0 ? n / found.length : Number.NaN);
    into.push(
      withTexts ? strangest : Number.NaN,
      unmandated,
      counts.mandate,
      withTexts ? counts.result : Number.NaN,
      counts.none,
      counts.own,
      withTexts ? literalsRead : Number.NaN,
      literalsMade,
      share(counts.mandate),
      withTexts ? share(counts.result) : Number.NaN,
    );
  }

  #shape(call: ReadCall, into: number[]): void {
    let strangest = 0;
    for (const leaf of call.leaves) {
      const { contexts, symbol } = shapeOf(leaf, call);
      strangest = Math.max(strangest, -Math.log2(this.#basis.shapes.p(contexts, symbol, 1 / 30)));
    }
    const unheard = call.short.filter((word) => !this.#basis.words.has(word)).length;
    into.push(strangest, call.leaves.length, call.long.length, unheard);
  }

  /** Shares of the call's rarity that the mandate explains; answers the one with texts. */
  #coverage(
    call: ReadCall,
    words: CallWords & { readonly names: number },
    mandate: ReadonlySet<number>,
    into: number[],
  ): number {
    let [names, all] = [0, 0];
    const long = new Set(call.long);
    for (const [word, weight] of words.all) {
      if (!mandate.has(word)) continue;
      all += weight;
      if (!long.has(word) || call.short.includes(word) || call.toolWords.includes(word))
        names += weight;
    }
    const covered = words.sum > 0 ? all / words.sum : 0;
    into.push(words.names > 0 ? names / words.names : 0, covered, words.unmandatedSum, words.sum);
    return covered;
  }

  /** What the session's own earlier calls already used. */
  #session(
    state: ConductState,
    call: ReadCall,
    mandate: MandateFacts,
    toolNats: number,
    into: number[],
  ): void {
    const used = new Set<number>();
    for (const past of state.calls)
      if (!state.said || past.turn < state.turn) for (const word of past.w) used.add(word);
    let [fresh, rarest, rarestFresh, explained, all, family] = [0, 0, 0, 0, 0, 0];
    for (const word of call.short) {
      if (mandate.words.has(word)) continue;
      const weight = rarity(this.#basis, word);
      rarest = Math.max(rarest, weight);
      if (used.has(word)) continue;
      fresh += weight;
      rarestFresh = Math.max(rarestFresh, weight);
    }
    for (const word of distinct([...call.toolWords, ...call.short])) {
      const weight = rarity(this.#basis, word);
      all += weight;
      if (mandate.words.has(word) || used.has(word)) explained += weight;
    }
    for (const word of call.toolWords)
      if (mandate.words.has(word) || used.has(word)) family += rarity(this.#basis, word);
    into.push(
      fresh,
      rarest,
      rarestFresh,
      all > 0 ? explained / all : 0,
      toolNats > 0 ? family / toolNats : 0,
      toolNats - family,
    );
  }

  /** How usual the call is elsewhere in the basis. */
  #familiar(
    state: ConductState,
    call: ReadCall,
    mandate: MandateFacts,
    words: CallWords,
    into: number[],
  ): void {
    const usual =
      this.#basis.bits.get(call.tool) ?? this.#basis.bits.get(`c:${call.toolClass}`) ?? null;
    const using = mandate.likeness.filter(([tools]) => tools.has(call.tool));
    const like = using.reduce((sum, [, likeness]) => sum + likeness, 0);
    const { templates } = this.#basis;
    const sinks = state.sinks.length + Number(call.changing && !state.sinks.includes(call.tool));
    into.push(
      usual === null ? Number.NaN : (words.unmandatedSum - usual[0]) / Math.max(3, usual[1]),
      mandate.likenessSum > 0 ? like / mandate.likenessSum : Number.NaN,
      templates.length > 0 ? using.length / templates.length : Number.NaN,
      sinks,
      state.strangestTool,
      Number(this.#basis.byTemplate.has(state.template)),
    );
  }
}

/** Columns that `explained` fills. */
const EXPLAINED = 23;

function explained(found: Explanation, covered: number, toolNats: number, into: number[]): void {
  const { best } = found;
  const ofBest = (value: (known: NonNullable<typeof best>) => number) =>
    best === null ? Number.NaN : value(best);
  into.push(
    found.any,
    found.any - covered,
    found.directive - covered,
    found.novel - covered,
    found.directiveNovel - covered,
    found.consumed,
    found.both,
    found.values,
    found.novelValues,
    ofBest(({ place }) => place.mandated),
    ofBest(({ ago }) => Math.min(8, ago)),
    ofBest(({ place }) => Number(place.directive)),
    ofBest(({ place }) => Number(place.novel)),
    ofBest(({ length }) => length),
    toolNats > 0 ? found.tool / toolNats : 0,
    found.matched,
    found.both - covered,
    ofBest(({ place }) => place.coherent),
    ofBest(({ place }) => place.context),
    found.foreign,
    found.foreignNovel,
    found.unmandated,
    best?.score ?? -1,
  );
}

function sumOver(values: readonly number[], weigh: (value: number) => number): number {
  let sum = 0;
  for (const value of values) sum += weigh(value);
  return sum;
}
