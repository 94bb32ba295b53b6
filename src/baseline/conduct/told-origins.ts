/** Told origins: where a call's values came from, by names and digests, for comparing units. */

import { recollect } from './memory.ts';
import { type OriginClass, originsOf } from './origin.ts';
import { type ReadCall, VALUE_KINDS, type ValueKind } from './reading.ts';
import { type ConductState, liveOf, toolOf, wordsIn } from './state.ts';

/** A value and its origin. Numbers of words mean something within one unit only; these hold for all. */
export interface ToldOrigin {
  /** Place in the arguments; for a literal inside a text with its kind behind a `#`. */
  readonly path: string;
  readonly kind: ValueKind;
  /** Digests of its tokens, signed. */
  readonly h: readonly number[];
  readonly origin: OriginClass;
  /** Tool whose result or call it came from; empty for the others. */
  readonly tool: string;
  /** A literal one could act on. */
  readonly literal: boolean;
}

/** Origins of a call's values, in the order of the arguments. For learning: it costs more than judging does. */
export function toldOrigins(state: ConductState, call: ReadCall): ToldOrigin[] {
  const words = wordsIn(state, call);
  const { lexis, memory } = liveOf(state);
  recollect(state, lexis, memory);
  const digests = call.leaves.flatMap(({ short, from, to, literals }) =>
    short ? [call.h.slice(from, to)] : literals.map(({ h }) => [h]),
  );
  return originsOf(state, words).map(({ path, kind, isInside, origin, from, literal }, at) => {
    const name = VALUE_KINDS[kind] as ValueKind;
    return {
      path: isInside ? `${path}#${name}` : path,
      kind: name,
      h: digests[at] as readonly number[],
      origin,
      tool: toolOf(state, state.calls[from]),
      literal,
    };
  });
}
