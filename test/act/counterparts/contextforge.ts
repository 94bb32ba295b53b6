/** Counterpart of ContextForge 1.0: tools, servers and tokens, locks, and callers of one tool. */
import assert from 'node:assert/strict';
import { contextforge } from '../../../src/act/drivers/contextforge.ts';
import type { Intention } from '../../../src/model/decision.ts';
import { intentionOf } from '../intentions.ts';
import type { Counterpart, CounterpartParts } from './counterpart.ts';
import type { TargetReply, TargetRequest } from './front.ts';
import { type StateTarget, startStateTarget } from './state-target.ts';

const TOKEN = 'forge-admin-token-0123456789';

/** Everything it knows. */
export interface ForgeState {
  tools: Record<string, { name: string; enabled: boolean; reachable: boolean }>;
  servers: Record<string, { name: string; enabled: boolean }>;
  tokens: Record<string, { name: string; is_active: boolean }>;
  /** So many changes fail because another one holds the row. */
  locked: number;
  /** Ids of things that only somebody else may change. */
  foreign: string[];
}

/** A counterpart, and the target behind it. */
export interface Forge extends Counterpart {
  readonly target: StateTarget<ForgeState>;
}

/** Starts it with the tools, one server and one token of the test's subject. */
export async function startForge({ http, clock }: CounterpartParts): Promise<Forge> {
  const target = await startStateTarget<ForgeState>({
    state: {
      tools: {
        t1: { name: 'send_money', enabled: true, reachable: true },
        t2: { name: 'read_file', enabled: true, reachable: true },
      },
      servers: {
        s1: { name: 'agent-7', enabled: true },
        s2: { name: 'agent-8', enabled: true },
      },
      tokens: {
        k1: { name: 's-1', is_active: true },
        k2: { name: 's-2', is_active: true },
      },
      locked: 0,
      foreign: [],
    },
    handle,
    // A call needs its server, its token and its tool; the tool is everybody's.
    stops: ({ tools, servers, tokens }, who) => {
      const [server, token] = who === 'subject' ? ['s1', 'k1'] : ['s2', 'k2'];
      const isOn = tools['t1']?.enabled && servers[server]?.enabled && tokens[token]?.is_active;
      return isOn !== true;
    },
    setting: ({ tools, servers, tokens }) => [tools, servers, tokens],
  });
  const made = contextforge.make({
    ...{ http, clock, name: 'contextforge', source: 'plumbline' },
    options: {
      type: 'contextforge',
      url: target.front.url,
      token: {},
      timeout: '500ms',
      tools: { send_money: 't1', read_file: 't2', gone: 't9' },
      servers: { 'agent-7': 's1' },
      sessions: { 's-1': 'k1' },
      tokens: { 'agent-8': 'k2' },
    },
    secret: () => TOKEN,
  });
  assert.ok(made.ok);
  const toggle = async (enabled: boolean) => {
    const tool = target.state.tools['t1'];
    if (tool !== undefined) tool.enabled = enabled;
  };
  return {
    ...target,
    target,
    driver: made.driver,
    intention: (leaseId: string, change: Partial<Intention> = {}) =>
      intentionOf(leaseId, { driver: 'contextforge', ...change }),
    unaddressable: [
      { subject: { ...SUBJECT, tools: ['delete_all'] } },
      { subject: { ...SUBJECT, tools: ['send_money', 'delete_all'] } },
      { subject: { ...SUBJECT, tools: ['constructor'] } },
      { subject: { ...SUBJECT, tools: [] } },
      { verb: 'suspend_agent', subject: { ...SUBJECT, agent: 'agent-9', session: null } },
      { verb: 'suspend_agent' },
      { verb: 'posture' },
    ],
    secrets: [TOKEN],
    lies: ['lose-reply', 'fail', 'refuse', 'ignore', 'serve-on', 'slow'],
    preset: () => toggle(false),
    // A switch has two positions: whoever changes ours sets what stood.
    meddle: () => toggle(true),
    revert: () => toggle(true),
    remembersKeys: false,
  };
}

const SUBJECT = { tenant: 't1', agent: 'agent-7', session: 's-1', tools: ['send_money'] };

function handle(state: ForgeState, request: TargetRequest): TargetReply {
  const { method, path, query, headers } = request;
  if (headers['authorization'] !== `Bearer ${TOKEN}`) return detail(401, 'Not authenticated');
  const [, kind = '', ...rest] = path.split('/');
  if (kind === 'tokens') return token(state, method, rest);
  if (kind !== 'tools' && kind !== 'servers') return detail(404, 'Not Found');
  const [id = '', action] = rest;
  const found = Object.hasOwn(state[kind], id) ? state[kind][id] : undefined;
  if (found === undefined) return detail(404, `${kind} not found: ${id}`);
  if (method === 'GET' && action === undefined) {
    return { status: 200, body: { id, ...found } };
  }
  const activate = query.get('activate');
  if (method !== 'POST' || action !== 'state') return detail(405, 'Method Not Allowed');
  if (activate !== 'true' && activate !== 'false') return detail(422, 'activate');
  if (state.foreign.includes(id)) return detail(403, 'Only the owner can deactivate the Tool');
  if (state.locked > 0) {
    state.locked -= 1;
    return detail(409, `${id} is currently being modified by another request`);
  }
  found.enabled = activate === 'true';
  if ('reachable' in found) found.reachable = found.enabled;
  const word = found.enabled ? 'activated' : 'deactivated';
  return {
    status: 200,
    body: { status: 'success', message: `${id} ${word}`, [kind.slice(0, -1)]: { id, ...found } },
  };
}

function token(state: ForgeState, method: string, rest: readonly string[]): TargetReply {
  const id = rest[rest.length - 1] ?? '';
  const found = Object.hasOwn(state.tokens, id) ? state.tokens[id] : undefined;
  if (found === undefined) return detail(404, 'Token not found or not authorized');
  if (method === 'GET') return { status: 200, body: { id, ...found } };
  if (method !== 'DELETE' || rest[0] !== 'admin') return detail(404, 'Token not found');
  found.is_active = false;
  return { status: 204, body: '' };
}

function detail(status: number, text: string): TargetReply {
  return { status, body: { detail: text } };
}
