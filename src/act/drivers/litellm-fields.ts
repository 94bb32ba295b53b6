/** Fields of a LiteLLM key: what it may do as it stands, and what a lease leaves of it. */
import type { Fields, Wanted } from '../swap.ts';

/** What a conservative posture leaves a key; what is missing is not limited. */
export interface Limits {
  /** Requests a minute. */
  readonly rpm?: number;
  /** Requests at once. */
  readonly parallel?: number;
  /** May still be spent, USD. */
  readonly allowance?: number;
  readonly models?: readonly string[];
}

/** Denies every MCP server. An empty list does not: a key without grants has those of its team. */
const NO_SERVERS = 'no-mcp-servers';

/** Stands in a list of tools that is to permit none: an empty one may be read as no limit. */
const NO_TOOL = 'plumbline-none';

interface Told {
  readonly fields: Fields;
  readonly context?: Fields;
  readonly raw?: Fields;
}

/** The servers that the key's own grants name, of the `info` of /key/info. */
export function serversIn(info: Fields): Told {
  return { fields: { mcp_servers: listOf(grantsOf(info)['mcp_servers']) } };
}

/** All servers denied; the lists of tools stay as they are. */
export const NO_SERVER_AT_ALL: Fields = { mcp_servers: [NO_SERVERS] };

/**
 * Whether each of `tools` is permitted by the key's own list for its server. Leases on other tools of the
 * key, or on all of them, change nothing of it: they may come and go in any order.
 */
export function toolsIn(
  info: Fields,
  tools: readonly string[],
  servers: Readonly<Record<string, string>>,
): Told {
  const permissions = listsOf(grantsOf(info)['mcp_tool_permissions']);
  const isPermitted = (tool: string) => {
    const list = listFor(permissions, servers, tool);
    return list.length === 0 || list.includes(tool);
  };
  return {
    fields: Object.fromEntries(tools.map((tool) => [tool, isPermitted(tool)])),
    context: { unlisted: tools.find((tool) => listFor(permissions, servers, tool).length === 0) },
    raw: { permissions },
  };
}

/** None of the tools permitted; only where a list names the others, which are left as they are. */
export function wantedTools(prior: Fields, { unlisted }: Fields): Wanted {
  if (typeof unlisted === 'string')
    return problem(
      'the key has no list of the tools of that server: give it one in mcp_tool_permissions',
    );
  return { ok: true, fields: Object.fromEntries(Object.keys(prior).map((tool) => [tool, false])) };
}

/** The lists as they are, with exactly these tools added or taken out. */
export function permissionsWith(
  fields: Fields,
  raw: Fields,
  servers: Readonly<Record<string, string>>,
): Fields {
  const lists = new Map(Object.entries(listsOf(raw['permissions'])));
  for (const [tool, isPermitted] of Object.entries(fields)) {
    const server = Object.hasOwn(servers, tool) ? (servers[tool] ?? '') : '';
    const others = (lists.get(server) ?? []).filter((one) => one !== tool && one !== NO_TOOL);
    const kept = isPermitted === true ? [...others, tool] : others;
    lists.set(server, kept.length === 0 ? [NO_TOOL] : kept);
  }
  return { mcp_tool_permissions: Object.fromEntries(lists) };
}

function listFor(
  permissions: Readonly<Record<string, readonly string[]>>,
  servers: Readonly<Record<string, string>>,
  tool: string,
): readonly string[] {
  const server = Object.hasOwn(servers, tool) ? (servers[tool] ?? '') : '';
  return Object.hasOwn(permissions, server) ? (permissions[server] ?? []) : [];
}

function grantsOf(info: Fields): Fields {
  const given = info['object_permission'];
  return typeof given === 'object' && given !== null ? (given as Fields) : {};
}

/** The key's own limits, and in `context` what it has spent. */
export function limitsIn(info: Fields): Told {
  return {
    fields: {
      rpm_limit: numberOf(info['rpm_limit']),
      max_parallel_requests: numberOf(info['max_parallel_requests']),
      max_budget: numberOf(info['max_budget']),
      models: listOf(info['models']),
    },
    context: { spend: numberOf(info['spend']) ?? 0 },
  };
}

/** Limits that are nowhere looser than `prior`; a key is never left without any model. */
export function wantedLimits(prior: Fields, context: Fields, limits: Limits): Wanted {
  const lower = (name: string, limit: number | undefined) => {
    const stood = numberOf(prior[name]);
    if (limit === undefined) return stood;
    return stood === null ? limit : Math.min(stood, limit);
  };
  const { allowance, models: allowed } = limits;
  const spend = numberOf(context['spend']) ?? 0;
  const stood = listOf(prior['models']);
  // No model named means all of them.
  const both = stood.length === 0 ? allowed : allowed?.filter((model) => stood.includes(model));
  if (both?.length === 0)
    return problem('none of the models of posture is one of the key’s: nothing would be left');
  return {
    ok: true,
    fields: {
      rpm_limit: lower('rpm_limit', limits.rpm),
      max_parallel_requests: lower('max_parallel_requests', limits.parallel),
      // A budget of 0 has meant none at all: what was spent is always part of it.
      max_budget: lower('max_budget', allowance === undefined ? undefined : spend + allowance),
      models: both ?? stood,
    },
  };
}

function problem(text: string): Wanted {
  return { ok: false, problem: text };
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

function listOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}

function listsOf(value: unknown): Readonly<Record<string, readonly string[]>> {
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(Object.entries(value).map(([server, list]) => [server, listOf(list)]));
}
