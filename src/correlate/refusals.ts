/** Refusals: what policy denied in a session, and which success gets around it. */
import type { Attempt } from '../model/fact.ts';
import type { Ledger } from './ledger.ts';
import type { AgentEntity, SessionEntity } from './session.ts';
import { sameArguments } from './witness.ts';

/** Refusals that a session keeps. */
const REFUSED_MAX = 64;

/** Keeps what policy refused; what a lease of ours refused says nothing of the agent. */
export function noteRefusal(session: SessionEntity, attempt: Attempt): void {
  if (attempt.decision !== 'deny' || attempt.ours) return;
  session.refused.push({ attempt });
  if (session.refused.length > REFUSED_MAX) session.refused.shift();
}

/**
 * A refusal this success gets around: the same call again (a type error would have repeated itself:
 * it depends on the arguments alone), or, where a policy is named, another tool of the same class on
 * just the same values. Not where governance changed something in between.
 */
export function refusedBefore(
  ledger: Ledger,
  session: SessionEntity,
  attempt: Attempt,
  owner: AgentEntity | undefined,
): { refused: Attempt; how: 'same-call' | 'other-way' } | null {
  const { decision, outcome } = attempt;
  if ((decision !== 'allow' && decision !== 'unknown') || outcome !== 'ok') return null;
  if (attempt.digest === null && attempt.given === undefined && attempt.leaves === null)
    return null;
  for (const { attempt: refused } of session.refused) {
    if (!precedes(refused, attempt)) continue;
    if (Math.abs(attempt.ms - refused.ms) > ledger.options.refusalWindowMs) continue;
    const changed = owner?.changedMs ?? 0;
    if (changed > refused.ms && changed <= attempt.ms) continue;
    if (refused.tool === attempt.tool && sameArguments(refused, attempt))
      return { refused, how: 'same-call' };
    const sameEffect =
      refused.policy !== null &&
      refused.tool !== attempt.tool &&
      attempt.toolClass !== null &&
      attempt.toolClass !== 'read' &&
      refused.toolClass === attempt.toolClass &&
      sameValues(refused, attempt);
    if (sameEffect) return { refused, how: 'other-way' };
  }
  return null;
}

function sameValues(a: Attempt, b: Attempt): boolean {
  const x = Object.values(a.leaves ?? {}).sort();
  const y = Object.values(b.leaves ?? {}).sort();
  return x.length > 0 && x.length === y.length && x.every((value, at) => value === y[at]);
}

/** Order within a session: the producer's counter where both have one, else time. */
function precedes(a: Attempt, b: Attempt): boolean {
  if (a.seq !== null && b.seq !== null && a.topic === b.topic) return a.seq < b.seq;
  return a.ms < b.ms;
}
