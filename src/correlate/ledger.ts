/** The ledger: entities, timers and rules that the parts of correlation share. */
import { hash } from 'node:crypto';
import { canonicalJson } from '../model/canonical-json.ts';
import type { NoticeCode } from '../model/detection.ts';
import { KINDS, type Kind } from '../model/event.ts';
import type { GrantedTool } from '../model/event-governance.ts';
import type { Inventory } from '../model/expectation.ts';
import type { Fact } from '../model/fact.ts';
import { naming } from '../state/names.ts';
import type { Entity } from '../state/slot.ts';
import type { Slots } from '../state/slots.ts';
import type { Timers } from '../state/timers.ts';
import { type BookOptions, type Books, bookKey } from './books.ts';
import { AGENT_SHARE, type Room } from './room.ts';
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
  readonly maxAgents: number;
  readonly maxSessions: number;
  readonly maxSessionsPerAgent: number;
  readonly maxActsPerSession: number;
  /** Acts of all sessions together. */
  readonly maxActs: number;
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
  readonly room: Room;
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

/** Tenants whose fleet and books are held; more only where governance registered agents in all of them. */
export const TENANTS_MAX = 10_000;
/** Roles that are counted. */
export const ROLES_MAX = 10_000;
/** Tools of one grant set. */
export const GRANTED_MAX = 10_000;

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

