/** Features: what is measured of a call against the basis; columns of the rehearsed model. */
import { along, type Basis, nextContexts } from './basis.ts';
import { type CallWords, wordsOf } from './call-words.ts';
import { Habits } from './habits.ts';
import { type MandateFacts, Mandates } from './mandate-facts.ts';
import { type Origin, originsOf } from './origin.ts';
import type { ReadCall } from './reading.ts';
import { type Explanation, type Indexed, Sentences } from './sentences.ts';
import { type ConductState, type PastCall, usesOf, wasKnown } from './state.ts';

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

const LEXICON_PRIOR = 5;

/** What is derived of an open unit and kept from call to call: all of it can be derived again. */
interface Kept {
  readonly mandate: MandateFacts;
  /** Results by place of their call. */
  readonly indexed: (Indexed | undefined)[];
  /** Words of the calls that were known, and the calls that were not yet. */
  used: Set<number>;
  waiting: PastCall[];
  /** Calls looked at; whether turns were told of by then. */
  seen: number;
  said: boolean;
}

/** Measures calls against one basis. */
export class Measure {
  readonly #basis: Basis;
  readonly #sentences: Sentences;
  readonly #mandates: Mandates;
  readonly #habits: Habits;
  readonly #kept = new WeakMap<ConductState, Kept>();

  constructor(basis: Basis) {
    this.#basis = basis;
    this.#sentences = new Sentences(basis);
    this.#mandates = new Mandates(basis);
    this.#habits = new Habits(basis);
  }

  /** One value per column; NaN where the level or the session has nothing to say. */
  row(state: ConductState, call: ReadCall, level: ConductLevel): Float64Array {
    const kept = this.#keptOf(state);
    const { mandate } = kept;
    const into: number[] = [];
    const words = wordsOf(this.#basis, call, mandate.words);
    const { toolSum, toolMandated } = words;
    this.#tool(state, call, mandate, into);
    into.push(toolSum > 0 ? toolMandated / toolSum : 0);
    this.#origins(state, call, level, into);
    this.#shape(state, call, into);
    const covered = coverage(words, into);
    if (level === 'L3') {
      const found = this.#sentences.explain(state, mandate.words, words, kept.indexed);
      explained(found, covered, toolSum, into);
    } else for (let at = 0; at < EXPLAINED; at += 1) into.push(Number.NaN);
    sessionWords(usedWords(state, kept), call, words, into);
    this.#familiar(state, call, mandate, words, into);
    return new Float64Array(into);
  }

  #keptOf(state: ConductState): Kept {
    const known = this.#kept.get(state);
    if (known !== undefined) return known;
    const mandate = this.#mandates.facts(state.mandate, state.template);
    const kept = {
      ...{ mandate, indexed: [], used: new Set<number>(), waiting: [] },
      ...{ seen: 0, said: state.said },
    };
    this.#kept.set(state, kept);
    return kept;
  }

