/** Kept: what a measure knows of an open unit from call to call, derived of its state. */
import type { Basis, Counts, TemplateCounts } from './basis.ts';
import type { Ground, Role, ToolFacts } from './ground.ts';
import { type Lexis, numberAt } from './lexis.ts';
import type { MandateFacts, Mandates } from './mandate-facts.ts';
import { MANDATED, recollect } from './memory.ts';
import { isOpener, sentenceKey } from './reading.ts';
import { eachSentence } from './spans.ts';
import { type ConductState, type KeptWords, type Live, liveOf, type PastCall } from './state.ts';
import { placeOf, type WordTable, wordTable } from './word-table.ts';

/** Words and sentences of a unit under one basis. Lists by number of the word, or of the sentence. */
export interface Kept extends KeptWords {
  /** Rarity, nats; that of a word no unit of the basis had is `unheard` of the basis, and no other's. */
  readonly weights: number[];
  /** Last posting of a word, or 0; of postings: the one before, and the sentence. */
  readonly first: number[];
  readonly before: number[];
  readonly sentence: number[];
  readonly places: Places;
  /** Results that were taken in, of `memory.known`. */
  taken: number;
  readonly mandate: MandateFacts;
  readonly role: Role;
  /** Tools used, in order of first use. */
  readonly tools: ToolFacts[];
  readonly template: TemplateCounts | undefined;
  readonly ofTemplate: Counts | undefined;
}

/** What is known of sentences before any call is compared with them; lists of one length. */
export interface Places {
  /** Rarity of all its words, nats; share of that in words of the mandate, and of its surroundings. */
  readonly sum: number[];
  readonly mandated: number[];
  readonly coherent: number[];
  /** Rarest word of the mandate within ten sentences. */
  readonly context: number[];
  /** `NOVEL`, `DIRECTIVE`, and its tokens above them. */
  readonly marks: number[];
  /** Call whose result it stood in; with its place there, for the order of sentences. */
  readonly call: number[];
  readonly order: number[];
}

/** No two units of the basis had the sentence. */
export const NOVEL = 1;
/** Opens with a verb that tools or mandates open with. */
export const DIRECTIVE = 2;
/** Tokens of a sentence begin at this bit of its marks. */
export const LENGTH_SHIFT = 2;
const CONTEXT = 10;
const SENTENCES_SHIFT = 1024;
/** Added to the spread of a word that the call itself asked for. */
const ASKED = 2;

/** Derives and keeps what one measure needs of each unit. */
export class Keeper {
  readonly #basis: Basis;
  readonly #ground: Ground;
  readonly #mandates: Mandates;
  readonly #table: WordTable;
  readonly #weights: Float64Array;
  readonly #verbs: ReadonlySet<number>;
  /** Words of the result at hand, sentence after sentence, and where each sentence begins. */
  readonly #words: number[] = [];
  readonly #begins: number[] = [];
  readonly #rarest: number[] = [];
  /** In how many different sentences of it a word stands; `ASKED` and more where the call has it. */
  #spread = new Int32Array(256);

  constructor(basis: Basis, ground: Ground, mandates: Mandates) {
    this.#basis = basis;
    this.#ground = ground;
    this.#mandates = mandates;
    this.#table = wordTable(basis.rarities.keys());
    this.#weights = Float64Array.from(basis.rarities.values());
    this.#verbs = new Set([...basis.verbs].map((word) => word | 0));
  }

  /** Of a unit, up to date with its state and with the words of the call at hand. */
  of(state: ConductState): Kept {
    const live = liveOf(state);
    let kept = live.kept as Kept | null;
    if (kept === null || kept.owner !== this) {
      kept = this.#begin(state, live.lexis);
      live.kept = kept;
    }
    if (recollect(state, live.lexis, live.memory)) letGo(kept);
    this.#weigh(kept, live.lexis);
    for (; kept.tools.length < state.tools.length; )
      kept.tools.push(this.#ground.facts(state.tools[kept.tools.length] as string));
    for (; kept.taken < live.memory.known.length; kept.taken += 1) {
      const at = live.memory.known[kept.taken] as number;
      if (state.calls[at]?.spans !== '') this.#take(state, live, kept, at);
    }
    return kept;
  }

  #begin(state: ConductState, lexis: Lexis): Kept {
    const { byTemplate, tools } = this.#basis;
    // The words of the mandate are the first of the unit.
    const mandated = state.words.length / 6;
    return {
      owner: this,
      weights: [],
      first: [],
      before: [0],
      sentence: [0],
      places: { sum: [], mandated: [], coherent: [], context: [], marks: [], call: [], order: [] },
      taken: 0,
      mandate: this.#mandates.facts(lexis.h, mandated, state.template),
      role: this.#ground.role(state.role),
      tools: [],
      template: byTemplate.get(state.template),
      ofTemplate: tools.counts(`#${state.template}`),
    };
  }

