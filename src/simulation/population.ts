/** Who is in a simulated fleet: agents derived from their number, so that none is kept. */

import type { WireEvent } from '../model/event.ts';
import type { Governance } from '../model/event-governance.ts';
import { type Bearer, governanceEvent } from './emission.ts';
import { integer, type Random } from './random.ts';
import { isFree, type RoleSpec } from './role.ts';
import { ROLES } from './roles.ts';

/** One agent of a fleet, as it is registered. */
export interface FleetAgent {
  readonly id: string;
  readonly role: string;
  readonly model: string;
}

/** Roles in the order agents take them: interleaved, so that a small fleet has them all. */
export function rota(roles: readonly RoleSpec[]): RoleSpec[] {
  const most = Math.max(...roles.map((role) => role.weight));
  const order: RoleSpec[] = [];
  for (let round = 0; round < most; round += 1) {
    for (const role of roles) if (role.weight > round) order.push(role);
  }
  return order;
}

/** Role of the agent at this place. */
export function roleAt(order: readonly RoleSpec[], index: number): RoleSpec {
  return order[index % order.length] as RoleSpec;
}

/** The agent at this place. */
export function agentAt(order: readonly RoleSpec[], index: number): FleetAgent {
  const role = roleAt(order, index);
  const model = role.models[Math.floor(index / order.length) % role.models.length] as string;
  return { id: `${role.name}-${String(index + 1).padStart(4, '0')}`, role: role.name, model };
}

/** The agents of a fleet of this size and these roles, one by one, without making the fleet. */
export function* agentsOf(
  agents: number,
  roles: readonly RoleSpec[] = ROLES,
): Generator<FleetAgent, void> {
  const order = rota(roles);
  for (let i = 0; i < agents; i += 1) yield agentAt(order, i);
}

/** Another agent than this one, at random; null in a fleet of one. */
export function otherThan(
  random: Random,
  order: readonly RoleSpec[],
  agents: number,
  agentId: string,
): string | null {
  if (agents < 2) return null;
  const at = integer(random, 0, agents - 1);
  const { id } = agentAt(order, at);
  return id === agentId ? agentAt(order, (at + 1) % agents).id : id;
}

/** The agent as the bearer of records outside any session. */
export function bearerOf(agent: FleetAgent, tenant: string | null): Bearer {
  const { id: agentId, role } = agent;
  return { agentId, role, tenant, sessionId: null, parent: null, principal: null };
}

/** What governance says of an agent at the start: that it exists, and its tools. */
export function registration(
  agent: FleetAgent,
  role: RoleSpec,
  tenant: string | null,
  startMs: number,
  nowMs: number,
): WireEvent[] {
  const about = { target: { type: 'agent', id: agent.id }, actor: 'platform:registry' };
  const tools = role.tools.map(({ name, class: reach, tier }) => ({
    tool: name,
    class: reach,
    tier,
  }));
  const bodies: [string, Governance][] = [
    [
      'agent',
      {
        change: 'agent.registered',
        ...about,
        detail: { role: agent.role, model: agent.model, controls: ['gateway'] },
      },
    ],
    ['grant', { change: 'tools.granted', ...about, detail: { tools } }],
  ];
  // The start time is part of the id: a fleet that is started again registers again.
  return bodies.map(([category, body]) => {
    const id = `${agent.id}/${body.change}/${startMs}`;
    return governanceEvent(bearerOf(agent, tenant), nowMs, id, category, body);
  });
}

/** Throws RangeError on roles no fleet can be made of. */
export function checkRoles(roles: readonly RoleSpec[]): void {
  if (roles.length === 0) throw new RangeError('a fleet needs at least one role');
  for (const role of roles) {
    const free = role.tools.filter(isFree).length;
    const asking = role.tools.filter((tool) => tool.tier === 'human-in-the-loop').length;
    const complete = role.models.length > 0 && role.invented.length > 0 && role.flows.length > 0;
    if (free < 2 || asking < 1 || !complete || role.weight < 1) {
      throw new RangeError(
        `role ${role.name} needs two free gateway tools, one with a human in the loop, ` +
          'a model, a flow, an invented name and a weight of at least 1',
      );
    }
  }
}
