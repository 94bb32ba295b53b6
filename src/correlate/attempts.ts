/** Attempts: calls that a gateway saw, entered into their acts. */
import type { Event } from '../model/event.ts';
import type { Attempt } from '../model/fact.ts';
import { grown } from '../state/grown.ts';
import { actAt, WITNESSES_MAX } from './acts.ts';
import { permissionOf } from './governance.ts';
import { actKey, isWhole, ownKey, strengthOf } from './joining.ts';
import { canonicalTool, count, type Ledger, touchAct, wakeSession } from './ledger.ts';
import { isStated, release, reopen, retract, wait } from './missing.ts';
import { noteRefusal } from './refusals.ts';
import { afterCloseOf, reviewNext } from './review.ts';
import type { Act, SessionEntity } from './session.ts';
import { kinOf, linkAct } from './traces.ts';
import { attemptOf } from './witness.ts';

/** Enters one call a gateway saw. */
export function enterAttempt(
  ledger: Ledger,
  session: SessionEntity,
  event: Event & { readonly action: NonNullable<Event['action']> },
  agentId: string,
  late: boolean,
): Attempt | null {
  const tool = canonicalTool(ledger, event.action.tool);
  const permission = permissionOf(ledger, session, tool, event.time.eventMs);
  const { toolClass } = permission;
  const call = { session: session.id, tool, toolClass, ms: event.time.eventMs };
  const restrained = () => ledger.restrains(session.tenant, session.agent, call);
  const { digestKey } = ledger.options;
  const attempt = attemptOf(event, agentId, tool, permission, digestKey, restrained);
  const kin = kinOf(ledger, session, event, attempt);
  const key = actKey(session, attempt, 0, ledger.options.joinWindowMs, kin);
  const act = actAt(ledger, session, key, attempt.ms);
  if (act.attempts.length >= WITNESSES_MAX) dropAttempt(ledger, session, act, attempt.ms);
  const before = { isWhole: isWhole(act), strength: act.strength };
  act.attempts = grown(act.attempts, attempt);
  linkAct(ledger, session, event, attempt, key);
  touchAct(ledger, session, key);
  if (key !== ownKey(attempt, 0)) act.strength = strengthOf(act, kin, before);
  noteRefusal(session, attempt);
  if (act.state === 'absent' && act.need === 'gateway') retract(ledger, session, act, attempt.ms);
  if (isStated(ledger, session, act)) release(ledger, session, act);
  else if (act.attempts.length === 1) {
    // A report came first: the gateway has now answered it, and the announcement is still owed.
    if (act.need === 'gateway') reopen(ledger, session, act);
    const afterClose = afterCloseOf(ledger, session, attempt) !== null;
    // The intents of a settled session were let go: whether a latecomer was stated cannot be told.
    const lost = late && session.settled && !afterClose;
    if (lost) sayUndecided(ledger, session, attempt);
    wait(ledger, session, act, key, 'reasoning', attempt.ms, afterClose || lost);
  }
  if (!session.open.includes(key)) session.open.push(key);
  wakeSession(ledger, session, attempt.ms + ledger.options.clockToleranceMs);
  return attempt;
}

function sayUndecided(ledger: Ledger, session: SessionEntity, attempt: Attempt): void {
  count(ledger, 'undecided');
  ledger.notice(
    'event.undecided',
    session.agent,
    `a call came so late that its session was settled: whether it was stated cannot be told`,
    attempt.ms,
    session.tenant,
  );
}

/** The oldest attempt of an act that has too many is let go of, reviewed before its time if need be. */
function dropAttempt(ledger: Ledger, session: SessionEntity, act: Act, ms: number): void {
  if (act.reviewed === 0) reviewNext(ledger, session, act, ms);
  act.attempts.shift();
  act.reviewed -= 1;
  act.compared = Math.max(0, act.compared - 1);
  count(ledger, 'witnesses-dropped');
}
