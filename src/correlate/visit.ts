/** Visits: a session that is due is reviewed, compared, settled and at last forgotten. */
import { checkIdentities } from './identity-check.ts';
import { count, forget, type Ledger } from './ledger.ts';
import { reviewActs } from './review.ts';
import type { SessionEntity } from './session.ts';

/** How long after its close a session may be settled, ms. */
export function closingMs(ledger: Ledger): number {
  const { joinWindowMs, closeGraceMs, clockToleranceMs } = ledger.options;
  return joinWindowMs + closeGraceMs + clockToleranceMs + 1;
}

/** Looks at a session at `nowMs`: reviews, identities, settling, forgetting. */
export function visit(ledger: Ledger, key: string, nowMs: number): void {
  const session = ledger.slots.get<SessionEntity>('S', key);
  if (session === undefined) return;
  let next = checkIdentities(ledger, session, nowMs);
  const acts = reviewActs(ledger, session, nowMs);
  if (acts !== null) next = next === null ? acts : Math.min(next, acts);
  const quiet = session.pending === 0 && session.open.length === 0;
  const { rememberMs } = ledger.options;
  if (session.closedMs !== null && quiet && nowMs >= session.closedMs + closingMs(ledger))
    settle(ledger, key, session);
  const forgetAt = session.lastMs + rememberMs;
  if (nowMs >= forgetAt && (quiet || nowMs >= forgetAt + rememberMs)) {
    if (session.pending > 0) count(ledger, 'undecided', session.pending);
    forget(ledger, key);
    return;
  }
  const closingAt =
    session.closedMs !== null && !session.settled ? session.closedMs + closingMs(ledger) : null;
  if (closingAt !== null && closingAt > nowMs)
    next = next === null ? closingAt : Math.min(next, closingAt);
  const last = Math.max(nowMs + 1, nowMs >= forgetAt ? forgetAt + rememberMs : forgetAt);
  ledger.timers.wake('S', key, session, next === null ? last : Math.min(next, last));
}

/** A closed session whose acts are all decided keeps only what later records are judged by. */
function settle(ledger: Ledger, key: string, session: SessionEntity): void {
  session.settled = true;
  ledger.room.sessions.weigh(key, -session.actCount);
  session.acts = {};
  session.actCount = 0;
  session.open = [];
  session.refused = [];
  session.seen = {};
  session.marks = 0;
  // All of its acts are gone at once: the session is written anew.
  ledger.slots.put('S', key, session);
  ledger.room.sessions.fell(key);
}
