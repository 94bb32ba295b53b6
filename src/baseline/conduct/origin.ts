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
    if (leaf.short) {
      const { path, kind, h, length } = leaf;
      const literal = LITERALS.has(kind) || (kind === 'number' && length >= 4);
      found.push({ path, kind, h, literal, ...whence(state, h) });
    } else
      for (const { h, kind } of leaf.literals)
        found.push({
          path: `${leaf.path}#${kind}`,
          kind,
          h: [h],
          literal: true,
          ...whence(state, [h]),
        });
  }
  return found;
}

function whence(
  state: ConductState,
  h: readonly number[],
): { readonly origin: OriginClass; readonly tool: string } {
  if (occurs(state.mandate, h)) return { origin: 'mandate', tool: '' };
  for (const past of state.calls)
    if (wasKnown(state, past) && occurs(past.tape, h)) return { origin: 'result', tool: past.tool };
  for (const past of state.calls)
    if (past.values.some((value) => occurs(value, h))) return { origin: 'own', tool: past.tool };
  return { origin: 'none', tool: '' };
}