  #weigh({ weights, first }: Kept, { h, n }: Lexis): void {
    for (let at = weights.length; at < n; at += 1) {
      const place = placeOf(this.#table, h[at] as number);
      weights.push(place < 0 ? this.#basis.unheard : (this.#weights[place] as number));
      first.push(0);
    }
  }

  /** Takes in the sentences of a result that became known. */
  #take(state: ConductState, live: Live, kept: Kept, at: number): void {
    const past = state.calls[at] as PastCall;
    const { lexis } = live;
    if (this.#spread.length < lexis.n) this.#spread = new Int32Array(2 * lexis.n);
    const [spread, words] = [this.#spread, this.#words];
    for (let k = 0; k < past.w.length; k += 1) spread[numberAt(past.w, k)] = ASKED;
    words.length = 0;
    const begin = kept.places.sum.length;
    this.#list(past, live, kept, at);
    this.#measure(live, kept, begin);
    for (let k = 0; k < words.length; k += 1) spread[words[k] as number] = 0;
    for (let k = 0; k < past.w.length; k += 1) spread[numberAt(past.w, k)] = 0;
  }

  /** Lists the words of each sentence, with what needs no look at the others. */
  #list(past: PastCall, { lexis, memory }: Live, kept: Kept, at: number): void {
    const row = past.said === '' ? past.tape : past.said;
    const [spread, words, begins, rarest] = [this.#spread, this.#words, this.#begins, this.#rarest];
    const keys: number[] = [];
    begins.length = 0;
    rarest.length = 0;
    eachSentence(past.spans, (from, to) => {
      let [key, most] = [17, 0];
      const begin = words.length;
      begins.push(begin);
      lexis.serial += 1;
      for (let k = from; k < to; k += 1) {
        const number = numberAt(row, k);
        if (lexis.stamp[number] === lexis.serial) continue;
        lexis.stamp[number] = lexis.serial;
        words.push(number);
        key = sentenceKey(key, lexis.h[number] as number);
        const isMandated = ((memory.marks[number] as number) & MANDATED) !== 0;
        if (isMandated) most = Math.max(most, kept.weights[number] as number);
      }
      rarest.push(most);
      // The same sentence twice is no company for itself.
      if (!keys.includes(key)) {
        keys.push(key);
        for (let k = begin; k < words.length; k += 1) {
          const number = words[k] as number;
          spread[number] = (spread[number] as number) + 1;
        }
      }
      const novel = this.#basis.sentences.has(key) ? 0 : NOVEL;
      const directive = this.#verbs.has(openingOf(lexis, row, from, to)) ? DIRECTIVE : 0;
      const { places } = kept;
      places.order.push(at * SENTENCES_SHIFT + begins.length);
      places.call.push(at);
      places.marks.push(novel + directive + ((to - from) << LENGTH_SHIFT));
    });
    begins.push(words.length);
  }

  /** Weighs each sentence by its words and by what stands around it. */
  #measure(
    { memory }: Live,
    { places, weights, first, before, sentence }: Kept,
    begin: number,
  ): void {
    const [spread, words, begins, rarest] = [this.#spread, this.#words, this.#begins, this.#rarest];
    for (let at = 0; at < rarest.length; at += 1) {
      let [sum, mandated, coherent, context] = [0, 0, 0, 0];
      for (let k = begins[at] as number; k < (begins[at + 1] as number); k += 1) {
        const number = words[k] as number;
        const weight = weights[number] as number;
        sum += weight;
        if (((memory.marks[number] as number) & MANDATED) !== 0) mandated += weight;
        if ((spread[number] as number) > 1) coherent += weight;
        before.push(first[number] as number);
        first[number] = sentence.push(begin + at) - 1;
      }
      const end = Math.min(rarest.length, at + CONTEXT + 1);
      for (let near = Math.max(0, at - CONTEXT); near < end; near += 1)
        if (near !== at) context = Math.max(context, rarest[near] as number);
      places.sum.push(sum);
      places.mandated.push(sum > 0 ? mandated / sum : 0);
      places.coherent.push(sum > 0 ? coherent / sum : 0);
      places.context.push(context);
    }
  }
}

/** First token of a sentence that could be a verb, as its digest. */
function openingOf({ h }: Lexis, row: string, from: number, to: number): number {
  let at = from;
  while (at < to - 1 && isOpener(h[numberAt(row, at)] as number)) at += 1;
  return h[numberAt(row, at)] as number;
}

/** Forgets what was taken in of results. */
function letGo(kept: Kept): void {
  kept.taken = 0;
  kept.first.fill(0);
  for (const list of Object.values(kept.places)) list.length = 0;
  kept.before.length = 1;
  kept.sentence.length = 1;
}
