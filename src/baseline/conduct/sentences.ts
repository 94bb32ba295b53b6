/** Which sentence of an earlier result explains a call, and how foreign it is there. */
import { DIRECTIVE, type Kept, LENGTH_SHIFT, NOVEL } from './kept.ts';
import type { WeighedWords } from './weighed-words.ts';

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
  /** The sentence that explains most, by its place; -1 where none shares a word. And its score. */
  best: number;
  score: number;
}

/** Sums over the words that a call and a sentence share; by sentence. All zero in between. */
interface Hits {
  matched: Float64Array;
  values: Float64Array;
  tool: Float64Array;
  /** Sentences that were hit. */
  readonly touched: number[];
}

/** Compares calls with the sentences of earlier results. Its answer holds until it is asked again. */
export class Sentences {
  readonly #hits: Hits = {
    matched: new Float64Array(512),
    values: new Float64Array(512),
    tool: new Float64Array(512),
    touched: [],
  };
  readonly #found = nothing();

  /** How the results that were taken in explain the call. */
  explain(kept: Kept, words: WeighedWords): Explanation {
    const found = this.#found;
    Object.assign(found, NOTHING);
    this.#hit(kept, words);
    const hits = this.#hits;
    for (const at of hits.touched) {
      gather(found, kept, at, words, hits);
      hits.matched[at] = 0;
      hits.values[at] = 0;
      hits.tool[at] = 0;
    }
    hits.touched.length = 0;
    return found;
  }

  #hit({ first, before, sentence, places }: Kept, words: WeighedWords): void {
    const hits = this.#hits;
    const size = places.sum.length;
    if (size > hits.matched.length) {
      hits.matched = new Float64Array(2 * size);
      hits.values = new Float64Array(2 * size);
      hits.tool = new Float64Array(2 * size);
    }
    const { matched, values, tool, touched } = hits;
    for (let k = 0; k < words.length; k += 1) {
      const weight = words.weights[k] as number;
      const [value, named] = [words.values[k] as number, words.named[k] as number];
      let posting = first[words.numbers[k] as number] as number;
      // The rarity of a word is above zero: it occurs in no more units than there are.
      for (; posting !== 0; posting = before[posting] as number) {
        const at = sentence[posting] as number;
        const held = matched[at] as number;
        if (held === 0) touched.push(at);
        matched[at] = held + weight;
        values[at] = (values[at] as number) + value;
        tool[at] = (tool[at] as number) + named;
      }
    }
  }
}

function nothing(): Explanation {
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
    best: -1,
    score: -1,
  };
}

const NOTHING: Readonly<Explanation> = nothing();

function gather(
  found: Explanation,
  { places }: Kept,
  at: number,
  words: WeighedWords,
  hits: Hits,
): void {
  const matched = hits.matched[at] as number;
  const named = hits.tool[at] as number;
  const sum = places.sum[at] as number;
  const marks = places.marks[at] as number;
  const share = words.sum > 0 ? matched / words.sum : 0;
  const consumed = sum > 0 ? matched / sum : 0;
  const values = words.unmandatedSum > 0 ? (hits.values[at] as number) / words.unmandatedSum : 0;
  const isNovel = (marks & NOVEL) !== 0;
  const isDirective = (marks & DIRECTIVE) !== 0;
  const beyond = 1 - (places.mandated[at] as number);
  const foreign = (share + consumed) * (1 - (places.coherent[at] as number)) * beyond;
  if (share > found.any) found.any = share;
  if (isDirective && share > found.directive) found.directive = share;
  if (isNovel) {
    if (share > found.novel) found.novel = share;
    if (isDirective && share > found.directiveNovel) found.directiveNovel = share;
    if (values > found.novelValues) found.novelValues = values;
    if (foreign > found.foreignNovel) found.foreignNovel = foreign;
  }
  if (marks >> LENGTH_SHIFT >= 4 && consumed > found.consumed) found.consumed = consumed;
  const both = (2 * share * consumed) / (share + consumed || 1);
  if (both > found.both) found.both = both;
  if (values > found.values) found.values = values;
  if (named > found.tool) found.tool = named;
  if (matched > found.matched) found.matched = matched;
  if (foreign > found.foreign) found.foreign = foreign;
  const unmandated = matched * consumed * beyond;
  if (unmandated > found.unmandated) found.unmandated = unmandated;
  const score = share + consumed / 2;
  // Of equal ones the first in the order of the results: what else was taken in does not matter.
  const isFirst =
    found.best < 0 || (places.order[at] as number) < (places.order[found.best] as number);
  if (score > found.score || (score === found.score && isFirst)) {
    found.score = score;
    found.best = at;
  }
}
