/** Which sentence of an earlier result explains a call, and how foreign it is where it stands. */
import { type Basis, rarity } from './basis.ts';
import { type ReadCall, type Sentence, sentenceKey } from './reading.ts';
import { type ConductState, type PastCall, wasKnown } from './state.ts';

/** What is known of a sentence before any call is compared with it. */
interface Place {
  /** Rarity of all its words, nats. */
  readonly sum: number;
  /** Share of that in words of the mandate, and in words its surroundings also use. */
  readonly mandated: number;
  readonly coherent: number;
  /** Rarest word of the mandate within ten sentences. */
  readonly context: number;
  readonly novel: boolean;
  /** Opens with a verb that tools or mandates open with. */
  readonly directive: boolean;
}

/** A result, ready to be compared with calls. */
interface Indexed {
  readonly places: readonly Place[];
  /** word → sentences it occurs in, ascending. */
  readonly postings: ReadonlyMap<number, readonly number[]>;
}

/** How well earlier results explain a call. Shares are of the rarity of the call's words, 0..1. */
export interface Explanation {
  /** Best share: of any sentence, of directive, novel, and directive novel ones. */
  any: number;
  directive: number;
  novel: number;
  directiveNovel: number;
  /** Best share of the sentence that is in the call; harmonic mean of both shares. */
  consumed: number;
  both: number;
  /** Best share of the values that the mandate does not name; the same of novel sentences. */
  values: number;
  novelValues: number;
  /** Words of the tool's name found, nats; matched rarity, nats. */
  tool: number;
  matched: number;
  /** Both shares, weighed by how foreign the sentence is; the same of novel ones. */
  foreign: number;
  foreignNovel: number;
  /** Matched rarity weighed by consumption and by what the mandate does not say. */
  unmandated: number;
  /** The sentence that explains most; null where none shares a word. */
  best: BestSentence | null;
}

/** The sentence that explains most. */
export interface BestSentence {
  readonly score: number;
  readonly place: Place;
  /** Calls ago, and the tool whose result it stood in. */
  readonly ago: number;
  readonly tool: string;
  readonly length: number;
  readonly share: number;
}

/** Words of the call with their weights: all, and those of values that the mandate does not name. */
export interface CallWords {
  readonly all: ReadonlyMap<number, number>;
  readonly sum: number;
  readonly unmandated: ReadonlyMap<number, number>;
  readonly unmandatedSum: number;
}

const CONTEXT = 10;

/** Compares calls with the sentences of earlier results. What it derives of a result it keeps. */
export class Sentences {
  readonly #basis: Basis;
  readonly #indexed = new WeakMap<PastCall, Indexed>();

  constructor(basis: Basis) {
    this.#basis = basis;
  }

