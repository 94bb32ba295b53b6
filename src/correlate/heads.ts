/** Heads: what is asked of sessions, agents and traces while they rest. */
import type { Entity } from '../state/slot.ts';
import { type AgentEntity, keyOf, type SessionEntity } from './session.ts';

/** What is asked of a session: its timer comes first, as `Timers` wants it. */
export type SessionHead = readonly [
  wake: number | null,
  lastMs: number,
  acts: number,
  flags: number,
  agent: string,
  /** Key of the agent that pays for it; absent: its own. */
  payer?: string,
];

/** What is asked of an agent. */
export type AgentHead = readonly [wake: number | null, lastMs: number, flags: number];

/** What is asked of a trace. */
export type TraceHead = readonly [
  wake: number | null,
  lastMs: number,
  links: number,
  session: string,
];

/** Flags of sessions; the first one of agents too. */
export const SUSPICIOUS = 1;
/** It was closed and decided. */
export const SETTLED = 2;
/** Governance opened it. */
export const GOVERNED = 4;
/** It had more than a single record. */
export const SEVERAL = 8;
/** Something in it is not settled: a refusal, a witness that is missing. */
export const OPEN = 16;
/** Flag of agents: governance registered it. */
export const REGISTERED = 2;

/** Head of a session that the agent of key `payer` pays for; undefined: its own. */
export function headOfSession(one: SessionEntity, payer: string | undefined): SessionHead {
  const { wake = null, lastMs, actCount, tenant, agent } = one;
  const flags =
    (one.suspicious ? SUSPICIOUS : 0) |
    (one.settled ? SETTLED : 0) |
    (one.ownedBy === 'governance' ? GOVERNED : 0) |
    (one.marks > 1 ? SEVERAL : 0) |
    (one.refused.length > 0 || one.pending > 0 ? OPEN : 0);
  return payer === undefined || payer === keyOf(tenant, agent)
    ? [wake, lastMs, actCount, flags, agent]
    : [wake, lastMs, actCount, flags, agent, payer];
}

/** Head of an agent. */
export function headOfAgent(entity: Entity): AgentHead {
  const { wake = null, lastMs, suspicious, registeredMs } = entity as AgentEntity;
  const flags = (suspicious === true ? SUSPICIOUS : 0) | (registeredMs !== null ? REGISTERED : 0);
  return [wake, lastMs, flags];
}

/** The tenant in a key that `keyOf` made. */
export function tenantIn(key: string): string {
  const from = key.indexOf(':') + 1;
  return key.slice(from, from + Number(key.slice(0, from - 1)));
}
