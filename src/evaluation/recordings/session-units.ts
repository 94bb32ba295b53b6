/** Session units: recorded events as other methods read them, without a watermark or a book. */

import type { Event } from '../../model/event.ts';
import type { Governance } from '../../model/event-governance.ts';
import type { UnitHead, UnitItem, UnitRecord } from '../../model/unit.ts';

type Grants = Readonly<Record<string, string | null>>;

interface Agent {
  role: string | null;
  model: string | null;
  grants: Grants | null;
}

interface Open {
  head: UnitHead;
  agent: Agent;
  grants: Grants | null;
  /** Items with the producer's counter, and the others in the order they came. */
  readonly counted: [seq: number, item: UnitItem][];
  readonly before: UnitItem[];
  readonly after: UnitItem[];
  lastMs: number;
}

/**
 * Finished sessions of a whole recording, by session id. Events may come in any order; within a
 * session the producer's counter rules, then governance comes first and metrics last, for recorded
 * times within a session are no evidence. Nothing is judged, left out or reconciled.
 */
export function unitsOf(events: Iterable<Event>): UnitRecord[] {
  const sorted = [...events].sort(
    (one, two) => one.time.eventMs - two.time.eventMs || rankOf(one) - rankOf(two),
  );
  const agents = new Map<string, Agent>();
  const open = new Map<string, Open>();
  for (const event of sorted) {
    const agent = agentOf(agents, event.agent?.id ?? '');
    if (event.governance !== undefined) govern(agent, event.governance, event.agent?.role ?? null);
    const session = event.session?.id;
    if (session === undefined) continue;
    let unit = open.get(session);
    if (unit === undefined) {
      unit = opened(session, event, agent);
      open.set(session, unit);
    }
    take(unit, event);
  }
  return [...open.keys()].sort().flatMap((session) => {
    const unit = open.get(session);
    return unit === undefined ? [] : [recordOf(unit)];
  });
}

const rankOf = ({ kind }: Event): number => (kind === 'governance' ? 0 : 1);

function agentOf(agents: Map<string, Agent>, id: string): Agent {
  const known = agents.get(id);
  if (known !== undefined) return known;
  const made = { role: null, model: null, grants: null };
  agents.set(id, made);
  return made;
}

function govern(agent: Agent, { change, detail }: Governance, role: string | null): void {
  if (change === 'agent.registered' || change === 'role.changed')
    agent.role = detail?.role ?? role ?? agent.role;
  if (change === 'agent.registered' || change === 'model.changed')
    agent.model = detail?.model ?? agent.model;
  if (change !== 'tools.granted') return;
  const granted = (detail?.tools ?? []).map(({ tool, class: reach }) => [tool, reach ?? null]);
  agent.grants = { ...agent.grants, ...(Object.fromEntries(granted) as Grants) };
}

function opened(session: string, event: Event, agent: Agent): Open {
  return {
    head: {
      tenant: event.tenant ?? '',
      session,
      agent: event.agent?.id ?? '',
      role: agent.role ?? event.agent?.role ?? null,
      model: agent.model,
      ...{ mandate: null, taskType: null, openedMs: event.time.eventMs },
    },
    ...{ agent, grants: agent.grants, counted: [], before: [], after: [] },
    lastMs: event.time.eventMs,
  };
}

function take(unit: Open, event: Event): void {
  const ms = event.time.eventMs;
  const seq = event.order?.seq ?? null;
  unit.lastMs = Math.max(unit.lastMs, ms);
  unit.grants = unit.agent.grants;
  const put = (item: UnitItem) =>
    seq === null ? unit.after.push(item) : unit.counted.push([seq, item]);
  const { action, reasoning, metric, governance } = event;
  if (governance !== undefined) {
    const { mandate, taskType } = governance.detail ?? {};
    if (governance.change === 'session.opened')
      unit.head = {
        ...unit.head,
        mandate: mandate ?? unit.head.mandate,
        taskType: taskType ?? unit.head.taskType,
      };
    const tools = (governance.detail?.tools ?? []).map(({ tool }) => tool);
    unit.before.push({ type: 'change', ms, change: governance.change, tools });
  }
  if (metric?.value !== undefined)
    unit.after.push({ type: 'metric', ms, name: metric.name, value: metric.value });
  if (reasoning !== undefined) {
    const tools = reasoning.intents.map(({ tool }) => tool);
    put({ type: 'say', seq, ms, text: reasoning.text ?? null, tools });
  }
  if (action !== undefined) put(callOf(unit, event, action));
}

function callOf(
  { agent }: Open,
  event: Event,
  action: NonNullable<Event['action']>,
): Extract<UnitItem, { type: 'call' }> {
  const { tool, args, decision, outcome, result, reason, bytesOut } = action;
  return {
    ...{ type: 'call', seq: event.order?.seq ?? null, ms: event.time.eventMs },
    ...{ eventId: event.nativeId, tool, decision, outcome, ours: false },
    toolClass: agent.grants?.[tool] ?? null,
    granted: agent.grants === null ? null : Object.hasOwn(agent.grants, tool),
    args: args ?? null,
    result: result ?? reason ?? null,
    bytes: bytesOut ?? null,
  };
}

function recordOf({ head, counted, before, after, grants, lastMs }: Open): UnitRecord {
  const inOrder = counted.sort(([one], [two]) => one - two).map(([, item]) => item);
  return { head, items: [...before, ...inOrder, ...after], grants, lastMs };
}
