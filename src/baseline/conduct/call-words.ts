/** Words of a call with their weights, each looked up once. */
import { type Basis, rarity } from './basis.ts';
import type { ReadCall } from './reading.ts';

/** Distinct words of a call: of the tool's name, then of the values, then of the texts. Lists of one length. */
export interface CallWords {
  readonly words: readonly number[];
  /** Rarity, nats; free text counts half. */
  readonly weights: readonly number[];
  /** Rarity where it is a word of a value that the mandate does not name; else 0. */
  readonly values: readonly number[];
  /** Rarity where it is a word of the tool's name; else 0. */
  readonly named: readonly number[];
  readonly mandated: readonly boolean[];
  /** Of the words of values in their order: rarity, or 0 where the mandate names it. */
  readonly shortWeights: readonly number[];
  /** How many of them are words of the name or of values, and their sum. */
  readonly names: number;
  readonly nameSum: number;
  readonly sum: number;
  readonly unmandatedSum: number;
  /** Of the words of the tool's name, and those the mandate has. */
  readonly toolSum: number;
  readonly toolMandated: number;
}

/** Weighs the words of a call. */
export function wordsOf(basis: Basis, call: ReadCall, mandate: ReadonlySet<number>): CallWords {
  const words: number[] = [];
  const weights: number[] = [];
  const values: number[] = [];
  const named: number[] = [];
  const mandated: boolean[] = [];
  const { toolWords, short, long } = call;
  const shortWeights: number[] = [];
  let toolSum = 0;
  let toolMandated = 0;
  for (const word of toolWords) {
    const weight = rarity(basis, word);
    const isMandated = mandate.has(word);
    words.push(word);
    weights.push(weight);
    values.push(!isMandated && short.includes(word) ? weight : 0);
    named.push(weight);
    mandated.push(isMandated);
    toolSum += weight;
    if (isMandated) toolMandated += weight;
  }
  let nameSum = toolSum;
  let unmandatedSum = 0;
  for (const word of short) {
    const weight = rarity(basis, word);
    const isMandated = mandate.has(word);
    shortWeights.push(isMandated ? 0 : weight);
    if (!isMandated) unmandatedSum += weight;
    if (toolWords.includes(word)) continue;
    words.push(word);
    weights.push(weight);
    values.push(isMandated ? 0 : weight);
    named.push(0);
    mandated.push(isMandated);
    nameSum += weight;
  }
  const names = words.length;
  const before = long.length === 0 ? null : new Set(words);
  let sum = nameSum;
  // Free text counts half: there is much of it, and little of it is the point.
  for (const word of long) {
    if (before?.has(word) === true) continue;
    const weight = rarity(basis, word) / 2;
    words.push(word);
    weights.push(weight);
    values.push(0);
    named.push(0);
    mandated.push(mandate.has(word));
    sum += weight;
  }
  return {
    ...{ words, weights, values, named, mandated, shortWeights },
    ...{ names, nameSum, sum, unmandatedSum, toolSum, toolMandated },
  };
}