  /** How earlier results explain the call. */
  explain(
    state: ConductState,
    mandate: ReadonlySet<number>,
    call: ReadCall,
    words: CallWords,
  ): Explanation {
    const found: Explanation = {
      any: 0,
      directive: 0,
      novel: 0,
      directiveNovel: 0,
      consumed: 0,
      both: 0,
      values: 0,
      novelValues: 0,
      tool: 0,
      matched: 0,
      foreign: 0,
      foreignNovel: 0,
      unmandated: 0,
      best: null,
    };
    const toolWords = new Set(call.toolWords);
    state.calls.forEach((past, at) => {
      if (past.sentences.length === 0 || !wasKnown(state, past)) return;
      const { places, postings } = this.#index(past, mandate);
      const hits = new Map<number, [matched: number, values: number, tool: number]>();
      for (const [word, weight] of words.all) {
        const list = postings.get(word);
        if (list === undefined) continue;
        const value = words.unmandated.get(word) ?? 0;
        const tool = toolWords.has(word) ? rarity(this.#basis, word) : 0;
        for (const sentence of list) {
          const hit = hits.get(sentence) ?? [0, 0, 0];
          hits.set(sentence, [hit[0] + weight, hit[1] + value, hit[2] + tool]);
        }
      }
      for (const sentence of [...hits.keys()].sort((a, b) => a - b)) {
        const [matched, values, tool] = hits.get(sentence) as [number, number, number];
        if (matched === 0) continue;
        gather(found, places[sentence] as Place, words, { matched, values, tool }, () => ({
          ago: state.count - at,
          tool: past.tool,
          length: (past.sentences[sentence] as Sentence).n,
        }));
      }
    });
    return found;
  }

  #index(past: PastCall, mandate: ReadonlySet<number>): Indexed {
    const known = this.#indexed.get(past);
    if (known !== undefined) return known;
    const { sentences } = past;
    const frequency = new Map<number, number>();
    const keys = new Set<number>();
    for (const sentence of sentences) {
      // The same sentence twice is no company for itself.
      const key = sentenceKey(sentence);
      if (keys.has(key)) continue;
      keys.add(key);
      for (const word of sentence.w) frequency.set(word, (frequency.get(word) ?? 0) + 1);
    }
    const asked = new Set(past.w);
    const rarest = sentences.map(({ w }) => {
      let most = 0;
      for (const word of w) if (mandate.has(word)) most = Math.max(most, rarity(this.#basis, word));
      return most;
    });
    const postings = new Map<number, number[]>();
    const places = sentences.map((sentence, at) => {
      for (const word of sentence.w) {
        const list = postings.get(word);
        if (list === undefined) postings.set(word, [at]);
        else list.push(at);
      }
      return this.#place(sentence, at, { mandate, frequency, asked, rarest });
    });
    const indexed = { places, postings };
    this.#indexed.set(past, indexed);
    return indexed;
  }

  #place(
    sentence: Sentence,
    at: number,
    around: {
      readonly mandate: ReadonlySet<number>;
      readonly frequency: ReadonlyMap<number, number>;
      readonly asked: ReadonlySet<number>;
      readonly rarest: readonly number[];
    },
  ): Place {
    const { mandate, frequency, asked, rarest } = around;
    let [sum, mandated, coherent, context] = [0, 0, 0, 0];
    for (const word of sentence.w) {
      const weight = rarity(this.#basis, word);
      sum += weight;
      if (mandate.has(word)) mandated += weight;
      if ((frequency.get(word) ?? 0) > 1 || asked.has(word)) coherent += weight;
    }
    const end = Math.min(rarest.length, at + CONTEXT + 1);
    for (let near = Math.max(0, at - CONTEXT); near < end; near += 1)
      if (near !== at) context = Math.max(context, rarest[near] as number);
    return {
      sum,
      mandated: sum > 0 ? mandated / sum : 0,
      coherent: sum > 0 ? coherent / sum : 0,
      context,
      novel: !this.#basis.sentences.has(sentenceKey(sentence)),
      directive: this.#basis.verbs.has(sentence.first),
    };
  }
}

function gather(
  found: Explanation,
  place: Place,
  words: CallWords,
  hit: { readonly matched: number; readonly values: number; readonly tool: number },
  whence: () => Pick<BestSentence, 'ago' | 'tool' | 'length'>,
): void {
  const share = words.sum > 0 ? hit.matched / words.sum : 0;
  const consumed = place.sum > 0 ? hit.matched / place.sum : 0;
  const values = words.unmandatedSum > 0 ? hit.values / words.unmandatedSum : 0;
  const { novel, directive } = place;
  const foreign = (share + consumed) * (1 - place.coherent) * (1 - place.mandated);
  found.any = Math.max(found.any, share);
  if (directive) found.directive = Math.max(found.directive, share);
  if (novel) found.novel = Math.max(found.novel, share);
  if (directive && novel) found.directiveNovel = Math.max(found.directiveNovel, share);
  const from = whence();
  if (from.length >= 4) found.consumed = Math.max(found.consumed, consumed);
  found.both = Math.max(found.both, (2 * share * consumed) / (share + consumed || 1));
  found.values = Math.max(found.values, values);
  if (novel) found.novelValues = Math.max(found.novelValues, values);
  found.tool = Math.max(found.tool, hit.tool);
  found.matched = Math.max(found.matched, hit.matched);
  found.foreign = Math.max(found.foreign, foreign);
  if (novel) found.foreignNovel = Math.max(found.foreignNovel, foreign);
  found.unmandated = Math.max(found.unmandated, hit.matched * consumed * (1 - place.mandated));
  const score = share + consumed / 2;
  if (score > (found.best?.score ?? -1)) found.best = { score, place, share, ...from };
}