/** The agent, made when it is first named; makes room by plan where there are too many. */
export function agentOf(ledger: Ledger, tenant: string, id: string, ms: number): AgentEntity {
  const key = keyOf(tenant, id);
  let agent = ledger.slots.get<AgentEntity>('A', key);
  if (agent === undefined) {
    const { maxAgents } = ledger.options;
    if (ledger.slots.count('A') >= maxAgents)
      evictAgent(ledger, ledger.room.agents.least(maxAgents), ms);
    agent = newAgent(tenant, id, ms);
    ledger.slots.put('A', key, agent);
    ledger.room.agents.add(key, null);
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
  const { sessions } = ledger.room;
  const owner = keyOf(tenant, agent.id);
  if (agent.held.length >= maxSessionsPerAgent)
    evict(ledger, sessions.leastOf(owner) ?? agent.held[0], agent, 'too many of the agent', ms);
  if (ledger.slots.count('S') >= maxSessions)
    evict(ledger, sessions.least(maxSessions), null, 'too many in the lane', ms);
  const session = newSession(tenant, id, agent.id, ms);
  ledger.slots.put('S', key, session);
  sessions.add(key, owner);
  agent.held.push(key);
  ledger.slots.touch('A', agent.key);
  ledger.timers.wake('S', key, session, ms + rememberMs);
  return session;
}

/** Makes room for one more act of a session: of its agent first, then of the lane. */
export function makeRoomForAct(ledger: Ledger, session: SessionEntity, ms: number): void {
  const { sessions } = ledger.room;
  const { maxActs } = ledger.options;
  const key = keyOf(session.tenant, session.id);
  const owner = sessions.ownerOf(key);
  const payer = { tenant: session.tenant, id: session.agent };
  if (owner !== undefined && sessions.weightOf(owner) >= maxActs * AGENT_SHARE)
    evict(ledger, sessions.leastOf(owner, key), payer, 'its agent holds too many acts', ms);
  if (sessions.weight >= maxActs)
    evict(ledger, sessions.least(0, key), null, 'the lane holds too many acts', ms);
}

/** Asks for the session to be looked at. */
export function wakeSession(ledger: Ledger, session: SessionEntity, ms: number): void {
  ledger.timers.wake('S', session.key, session, ms);
}

/** Asks for a book of the tenant to be looked at. */
export function wakeBook(ledger: Ledger, kind: Kind, tenant: string, at: number): void {
  const key = bookKey(kind, tenant);
  const book = ledger.slots.get('B', key);
  if (book !== undefined) ledger.timers.wake('B', key, book, at);
}

/** An act is a part of its session that is written by itself: whoever changes it says so. */
export function touchAct(ledger: Ledger, session: SessionEntity, key: string): void {
  ledger.slots.touchPart('S', session.key, 'acts', key);
}

/** Forgets a session; its agent's list too. */
export function forget(ledger: Ledger, key: string): void {
  const session = ledger.slots.get<SessionEntity>('S', key);
  if (session === undefined) return;
  const payer = ledger.room.sessions.ownerOf(key);
  const named = Object.keys(session.identities).map((mark) => keyOf(session.tenant, nameOf(mark)));
  for (const agentKey of new Set([payer, keyOf(session.tenant, session.agent), ...named])) {
    const agent = agentKey === undefined ? undefined : ledger.slots.get<AgentEntity>('A', agentKey);
    const at = agent?.held.indexOf(key) ?? -1;
    if (agentKey === undefined || agent === undefined || at < 0) continue;
    agent.held.splice(at, 1);
    ledger.slots.touch('A', agentKey);
  }
  ledger.slots.remove('S', key);
  ledger.room.sessions.remove(key);
}

/** Who pays is who is told of: the agent for what it floods, the lane for what nobody in particular does. */
function evict(
  ledger: Ledger,
  key: string | undefined,
  payer: { readonly tenant: string; readonly id: string } | null,
  cause: string,
  ms: number,
): void {
  const session = key === undefined ? undefined : ledger.slots.get<SessionEntity>('S', key);
  if (key === undefined || session === undefined) return;
  const detail = `session ${session.id} of ${session.agent} evicted: ${cause}`;
  ledger.notice('state.evicted', payer?.id ?? 'sessions', detail, ms, payer?.tenant ?? '-');
  letGo(ledger, key, session);
}

function letGo(ledger: Ledger, key: string, session: SessionEntity): void {
  count(ledger, 'evicted');
  if (session.pending > 0) count(ledger, 'undecided', session.pending);
  forget(ledger, key);
}

/** An agent goes with its sessions. Of one that was registered it is no longer known that it is. */
function evictAgent(ledger: Ledger, key: string | undefined, ms: number): void {
  const agent = key === undefined ? undefined : ledger.slots.get<AgentEntity>('A', key);
  if (key === undefined || agent === undefined) return;
  const detail = `agent ${agent.id} evicted with ${agent.held.length} sessions: too many in the lane`;
  ledger.notice('state.evicted', 'agents', detail, ms, '-');
  count(ledger, 'agents-evicted');
  for (const held of [...agent.held]) {
    const session = ledger.slots.get<SessionEntity>('S', held);
    if (session !== undefined) letGo(ledger, held, session);
  }
  if (agent.registeredMs !== null) {
    enlist(ledger, agent, -1, ms);
    laneOf(ledger, ms, '-').isPartial = true;
    ledger.slots.touch('L', 'lane');
  }
  ledger.slots.remove('A', key);
  ledger.room.agents.remove(key);
}

/**
 * Records name tenants: of too many one goes in which governance registered nobody, with its books. What it
 * does next is judged as on its first day.
 */
export function makeRoomForTenant({ slots, notice }: Ledger, ms: number): void {
  if (slots.count('L') < TENANTS_MAX) return;
  for (const [key, { fleet }] of slots.sample<LaneEntity>('L', 32)) {
    if (fleet > 0 || key === 'lane') continue;
    const tenant = key.slice('lane '.length);
    slots.remove('L', key);
    for (const kind of KINDS) slots.remove('B', bookKey(kind, tenant));
    notice('state.evicted', 'tenants', `tenant ${tenant} forgotten: too many of them`, ms, '-');
    return;
  }
}

/** Counts the agent into or out of its fleet and role; the breaker's shares are of these. */
export function enlist(ledger: Ledger, agent: AgentEntity, by: 1 | -1, ms: number): void {
  const lane = laneOf(ledger, ms, agent.tenant);
  lane.fleet += by;
  const role = agent.role ?? '';
  const before = Object.hasOwn(lane.roles, role) ? (lane.roles[role] as number) : 0;
  // A role that is not counted has no agents: the breaker then lets one of them be touched, no more.
  if (before === 0 && Object.keys(lane.roles).length >= ROLES_MAX) return;
  lane.roles[role] = Math.max(0, before + by);
  if (lane.roles[role] === 0) delete lane.roles[role];
  ledger.slots.touch('L', laneKey(agent.tenant));
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
    ledger.room.sweepGrants();
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
