/** Stored lists: sessions and agents without their records, by place instead of name. */
import type { Kind } from '../model/event.ts';
import { tableOf } from '../model/table.ts';
import { type AgentEntity, newAgent, newSession, type SessionEntity } from './session.ts';

type Rare<T, K extends keyof T> = { readonly [N in K]?: T[N] | undefined };

/** Members of a session that few have, by name; undefined where it has none. */
type RareOfSession = Rare<
  SessionEntity,
  'root' | 'depth' | 'children' | 'taskType' | 'mode' | 'plan' | 'denials'
>;

/** A session without its records. 0 stands for an empty list or record, and for what is absent. */
export type SessionList = readonly [
  tenant: string,
  id: string,
  agent: string,
  role: string | null,
  openedMs: number | null,
  closedMs: number | null,
  parent: string | null,
  principal: string | null,
  firstMs: number,
  lastMs: number,
  wake: number,
  flags: number,
  actCount: number,
  marks: number,
  pending: number,
  checked: SessionEntity['checked'] | 0,
  counted: readonly string[] | 0,
  open: readonly string[] | 0,
  refused: SessionEntity['refused'] | 0,
  approvals: SessionEntity['approvals'] | 0,
  blind: readonly Kind[] | 0,
  rare?: RareOfSession,
];

/** Writes a session as a list. */
export function listOfSession(one: SessionEntity): SessionList {
  const list = [
    one.tenant,
    one.id,
    one.agent,
    one.role,
    one.openedMs,
    one.closedMs,
    one.parent,
    one.principal,
    one.firstMs,
    one.lastMs,
    one.wake ?? 0,
    flagsOfSession(one),
    one.actCount,
    one.marks,
    one.pending,
    hasMembers(one.checked) ? one.checked : 0,
    one.counted ?? 0,
    one.open.length > 0 ? one.open : 0,
    one.refused.length > 0 ? one.refused : 0,
    one.approvals.length > 0 ? one.approvals : 0,
    one.blind.length > 0 ? one.blind : 0,
  ] as const;
  const { root, depth, children, taskType, mode, plan, denials } = one;
  const isPlain =
    root === undefined && depth === undefined && children === undefined && plan === undefined;
  if (isPlain && taskType === undefined && mode === undefined && denials === undefined) return list;
  return [...list, { root, depth, children, taskType, mode, plan, denials }];
}

/** The session of a list; its records are empty. */
export function sessionOfList(list: SessionList): SessionEntity {
  const [tenant, id, agent, role, openedMs, closedMs, parent, principal, firstMs, lastMs] = list;
  const [, , , , , , , , , , wake, flags, actCount, marks, pending, checked, counted] = list;
  const [, , , , , , , , , , , , , , , , , open, refused, approvals, blind, rare] = list;
  const one: SessionEntity = {
    ...newSession(tenant, id, agent, firstMs),
    ...{ ownedBy: flags & 1 ? 'governance' : 'witness', role, openedMs, closedMs, parent },
    ...{ principal, lastMs, actCount, marks, pending, uncalled: (flags & 2) !== 0 },
    ...{ settled: (flags & 4) !== 0, overflow: (flags & 8) !== 0, suspicious: (flags & 16) !== 0 },
  };
  if (open !== 0) one.open = [...open];
  if (refused !== 0) one.refused = refused;
  if (approvals !== 0) one.approvals = approvals;
  if (checked !== 0) one.checked = tableOf(checked);
  if (blind !== 0) one.blind = [...blind];
  if (wake !== 0) one.wake = wake;
  if ((flags & 96) !== 0) one.weaklyOwned = (flags & 32) !== 0;
  if ((flags & 128) !== 0) one.mandated = true;
  if (counted !== 0) one.counted = [...counted];
  return rare === undefined ? one : Object.assign(one, rare);
}

function flagsOfSession(one: SessionEntity): number {
  return (
    (one.ownedBy === 'governance' ? 1 : 0) |
    (one.uncalled ? 2 : 0) |
    (one.settled ? 4 : 0) |
    (one.overflow ? 8 : 0) |
    (one.suspicious ? 16 : 0) |
    (one.weaklyOwned === true ? 32 : one.weaklyOwned === false ? 64 : 0) |
    (one.mandated === true ? 128 : 0)
  );
}

/** Members of an agent that few have, by name. */
type RareOfAgent = Rare<AgentEntity, 'reviewedMs' | 'denials' | 'declared' | 'wake'>;

/** An agent. 0 stands for an empty list or record, and for what is absent. */
export type AgentList = readonly [
  tenant: string,
  id: string,
  role: string | null,
  model: string | null,
  registeredMs: number | null,
  grants: string | null,
  changedMs: number,
  lastMs: number,
  flags: number,
  held: readonly string[] | 0,
  seen: AgentEntity['seen'] | 0,
  marks: AgentEntity['marks'] | 0,
  approvals: AgentEntity['approvals'] | 0,
  rare?: RareOfAgent,
];

/** Writes an agent as a list. */
export function listOfAgent(one: AgentEntity): AgentList {
  const list = [
    one.tenant,
    one.id,
    one.role,
    one.model,
    one.registeredMs,
    one.grants,
    one.changedMs,
    one.lastMs,
    flagsOfAgent(one),
    one.held.length > 0 ? one.held : 0,
    hasMembers(one.seen) ? one.seen : 0,
    one.marks ?? 0,
    one.approvals.length > 0 ? one.approvals : 0,
  ] as const;
  const { reviewedMs, denials, declared, wake } = one;
  const isPlain = reviewedMs === undefined && denials === undefined && declared === undefined;
  return isPlain && wake === undefined ? list : [...list, { reviewedMs, denials, declared, wake }];
}

/** The agent of a list. */
export function agentOfList(list: AgentList): AgentEntity {
  const [tenant, id, role, model, registeredMs, grants, changedMs, lastMs, flags] = list;
  const [, , , , , , , , , held, seen, marks, approvals, rare] = list;
  const one: AgentEntity = {
    ...newAgent(tenant, id, lastMs),
    ...{ role, model, registeredMs, grants, changedMs, reasoned: (flags & 1) !== 0 },
  };
  if (held !== 0) one.held = [...held];
  if (seen !== 0) one.seen = tableOf(seen);
  if (marks !== 0 && marks !== undefined) one.marks = marks;
  if (approvals !== 0) one.approvals = approvals;
  if ((flags & 2) !== 0) one.announces = true;
  if ((flags & 4) !== 0) one.uninstrumented = true;
  if ((flags & 8) !== 0) one.ungoverned = true;
  if ((flags & 16) !== 0) one.acted = true;
  if ((flags & 32) !== 0) one.suspicious = true;
  return rare === undefined ? one : Object.assign(one, rare);
}

function flagsOfAgent(one: AgentEntity): number {
  return (
    (one.reasoned ? 1 : 0) |
    (one.announces === true ? 2 : 0) |
    (one.uninstrumented === true ? 4 : 0) |
    (one.ungoverned === true ? 8 : 0) |
    (one.acted === true ? 16 : 0) |
    (one.suspicious === true ? 32 : 0)
  );
}

function hasMembers(record: object): boolean {
  for (const _ in record) return true;
  return false;
}
