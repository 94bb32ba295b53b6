/** Foresee: the fact an event will be when its turn comes, as far as that can be told. */
import type { Event } from '../model/event.ts';
import type { EventContext } from '../model/event-context.ts';
import type { EventFact } from '../model/fact.ts';
import type { Ledger } from './ledger.ts';
import { type AgentEntity, keyOf, newSession, type SessionEntity, viewOf } from './session.ts';
import { placeOf } from './traces.ts';

/** What nobody has said yet: rules that are asked early ask nothing of it. */
const NOTHING_SAID: EventContext = {
  session: null,
  agent: {
    ...{ registered: null, registeredMs: null, reviewedMs: null, model: null },
    ...{ systemDigest: null, offeredToolsDigest: null, maxDepth: null, maxFanOut: null },
    grants: null,
  },
  call: null,
  windowOpen: false,
  otherAgent: null,
};

/**
 * The fact of an event that still waits for the watermark. Changes nothing. Null where it cannot be told
 * whose it is: it does not name agent and session itself, or its agent was never heard of before, so that
 * nobody knows what the agent's role permits us. Session and role are those known now.
 */
export function foresee(ledger: Ledger, event: Event): EventFact | null {
  const tenant = event.tenant ?? '-';
  const { agent: agentId, session: sessionId } = placeOf(ledger, tenant, event);
  if (event.agent?.id !== agentId || (event.session?.id ?? null) !== sessionId) return null;
  const agent = ledger.slots.get<AgentEntity>('A', keyOf(tenant, agentId));
  if (agent === undefined) return null;
  const { eventMs } = event.time;
  let session: SessionEntity | null = null;
  if (sessionId !== null) {
    const known = ledger.slots.get<SessionEntity>('S', keyOf(tenant, sessionId));
    if (known?.weaklyOwned === true) return null;
    session = known ?? newSession(tenant, sessionId, agentId, eventMs);
  }
  const owner =
    session === null || session.agent === agentId
      ? agent
      : ledger.slots.get<AgentEntity>('A', keyOf(tenant, session.agent));
  return {
    type: 'event',
    event,
    session: session === null ? null : viewOf(session, owner),
    tenant,
    agent: agentId,
    role: session?.role ?? agent.role,
    argsDigest: null,
    toolClass: null,
    granted: null,
    ours: false,
    model: null,
    late: false,
    unannounced: [],
    context: () => NOTHING_SAID,
    keyed: ledger.keyed,
  };
}
