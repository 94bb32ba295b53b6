/** What of a mandate does not change from call to call. */
import type { Basis } from './basis.ts';
import { distinct } from './reading.ts';

/** Facts of one mandate under one basis. */
export interface MandateFacts {
  readonly words: ReadonlySet<number>;
  /** Its eight rarest words that the lexicon knows: units by tool, and units. */
  readonly telling: readonly (readonly [tools: ReadonlyMap<string, number> | null, n: number])[];
  /** Likeness to each template of the basis, in its order; which of them is its own, or -1. */
  readonly likeness: Float64Array;
  readonly own: number;
  /** Sum of the likeness to the others. */
  readonly likenessSum: number;
}

/** A template of the basis, its words as places in the list of all words of mandates. */
interface Indexed {
  readonly places: Int32Array;
  readonly sum: number;
}

const LEXICON_WORDS = 8;

/** Measures mandates against one basis. */
export class Mandates {
  readonly #basis: Basis;
  /** word → place; weights by place. */
  readonly #places = new Map<number, number>();
  readonly #weights: number[] = [];
  readonly #templates: readonly Indexed[];
  readonly #byTool = new Map<string, number[]>();
  /** Which words the mandate at hand has; all zero in between. */
  readonly #has: Uint8Array;

  constructor(basis: Basis) {
    this.#basis = basis;
    this.#templates = basis.templates.map(({ words, tools }, at) => {
      for (const tool of tools) {
        const using = this.#byTool.get(tool);
        if (using === undefined) this.#byTool.set(tool, [at]);
        else using.push(at);
      }
      let sum = 0;
      for (const word of words) sum += this.#weigh(word);
      return { places: Int32Array.from(words, (word) => this.#placeOf(word)), sum };
    });
    this.#has = new Uint8Array(this.#weights.length);
  }

  /** Templates, by place, whose units used the tool. */
  using(tool: string): readonly number[] {
    return this.#byTool.get(tool) ?? [];
  }

  /** Facts of a mandate: tokens in order, and the digest of its template. */
  facts(mandate: readonly number[], template: number): MandateFacts {
    const { lexicon, lexiconUnits, mandateWords, templates } = this.#basis;
    const list = distinct(mandate);
    const spread = (word: number) => mandateWords.get(word) ?? 0;
    const telling = list
      .filter((word) => lexiconUnits.has(word))
      .sort((a, b) => spread(a) - spread(b) || a - b)
      .slice(0, LEXICON_WORDS)
      .map((word) => [lexicon.get(word) ?? null, lexiconUnits.get(word) ?? 0] as const);
    const own = templates.findIndex((one) => one.template === template);
    const likeness = this.#likeness(list);
    let likenessSum = 0;
    for (let at = 0; at < likeness.length; at += 1)
      if (at !== own) likenessSum += likeness[at] as number;
    return { words: new Set(list), telling, likeness, own, likenessSum };
  }

  #likeness(list: readonly number[]): Float64Array {
    const has = this.#has;
    const weights = this.#weights;
    let own = 0;
    for (const word of list) {
      const place = this.#places.get(word);
      own += place === undefined ? this.#weigh(word) : (weights[place] as number);
      if (place !== undefined) has[place] = 1;
    }
    const likeness = new Float64Array(this.#templates.length);
    for (let at = 0; at < likeness.length; at += 1) {
      const { places, sum } = this.#templates[at] as Indexed;
      let shared = 0;
      for (let k = 0; k < places.length; k += 1) {
        const place = places[k] as number;
        if (has[place] === 1) shared += weights[place] as number;
      }
      likeness[at] = shared / Math.sqrt(sum * own || 1);
    }
    for (const word of list) {
      const place = this.#places.get(word);
      if (place !== undefined) has[place] = 0;
    }
    return likeness;
  }

  #weigh(word: number): number {
    const { templates, mandateWords } = this.#basis;
    return Math.log((templates.length + 1) / ((mandateWords.get(word) ?? 0) + 0.5));
  }

  #placeOf(word: number): number {
    const known = this.#places.get(word);
    if (known !== undefined) return known;
    const place = this.#weights.length;
    this.#places.set(word, place);
    this.#weights.push(this.#weigh(word));
    return place;
  }
}
