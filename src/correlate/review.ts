/** Review: each attempt is judged once, when all that may speak for it has had its time. */
import type { Attempt } from '../model/fact.ts';
import { permissionOf } from './governance.ts';
import { type Ledger, touchAct } from './ledger.ts';
import { miss } from './missing.ts';
import { refusedBefore } from './refusals.ts';
import {
  type Act,
  type AgentEntity,
  approvedBy,
  keyOf,
  type SessionEntity,
  viewOf,
} from './session.ts';

/** Tiers whose use needs somebody's word. */
const NEEDS_APPROVAL = new Set(['human-in-the-loop', 'prohibited']);

/** Does everything of the session's acts that is due at `nowMs`. Returns the next time, or null. */
export function reviewActs(ledger: Ledger, session: SessionEntity, nowMs: number): number | null {
  const { clockToleranceMs } = ledger.options;
  let next: number | null = null;
  const sooner = (ms: number) => {
    next = next === null ? ms : Math.min(next, ms);
  };
  const still: string[] = [];
  for (const key of session.open) {
    const act = session.acts[key];
    if (act === undefined) continue;
    while (act.reviewed < act.attempts.length) {
      const attempt = act.attempts[act.reviewed] as Attempt;
      if (attempt.ms + clockToleranceMs > nowMs) break;
      touchAct(ledger, session, key);
      reviewNext(ledger, session, act, nowMs);
    }
    if (act.state === 'waiting' && act.dueMs > 0 && act.dueMs <= nowMs)
      miss(ledger, session, act, key, nowMs);
    const pending = act.attempts[act.reviewed];
    if (pending !== undefined) sooner(pending.ms + clockToleranceMs);
    if (act.state === 'waiting' && act.dueMs > 0) sooner(act.dueMs);
    if (pending !== undefined || (act.state === 'waiting' && act.dueMs > 0)) still.push(key);
  }
  session.open = still;
  return next;
}

/** Reviews the next attempt of the act, whether or not it has had its time. */
export function reviewNext(ledger: Ledger, session: SessionEntity, act: Act, nowMs: number): void {
  const attempt = act.attempts[act.reviewed] as Attempt;
  act.reviewed += 1;
  reviewAttempt(ledger, session, act, attempt, nowMs);
}

/** States the attempt with all that speaks for or against it: permission, approval, an earlier refusal, the close. */
function reviewAttempt(
  ledger: Ledger,
  session: SessionEntity,
  act: Act,
  attempt: Attempt,
  nowMs: number,
): void {
  const owner = ledger.slots.get<AgentEntity>('A', keyOf(session.tenant, session.agent));
  if (act.intents.length > 0 && act.compared === act.reviewed - 1) {
    act.compared = act.reviewed;
    compare(ledger, session, act, attempt, nowMs, false);
  }
  const permission = permissionOf(ledger, session, attempt.tool, nowMs);
  const granted = attempt.granted === true ? true : permission.granted;
  const tier = permission.tier ?? attempt.tier;
  if (granted === null) sayUngoverned(ledger, session, nowMs);
  const around = refusedBefore(ledger, session, attempt, owner);
  ledger.state({
    type: 'attempt',
    attempt: { ...attempt, granted, tier },
    refused: around?.refused ?? null,
    around: around?.how ?? null,
    approved:
      tier !== null && NEEDS_APPROVAL.has(tier)
        ? tier !== 'prohibited' &&
          approvedBy(
            [...session.approvals, ...(owner?.approvals ?? [])],
            attempt,
            session.agent,
            nowMs,
          )
        : null,
    afterCloseMs: afterCloseOf(ledger, session, attempt),
    session: viewOf(session, owner),
    decidedMs: nowMs,
    late: false,
  });
}

/** States that an attempt and the intents of its act are of one call. */
export function compare(
  ledger: Ledger,
  session: SessionEntity,
  act: Act,
  attempt: Attempt,
  decidedMs: number,
  late: boolean,
): void {
  ledger.state({
    type: 'joined',
    attempt,
    intents: act.intents,
    strength: act.strength,
    session: viewOf(session, undefined),
    decidedMs,
    late,
  });
}

/** How long after the close of its session an attempt came, ms; null: in time, or none was closed. */
export function afterCloseOf(
  ledger: Ledger,
  session: SessionEntity,
  attempt: Attempt,
): number | null {
  if (session.closedMs === null) return null;
  const after = attempt.ms - session.closedMs;
  return after > ledger.options.closeGraceMs ? after : null;
}

/** Where nobody ever listed an agent's tools its permissions cannot be reconciled: said once. */
function sayUngoverned(ledger: Ledger, session: SessionEntity, nowMs: number): void {
  const key = keyOf(session.tenant, session.agent);
  const owner = ledger.slots.get<AgentEntity>('A', key);
  if (owner === undefined || owner.ungoverned === true) return;
  owner.ungoverned = true;
  ledger.slots.touch('A', key);
  ledger.notice(
    'agent.grants-unknown',
    owner.id,
    'acts at the gateway, but governance never listed its tools: permissions cannot be reconciled',
    nowMs,
    owner.tenant,
  );
}
