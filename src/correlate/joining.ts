/** Joining: the act that a witness belongs to, and how surely both sides speak of one call. */
import type { Attempt, Intent } from '../model/fact.ts';
import type { Act, SessionEntity } from './session.ts';
import type { Kin } from './traces.ts';
import { sameArguments } from './witness.ts';

/** Key of the act that a witness opens where none is known yet. */
export function ownKey(witness: Intent | Attempt, index: number): string {
  return witness.call !== null
    ? `c ${witness.call}`
    : `n ${witness.topic} ${witness.nativeId} ${index}`;
}

/**
 * The act a witness belongs to: by call id within the session, else by its trace, else the nearest unjoined act of the
 * other side with the same tool and arguments within the window (then the same tool, which is weak).
 */
export function actKey(
  session: SessionEntity,
  witness: Intent | Attempt,
  index: number,
  joinWindowMs: number,
  kin: Kin | null,
): string {
  const own = ownKey(witness, index);
  if (session.acts[own] !== undefined) return own;
  if (kin !== null) return kin.key;
  if (witness.call === null) session.uncalled = true;
  else if (!session.uncalled) return own;
  let best = own;
  let bestRank = 2;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const key of session.open) {
    const act = session.acts[key];
    if (act === undefined) continue;
    const other = witness.kind === 'reasoning' ? act.attempts[0] : act.intents[0];
    const same = witness.kind === 'reasoning' ? act.intents.length : act.attempts.length;
    if (other === undefined || same > 0 || other.tool !== witness.tool) continue;
    if (other.call !== null && witness.call !== null) continue;
    const distance = Math.abs(other.ms - witness.ms);
    if (distance > joinWindowMs) continue;
    const known = other.digest !== null && witness.digest !== null;
    if (known && other.digest !== witness.digest) continue;
    const rank = sameArguments(other, witness) ? 0 : 1;
    if (rank > bestRank || (rank === bestRank && distance >= bestDistance)) continue;
    best = key;
    bestRank = rank;
    bestDistance = distance;
  }
  return best;
}

/** Do both sides speak of the act? */
export const isWhole = (act: Act) => act.intents.length > 0 && act.attempts.length > 0;

/** How surely both sides are of one call: a further witness of either can make it surer, never less sure. */
export function strengthOf(
  act: Act,
  kin: Kin | null,
  before: { readonly isWhole: boolean; readonly strength: Act['strength'] },
): Act['strength'] {
  if (kin?.crosses === true) return 'exact';
  if (kin !== null && (kin.exact || before.isWhole)) return before.strength;
  const intent = act.intents[0];
  const attempt = act.attempts[0];
  if (intent === undefined || attempt === undefined) return act.strength;
  if (intent.call !== null && intent.call === attempt.call) return 'exact';
  return sameArguments(intent, attempt) ? 'strong' : 'weak';
}
