/** The ladder: which rungs change something outside, and how long what they do may stand. */

import type { Rung, Verb } from '../model/decision.ts';

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
