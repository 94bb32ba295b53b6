/** What of a mandate does not change from call to call. */
import type { Basis, TemplateCounts } from './basis.ts';
import { placeOf, type WordTable, wordTable } from './word-table.ts';

/** Units by tool, and units, of a word that mandates are made of. */
export interface Telling {
  readonly tools: ReadonlyMap<string, number> | null;
  readonly units: number;
}

/** Facts of one mandate under one basis. */
export interface MandateFacts {
  /** Its eight rarest words that the lexicon knows. */
  readonly telling: readonly Telling[];
  /** Likeness to each template of the basis, in its order; which of them is its own, or -1. */
  readonly likeness: readonly number[];
  readonly own: number;
  /** Sum of the likeness to the others. */
  readonly likenessSum: number;
}

/** A word of some mandate: in how many templates it stands, and which units tell of it. */
interface Word extends Telling {
  readonly h: number;
  readonly spread: number;
  readonly weight: number;
}

const LEXICON_WORDS = 8;
/** Words whose bits fit a number. */
const LOT = 32;

/** Measures mandates against one basis. */
export class Mandates {
  readonly #table: WordTable;
  readonly #words: readonly Word[];
  /** Weight of a word no mandate of the basis has. */
  readonly #unheard: number;
  /** Words of the templates in their order, as places: of each template in lots of 32, the last not full. */
  readonly #places: Int32Array;
  /** Their weights, in the same order. */
  readonly #weights: Float64Array;
  /** Lot at which each template begins, and the sum of its words. */
  readonly #begins: Int32Array;
  readonly #sums: Float64Array;
  /** Where in these lots each word stands. */
  readonly #postings: readonly (readonly number[])[];
  readonly #ownPlaces: ReadonlyMap<number, number>;
  readonly #byTool = new Map<string, number[]>();
  /** By lot, a bit for each word that the mandate at hand has; all zero in between. */
  readonly #has: Int32Array;

  constructor({ templates, mandateWords, lexicon, lexiconUnits }: Basis) {
    const nats = (spread: number) => Math.log((templates.length + 1) / (spread + 0.5));
    this.#unheard = nats(0);
    const known = new Set([...mandateWords.keys(), ...lexiconUnits.keys()]);
    for (const { words } of templates) for (const word of words) known.add(word);
    this.#table = wordTable(known);
    this.#words = [...known].map((h) => {
      const spread = mandateWords.get(h) ?? 0;
      const tools = lexicon.get(h) ?? null;
      return { h, spread, weight: nats(spread), tools, units: lexiconUnits.get(h) ?? 0 };
    });
    this.#begins = new Int32Array(templates.length + 1);
    this.#sums = new Float64Array(templates.length);
    this.#ownPlaces = new Map(
      templates.map(({ template }, at) => [template, at] as const).reverse(),
    );
    this.#places = this.#enter(templates);
    this.#weights = Float64Array.from(this.#places, (place) => this.#words[place]?.weight ?? 0);
    this.#has = new Int32Array(this.#places.length / LOT);
    const postings = this.#words.map((): number[] => []);
    this.#places.forEach((place, at) => {
      if (place >= 0) postings[place]?.push(at);
    });
    this.#postings = postings;
  }

  #enter(templates: readonly TemplateCounts[]): Int32Array {
    const places: number[] = [];
    templates.forEach(({ words, tools }, at) => {
      for (const tool of tools) {
        const using = this.#byTool.get(tool);
        if (using === undefined) this.#byTool.set(tool, [at]);
        else using.push(at);
      }
      let sum = 0;
      for (const word of words) {
        const place = placeOf(this.#table, word | 0);
        places.push(place);
        sum += (this.#words[place] as Word).weight;
      }
      while (places.length % LOT !== 0) places.push(-1);
      this.#sums[at] = sum;
      this.#begins[at + 1] = places.length / LOT;
    });
    return Int32Array.from(places);
  }

  /** Templates, by place, whose units used the tool. */
  using(tool: string): readonly number[] {
    return this.#byTool.get(tool) ?? NONE;
  }

  /** Facts of a mandate: digests of its first `n` distinct words in order, and of its template. */
  facts(h: readonly number[], n: number, template: number): MandateFacts {
    const telling: Word[] = [];
    const has = this.#has;
    let sum = 0;
    for (let at = 0; at < n; at += 1) {
      const place = placeOf(this.#table, h[at] as number);
      if (place < 0) {
        sum += this.#unheard;
        continue;
      }
      const word = this.#words[place] as Word;
      sum += word.weight;
      for (const posting of this.#postings[place] as readonly number[])
        has[posting >> 5] = (has[posting >> 5] as number) | (1 << (posting & 31));
      if (word.units > 0) keepRarest(telling, word);
    }
    const own = this.#ownPlaces.get(template) ?? -1;
    const likeness = new Array<number>(this.#sums.length).fill(0);
    const likenessSum = this.#likeness(sum, own, likeness);
    return { telling, likeness, own, likenessSum };
  }

  /**
   * Rarity shared with each template, over the mean of both, into `likeness`, which holds zeros; their sum but for the
   * own one. Words add up in the template's order. Most templates share no word, and cost a look.
   */
  #likeness(sum: number, own: number, likeness: number[]): number {
    const [has, weights, begins, sums] = [this.#has, this.#weights, this.#begins, this.#sums];
    let likenessSum = 0;
    let lot = 0;
    for (let at = 0; at < sums.length; at += 1) {
      const end = begins[at + 1] as number;
      let shared = 0;
      for (; lot < end; lot += 1) {
        let bits = has[lot] as number;
        if (bits === 0) continue;
        has[lot] = 0;
        while (bits !== 0) {
          shared += weights[lot * LOT + 31 - Math.clz32(bits & -bits)] as number;
          bits &= bits - 1;
        }
      }
      if (shared === 0) continue;
      const like = shared / Math.sqrt((sums[at] as number) * sum || 1);
      likeness[at] = like;
      if (at !== own) likenessSum += like;
    }
    return likenessSum;
  }
}

const NONE: readonly number[] = [];

/** Keeps the eight rarest, rarest first; equal ones by digest. */
function keepRarest(kept: Word[], word: Word): void {
  let at = kept.length;
  while (at > 0 && isRarer(word, kept[at - 1] as Word)) at -= 1;
  if (at >= LEXICON_WORDS) return;
  kept.splice(at, 0, word);
  if (kept.length > LEXICON_WORDS) kept.pop();
}

function isRarer(a: Word, b: Word): boolean {
  return a.spread !== b.spread ? a.spread < b.spread : a.h < b.h;
}
