/** Intents: calls that an agent announces or claims, entered into their acts. */
import type { Event } from '../model/event.ts';
import type { Attempt } from '../model/fact.ts';
import { grown } from '../state/grown.ts';
import { actAt, WITNESSES_MAX } from './acts.ts';
import { actKey, isWhole, ownKey, strengthOf } from './joining.ts';
import { canonicalTool, count, type Ledger, touchAct } from './ledger.ts';
import { announces, release, retract, wait } from './missing.ts';
import { compare } from './review.ts';
import type { Act, SessionEntity } from './session.ts';
import { kinOf, linkAct } from './traces.ts';
import { intentOf } from './witness.ts';

/** Enters every call a reasoning record states. */
export function enterIntents(
  ledger: Ledger,
  session: SessionEntity,
  event: Event & { readonly reasoning: NonNullable<Event['reasoning']> },
  agentId: string,
  late: boolean,
): void {
  const { intents, claims } = event.reasoning;
  const calls = [...intents, ...claims];
  let known: Set<string> | null = null;
  for (let index = 0; index < calls.length; index += 1) {
    const call = calls[index] as (typeof calls)[number];
    const tool = canonicalTool(ledger, call.tool);
    const claimed = index >= intents.length;
    const intent = intentOf(event, call, index, agentId, tool, ledger.options.digestKey, claimed);
    const kin = kinOf(ledger, session, event, intent);
    if (claimed && call.toolCallId === undefined && kin === null) {
      // Such a claim names a call by its tool alone: any act of that tool may be the one it means.
      known ??= toolsOf(session);
      if (known.has(tool)) continue;
      known.add(tool);
    }
    const route = ledger.options.inventory.tool(tool)?.route ?? 'gateway';
    const offGateway = call.toolType === 'provider' || call.toolType === 'local';
    const key = actKey(session, intent, intent.index, ledger.options.joinWindowMs, kin);
    const act = actAt(ledger, session, key, intent.ms);
    if (act.intents.length >= WITNESSES_MAX) {
      // The first ones stand: who announces a call over and over announces nothing new.
      count(ledger, 'witnesses-dropped');
      continue;
    }
    const isJoin = key !== ownKey(intent, intent.index);
    const before = { isWhole: isWhole(act), strength: act.strength };
    act.intents = grown(act.intents, intent);
    linkAct(ledger, session, event, intent, key);
    touchAct(ledger, session, key);
    if (isJoin) act.strength = strengthOf(act, kin, before);
    const states = !claimed || !announces(ledger, session);
    if (states && act.state === 'absent' && act.need === 'reasoning')
      retract(ledger, session, act, intent.ms);
    if (act.attempts.length > 0 && states) join(ledger, session, act, key, intent.ms, late);
    else if (act.intents.length === 1 && act.attempts.length === 0)
      wait(ledger, session, act, key, 'gateway', intent.ms, offGateway || route !== 'gateway');
  }
}

/** Tools of the session's acts, as either side names them. */
function toolsOf(session: SessionEntity): Set<string> {
  const tools = new Set<string>();
  for (const { intents, attempts } of Object.values(session.acts))
    for (const { tool } of [...intents, ...attempts]) tools.add(tool);
  return tools;
}

/** The call that was announced has been seen: both sides are compared. */
function join(
  ledger: Ledger,
  session: SessionEntity,
  act: Act,
  key: string,
  ms: number,
  late: boolean,
): void {
  release(ledger, session, act);
  // Attempts already reviewed without an intent are compared now; the others at their review.
  for (; act.compared < act.reviewed; act.compared += 1)
    compare(ledger, session, act, act.attempts[act.compared] as Attempt, ms, late);
  if (act.reviewed < act.attempts.length && !session.open.includes(key)) session.open.push(key);
}
