/** The ladder: which rungs change something outside, and how long what they do may stand. */

import { RUNGS, type Rung, type Verb } from '../model/decision.ts';

const HOUR_MS = 3_600_000;

/** Longest a lease may stand with renewals, ms; 0 = no lease (handbook, outputs §1). */
export const LONGEST_MS: Readonly<Record<Verb, number>> = {
  posture: 4 * HOUR_MS,
  freeze_tool: 4 * HOUR_MS,
  revoke_session: 0,
  suspend_agent: 24 * HOUR_MS,
};

/** Does the rung change something outside? */
export function isVerb(rung: Rung): rung is Verb {
  return rung !== 'observe' && rung !== 'alert';
}

/** How long what cannot be undone is watched, and remembered as standing, ms. */
export const REVOKE_WATCH_MS = HOUR_MS;

/** The higher of two rungs; null is below all. */
export function higherVerb(one: Verb | null, other: Verb): Verb {
  return one !== null && RUNGS.indexOf(one) >= RUNGS.indexOf(other) ? one : other;
}
