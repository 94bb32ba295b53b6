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

interface Told {
  readonly fields: Fields;
  readonly context: Fields;
}

/** The key's own grants of MCP servers and tools, of the `info` of /key/info. */
export function grantsIn(info: Fields): Told {
  const given = info['object_permission'];
  const grants = typeof given === 'object' && given !== null ? (given as Fields) : {};
  return {
    fields: {
      mcp_servers: listOf(grants['mcp_servers']),
      mcp_access_groups: listOf(grants['mcp_access_groups']),
      mcp_tool_permissions: toolsOf(grants['mcp_tool_permissions']),
    },
    context: {},
  };
}

/**
 * Grants with `tools` frozen; without tools, all servers are denied. One tool can be taken out only of a
 * list that names the server's tools: nothing else of the key is ever taken away, nothing ever added.
 */
export function wantedGrants(
  prior: Fields,
  tools: readonly string[],
  servers: Readonly<Record<string, string>>,
): Wanted {
  // Grants by group or by tool are taken too: whether the sentinel outranks them differs by version.
  if (tools.length === 0) return denied;
  const granted = listOf(prior['mcp_servers']);
  const groups = listOf(prior['mcp_access_groups']);
  const permitted = toolsOf(prior['mcp_tool_permissions']);
  const left = new Map(Object.entries(permitted));
  for (const tool of tools) {
    const server = Object.hasOwn(servers, tool) ? servers[tool] : undefined;
    if (server === undefined) return problem('a tool is not listed in servers of this driver');
    if (!Object.hasOwn(permitted, server))
      return problem(
        `the key has no list of the tools of server ${server}: give it one in mcp_tool_permissions`,
      );
    left.set(
      server,
      (left.get(server) ?? []).filter((one) => one !== tool),
    );
  }
  // An empty list may be read as no limit: the server itself is taken away.
  const emptied = [...left].filter(([, list]) => list.length === 0).map(([server]) => server);
  if (emptied.length > 0 && groups.length > 0)
    return problem('a server would be left without tools, and a group may grant it again');
  const mcp_servers = granted.filter((server) => !emptied.includes(server));
  for (const server of emptied) left.delete(server);
  if (mcp_servers.length === 0 && left.size === 0) return denied;
  const mcp_tool_permissions = Object.fromEntries(left);
  return { ok: true, fields: { mcp_servers, mcp_access_groups: groups, mcp_tool_permissions } };
}

const denied: Wanted = {
  ok: true,
  fields: { mcp_servers: [NO_SERVERS], mcp_access_groups: [], mcp_tool_permissions: {} },
};

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

function toolsOf(value: unknown): Readonly<Record<string, readonly string[]>> {
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(Object.entries(value).map(([server, list]) => [server, listOf(list)]));
}
