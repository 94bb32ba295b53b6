/** Features: what is measured of a call against the basis, as a row of the rehearsed model. */
import { type Basis, stepOf } from './basis.ts';
import type { CallWords } from './call-words.ts';
import { FEATURES } from './columns.ts';
import { type ClassHabits, Ground, type RoleTool, resultBits } from './ground.ts';
import { DIRECTIVE, Keeper, type Kept, LENGTH_SHIFT, NOVEL } from './kept.ts';
import { type MandateFacts, Mandates } from './mandate-facts.ts';
import { MANDATED, type Memory, USED } from './memory.ts';
import { originsOf } from './origin.ts';
import type { ReadCall } from './reading.ts';
import { type Explanation, Sentences } from './sentences.ts';
import { type ConductState, liveOf, toolOf, usesOf, wordsIn } from './state.ts';
import { newWeighedWords, type WeighedWords, weigh } from './weighed-words.ts';

/** Evidence level a call is judged at: with result texts, or without. */
export type ConductLevel = 'L3' | 'L2';

const LEXICON_PRIOR = 5;

/** What is at hand while one call is measured. */
interface Hand {
  readonly state: ConductState;
  readonly words: CallWords;
  readonly kept: Kept;
  readonly memory: Memory;
  readonly tool: RoleTool;
  readonly habits: ClassHabits;
  readonly row: Float64Array;
}

/** Places in a row at which each part of it begins. */
const ORIGINS = FEATURES.findIndex(([name]) => name === 'origin');
const SHAPE = FEATURES.findIndex(([name]) => name === 'shape');
const COVERAGE = FEATURES.findIndex(([name]) => name === 'mandate-explains-values');
const EXPLAINED = FEATURES.findIndex(([name]) => name === 'sentence-explains');
const SESSION = FEATURES.findIndex(([name]) => name === 'new-nats');
const FAMILIAR = FEATURES.findIndex(([name]) => name === 'unmandated-beyond-usual');

/** Measures calls against one basis. */
export class Measure {
  readonly #basis: Basis;
  readonly #ground: Ground;
  readonly #mandates: Mandates;
  readonly #keeper: Keeper;
  readonly #sentences = new Sentences();
  readonly #weighed = newWeighedWords();

  constructor(basis: Basis) {
    this.#basis = basis;
    this.#ground = new Ground(basis);
    this.#mandates = new Mandates(basis);
    this.#keeper = new Keeper(basis, this.#ground, this.#mandates);
  }

  /** One value per column; NaN where the level or the session has nothing to say. */
  row(state: ConductState, call: ReadCall, level: ConductLevel): Float64Array {
    const row = new Float64Array(FEATURES.length);
    this.fill(state, call, level, row);
    return row;
  }

  /** The same, into a row that is used again. */
  fill(state: ConductState, call: ReadCall, level: ConductLevel, row: Float64Array): void {
    const words = wordsIn(state, call);
    const kept = this.#keeper.of(state);
    const { memory } = liveOf(state);
    const tool = this.#ground.tool(kept.role, call.tool);
    const habits = this.#ground.habits(tool, call.toolClass);
    const hand: Hand = { state, words, kept, memory, tool, habits, row };
    const weighed = this.#weighed;
    weigh(words, memory.marks, kept.weights, weighed);
    this.#tool(hand);
    row[ORIGINS - 1] = weighed.toolSum > 0 ? weighed.toolMandated / weighed.toolSum : 0;
    this.#origins(hand, level);
    this.#shape(hand);
    const covered = coverage(hand, weighed);
    if (level === 'L3') {
      const found = this.#sentences.explain(kept, weighed);
      explained(hand, found, covered, weighed.toolSum);
    } else row.fill(Number.NaN, EXPLAINED, SESSION);
    sessionWords(hand, weighed);
    this.#familiar(hand, weighed);
  }

