/** Chain: which driver carries out a rung, which comes next, and who must agree first. */
import { type ApprovalNeeded, RUNGS, type Verb } from '../model/decision.ts';
import { isVerb } from './ladder.ts';

/** How actions are carried out, as configured. */
export interface ControlPlan {
  /** Drivers of a verb in the order they are tried; a verb that nobody can carry out is missing. */
  readonly chains: ReadonlyMap<Verb, readonly string[]>;
  /** Verbs that people must agree to. */
  readonly approvals: ReadonlyMap<Verb, ApprovalNeeded>;
}

/** No driver at all: nothing can be done. */
export const NO_CONTROL: ControlPlan = { chains: new Map(), approvals: new Map() };

/** The driver that is tried first; null where none can do it. */
export function firstDriver(plan: ControlPlan, verb: Verb): string | null {
  return plan.chains.get(verb)?.[0] ?? null;
}

/**
 * The driver after `driver` in the chain of the verb that has not refused; null at its end, or where
 * `driver` is not in it.
 */
export function nextDriver(
  plan: ControlPlan,
  verb: Verb,
  driver: string,
  refusedBy: readonly string[] = [],
): string | null {
  const chain = plan.chains.get(verb) ?? [];
  const at = chain.indexOf(driver);
  if (at < 0) return null;
  return chain.slice(at + 1).find((one) => !refusedBy.includes(one)) ?? null;
}

/**
 * The next rung above `verb` that somebody can carry out; null at the top. One that cannot be undone is
 * passed over where nobody was named to agree to it.
 */
export function rungAbove(plan: ControlPlan, verb: Verb): Verb | null {
  for (const rung of RUNGS.slice(RUNGS.indexOf(verb) + 1)) {
    if (!isVerb(rung) || firstDriver(plan, rung) === null) continue;
    if (rung === 'revoke_session' && !plan.approvals.has(rung)) continue;
    return rung;
  }
  return null;
}
