/** Words of a call: numbered among the words of its unit, then weighed, each looked up once. */
import { type Lexis, numberOf } from './lexis.ts';
import type { ReadCall } from './reading.ts';

/** A call's words by their numbers. */
export interface CallWords {
  readonly call: ReadCall;
  /** Words the unit had before the call. */
  readonly floor: number;
  /** Number of each token of the values; -1 for tokens of texts. */
  readonly numbers: readonly number[];
  /** Distinct words of the tool's name, of the values, and of the texts. */
  readonly tool: readonly number[];
  readonly short: readonly number[];
  readonly long: readonly number[];
}

/** Words of texts that count. */
const LONG_MAX = 96;

/** Numbers the words of a call. */
export function numbered(lexis: Lexis, call: ReadCall): CallWords {
  const { h, leaves, toolWords } = call;
  const floor = lexis.n;
  const tool: number[] = [];
  for (const word of toolWords) tool.push(numberOf(lexis, word));
  const numbers: number[] = [];
  const short: number[] = [];
  lexis.serial += 1;
  for (const leaf of leaves)
    for (let at = leaf.from; at < leaf.to; at += 1) {
      const number = leaf.short ? numberOf(lexis, h[at] as number) : -1;
      numbers.push(number);
      if (number < 0 || lexis.stamp[number] === lexis.serial) continue;
      lexis.stamp[number] = lexis.serial;
      short.push(number);
    }
  const long: number[] = [];
  lexis.serial += 1;
  for (const leaf of leaves)
    for (let at = leaf.from; !leaf.short && at < leaf.to && long.length < LONG_MAX; at += 1) {
      const number = numberOf(lexis, h[at] as number);
      if (lexis.stamp[number] === lexis.serial) continue;
      lexis.stamp[number] = lexis.serial;
      long.push(number);
    }
  return { call, floor, numbers, tool, short, long };
}