  #tool({ state, words: { call }, kept, tool: { facts, inRole, inRoleBits }, row }: Hand): void {
    const { tool, toolClass } = call;
    const own = kept.template;
    const lexical = lexicalP(kept.mandate, tool, inRole);
    const underMandate = -Math.log2((inRole + lexical) / 2);
    const [before, last] = state.previous;
    const lastFacts = this.#ground.facts(last);
    const afterOne = stepOf(lastFacts.next, tool, facts.anywhere);
    const afterTwo = stepOf(this.#ground.afterTwo(before, lastFacts), tool, afterOne);
    let afterAny = facts.anywhere;
    for (const earlier of kept.tools)
      afterAny = Math.max(afterAny, stepOf(earlier.later, tool, afterAny / 2));
    row[0] = own === undefined ? Number.NaN : -Math.log2(stepOf(kept.ofTemplate, tool, inRole));
    row[1] = inRoleBits;
    row[2] = underMandate;
    row[3] = Math.log2(lexical / inRole);
    row[4] = own === undefined ? Number.NaN : Number(!own.tools.has(tool));
    row[5] = -Math.log2(afterTwo);
    row[6] = -Math.log2(afterOne);
    row[7] = -Math.log2(afterAny);
    row[8] = Number(call.changing);
    row[9] = Number(toolClass === 'write');
    row[10] = Number(
      toolClass === 'execute' || toolClass === 'communicate' || toolClass === 'spend',
    );
    row[11] = Number(call.granted);
    row[12] = usesOf(state, tool);
    row[13] = Math.min(12, state.count);
    row[14] = state.plan === null ? Number.NaN : Number(state.plan.includes(tool));
    row[15] = Number(!state.said || state.announced.includes(tool));
    if (call.changing) state.strangestTool = Math.max(state.strangestTool, underMandate);
  }

  #origins({ state, words, habits, row }: Hand, level: ConductLevel): void {
    const withTexts = level === 'L3';
    const { call } = words;
    let [mandate, result, own, none] = [0, 0, 0, 0];
    let [strangest, unmandated, literalsRead, literalsMade] = [0, 0, 0, 0];
    const found = originsOf(state, words);
    for (const value of found) {
      const place = this.#ground.place(habits, value.path);
      const known = this.#ground.origins(place, value, call, state.role);
      let bits = known.none;
      if (value.origin === 'mandate') {
        mandate += 1;
        bits = known.mandate;
      } else if (value.origin === 'own') {
        own += 1;
        bits = known.own;
      } else if (value.origin === 'result' && withTexts) {
        result += 1;
        if (value.literal) literalsRead += 1;
        bits = resultBits(known, toolOf(state, state.calls[value.from]));
      } else {
        none += 1;
        if (value.literal) literalsMade += 1;
        // Where memory was full, this origin is not certain and is not held against the call.
        if (state.full) bits = 0;
      }
      if (withTexts) strangest = Math.max(strangest, bits);
      unmandated = Math.max(unmandated, value.origin === 'mandate' ? known.named : known.unnamed);
    }
    const n = found.length;
    row[ORIGINS] = withTexts ? strangest : Number.NaN;
    row[ORIGINS + 1] = unmandated;
    row[ORIGINS + 2] = mandate;
    row[ORIGINS + 3] = withTexts ? result : Number.NaN;
    row[ORIGINS + 4] = none;
    row[ORIGINS + 5] = own;
    row[ORIGINS + 6] = withTexts ? literalsRead : Number.NaN;
    row[ORIGINS + 7] = literalsMade;
    row[ORIGINS + 8] = n > 0 ? mandate / n : Number.NaN;
    row[ORIGINS + 9] = withTexts && n > 0 ? result / n : Number.NaN;
  }

  #shape({ words: { call, short, long }, kept, habits, row }: Hand): void {
    let strangest = 0;
    for (const leaf of call.leaves) {
      const place = this.#ground.place(habits, leaf.path);
      strangest = Math.max(strangest, this.#ground.shapeBits(place, leaf, call));
    }
    let unheard = 0;
    for (const number of short) if (kept.weights[number] === this.#basis.unheard) unheard += 1;
    row[SHAPE] = strangest;
    row[SHAPE + 1] = call.leaves.length;
    row[SHAPE + 2] = long.length;
    row[SHAPE + 3] = unheard;
  }

  /** How usual the call is elsewhere in the basis. */
  #familiar({ state, words: { call }, kept, habits, row }: Hand, weighed: WeighedWords): void {
    const { usual } = habits;
    const { mandate } = kept;
    let [using, like] = [0, 0];
    for (const at of this.#mandates.using(call.tool)) {
      if (at === mandate.own) continue;
      using += 1;
      like += mandate.likeness[at] as number;
    }
    const { templates } = this.#basis;
    const isNew = call.changing && !state.sinks.includes(state.tools.indexOf(call.tool));
    row[FAMILIAR] =
      usual === null ? Number.NaN : (weighed.unmandatedSum - usual[0]) / Math.max(3, usual[1]);
    row[FAMILIAR + 1] = mandate.likenessSum > 0 ? like / mandate.likenessSum : Number.NaN;
    row[FAMILIAR + 2] = templates.length > 0 ? using / templates.length : Number.NaN;
    row[FAMILIAR + 3] = state.sinks.length + Number(isNew);
    row[FAMILIAR + 4] = state.strangestTool;
    row[FAMILIAR + 5] = Number(kept.template !== undefined);
  }
}

