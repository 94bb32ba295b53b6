/** Allow-list: which tools each agent may call now, for gateways that read a list. */
import { hash } from 'node:crypto';
import { canonicalJson } from '../model/canonical-json.ts';
import type { Inventory } from '../model/expectation.ts';
import type { PostureState } from '../model/posture.ts';
import { answerPoll, type Polls, type PostureParts, type Rendering } from './posture.ts';
import {
  type PostureRestriction,
  type PostureSegment,
  renderPosture,
  stricter,
} from './posture-document.ts';
import { type ApiRequest, problem, type Route } from './route.ts';

/** Every tool there is, each in one of three lists, sorted. */
export interface ToolLists {
  /** May be called. `*` alone where the inventory lists no tools: everything that is not denied. */
  readonly allow: readonly string[];
  /** May be called once a person has agreed. */
  readonly approval: readonly string[];
  readonly deny: readonly string[];
}

const AGENT_MAX = 512;

/** `GET /v1/allow-list[/{agent}]`: as the posture document, with ETag and long poll. */
export function allowListRoutes(
  parts: PostureParts,
  polls: Polls,
  inventory: Inventory,
): readonly Route[] {
  const answer = async (request: ApiRequest, agent: string | null) =>
    await answerPoll(request, parts, polls, agent, (tenant) => (state, nowMs) => {
      const options = { tenant, agent, maxAgeSeconds: parts.maxAgeSeconds, nowMs };
      return allowListOf(state, options, inventory);
    });
  const scope = 'posture.read' as const;
  return [
    {
      method: 'GET',
      path: '/v1/allow-list',
      scope,
      handle: async (request) => await answer(request, null),
    },
    {
      method: 'GET',
      path: '/v1/allow-list/:agent',
      scope,
      handle: async (request) => {
        const agent = request.params['agent'] ?? '';
        if (agent.length > AGENT_MAX) return problem(400, 'Bad request', 'the name is too long');
        return await answer(request, agent);
      },
    },
  ];
}

/** The document. Agents that are not named in it have `default`. */
export function allowListOf(
  state: PostureState,
  options: Parameters<typeof renderPosture>[1],
  inventory: Inventory,
): Rendering {
  const { document, leaseIds } = renderPosture(state, options);
  const segment = (one: PostureSegment) => ({
    until: one.until,
    lease: one.lease,
    ...listsOf(inventory, [one]),
    sessions: mapped(one.sessions, (own) => listsOf(inventory, [one, own])),
  });
  const content = {
    schema: 'plumbline.allow-list/1',
    maxAgeSeconds: document.maxAgeSeconds,
    default: listsOf(inventory, []),
    agents: mapped(document.agents, (entry) => ({
      ...segment(entry),
      ...(entry.next === undefined ? {} : { next: entry.next.map(segment) }),
    })),
  };
  const revision = `sha256:${hash('sha256', canonicalJson(content), 'hex')}`;
  const { schema, ...rest } = content;
  const whole = { schema, revision, issuedAt: document.issuedAt, ...rest };
  return {
    body: Buffer.from(JSON.stringify(whole), 'utf8'),
    contentType: 'application/json',
    revision,
    leaseIds,
  };
}

/**
 * What restrictions leave of the inventory. A frozen tool is denied whether it is listed or not, and
 * under its canonical name too where it was frozen by an alias.
 */
export function listsOf(
  inventory: Inventory,
  restrictions: readonly PostureRestriction[],
): ToolLists {
  const level = restrictions.map((one) => one.level).reduce(stricter, 'normal');
  const named = restrictions.flatMap(({ freezeTools }) => freezeTools);
  const frozen = new Set(named.flatMap((one) => [one, inventory.tool(one)?.tool ?? one]));
  const { tools = [] } = inventory;
  const asks = new Set(restrictions.flatMap(({ requireApproval }) => requireApproval));
  const lists = { allow: [] as string[], approval: [] as string[], deny: [...frozen] };
  if (level === 'halt') return { allow: [], approval: [], deny: ['*'] };
  // Nothing is known of any tool: what would have to be asked for is everything, or nothing.
  if (tools.length === 0) lists[asks.size > 0 ? 'approval' : 'allow'].push('*');
  for (const { tool, tier, class: reach } of tools) {
    if (frozen.has(tool)) continue;
    if (tier === 'prohibited') lists.deny.push(tool);
    else if (tier === 'human-in-the-loop' || asks.has(reach)) lists.approval.push(tool);
    else lists.allow.push(tool);
  }
  return { allow: lists.allow.sort(), approval: lists.approval.sort(), deny: lists.deny.sort() };
}

/** Without a prototype: the names are those that agents and sessions gave themselves. */
function mapped<T, U>(
  members: Readonly<Record<string, T>>,
  make: (member: T) => U,
): Readonly<Record<string, U>> {
  const made: Record<string, U> = Object.create(null);
  for (const [name, member] of Object.entries(members)) made[name] = make(member);
  return made;
}
