/** Origin: where each value that reaches a tool came from, the mandate first. */
import { occurs } from '../../stats/word-tape.ts';
import type { Leaf, ReadCall } from './reading.ts';
import { type ConductState, wasKnown } from './state.ts';

/** Where a value came from: its first occurrence. `own`: an argument of an earlier call. */
export type OriginClass = 'mandate' | 'result' | 'own' | 'none';

/** A value and its origin. */
export interface Origin {
  readonly path: string;
  readonly kind: Leaf['kind'];
  readonly h: readonly number[];
  readonly origin: OriginClass;
  /** Tool whose result or call it came from; empty for the others. */
  readonly tool: string;
  /** A literal one could act on: address, link, identifier, path, number of four digits and more. */
  readonly literal: boolean;
}

const LITERALS: ReadonlySet<string> = new Set(['email', 'url', 'host', 'id', 'path']);

/**
 * Origins of a call's values: short ones whole, of long texts their literals. What the mandate names
 * stays `mandate` whoever repeats it; what the agent read and repeats stays `result`.
 */
export function originsOf(state: ConductState, call: ReadCall): Origin[] {
  const found: Origin[] = [];
  for (const leaf of call.leaves) {
    const { path, kind, h, length } = leaf;
    if (leaf.short) {
      const literal = LITERALS.has(kind) || (kind === 'number' && length >= 4);
      found.push(originOf(state, path, kind, h, literal));
    } else
      for (const one of leaf.literals)
        found.push(originOf(state, `${path}#${one.kind}`, one.kind, [one.h], true));
  }
  return found;
}

function originOf(
  state: ConductState,
  path: string,
  kind: Leaf['kind'],
  h: readonly number[],
  literal: boolean,
): Origin {
  let origin: OriginClass = 'none';
  let tool = '';
  if (occurs(state.mandate, h)) origin = 'mandate';
  else {
    const read = state.calls.find((past) => wasKnown(state, past) && occurs(past.tape, h));
    const own = read ?? state.calls.find(({ values }) => values.some((value) => occurs(value, h)));
    if (read !== undefined) origin = 'result';
    else if (own !== undefined) origin = 'own';
    tool = own?.tool ?? '';
  }
  return { path, kind, h, origin, tool, literal };
}
