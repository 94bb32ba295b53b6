/** Governance: who an agent is, what it may do, which sessions it was given. */

import type { Event } from '../model/event.ts';
import type { Governance } from '../model/event-governance.ts';
import { announce } from './announced.ts';
import {
  agentOf,
  canonicalTool,
  enlist,
  GRANTED_MAX,
  grantOf,
  grantSetOf,
  isPartial,
  type Ledger,
  laneKey,
  laneOf,
} from './ledger.ts';
import { hangUnder } from './lineage.ts';
import type { AgentEntity, Approval, Declared, Grant, GrantSet, SessionEntity } from './session.ts';

const APPROVALS_MAX = 32;
const WINDOWS_MAX = 256;
const STEPS_MAX = 256;
/** A window that names no end is open for so long, and none for longer than the second. */
const WINDOW_MS = 7 * 86_400_000;
const WINDOW_MAX_MS = 30 * 86_400_000;

/** Applies one governance event to the agent and session it names. */
export function applyGovernance(
  ledger: Ledger,
  event: Event & { readonly governance: Governance },
  agent: AgentEntity,
  session: SessionEntity | null,
): void {
  const { governance } = event;
  const ms = event.time.eventMs;
  announce(agent, governance, ms);
  switch (governance.change) {
    case 'agent.registered':
    case 'agent.changed':
    case 'role.changed':
    case 'model.changed':
      describeAgent(ledger, agent, governance, event);
      declare(agent, governance);
      break;
    case 'prompt.changed':
      declare(agent, governance);
      break;
    case 'review.completed':
      agent.reviewedMs = ms;
      break;
    case 'window.opened':
    case 'window.closed':
      changeWindows(ledger, event);
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
    case 'approval.denied':
      deny(ledger, governance, agent, session, ms);
      break;
    case 'plan.declared':
      if (session !== null) declarePlan(ledger, governance, session);
      break;
    case 'session.opened':
      if (session !== null) openSession(ledger, session, agent, event);
      break;
    case 'session.closed':
      if (session !== null && session.closedMs === null) session.closedMs = ms;
      break;
    default:
      // Other changes matter to baselines and windows, not to the ledger of acts.
      break;
  }
  ledger.slots.touch('A', agent.key);
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

function changeGrants(
  ledger: Ledger,
  agent: AgentEntity,
  governance: Governance,
  ms: number,
): void {
  const named = governance.detail?.tools ?? [];
  const current = agent.grants === null ? undefined : ledger.slots.get<GrantSet>('G', agent.grants);
  const tools = new Map<string, Grant & { readonly tool: string }>(
    Object.entries(current?.tools ?? {}).map(([tool, facts]) => [tool, { tool, ...facts }]),
  );
  for (const tool of named) {
    const name = canonicalTool(ledger, tool.tool);
    if (governance.change === 'tools.revoked') tools.delete(name);
    else if (tools.size >= GRANTED_MAX && !tools.has(name)) {
      const detail = `a grant was not taken in: the agent has ${GRANTED_MAX} already`;
      ledger.notice('state.evicted', agent.id, detail, ms, agent.tenant);
    } else
      tools.set(name, {
        tool: name,
        class: tool.class ?? null,
        tier: tool.tier ?? null,
        ...(tool.validToMs === undefined ? {} : { toMs: tool.validToMs }),
        ...(tool.quorum === undefined ? {} : { quorum: tool.quorum }),
      });
  }
  agent.grants = grantSetOf(
    ledger,
    [...tools.values()].map(({ tool, class: toolClass, tier, toMs, quorum }) => ({
      tool,
      ...(toolClass === null ? {} : { class: toolClass as 'read' }),
      ...(tier === null ? {} : { tier: tier as 'autonomous' }),
      ...(toMs === undefined ? {} : { validToMs: toMs }),
      ...(quorum === undefined ? {} : { quorum }),
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
    ...(given?.quorum === undefined ? {} : { quorum: given.quorum }),
  };
  const list = session?.approvals ?? agent.approvals;
  list.push(approval);
  if (list.length > APPROVALS_MAX) list.shift();
  agent.changedMs = ms;
}

function deny(
  ledger: Ledger,
  { approval }: Governance,
  agent: AgentEntity,
  session: SessionEntity | null,
  ms: number,
): void {
  const tools = (approval?.tools ?? []).map((tool) => canonicalTool(ledger, tool));
  const holder = session ?? agent;
  holder.denials = [...(holder.denials ?? []), { ms, tools }].slice(-APPROVALS_MAX);
}

/** Only governance declares a plan; what the agent says of its plan is in its reasoning. */
function declarePlan(ledger: Ledger, { detail }: Governance, session: SessionEntity): void {
  const plan = detail?.plan;
  if (plan === undefined) return;
  const steps = (plan.steps ?? []).slice(0, STEPS_MAX);
  session.plan = {
    binding: plan.binding === true,
    steps: steps.map((tool) => canonicalTool(ledger, tool)),
  };
}

function openSession(
  ledger: Ledger,
  session: SessionEntity,
  agent: AgentEntity,
  event: Event,
): void {
  const detail = event.governance?.detail;
  if (session.openedMs !== null) return;
  session.openedMs = event.time.eventMs;
  // Governance says whose session it is; a witness that said otherwise before is looked at again.
  session.agent = agent.id;
  session.ownedBy = 'governance';
  session.role = detail?.role ?? agent.role;
  session.parent = detail?.parent ?? event.session?.parent ?? null;
  session.principal = detail?.principal ?? event.principal?.sub ?? null;
  if (detail?.taskType !== undefined) session.taskType = detail.taskType;
  if (detail?.mode !== undefined) session.mode = detail.mode;
  if (detail?.mandate !== undefined || detail?.mandateDigest !== undefined) session.mandated = true;
  if (session.parent !== null) hangUnder(ledger.slots, session, session.parent);
}

/** Keeps what governance declares of an agent beside role, model and grants. */
function declare(agent: AgentEntity, { change, detail, afterDigest }: Governance): void {
  const prompt = detail?.systemDigest ?? (change === 'prompt.changed' ? afterDigest : undefined);
  const declared: Declared = {
    ...agent.declared,
    ...(prompt === undefined ? {} : { systemDigest: prompt }),
    ...(detail?.offeredToolsDigest === undefined
      ? {}
      : { offeredToolsDigest: detail.offeredToolsDigest }),
    ...(detail?.maxDepth === undefined ? {} : { maxDepth: detail.maxDepth }),
    ...(detail?.maxFanOut === undefined ? {} : { maxFanOut: detail.maxFanOut }),
  };
  if (Object.keys(declared).length > 0) agent.declared = declared;
}

/**
 * Opens or closes a change window. Only sources trusted as policy or platform can: what an agent
 * says about itself excuses nothing. The target names whom it is about; without one, the agent.
 */
function changeWindows(ledger: Ledger, event: Event & { readonly governance: Governance }): void {
  const { governance, src, time } = event;
  if (src.trust !== 'policy' && src.trust !== 'platform') return;
  const { target, detail, change } = governance;
  const level =
    target?.type === 'role' || target?.type === 'fleet' || target?.type === 'agent'
      ? target.type
      : 'agent';
  const subject =
    target !== undefined && target.type === level ? target.id : (event.agent?.id ?? '');
  const tenant = event.tenant ?? '-';
  const id = `${tenant.length}:${tenant} ${level} ${subject}`;
  const ms = time.eventMs;
  const lane = laneOf(ledger, ms, tenant);
  const others = (lane.windows ?? []).filter((one) => one.id !== id && one.toMs >= ms);
  if (change === 'window.opened') {
    const fromMs = detail?.validFromMs ?? governance.approval?.validFromMs ?? ms;
    const asked = detail?.validToMs ?? governance.approval?.validToMs ?? fromMs + WINDOW_MS;
    const toMs = Math.min(asked, fromMs + WINDOW_MAX_MS);
    others.push({ id, tenant, level, subject, fromMs, toMs });
  }
  lane.windows = others.slice(-WINDOWS_MAX);
  ledger.slots.touch('L', laneKey(tenant));
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
  // A grant that has run out is none; clocks may differ by the tolerance.
  const late = ledger.options.clockToleranceMs;
  // Of a governance heard from the middle on, a grant may be missing that was given before.
  const cannotTell = grant === null || (grant === undefined && isPartial(ledger.slots));
  const inForce = grant !== undefined && (grant?.toMs === undefined || ms <= grant.toMs + late);
  return {
    granted: cannotTell ? null : inForce,
    toolClass: grant?.class ?? facts?.class ?? null,
    tier: grant?.tier ?? facts?.tier ?? null,
  };
}
