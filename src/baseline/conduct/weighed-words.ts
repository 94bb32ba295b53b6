/** Weighed words: the words of a call with their rarity, and what of it the mandate names. */
import type { CallWords } from './call-words.ts';
import { MANDATED } from './memory.ts';

/**
 * Distinct words of a call: of the tool's name, then of the values, then of the texts. Lists that are
 * used again: of each, the first `length` entries count.
 */
export interface WeighedWords {
  length: number;
  readonly numbers: number[];
  /** Rarity, nats; free text counts half. */
  readonly weights: number[];
  /** Rarity where it is a word of a value that the mandate does not name; else 0. */
  readonly values: number[];
  /** Rarity where it is a word of the tool's name; else 0. */
  readonly named: number[];
  /** How many are words of the name; how many of name or values, and the sum of these. */
  tools: number;
  names: number;
  nameSum: number;
  sum: number;
  /** Of the words of values that the mandate does not name. */
  unmandatedSum: number;
  /** Of the words of the tool's name, and those the mandate has. */
  toolSum: number;
  toolMandated: number;
}

/** Lists to be filled. */
export function newWeighedWords(): WeighedWords {
  return {
    ...{ length: 0, numbers: [], weights: [], values: [], named: [] },
    ...{ tools: 0, names: 0, nameSum: 0, sum: 0, unmandatedSum: 0, toolSum: 0, toolMandated: 0 },
  };
}

/** Weighs the words of a call. `marks` and `rarity` are lists by number of the word. */
export function weigh(
  { tool, short, long }: CallWords,
  marks: readonly number[],
  rarity: readonly number[],
  into: WeighedWords,
): void {
  const { numbers, weights, values, named } = into;
  let at = 0;
  let [toolSum, toolMandated, unmandatedSum] = [0, 0, 0];
  for (const number of tool) {
    const weight = rarity[number] as number;
    const isMandated = ((marks[number] as number) & MANDATED) !== 0;
    numbers[at] = number;
    weights[at] = weight;
    values[at] = !isMandated && short.includes(number) ? weight : 0;
    named[at] = weight;
    at += 1;
    toolSum += weight;
    if (isMandated) toolMandated += weight;
  }
  into.tools = at;
  let nameSum = toolSum;
  for (const number of short) {
    const weight = rarity[number] as number;
    const isMandated = ((marks[number] as number) & MANDATED) !== 0;
    if (!isMandated) unmandatedSum += weight;
    if (tool.includes(number)) continue;
    numbers[at] = number;
    weights[at] = weight;
    values[at] = isMandated ? 0 : weight;
    named[at] = 0;
    at += 1;
    nameSum += weight;
  }
  into.names = at;
  let sum = nameSum;
  // Free text counts half: there is much of it, and little of it is the point.
  for (const number of long) {
    if (tool.includes(number) || short.includes(number)) continue;
    const weight = (rarity[number] as number) / 2;
    numbers[at] = number;
    weights[at] = weight;
    values[at] = 0;
    named[at] = 0;
    at += 1;
    sum += weight;
  }
  into.length = at;
  into.nameSum = nameSum;
  into.sum = sum;
  into.unmandatedSum = unmandatedSum;
  into.toolSum = toolSum;
  into.toolMandated = toolMandated;
}
