/** Counterpart of the LiteLLM proxy: keys, teams, grants, admins, and replicas with a cache. */
import assert from 'node:assert/strict';
import { litellm } from '../../../src/act/drivers/litellm.ts';
import type { Intention, Verb } from '../../../src/model/decision.ts';
import { intentionOf } from '../intentions.ts';
import type { Counterpart, StartCounterpart, Who } from './counterpart.ts';
import type { TargetReply, TargetRequest } from './front.ts';
import { type StateTarget, startStateTarget } from './state-target.ts';

const ADMIN = 'sk-admin-0123456789abcdef';

interface Grants {
  mcp_servers?: string[];
  mcp_access_groups?: string[];
  mcp_tool_permissions?: Record<string, string[]>;
}

/** A row of the table of keys, as /key/info shows it. */
export interface KeyRow {
  blocked: boolean | null;
  user_id: string | null;
  team_id: string | null;
  spend: number;
  max_budget: number | null;
  rpm_limit: number | null;
  max_parallel_requests: number | null;
  models: string[];
  object_permission: Grants | null;
}

/** Everything it knows. */
export interface ProxyState {
  keys: Record<string, KeyRow>;
  teams: Record<string, Grants>;
  users: Record<string, { user_role: string }>;
  /** Who is said to have changed a key last, by the header. */
  changedBy: string[];
}

/** A counterpart, and the target behind it. */
export interface LiteLLMProxy extends Counterpart {
  readonly target: StateTarget<ProxyState>;
}

/** Hashes of the keys of the agent under test, its neighbour, an admin, and one that inherits. */
export const HASHES = {
  agent: 'a1'.repeat(32),
  other: 'b2'.repeat(32),
  admin: 'c3'.repeat(32),
  heir: 'd4'.repeat(32),
} as const;

const ROW: KeyRow = {
  blocked: null,
  user_id: null,
  team_id: 'team-1',
  spend: 12.5,
  max_budget: 100,
  rpm_limit: null,
  max_parallel_requests: 8,
  models: ['small', 'large'],
  object_permission: {
    mcp_servers: ['bank', 'files'],
    mcp_tool_permissions: { bank: ['send_money', 'balance'] },
  },
};

/** What the agent under test tries, and a bystander with it. */
const CALL = { model: 'large', server: 'bank', tool: 'send_money' };

/** A proxy whose subject is acted on by `verb`, with `tools` where it is about tools. */
export function startLiteLLM(verb: Verb, tools: readonly string[] = []): StartCounterpart {
  return (parts) => startProxy(parts, verb, tools);
}

/** The same, with the target itself for tests of this driver alone. */
export async function startProxy(
  { http, clock }: Parameters<StartCounterpart>[0],
  verb: Verb,
  tools: readonly string[] = [],
): Promise<LiteLLMProxy> {
  const target = await startStateTarget<ProxyState>({
    state: {
      keys: {
        [HASHES.agent]: structuredClone(ROW),
        [HASHES.other]: structuredClone(ROW),
        [HASHES.admin]: { ...structuredClone(ROW), user_id: 'root' },
        [HASHES.heir]: { ...structuredClone(ROW), object_permission: null },
      },
      teams: { 'team-1': { mcp_servers: ['bank', 'files'] } },
      users: { root: { user_role: 'proxy_admin' } },
      changedBy: [],
    },
    handle,
    stops: (state, who: Who) =>
      !goesThrough(state, who === 'subject' ? HASHES.agent : HASHES.other, CALL),
    setting: ({ keys }) => keys,
  });
  const made = litellm.make({
    ...{ http, clock, name: 'litellm', source: 'plumbline' },
    options: {
      type: 'litellm',
      url: target.front.url,
      adminKey: {},
      timeout: '500ms',
      agents: {
        'agent-7': HASHES.agent,
        root: HASHES.admin,
        heir: HASHES.heir,
        lost: 'e5'.repeat(32),
      },
      sessions: { 's-7': HASHES.agent },
      servers: { send_money: 'bank', balance: 'bank', read_file: 'files' },
      posture: { rpm: 10, parallel: 2, allowance: 1, models: ['small', 'tiny'] },
    },
    secret: () => ADMIN,
  });
  assert.ok(made.ok);
  const { driver } = made;
  const subject = { tenant: 't1', agent: 'agent-7', session: null, tools };
  const intention = (leaseId: string, change: Partial<Intention> = {}) =>
    intentionOf(leaseId, { driver: 'litellm', verb, subject, ...change });
  const row = () => {
    const found = target.state.keys[HASHES.agent];
    assert.ok(found !== undefined);
    return found;
  };
  return {
    ...target,
    target,
    driver,
    intention,
    unaddressable: [
      { subject: { ...subject, agent: 'agent-9' } },
      { subject: { ...subject, agent: 'toString' } },
      { subject: { ...subject, agent: 'lost' } },
      // A session that has no key of its own must not cost its agent the key.
      { subject: { ...subject, session: 's-1' } },
      { verb: 'freeze_tool', subject: { ...subject, tools: ['unlisted'] } },
      { verb: 'freeze_tool', subject: { ...subject, tools: ['read_file'] } },
      { verb: 'suspend_agent', subject: { ...subject, agent: 'root' } },
    ],
    secrets: [ADMIN],
    lies: ['lose-reply', 'fail', 'refuse', 'ignore', 'serve-on', 'slow'],
    setting: () => JSON.stringify(effectiveOf(row())),
    preset: async () => {
      if (verb === 'suspend_agent') row().blocked = true;
      else if (verb === 'posture') {
        Object.assign(row(), { rpm_limit: 5, max_parallel_requests: 1, models: ['small'] });
        Object.assign(row(), { max_budget: 13 });
      } else
        row().object_permission = {
          mcp_servers: ['no-mcp-servers'],
          mcp_tool_permissions: { bank: ['balance'] },
        };
    },
    meddle: async () => {
      if (verb === 'suspend_agent') row().blocked = false;
      else if (verb === 'posture') row().rpm_limit = 7;
      else row().object_permission = { mcp_servers: ['bank'] };
    },
    revert: async () => {
      Object.assign(row(), structuredClone(ROW));
    },
    remembersKeys: false,
  };
}

