/** The ladder: what each rung is, whether it can be undone, and what it must have earned. */

import type { Rung, Verb } from '../model/decision.ts';
import type { EvidenceClass } from '../model/detection.ts';

/** Earned tiers, least first (handbook, detection §12.2). */
export const TIERS = ['observe', 'interrupt', 'degrade', 'terminate'] as const;
/** One tier. */
export type Tier = (typeof TIERS)[number];

interface RungFacts {
  readonly reversible: boolean;
  readonly tier: Tier;
  /** Longest a lease may stand with renewals, ms; 0 = no lease. */
  readonly longestMs: number;
}

const HOUR_MS = 3_600_000;

/** Facts of every verb (handbook, outputs §1). */
export const LADDER: Readonly<Record<Verb, RungFacts>> = {
  posture: { reversible: true, tier: 'degrade', longestMs: 4 * HOUR_MS },
  freeze_tool: { reversible: true, tier: 'degrade', longestMs: 4 * HOUR_MS },
  revoke_session: { reversible: false, tier: 'terminate', longestMs: 0 },
  suspend_agent: { reversible: true, tier: 'terminate', longestMs: 24 * HOUR_MS },
};

/** Does the rung change something outside? */
export function isVerb(rung: Rung): rung is Verb {
  return rung !== 'observe' && rung !== 'alert';
}

/**
 * What a detector may do before anything was measured (DESIGN §13.7): hard evidence starts at
 * reversible rungs once its cases and the tampering yardstick pass; all else has earned nothing.
 * Measured records will raise or lower this per detector version.
 */
export function startingTier(evidence: EvidenceClass): Tier {
  return evidence === 'hard' ? 'degrade' : 'observe';
}

/** Is `tier` enough for `verb`? */
export function isEarned(verb: Verb, tier: Tier): boolean {
  return TIERS.indexOf(LADDER[verb].tier) <= TIERS.indexOf(tier);
}
