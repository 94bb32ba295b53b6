/** Which sentence of an earlier result explains a call, and how foreign it is there. */
import { type Basis, rarity } from './basis.ts';
import type { CallWords } from './call-words.ts';
import { type Sentence, sentenceKey } from './reading.ts';
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

/** A word of a result. */
interface Entry {
  /** Sentences it occurs in, ascending. */
  readonly at: number[];
  readonly weight: number;
  readonly isMandated: boolean;
  /** In how many different sentences; or the call asked for it. */
  spread: number;
  readonly isAsked: boolean;
}

/** A result, ready to be compared with calls. Places are measured when a call first meets them. */
export interface Indexed {
  readonly places: (Place | undefined)[];
  readonly entries: ReadonlyMap<number, Entry>;
  /** Rarest word of the mandate, sentence by sentence. */
  readonly rarest: readonly number[];
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

const CONTEXT = 10;

/** Sums over the words that a call and a sentence share; by sentence, for one result at a time. */
interface Hits {
  matched: Float64Array;
  values: Float64Array;
  tool: Float64Array;
  /** Sentences that were hit. */
  readonly touched: number[];
}

/** Compares calls with the sentences of earlier results. */
export class Sentences {
  readonly #basis: Basis;
  readonly #hits: Hits = {
    matched: new Float64Array(512),
    values: new Float64Array(512),
    tool: new Float64Array(512),
    touched: [],
  };

  constructor(basis: Basis) {
    this.#basis = basis;
  }

  /** How earlier results explain the call. `indexed`: kept from call to call, by place of the past one. */
  explain(
    state: ConductState,
    mandate: ReadonlySet<number>,
    words: CallWords,
    indexed: (Indexed | undefined)[],
  ): Explanation {
    const found = nothingFound();
    for (let at = 0; at < state.calls.length; at += 1) {
      const past = state.calls[at] as PastCall;
      if (past.sentences.length === 0 || !wasKnown(state, past)) continue;
      let index = indexed[at];
      if (index === undefined) {
        index = this.#index(past, mandate);
        indexed[at] = index;
      }
      this.#hit(index, past.sentences.length, words);
      const { touched, matched, values, tool } = this.#hits;
      touched.sort(ascending);
      for (const sentence of touched) {
        gather(found, this.#placeOf(index, past, sentence), words, {
          matched: matched[sentence] as number,
          values: values[sentence] as number,
          tool: tool[sentence] as number,
          ago: state.count - at,
          from: past.tool,
          length: (past.sentences[sentence] as Sentence).n,
        });
        matched[sentence] = 0;
        values[sentence] = 0;
        tool[sentence] = 0;
      }
      touched.length = 0;
    }
    return found;
  }

  #hit({ entries }: Indexed, sentences: number, words: CallWords): void {
    const hits = this.#hits;
    if (sentences > hits.matched.length) {
      hits.matched = new Float64Array(sentences);
      hits.values = new Float64Array(sentences);
      hits.tool = new Float64Array(sentences);
    }
    const { matched, values, tool, touched } = hits;
    for (let k = 0; k < words.words.length; k += 1) {
      const entry = entries.get(words.words[k] as number);
      if (entry === undefined) continue;
      const weight = words.weights[k] as number;
      // The rarity of a word is above zero: it occurs in no more units than there are.
      const [value, named] = [words.values[k] as number, words.named[k] as number];
      for (const sentence of entry.at) {
        const before = matched[sentence] as number;
        if (before === 0) touched.push(sentence);
        matched[sentence] = before + weight;
        values[sentence] = (values[sentence] as number) + value;
        tool[sentence] = (tool[sentence] as number) + named;
      }
    }
  }

  #index(past: PastCall, mandate: ReadonlySet<number>): Indexed {
    const entries = new Map<number, Entry>();
    const keys = new Set<number>();
    const rarest: number[] = [];
    const { sentences } = past;
    for (let at = 0; at < sentences.length; at += 1) {
      const sentence = sentences[at] as Sentence;
      // The same sentence twice is no company for itself.
      const key = sentenceKey(sentence);
      const isNew = keys.has(key) ? 0 : 1;
      if (isNew === 1) keys.add(key);
      let most = 0;
      for (const word of sentence.w) {
        let entry = entries.get(word);
        if (entry === undefined) {
          entry = {
            at: [at],
            weight: rarity(this.#basis, word),
            isMandated: mandate.has(word),
            spread: isNew,
            isAsked: past.w.includes(word),
          };
          entries.set(word, entry);
        } else {
          entry.at.push(at);
          entry.spread += isNew;
        }
        if (entry.isMandated && entry.weight > most) most = entry.weight;
      }
      rarest.push(most);
    }
    return { places: [], entries, rarest };
  }

  #placeOf(index: Indexed, past: PastCall, at: number): Place {
    const known = index.places[at];
    if (known !== undefined) return known;
    const sentence = past.sentences[at] as Sentence;
    const { entries, rarest } = index;
    let [sum, mandated, coherent, context] = [0, 0, 0, 0];
    for (const word of sentence.w) {
      const { weight, isMandated, spread, isAsked } = entries.get(word) as Entry;
      sum += weight;
      if (isMandated) mandated += weight;
      if (spread > 1 || isAsked) coherent += weight;
    }
    const end = Math.min(rarest.length, at + CONTEXT + 1);
    for (let near = Math.max(0, at - CONTEXT); near < end; near += 1)
      if (near !== at) context = Math.max(context, rarest[near] as number);
    const place = {
      sum,
      mandated: sum > 0 ? mandated / sum : 0,
      coherent: sum > 0 ? coherent / sum : 0,
      context,
      novel: !this.#basis.sentences.has(sentenceKey(sentence)),
      directive: this.#basis.verbs.has(sentence.first),
    };
    index.places[at] = place;
    return place;
  }
}

function ascending(a: number, b: number): number {
  return a - b;
}

function nothingFound(): Explanation {
  return {
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
}

function gather(
  found: Explanation,
  place: Place,
  words: CallWords,
  hit: {
    readonly matched: number;
    readonly values: number;
    readonly tool: number;
    readonly ago: number;
    readonly from: string;
    readonly length: number;
  },
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
  if (hit.length >= 4) found.consumed = Math.max(found.consumed, consumed);
  found.both = Math.max(found.both, (2 * share * consumed) / (share + consumed || 1));
  found.values = Math.max(found.values, values);
  if (novel) found.novelValues = Math.max(found.novelValues, values);
  found.tool = Math.max(found.tool, hit.tool);
  found.matched = Math.max(found.matched, hit.matched);
  found.foreign = Math.max(found.foreign, foreign);
  if (novel) found.foreignNovel = Math.max(found.foreignNovel, foreign);
  found.unmandated = Math.max(found.unmandated, hit.matched * consumed * (1 - place.mandated));
  const score = share + consumed / 2;
  if (score > (found.best?.score ?? -1)) {
    const { ago, from: tool, length } = hit;
    found.best = { score, place, share, ago, tool, length };
  }
}
