/** Origin: where each value that reaches a tool came from, the mandate first. */

import type { CallWords } from './call-words.ts';
import { knownNumber, numbersAsText } from './lexis.ts';
import { MANDATED, type Memory } from './memory.ts';
import { type Leaf, VALUE_KINDS } from './reading.ts';
import { type ConductState, liveOf } from './state.ts';

/** Where a value came from: its first occurrence. `own`: an argument of an earlier call. */
export type OriginClass = 'mandate' | 'result' | 'own' | 'none';

/** A value and its origin. */
export interface Origin {
  readonly path: string;
  /** Place in `VALUE_KINDS`. */
  readonly kind: number;
  /** A literal inside a text, not a value of its own. */
  readonly isInside: boolean;
  readonly origin: OriginClass;
  /** Call whose result or values it came from, as its place; -1 for the others. */
  readonly from: number;
  /** A literal one could act on: address, link, identifier, path, number of four digits and more. */
  readonly literal: boolean;
}

const LITERALS: ReadonlySet<number> = new Set(
  (['email', 'url', 'host', 'id', 'path'] as const).map((kind) => VALUE_KINDS.indexOf(kind)),
);
const NUMBER = VALUE_KINDS.indexOf('number');
const ELSEWHERE: readonly [OriginClass, number] = ['none', -1];
const OF_MANDATE: readonly [OriginClass, number] = ['mandate', -1];

/**
 * Origins of a call's values: short ones whole, of long texts their literals. What the mandate names
 * stays `mandate` whoever repeats it; what the agent read and repeats stays `result`. The memory is up
 * to date.
 */
export function originsOf(state: ConductState, { call, numbers }: CallWords): Origin[] {
  const { lexis, memory } = liveOf(state);
  const found: Origin[] = [];
  for (const leaf of call.leaves) {
    const { path, kind, short } = leaf;
    if (short) {
      const [origin, from] = originOf(state, memory, numbers, leaf);
      const literal = LITERALS.has(kind) || (kind === NUMBER && leaf.length >= 4);
      found.push({ path, kind, isInside: false, origin, from, literal });
    } else
      for (const one of leaf.literals) {
        const number = knownNumber(lexis, one.h);
        const [origin, from] = number < 0 ? ELSEWHERE : ofWord(memory, number);
        found.push({ path, kind: one.kind, isInside: true, origin, from, literal: true });
      }
  }
  return found;
}

function originOf(
  state: ConductState,
  memory: Memory,
  numbers: readonly number[],
  { from, to }: Leaf,
): readonly [OriginClass, number] {
  if (to === from + 1) return ofWord(memory, numbers[from] as number);
  // A value occurs where all of its words do, in a call that is none before the last of their firsts.
  let [mandated, result, own] = [true, 0, 0];
  let [isRead, isOwn] = [true, true];
  for (let at = from; at < to; at += 1) {
    const number = numbers[at] as number;
    if (((memory.marks[number] as number) & MANDATED) === 0) mandated = false;
    if (memory.results[number] === 0) isRead = false;
    else result = Math.max(result, memory.results[number] as number);
    if (memory.own[number] === 0) isOwn = false;
    else own = Math.max(own, memory.own[number] as number);
  }
  if (!mandated && !isRead && !isOwn) return ELSEWHERE;
  const value = numbersAsText(numbers.slice(from, to));
  if (mandated && state.mandate.includes(value)) return OF_MANDATE;
  if (isRead) {
    let first = -1;
    for (const at of memory.known)
      if (at >= result - 1 && (first < 0 || at < first) && state.calls[at]?.tape.includes(value))
        first = at;
    if (first >= 0) return ['result', first];
  }
  if (isOwn)
    for (let at = own - 1; at < state.calls.length; at += 1)
      if (state.calls[at]?.values.includes(value)) return ['own', at];
  return ELSEWHERE;
}

function ofWord({ marks, results, own }: Memory, number: number): readonly [OriginClass, number] {
  if (((marks[number] as number) & MANDATED) !== 0) return OF_MANDATE;
  const result = results[number] as number;
  if (result > 0) return ['result', result - 1];
  const call = own[number] as number;
  return call > 0 ? ['own', call - 1] : ELSEWHERE;
}
