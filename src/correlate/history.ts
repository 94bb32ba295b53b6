/** History: what a governance event says of an agent or session, as it is kept for later. */
import { hash } from 'node:crypto';
import type { AgentChange, AgentSession, AgentState, SaidBy } from '../model/agent-history.ts';
import { canonicalJson } from '../model/canonical-json.ts';
import type { AgentContext } from '../model/event-context.ts';
import type { Governance } from '../model/event-governance.ts';
import type { EventFact } from '../model/fact.ts';
import { eventIdOf, idOf } from '../model/ids.ts';

const NAMES_MAX = 64;

/** A session that the event opened or closed; null where it did neither, or not for the first time. */
export function sessionSaid(fact: EventFact): AgentSession | null {
  const { event, session, tenant } = fact;
  const { change, detail } = event.governance as Governance;
  const timeMs = event.time.eventMs;
  if (session === null) return null;
  if (change === 'session.closed') return { type: 'closed', tenant, session: session.id, timeMs };
  if (change !== 'session.opened' || session.openedMs !== timeMs) return null;
  const context = fact.context().session;
  return {
    type: 'opened',
    tenant,
    session: session.id,
    agent: session.agent,
    timeMs,
    role: session.role,
    parent: session.parent,
    principal: context?.principal ?? null,
    root: context?.root ?? session.id,
    depth: context?.depth ?? 0,
    taskType: context?.taskType ?? null,
    mode: context?.mode ?? null,
    mandated: context?.mandated ?? false,
    mandateDigest: detail?.mandateDigest ?? null,
    by: saidBy(fact),
  };
}

/** What the event said of the agent, and how that stood afterwards. */
export function changeSaid(fact: EventFact): AgentChange {
  const { event, tenant, session, late } = fact;
  const governance = event.governance as Governance;
  const context = fact.context().agent;
  return {
    // Tenants may share a topic and choose the same ids: neither keeps the other's from the record.
    id: idOf('change', tenant, eventIdOf(event.src.topic, event.nativeId)),
    tenant,
    agent: session?.agent ?? fact.agent,
    session: session?.id ?? null,
    timeMs: event.time.eventMs,
    change: governance.change,
    late,
    by: saidBy(fact),
    said: saidOf(governance),
    after: stateOf(fact.role, context),
    tools: context.grants,
  };
}

function saidBy({ event }: EventFact): SaidBy {
  const { topic, partition, offset, index, name, trust } = event.src;
  return {
    eventId: eventIdOf(topic, event.nativeId),
    source: name,
    trust,
    position: { topic, partition, offset, index },
    actor: event.governance?.actor ?? null,
  };
}

/** Names and ids; what people wrote as prose stays in the log. */
function saidOf({ target, detail = {}, approval, ...rest }: Governance): AgentChange['said'] {
  const { tools, controls, scopes, delegation, plan, flag, mandate: _mandate, ...facts } = detail;
  const { beforeDigest, afterDigest } = rest;
  const said: Record<string, unknown> = {
    ...facts,
    ...{ target, beforeDigest, afterDigest, flag: flag?.name },
    tools: tools?.slice(0, NAMES_MAX).map(({ tool }) => tool),
    toolsNamed: tools?.length,
    controls: controls?.slice(0, NAMES_MAX),
    scopes: scopes?.slice(0, NAMES_MAX),
    delegation,
    planned: plan?.steps?.length,
    approval:
      approval === undefined
        ? undefined
        : { ...approval, tools: approval.tools?.slice(0, NAMES_MAX) },
  };
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
}

function stateOf(role: string | null, context: AgentContext): AgentState {
  const { registered, registeredMs, reviewedMs, model, systemDigest } = context;
  const { offeredToolsDigest, maxDepth, maxFanOut, grants } = context;
  return {
    ...{ role, model, registered, registeredMs, reviewedMs, systemDigest },
    ...{ offeredToolsDigest, maxDepth, maxFanOut },
    grants: grants === null ? null : keyOfGrants(grants),
  };
}

// A set is never changed once it is made: its key is worked out once.
const keys = new WeakMap<object, string>();

function keyOfGrants(grants: object): string {
  const known = keys.get(grants);
  if (known !== undefined) return known;
  const key = hash('sha256', canonicalJson(grants), 'hex');
  keys.set(grants, key);
  return key;
}
