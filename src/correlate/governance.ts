/** Governance: who an agent is, what it may do, which sessions it was given. */
import type { Event, Governance } from '../model/event.ts';
import { agentOf, canonicalTool, grantOf, grantSetOf, type Ledger, laneOf } from './ledger.ts';
import {
  type AgentEntity,
  type Approval,
  type GrantSet,
  keyOf,
  type SessionEntity,
} from './session.ts';

const APPROVALS_MAX = 32;

/** Applies one governance event to the agent and session it names. */
export function applyGovernance(
  ledger: Ledger,
  event: Event & { readonly governance: Governance },
  agent: AgentEntity,
  session: SessionEntity | null,
): void {
  const { governance } = event;
  const ms = event.time.eventMs;
  switch (governance.change) {
    case 'agent.registered':
    case 'agent.changed':
    case 'role.changed':
    case 'model.changed':
      describeAgent(ledger, agent, governance, event);
      break;
    case 'agent.retired':
      if (agent.registeredMs !== null) enlist(ledger, agent, -1, ms);
      agent.registeredMs = null;
      break;
    case 'tools.granted':
    case 'tools.revoked':
      changeGrants(ledger, agent, governance, ms);
      break;
    case 'policy.changed':
      agent.changedMs = ms;
      break;
    case 'approval.granted':
      approve(ledger, governance, agent, session, ms);
      break;
    case 'session.opened':
      if (session !== null) openSession(session, agent, event);
      break;
    case 'session.closed':
      if (session !== null && session.closedMs === null) session.closedMs = ms;
      break;
    default:
      // Other changes matter to baselines and windows, not to the ledger of acts.
      break;
  }
  ledger.slots.touch('A', keyOf(agent.tenant, agent.id));
}

function describeAgent(
  ledger: Ledger,
  agent: AgentEntity,
  governance: Governance,
  event: Event,
): void {
  const ms = event.time.eventMs;
  const role = governance.detail?.role ?? event.agent?.role ?? agent.role;
  const wasRegistered = agent.registeredMs !== null;
  if (wasRegistered && role !== agent.role) enlist(ledger, agent, -1, ms);
  const moved = !wasRegistered || role !== agent.role;
  agent.role = role;
  agent.model = governance.detail?.model ?? agent.model;
  if (governance.change === 'agent.registered' && !wasRegistered) agent.registeredMs = ms;
  if (agent.registeredMs !== null && moved) enlist(ledger, agent, 1, ms);
}

/** Counts the agent into or out of its fleet and role; the breaker's shares are of these. */
function enlist(ledger: Ledger, agent: AgentEntity, by: 1 | -1, ms: number): void {
  const lane = laneOf(ledger, ms);
  lane.fleet += by;
  const role = agent.role ?? '';
  const before = Object.hasOwn(lane.roles, role) ? (lane.roles[role] as number) : 0;
  lane.roles[role] = Math.max(0, before + by);
  ledger.slots.touch('L', 'lane');
}

function changeGrants(
  ledger: Ledger,
  agent: AgentEntity,
  governance: Governance,
  ms: number,
): void {
  const named = governance.detail?.tools ?? [];
  const current = agent.grants === null ? undefined : ledger.slots.get<GrantSet>('G', agent.grants);
  const tools = new Map(
    Object.entries(current?.tools ?? {}).map(([tool, facts]) => [tool, { tool, ...facts }]),
  );
  for (const tool of named) {
    const name = canonicalTool(ledger, tool.tool);
    if (governance.change === 'tools.revoked') tools.delete(name);
    else tools.set(name, { tool: name, class: tool.class ?? null, tier: tool.tier ?? null });
  }
  agent.grants = grantSetOf(
    ledger,
    [...tools.values()].map(({ tool, class: toolClass, tier }) => ({
      tool,
      ...(toolClass === null ? {} : { class: toolClass as 'read' }),
      ...(tier === null ? {} : { tier: tier as 'autonomous' }),
    })),
  );
  agent.changedMs = ms;
}

function approve(
  ledger: Ledger,
  governance: Governance,
  agent: AgentEntity,
  session: SessionEntity | null,
  ms: number,
): void {
  const given = governance.approval;
  const approval: Approval = {
    ms,
    tools: (given?.tools ?? []).map((tool) => canonicalTool(ledger, tool)),
    by: given?.by ?? (governance.actor === undefined ? [] : [governance.actor]),
    fromMs: given?.validFromMs ?? ms,
    toMs: given?.validToMs ?? Number.MAX_SAFE_INTEGER,
  };
  const list = session?.approvals ?? agent.approvals;
  list.push(approval);
  if (list.length > APPROVALS_MAX) list.shift();
  agent.changedMs = ms;
}

function openSession(session: SessionEntity, agent: AgentEntity, event: Event): void {
  const detail = event.governance?.detail;
  if (session.openedMs !== null) return;
  session.openedMs = event.time.eventMs;
  // Governance says whose session it is; a witness that said otherwise before is looked at again.
  session.agent = agent.id;
  session.ownedBy = 'governance';
  session.role = detail?.role ?? agent.role;
  session.parent = detail?.parent ?? event.session?.parent ?? null;
  session.principal = detail?.principal ?? event.principal?.sub ?? null;
}

/** What governance says of a tool for the owner of a session: grant, class and tier. */
export function permissionOf(
  ledger: Ledger,
  session: SessionEntity,
  tool: string,
  ms: number,
): { granted: boolean | null; toolClass: string | null; tier: string | null } {
  const owner = agentOf(ledger, session.tenant, session.agent, ms);
  const grant = grantOf(ledger, owner, tool);
  const facts = ledger.options.inventory.tool(tool);
  // Of a governance heard from the middle on, a grant may be missing that was given before.
  const cannotTell =
    grant === null || (grant === undefined && laneOf(ledger, ms).isPartial === true);
  return {
    granted: cannotTell ? null : grant !== undefined,
    toolClass: grant?.class ?? facts?.class ?? null,
    tier: grant?.tier ?? facts?.tier ?? null,
  };
}
