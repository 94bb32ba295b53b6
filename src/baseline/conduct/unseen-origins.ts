/** Unseen origins: how much of where arguments come from a window has not shown yet. */
import type { UnitRecord } from '../../model/unit.ts';
import { unseenMass } from '../../stats/good-turing.ts';
import { bySession } from '../influence.ts';
import { originSymbol } from './basis.ts';
import { originsOf } from './origin.ts';
import { readCall } from './reading.ts';
import { hear, newState, remember } from './state.ts';

/**
 * Good–Turing mass of unseen origins: the chance that the next argument of a changing call is filled from
 * where no session of these filled it, in [0, 1]; an origin is a tool, an argument and what the value came
 * out of, each once per session. Null where no such call has arguments.
 */
export function unseenOrigins(units: readonly UnitRecord[]): number | null {
  const counts = new Map<string, Set<string>>();
  for (const { units: chunks } of bySession(units)) {
    const head = chunks[0]?.head;
    if (head === undefined) continue;
    const state = newState(head);
    for (const item of chunks.flatMap(({ items }) => items)) {
      if (item.type !== 'call') {
        hear(state, item);
        continue;
      }
      if (item.ours) continue;
      const call = readCall(item);
      if (call.changing && item.outcome !== 'error')
        for (const origin of originsOf(state, call)) {
          const key = `${call.tool}|${origin.path}|${originSymbol(origin)}`;
          const sessions = counts.get(key) ?? new Set<string>();
          counts.set(key, sessions.add(head.session));
        }
      remember(state, call, item);
    }
  }
  if (counts.size === 0) return null;
  return unseenMass([...counts.values()].map(({ size }) => size));
}