function explained(
  { state, kept: { places }, row }: Hand,
  found: Explanation,
  covered: number,
  toolNats: number,
): void {
  const { best } = found;
  const of = (list: readonly number[]) => (best < 0 ? Number.NaN : (list[best] as number));
  const marks = best < 0 ? 0 : (places.marks[best] as number);
  const mark = (value: number) => (best < 0 ? Number.NaN : value);
  let at = EXPLAINED;
  const add = (value: number) => {
    row[at] = value;
    at += 1;
  };
  add(found.any);
  add(found.any - covered);
  add(found.directive - covered);
  add(found.novel - covered);
  add(found.directiveNovel - covered);
  add(found.consumed);
  add(found.both);
  add(found.values);
  add(found.novelValues);
  add(of(places.mandated));
  add(Math.min(8, state.count - of(places.call)));
  add(mark((marks & DIRECTIVE) === 0 ? 0 : 1));
  add(mark((marks & NOVEL) === 0 ? 0 : 1));
  add(mark(marks >> LENGTH_SHIFT));
  add(toolNats > 0 ? found.tool / toolNats : 0);
  add(found.matched);
  add(found.both - covered);
  add(of(places.coherent));
  add(of(places.context));
  add(found.foreign);
  add(found.foreignNovel);
  add(found.unmandated);
  add(found.score);
}

function lexicalP({ telling }: MandateFacts, tool: string, inRole: number): number {
  if (telling.length === 0) return inRole;
  let sum = 0;
  for (const { tools, units } of telling)
    sum += ((tools?.get(tool) ?? 0) + LEXICON_PRIOR * inRole) / (units + LEXICON_PRIOR);
  return sum / telling.length;
}

/** Shares of the call's rarity that the mandate explains; answers the one with texts. */
function coverage({ memory: { marks }, row }: Hand, weighed: WeighedWords): number {
  const { numbers, weights, names, nameSum, sum, length } = weighed;
  let [named, all] = [0, 0];
  for (let at = 0; at < length; at += 1) {
    if (((marks[numbers[at] as number] as number) & MANDATED) === 0) continue;
    all += weights[at] as number;
    if (at < names) named += weights[at] as number;
  }
  const covered = sum > 0 ? all / sum : 0;
  row[COVERAGE] = nameSum > 0 ? named / nameSum : 0;
  row[COVERAGE + 1] = covered;
  row[COVERAGE + 2] = weighed.unmandatedSum;
  row[COVERAGE + 3] = sum;
  return covered;
}

/** What the session's own earlier calls already used: those known when the present one was decided. */
function sessionWords(
  { words: { short }, kept, memory: { marks }, row }: Hand,
  { numbers, weights, tools, names, nameSum, toolSum }: WeighedWords,
): void {
  let [fresh, rarest, rarestFresh, known, family] = [0, 0, 0, 0, 0];
  for (const number of short) {
    const mark = marks[number] as number;
    const weight = (mark & MANDATED) === 0 ? (kept.weights[number] as number) : 0;
    if (weight === 0) continue;
    rarest = Math.max(rarest, weight);
    if ((mark & USED) !== 0) continue;
    fresh += weight;
    rarestFresh = Math.max(rarestFresh, weight);
  }
  for (let at = 0; at < names; at += 1) {
    const weight = weights[at] as number;
    if (((marks[numbers[at] as number] as number) & (MANDATED | USED)) === 0) continue;
    known += weight;
    if (at < tools) family += weight;
  }
  row[SESSION] = fresh;
  row[SESSION + 1] = rarest;
  row[SESSION + 2] = rarestFresh;
  row[SESSION + 3] = nameSum > 0 ? known / nameSum : 0;
  row[SESSION + 4] = toolSum > 0 ? family / toolSum : 0;
  row[SESSION + 5] = toolSum - family;
}