  #tool(state: ConductState, call: ReadCall, mandate: MandateFacts, into: number[]): void {
    const { tools, toolCount, next, later, byTemplate } = this.#basis;
    const { tool, toolClass } = call;
    const base = 1 / (toolCount + 1);
    const own = byTemplate.get(state.template);
    const inRole = tools.step(state.role, tool, tools.step('*', tool, base));
    const inTemplate = tools.step(`#${state.template}`, tool, inRole);
    const lexical = lexicalP(mandate, tool, inRole);
    const underMandate = -Math.log2((inRole + lexical) / 2);
    const [any = '', one = '', two = ''] = nextContexts(state);
    const anywhere = next.step(any, tool, base);
    const afterOne = next.step(one, tool, anywhere);
    let afterAny = anywhere;
    for (const earlier of Object.keys(state.used))
      afterAny = Math.max(afterAny, later.step(earlier.slice(1), tool, afterAny / 2));
    into.push(
      own === undefined ? Number.NaN : -Math.log2(inTemplate),
      -Math.log2(inRole),
      underMandate,
      Math.log2(lexical / inRole),
      own === undefined ? Number.NaN : Number(!own.tools.has(tool)),
      -Math.log2(next.step(two, tool, afterOne)),
      -Math.log2(afterOne),
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

  #origins(state: ConductState, call: ReadCall, level: ConductLevel, into: number[]): void {
    const withTexts = level === 'L3';
    const found = originsOf(state, call);
    const habits = this.#habits.of(call, state.role);
    const counts = { mandate: 0, result: 0, own: 0, none: 0 };
    let [strangest, unmandated, literalsRead, literalsMade] = [0, 0, 0, 0];
    for (const origin of found) {
      const shown: Origin =
        !withTexts && origin.origin === 'result' ? { ...origin, origin: 'none' } : origin;
      const known = this.#habits.origin(habits, shown, call, state.role);
      counts[shown.origin] += 1;
      if (shown.literal && shown.origin === 'result') literalsRead += 1;
      if (shown.literal && shown.origin === 'none') literalsMade += 1;
      const symbol =
        shown.origin === 'result' ? this.#habits.resultSymbol(shown.tool) : shown.origin;
      const bits = -Math.log2(along(known.origins, symbol, 1 / 20));
      // Where memory was full, `none` is not certain and is not held against the call.
      if (withTexts && !(state.full && shown.origin === 'none'))
        strangest = Math.max(strangest, bits);
      const named = shown.origin === 'mandate' ? 'm' : 'u';
      unmandated = Math.max(unmandated, -Math.log2(along(known.mandated, named, 0.5)));
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

  #shape(state: ConductState, call: ReadCall, into: number[]): void {
    const habits = this.#habits.of(call, state.role);
    let strangest = 0;
    for (const leaf of call.leaves)
      strangest = Math.max(strangest, -Math.log2(this.#habits.shapeP(habits, leaf, call)));
    let unheard = 0;
    for (const word of call.short) if (!this.#basis.words.has(word)) unheard += 1;
    into.push(strangest, call.leaves.length, call.long.length, unheard);
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
    let [using, like] = [0, 0];
    for (const at of this.#mandates.using(call.tool)) {
      if (at === mandate.own) continue;
      using += 1;
      like += mandate.likeness[at] as number;
    }
    const { templates } = this.#basis;
    const sinks = state.sinks.length + Number(call.changing && !state.sinks.includes(call.tool));
    into.push(
      usual === null ? Number.NaN : (words.unmandatedSum - usual[0]) / Math.max(3, usual[1]),
      mandate.likenessSum > 0 ? like / mandate.likenessSum : Number.NaN,
      templates.length > 0 ? using / templates.length : Number.NaN,
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

function lexicalP({ telling }: MandateFacts, tool: string, inRole: number): number {
  if (telling.length === 0) return inRole;
  let sum = 0;
  for (const [tools, n] of telling)
    sum += ((tools?.get(tool) ?? 0) + LEXICON_PRIOR * inRole) / (n + LEXICON_PRIOR);
  return sum / telling.length;
}

/** Shares of the call's rarity that the mandate explains; answers the one with texts. */
function coverage({ weights, mandated, names, nameSum, sum, ...rest }: CallWords, into: number[]) {
  let [named, all] = [0, 0];
  for (let at = 0; at < weights.length; at += 1) {
    if (mandated[at] !== true) continue;
    all += weights[at] as number;
    if (at < names) named += weights[at] as number;
  }
  const covered = sum > 0 ? all / sum : 0;
  into.push(nameSum > 0 ? named / nameSum : 0, covered, rest.unmandatedSum, sum);
  return covered;
}

/** Words of the calls that were known when the present one was decided. */
function usedWords(state: ConductState, kept: Kept): ReadonlySet<number> {
  // Once turns are told of, calls without one are placed anew.
  if (kept.said !== state.said) {
    kept.used = new Set();
    kept.waiting = [];
    kept.seen = 0;
    kept.said = state.said;
  }
  for (; kept.seen < state.calls.length; kept.seen += 1)
    kept.waiting.push(state.calls[kept.seen] as PastCall);
  if (kept.waiting.length > 0)
    kept.waiting = kept.waiting.filter((past) => {
      if (!wasKnown(state, past)) return true;
      for (const word of past.w) kept.used.add(word);
      return false;
    });
  return kept.used;
}

/** What the session's own earlier calls already used. */
function sessionWords(
  used: ReadonlySet<number>,
  { short, toolWords }: ReadCall,
  { words, weights, mandated, shortWeights, names, nameSum, toolSum }: CallWords,
  into: number[],
): void {
  let [fresh, rarest, rarestFresh, known, family] = [0, 0, 0, 0, 0];
  for (let at = 0; at < short.length; at += 1) {
    const weight = shortWeights[at] as number;
    if (weight === 0) continue;
    rarest = Math.max(rarest, weight);
    if (used.has(short[at] as number)) continue;
    fresh += weight;
    rarestFresh = Math.max(rarestFresh, weight);
  }
  for (let at = 0; at < names; at += 1) {
    const weight = weights[at] as number;
    if (mandated[at] !== true && !used.has(words[at] as number)) continue;
    known += weight;
    if (at < toolWords.length) family += weight;
  }
  into.push(
    fresh,
    rarest,
    rarestFresh,
    nameSum > 0 ? known / nameSum : 0,
    toolSum > 0 ? family / toolSum : 0,
    toolSum - family,
  );
}
