/** Identity check: whether those who speak in a session are its agent, and known. */
import type { Event } from '../model/event.ts';
import type { WitnessRecord } from '../model/fact.ts';
import { isPartial, type LaneEntity, type Ledger, laneKey, wakeSession } from './ledger.ts';
import { type AgentEntity, keyOf, markOf, nameOf, type SessionEntity, viewOf } from './session.ts';
import { presence } from './witness.ts';

/** Identities that are compared in one session. */
const IDENTITIES_MAX = 8;

/** Notes the first witness of each identity in the session; they are compared a little later. */
export function identify(
  ledger: Ledger,
  session: SessionEntity,
  event: Event,
  agentId: string,
): void {
  const mark = markOf(agentId);
  if (session.identities[mark] !== undefined) return;
  if (Object.keys(session.identities).length >= IDENTITIES_MAX) return;
  session.identities[mark] = presence(event, agentId);
  ledger.slots.touchPart('S', session.key, 'identities', mark);
  wakeSession(ledger, session, event.time.eventMs + ledger.options.clockToleranceMs);
}

/** Compares the identities that have had their time at `nowMs`. Returns when the next is due, or null. */
export function checkIdentities(
  ledger: Ledger,
  session: SessionEntity,
  nowMs: number,
): number | null {
  const { clockToleranceMs } = ledger.options;
  let next: number | null = null;
  for (const mark in session.identities) {
    if (session.checked[mark] !== undefined) continue;
    const witness = session.identities[mark] as WitnessRecord;
    const due = witness.ms + clockToleranceMs;
    if (due > nowMs) {
      next = next === null ? due : Math.min(next, due);
      continue;
    }
    session.checked[mark] = 1;
    const agentId = nameOf(mark);
    ledger.slots.touch('S', session.key);
    if (agentId !== session.agent)
      stateIdentity(ledger, session, 'foreign-agent', witness, agentId, nowMs);
    else stateOwner(ledger, session, witness, nowMs);
  }
  return next;
}

function stateOwner(
  ledger: Ledger,
  session: SessionEntity,
  witness: WitnessRecord,
  nowMs: number,
): void {
  const owner = ledger.slots.get<AgentEntity>('A', keyOf(session.tenant, session.agent));
  const lane = ledger.slots.get<LaneEntity>('L', laneKey(session.tenant));
  // Only a governance that was heard from its beginning proves that somebody is not in it.
  if (lane === undefined || isPartial(ledger.slots)) return;
  if (lane.fleet > 0 && owner?.registeredMs == null)
    stateIdentity(ledger, session, 'unregistered', witness, session.agent, nowMs);
  if (session.parent === null) return;
  const parent = ledger.slots.get('S', keyOf(session.tenant, session.parent));
  if (parent === undefined || session.parent === session.id)
    stateIdentity(ledger, session, 'orphan-parent', witness, session.parent, nowMs);
}

function stateIdentity(
  ledger: Ledger,
  session: SessionEntity,
  aspect: 'foreign-agent' | 'unregistered' | 'orphan-parent',
  witness: WitnessRecord,
  named: string,
  nowMs: number,
): void {
  const owner = ledger.slots.get<AgentEntity>('A', keyOf(session.tenant, session.agent));
  const view = viewOf(session, owner);
  ledger.state({
    type: 'identity',
    aspect,
    witness,
    named,
    session: view,
    decidedMs: nowMs,
    late: false,
  });
}
