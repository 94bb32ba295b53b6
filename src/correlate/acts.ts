/** Acts: made when a witness names them, bounded in number, dropped only when reviewed. */
import { count, type Ledger, makeRoomForAct, touchAct } from './ledger.ts';
import { release } from './missing.ts';
import { reviewNext } from './review.ts';
import { type Act, keyOf, type SessionEntity } from './session.ts';

/** Witnesses that each side of an act keeps. */
export const WITNESSES_MAX = 32;

/** Acts of a session that are looked at to find one that may go. */
const LOOKED_AT = 64;

/** The act of this key, made when it is first named; makes room by plan where a bound is reached. */
export function actAt(ledger: Ledger, session: SessionEntity, key: string, ms: number): Act {
  const present = session.acts[key];
  if (present !== undefined) return present;
  if (session.actCount >= ledger.options.maxActsPerSession) makeRoom(ledger, session, ms);
  makeRoomForAct(ledger, session, ms);
  const act: Act = {
    intents: [],
    attempts: [],
    need: null,
    gap: 0,
    dueMs: 0,
    compared: 0,
    reviewed: 0,
    state: 'waiting',
    strength: 'exact',
  };
  session.acts[key] = act;
  session.actCount += 1;
  ledger.room.sessions.weigh(keyOf(session.tenant, session.id), 1);
  return act;
}

/**
 * Drops an act: the oldest that is finished; else the oldest that was only announced, for announcements
 * are the agent's own and cost it nothing; else the oldest of all. No attempt goes unreviewed. From then on
 * results of this session may be incomplete.
 */
function makeRoom(ledger: Ledger, session: SessionEntity, ms: number): void {
  if (!session.overflow) {
    session.overflow = true;
    ledger.notice(
      'session.overflow',
      session.agent,
      `session ${session.id} has more acts than maxActsPerSession: oldest finished acts are dropped`,
      session.lastMs,
      session.tenant,
    );
  }
  count(ledger, 'acts-dropped');
  const key = droppable(session);
  if (key === undefined) return;
  const act = session.acts[key] as Act;
  while (act.reviewed < act.attempts.length) reviewNext(ledger, session, act, ms);
  if (act.state === 'waiting' || act.state === 'missing') {
    count(ledger, 'undecided');
    release(ledger, session, act);
  }
  delete session.acts[key];
  touchAct(ledger, session, key);
  session.actCount -= 1;
  ledger.room.sessions.weigh(keyOf(session.tenant, session.id), -1);
}

/** Key of the act that is missed least, among the oldest. */
function droppable(session: SessionEntity): string | undefined {
  let looked = 0;
  let oldest: string | undefined;
  let announced: string | undefined;
  for (const key in session.acts) {
    const act = session.acts[key] as Act;
    const isOpen = act.state === 'waiting' || act.state === 'missing';
    if (!isOpen && act.reviewed === act.attempts.length) return key;
    oldest ??= key;
    if (act.attempts.length === 0) announced ??= key;
    looked += 1;
    if (looked >= LOOKED_AT) break;
  }
  return announced ?? oldest;
}