/** What a row means: null and empty grants are the same to the proxy. */
function effectiveOf(row: KeyRow): unknown {
  const grants = row.object_permission;
  const lists = Object.entries(grants?.mcp_tool_permissions ?? {});
  const tools = Object.fromEntries(lists.map(([server, list]) => [server, [...list].sort()]));
  return [
    row.blocked === true,
    [row.max_budget, row.rpm_limit, row.max_parallel_requests, row.models],
    [grants?.mcp_servers ?? [], grants?.mcp_access_groups ?? [], tools],
  ];
}

/** Would a call go through? By the row as an enforcement point has it. */
export function goesThrough(
  { keys, teams, users }: ProxyState,
  hash: string,
  call: { readonly model: string; readonly server: string; readonly tool: string },
): boolean {
  const row = keys[hash];
  if (row === undefined) return false;
  const isAdmin = row.user_id !== null && users[row.user_id]?.user_role === 'proxy_admin';
  // The bypass of issue 35535: nobody looks whether an admin's key is blocked.
  if (row.blocked === true && !isAdmin) return false;
  if (row.models.length > 0 && !row.models.includes(call.model)) return false;
  if (row.max_budget !== null && row.spend >= row.max_budget) return false;
  const own = row.object_permission;
  if (own?.mcp_servers?.includes('no-mcp-servers') === true) return false;
  const tools = own?.mcp_tool_permissions ?? {};
  const granted = [...(own?.mcp_servers ?? []), ...Object.keys(tools)];
  // No grants of its own: those of its team. This is why an empty list denies nothing.
  const servers = granted.length > 0 ? granted : (teams[row.team_id ?? '']?.mcp_servers ?? []);
  if (!servers.includes(call.server)) return false;
  const list = tools[call.server];
  return list === undefined || list.length === 0 || list.includes(call.tool);
}

function handle(state: ProxyState, request: TargetRequest): TargetReply {
  const { method, path, query, headers } = request;
  if (headers['authorization'] !== `Bearer ${ADMIN}`) return error(401, 'Authentication Error');
  if (method === 'GET' && path === '/user/info') {
    const user_id = query.get('user_id') ?? '';
    const user = Object.hasOwn(state.users, user_id) ? state.users[user_id] : undefined;
    if (user === undefined) return error(404, `User ${user_id} not found`);
    return { status: 200, body: { user_id, user_info: { user_id, ...user }, keys: [] } };
  }
  const body = method === 'GET' ? {} : (JSON.parse(request.body) as Record<string, unknown>);
  const key = String(method === 'GET' ? query.get('key') : body['key']);
  const row = Object.hasOwn(state.keys, key) ? state.keys[key] : undefined;
  if (row === undefined) return error(404, 'Key not found in database');
  if (method === 'GET' && path === '/key/info') return { status: 200, body: { key, info: row } };
  if (method !== 'POST') return error(405, 'Method Not Allowed');
  state.changedBy.push(headers['litellm-changed-by'] ?? '');
  if (path === '/key/block') row.blocked = true;
  else if (path === '/key/unblock') row.blocked = false;
  else if (path === '/key/update') update(row, body);
  else return error(404, 'Not Found');
  return { status: 200, body: { key, ...row } };
}

/** Only what is sent is set, null included; grants are merged by their own keys. */
function update(
  row: KeyRow,
  { key: _, object_permission, ...fields }: Record<string, unknown>,
): void {
  Object.assign(row, fields);
  if (typeof object_permission !== 'object' || object_permission === null) return;
  row.object_permission = { ...row.object_permission, ...object_permission };
}

function error(code: number, message: string): TargetReply {
  return { status: code, body: { error: { message, type: 'auth_error', code: String(code) } } };
}
