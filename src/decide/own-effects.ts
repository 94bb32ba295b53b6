/** Own effects: which calls a lease of ours restrains, so that refusals are our own doing. */
import type { Attempt } from '../model/fact.ts';
import type { StandingLease } from './standing.ts';

/** A call at the gateway, as far as a lease is concerned with it. */
export interface RestrainedCall {
  readonly session: string;
  /** Canonical name. */
  readonly tool: string;
  /** Reach of the tool; null where neither grant nor inventory says. */
  readonly toolClass: string | null;
  /** Event time, ms. */
  readonly ms: number;
}

/**
 * Is the call among those that the lease is to stop? Says nothing of whether it was stopped, nor of
 * the lease's end: whoever asks holds leases that stand at the time of the call.
 */
export function isRestrained(
  { verb, subject, issuedMs }: Pick<StandingLease, 'verb' | 'subject' | 'issuedMs'>,
  { session, tool, toolClass, ms }: RestrainedCall,
): boolean {
  if (subject.session !== null && subject.session !== session) return false;
  if (subject.tools.length > 0 && !subject.tools.includes(tool)) return false;
  // A conservative posture lets reads go on: they say nothing of whether it holds.
  if (verb === 'posture' && toolClass === 'read') return false;
  return issuedMs <= ms;
}

/**
 * Did the call go through? False where it was turned away; null where its record proves neither: it was
 * only attempted, waits for a person, or failed and nobody says by whom. Whatever a call that was let
 * through came to is no matter of the lease: an upstream that breaks contains nobody.
 */
export function wentThrough({
  decision,
  outcome,
  forbidden,
}: Pick<Attempt, 'decision' | 'outcome' | 'forbidden'>): boolean | null {
  if (decision === 'deny' || forbidden === true) return false;
  if (decision === 'allow' || decision === 'modify') return true;
  return outcome === 'ok' ? true : null;
}
