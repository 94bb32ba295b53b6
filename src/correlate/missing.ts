/** Missing witnesses: what answers for an act, what it waits for, what an absence comes to. */
import type { Kind } from '../model/event.ts';
import { count, type Ledger, laneOf, touchAct, wakeBook, wakeSession } from './ledger.ts';
import { type Act, type AgentEntity, keyOf, type SessionEntity, viewOf } from './session.ts';

/**
 * Does the owner announce its calls? Of such an agent a report afterwards may add suspicion but never
 * remove it: only an announcement answers for a call. One that merely reports has nothing else.
 */
export function announces(ledger: Ledger, session: SessionEntity): boolean {
  const owner = ledger.slots.get<AgentEntity>('A', keyOf(session.tenant, session.agent));
  return owner?.announces === true;
}

/** Is the act stated by something that answers for it? */
export function isStated(ledger: Ledger, session: SessionEntity, act: Act): boolean {
  if (act.intents.some(({ claimed }) => !claimed)) return true;
  return act.intents.length > 0 && !announces(ledger, session);
}

/**
 * The act waits for its witness in a book until the join window is over. Not where it is excused, or where the
 * silence of that book says nothing.
 */
export function wait(
  ledger: Ledger,
  session: SessionEntity,
  act: Act,
  key: string,
  need: Kind,
  ms: number,
  excused: boolean,
): void {
  if (excused || !ledger.books.judges(need)) {
    act.state = 'joined';
    return;
  }
  act.need = need;
  act.gap = ledger.books.expect(need, ms, session.tenant);
  act.dueMs = ms + ledger.options.joinWindowMs;
  if (!session.open.includes(key)) session.open.push(key);
  wakeSession(ledger, session, act.dueMs);
}

/** The act waits no longer: its witness came, or it is let go of undecided. */
export function release(ledger: Ledger, session: SessionEntity, act: Act): void {
  if (act.need !== null && act.state === 'waiting')
    ledger.books.found(act.need, act.gap, session.tenant);
  if (act.state === 'missing') session.pending -= 1;
  if (act.state !== 'absent') act.state = 'joined';
  act.dueMs = 0;
}

/** What the act waited for came, and it goes on waiting for another witness. */
export function reopen(ledger: Ledger, session: SessionEntity, act: Act): void {
  release(ledger, session, act);
  act.state = 'waiting';
}

/** The act's time is over and no witness came: that is for its book to judge. */
export function miss(
  ledger: Ledger,
  session: SessionEntity,
  act: Act,
  key: string,
  nowMs: number,
): void {
  const need = act.need as Kind;
  act.state = 'missing';
  session.pending += 1;
  touchAct(ledger, session, key);
  const { tenant } = session;
  const owner = ledger.slots.get<AgentEntity>('A', keyOf(tenant, session.agent));
  const isHeard = need === 'gateway' ? owner?.acted === true : owner?.reasoned === true;
  // A name that governance does not know, in a fleet that it does, is one that anybody can make up.
  const isKnown = owner?.registeredMs != null || laneOf(ledger, nowMs, tenant).fleet === 0;
  const missing = { session: session.key, act: key };
  const at = ledger.books.missed(need, act.gap, missing, nowMs, {
    tenant,
    counts: isHeard || isKnown,
  });
  wakeBook(ledger, need, tenant, at);
}

/** A gap was judged: states the absence, or leaves it undecided. */
export function judgeMissing(
  ledger: Ledger,
  sessionKey: string,
  actKeyOf: string,
  verdict: { blind: boolean; fromMs: number; toMs: number; kind: Kind; nowMs: number },
): void {
  const session = ledger.slots.get<SessionEntity>('S', sessionKey);
  const act = session?.acts[actKeyOf];
  if (act !== undefined && act.state !== 'missing') return;
  if (session === undefined || act === undefined) {
    count(ledger, 'undecided');
    return;
  }
  session.pending -= 1;
  touchAct(ledger, session, actKeyOf);
  const owner = ledger.slots.get<AgentEntity>('A', keyOf(session.tenant, session.agent));
  const silentByNature = verdict.kind === 'reasoning' && owner?.reasoned !== true;
  if (verdict.blind || silentByNature) {
    act.state = 'undecided';
    count(ledger, 'undecided');
    if (silentByNature && !verdict.blind) sayUninstrumented(ledger, owner, verdict.nowMs);
    return;
  }
  act.state = 'absent';
  const witness = verdict.kind === 'gateway' ? act.intents[0] : act.attempts[0];
  if (witness === undefined) return;
  ledger.state({
    type: 'absent',
    book: verdict.kind,
    witness,
    aliveFromMs: verdict.fromMs,
    aliveToMs: verdict.toMs,
    session: viewOf(session, owner),
    decidedMs: verdict.nowMs,
    late: false,
  });
}

function sayUninstrumented(ledger: Ledger, owner: AgentEntity | undefined, nowMs: number): void {
  if (owner === undefined || owner.uninstrumented === true) return;
  owner.uninstrumented = true;
  ledger.slots.touch('A', owner.key);
  ledger.notice(
    'agent.uninstrumented',
    owner.id,
    'acts at the gateway, but no reasoning of it was ever seen: intent cannot be reconciled',
    nowMs,
    owner.tenant,
  );
}

/** The witness whose absence was stated came after all. */
export function retract(ledger: Ledger, session: SessionEntity, act: Act, ms: number): void {
  const witness = act.need === 'gateway' ? act.intents[0] : act.attempts[0];
  if (witness === undefined || act.need === null) return;
  act.state = 'joined';
  count(ledger, 'retracted');
  ledger.state({
    type: 'retract',
    book: act.need,
    witness,
    session: viewOf(session, undefined),
    decidedMs: ms,
    late: true,
  });
}
