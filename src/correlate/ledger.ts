/** The ledger: entities, timers and rules that the parts of correlation share. */
import { hash } from 'node:crypto';
import { canonicalJson } from '../model/canonical-json.ts';
import type { NoticeCode } from '../model/detection.ts';
import type { GrantedTool, Kind } from '../model/event.ts';
import type { Inventory } from '../model/expectation.ts';
import type { Fact } from '../model/fact.ts';
import { naming } from '../state/names.ts';
import type { Entity, Slots } from '../state/slots.ts';
import type { Timers } from '../state/timers.ts';
import type { BookOptions, Books } from './books.ts';
import {
  type AgentEntity,
  type Grant,
  type GrantSet,
  keyOf,
  nameOf,
  newAgent,
  newSession,
  type SessionEntity,
} from './session.ts';

/** Rules of correlation; all durations in ms of event time. */
export interface CorrelateOptions {
  /** Witnesses of one act lie at most so far apart. */
  readonly joinWindowMs: number;
  /** Clocks of different sources may differ by so much; governance may be this late. */
  readonly clockToleranceMs: number;
  /** Acts this soon after the close still belong to the session. */
  readonly closeGraceMs: number;
  /** A refusal explains an allowance for so long. */
  readonly refusalWindowMs: number;
  /** A closed session is remembered for so long, an idle one held for so long. */
  readonly rememberMs: number;
  readonly maxSessions: number;
  readonly maxSessionsPerAgent: number;
  readonly maxActsPerSession: number;
  /** Books that can be judged by absence; others carry no source or a sampled one. */
  readonly books: ReadonlyMap<Kind, BookOptions>;
  /** Key of the argument digests, the deployment's own. */
  readonly digestKey: string;
  readonly inventory: Inventory;
}

/** Counts of a tenant that no single agent owns. */
export interface LaneEntity extends Entity {
  /** Agents registered and not retired. */
  fleet: number;
  roles: Record<string, number>;
  /** Event time of the first event ever folded, ms. */
  startMs: number;
  /** Governance's log began before ours: what it never said to us may still have been said. */
  isPartial?: boolean;
  /** Change windows that governance opened and did not close; absent: none. */
  windows?: readonly ChangeWindow[];
}

/** A change window: whom it is about, and until when it is open. */
export interface ChangeWindow {
  readonly id: string;
  readonly tenant: string;
  readonly level: 'agent' | 'role' | 'fleet';
  readonly subject: string;
  readonly fromMs: number;
  readonly toMs: number;
}

/** Receives facts in the order they become decidable. */
export type FactSink = (fact: Fact) => void;

/** Does a lease of ours restrain a call of this agent at its event time? The spine asks those who know. */
export type Restrains = (
  tenant: string,
  agent: string,
  call: {
    readonly session: string;
    readonly tool: string;
    readonly toolClass: string | null;
    readonly ms: number;
  },
) => boolean;

/** What the parts of correlation work on. */
export interface Ledger {
  readonly slots: Slots;
  readonly timers: Timers;
  readonly books: Books;
  readonly options: CorrelateOptions;
  readonly state: FactSink;
  readonly notice: (
    code: NoticeCode,
    subject: string,
    detail: string,
    ms: number,
    tenant: string,
  ) => void;
  readonly counters: Record<string, number>;
  readonly restrains: Restrains;
  /** Keyed digest of a text, 128 bits in hex. */
  readonly keyed: (text: string) => string;
}

/** Adds to a counter. */
export function count(ledger: Ledger, name: string, by = 1): void {
  ledger.counters[name] = (ledger.counters[name] ?? 0) + by;
}

/** Key of a tenant's counts in their space. */
export function laneKey(tenant: string): string {
  return tenant === '-' ? 'lane' : ofTenant('lane', tenant);
}

const ofTenant = naming((name, tenant) => `${name} ${tenant}`);

/** Did governance's log begin before ours? That is known of the log, and so of every tenant. */
export function isPartial(slots: Slots): boolean {
  return slots.get<LaneEntity>('L', 'lane')?.isPartial === true;
}

/** The tenant's own counts. */
export function laneOf(ledger: Ledger, ms: number, tenant: string): LaneEntity {
  const key = laneKey(tenant);
  let lane = ledger.slots.get<LaneEntity>('L', key);
  if (lane === undefined) {
    lane = { fleet: 0, roles: {}, startMs: ms };
    ledger.slots.put('L', key, lane);
  }
  return lane;
}

/** The agent, made when it is first named. */
export function agentOf(ledger: Ledger, tenant: string, id: string, ms: number): AgentEntity {
  const key = keyOf(tenant, id);
  let agent = ledger.slots.get<AgentEntity>('A', key);
  if (agent === undefined) {
    agent = newAgent(tenant, id, ms);
    ledger.slots.put('A', key, agent);
  }
  return agent;
}

/** The session, made when it is first named; makes room by plan where a bound is reached. */
export function sessionOf(
  ledger: Ledger,
  tenant: string,
  id: string,
  agent: AgentEntity,
  ms: number,
): SessionEntity {
  const key = keyOf(tenant, id);
  const present = ledger.slots.get<SessionEntity>('S', key);
  if (present !== undefined) return present;
  const { maxSessions, maxSessionsPerAgent, rememberMs } = ledger.options;
  if (agent.held.length >= maxSessionsPerAgent)
    evict(ledger, agent.held[0] as string, 'the agent holds too many sessions', ms);
  if (ledger.slots.count('S') >= maxSessions) evictOne(ledger, ms);
  const session = newSession(tenant, id, agent.id, ms);
  ledger.slots.put('S', key, session);
  agent.held.push(key);
  ledger.slots.touch('A', keyOf(tenant, agent.id));
  ledger.timers.wake('S', key, session, ms + rememberMs);
  return session;
}

/** Forgets a session; its agent's list too. */
export function forget(ledger: Ledger, key: string): void {
  const session = ledger.slots.get<SessionEntity>('S', key);
  if (session === undefined) return;
  for (const holder of new Set([session.agent, ...Object.keys(session.identities).map(nameOf)])) {
    const agentKey = keyOf(session.tenant, holder);
    const agent = ledger.slots.get<AgentEntity>('A', agentKey);
    const at = agent?.held.indexOf(key) ?? -1;
    if (agent === undefined || at < 0) continue;
    agent.held.splice(at, 1);
    ledger.slots.touch('A', agentKey);
  }
  ledger.slots.remove('S', key);
}

function evict(ledger: Ledger, key: string, cause: string, ms: number): void {
  const session = ledger.slots.get<SessionEntity>('S', key);
  count(ledger, 'evicted');
  ledger.notice(
    'state.evicted',
    session?.agent ?? '-',
    `session ${session?.id ?? '-'} evicted: ${cause}`,
    ms,
    session?.tenant ?? '-',
  );
  if (session !== undefined && session.pending > 0) count(ledger, 'undecided', session.pending);
  forget(ledger, key);
}

/** Sampled eviction: settled before live, harmless before suspicious, oldest first. */
function evictOne(ledger: Ledger, ms: number): void {
  const sampled = ledger.slots.sample<SessionEntity>('S', 32);
  const rank = (session: SessionEntity) => (session.suspicious ? 2 : 0) + (session.settled ? 0 : 1);
  let victim: [string, SessionEntity] | undefined;
  for (const candidate of sampled) {
    if (victim === undefined) victim = candidate;
    const worse = rank(candidate[1]) - rank(victim[1]) || candidate[1].lastMs - victim[1].lastMs;
    if (worse < 0) victim = candidate;
  }
  if (victim !== undefined) evict(ledger, victim[0], 'the lane holds too many sessions', ms);
}

/** Stores a grant set once, however many agents have it. Returns its key. */
export function grantSetOf(ledger: Ledger, tools: readonly GrantedTool[]): string {
  const entries = tools
    .map((tool) => ({
      name: canonicalTool(ledger, tool.tool),
      class: tool.class ?? null,
      tier: tool.tier ?? null,
      // Only where they are given: sets without them keep the key they always had.
      ...(tool.validToMs === undefined ? {} : { toMs: tool.validToMs }),
      ...(tool.quorum === undefined ? {} : { quorum: tool.quorum }),
    }))
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const key = hash('sha256', canonicalJson(entries), 'hex').slice(0, 32);
  if (ledger.slots.get('G', key) === undefined) {
    const set: GrantSet = { tools: Object.create(null) as GrantSet['tools'] };
    for (const { name, ...grant } of entries) set.tools[name] = grant;
    ledger.slots.put('G', key, set);
  }
  return key;
}

/** What an agent is granted of a tool; undefined: not granted; null: nobody ever listed its tools. */
export function grantOf(
  ledger: Ledger,
  agent: AgentEntity | undefined,
  tool: string,
): Grant | undefined | null {
  if (agent?.grants == null) return null;
  const set = ledger.slots.get<GrantSet>('G', agent.grants);
  if (set === undefined) return null;
  return Object.hasOwn(set.tools, tool) ? set.tools[tool] : undefined;
}

/** The tool's name in the inventory, or as given. */
export function canonicalTool(ledger: Ledger, name: string): string {
  return ledger.options.inventory.tool(name)?.tool ?? name;
}

/** Is a change window open at `ms` for the agent, its role or the whole fleet? */
export function windowOpen(
  ledger: Ledger,
  owner: AgentEntity,
  role: string | null,
  ms: number,
): boolean {
  return changeWindowsOf(ledger.slots, owner.tenant, owner.id, role, ms).length > 0;
}

const NO_WINDOWS: readonly ChangeWindow[] = [];

/** Change windows that are open at `ms` for the agent, its role or the whole fleet. */
export function changeWindowsOf(
  slots: Slots,
  forTenant: string,
  agent: string,
  role: string | null,
  ms: number,
): readonly ChangeWindow[] {
  const windows = slots.get<LaneEntity>('L', laneKey(forTenant))?.windows;
  if (windows === undefined) return NO_WINDOWS;
  return windows.filter(
    ({ tenant, level, subject, fromMs, toMs }) =>
      tenant === forTenant &&
      fromMs <= ms &&
      ms <= toMs &&
      (level === 'fleet' || subject === (level === 'agent' ? agent : role)),
  );
}
