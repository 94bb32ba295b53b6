/** Room: whom the ledger lets go of first: a flood pushes out nothing but itself. */
import { Keep } from '../state/keep.ts';
import type { Entity, Slots } from '../state/slots.ts';
import { type AgentEntity, keyOf, type SessionEntity } from './session.ts';

/** Traces that one session is told apart by. */
export const TRACES_OF_SESSION_MAX = 256;
/** Links of all traces together, for each act that the lane may hold. */
export const LINKS_OF_ACT = 2;
/** Share of the lane's acts that one agent may hold. */
export const AGENT_SHARE = 1 / 16;
/** Sessions of an agent that are looked at to see what it is worth. */
const LOOKED_AT = 32;

/** A space that holds no more is no step of its own. */
const STEP_MIN = 1000;
/** Grant sets are looked through when they have doubled, and there are at least so many. */
const GRANTS_MIN = 1024;

interface Trace extends Entity {
  readonly tenant: string;
  readonly session: string;
  readonly linkCount: number;
  readonly lastMs: number;
}

/** Ranks. What governance knows stands above what anybody can make up, however loud that is. */
const [NEW, SETTLED, LIVE, SUSPICIOUS] = [0, 1, 2, 3] as const;
const [OWN_SETTLED, OWN_LIVE, OWN_IN_PROGRESS, OWN_SUSPICIOUS] = [4, 5, 6, 7] as const;

/**
 * Whom the ledger lets go of. Sessions: those with a single record first, where they are more than their
 * fifth; then settled ones, live ones, those that a detection named; all of these before those that governance
 * opened or whose agent it registered, of which those go last in which something is not settled (a refusal, a
 * witness that is missing) or that a detection named. Agents likewise. Traces: by their session.
 */
export class Room {
  readonly #slots: Slots;
  readonly agents: Keep;
  /** Weight: acts. Whoever was first named in it pays for a session. */
  readonly sessions: Keep;
  /** Weight: links. The session pays for a trace. */
  readonly traces: Keep;
  #grantsAt = GRANTS_MIN;

  constructor(slots: Slots) {
    this.#slots = slots;
    this.agents = new Keep((key) => this.#rankOfAgent(key));
    this.sessions = new Keep((key) => this.#rankOfSession(key));
    this.traces = new Keep((key) => this.#rankOfTrace(key));
  }

  /** Makes the orders anew from what was restored, one space a step. */
  *restoring(): Generator<undefined, void> {
    const slots = this.#slots;
    const owners = new Map<string, string>();
    for (const [key, { held }] of slots.of<AgentEntity>('A'))
      for (const session of held) owners.set(session, key);
    if (slots.count('A') > STEP_MIN) yield;
    this.sessions.adopt(
      inOrder(slots.of<SessionEntity>('S')).map(([key, { tenant, agent, actCount }]) => [
        key,
        owners.get(key) ?? keyOf(tenant, agent),
        actCount,
      ]),
    );
    if (slots.count('S') > STEP_MIN) yield;
    this.agents.adopt(inOrder(slots.of<AgentEntity>('A')).map(([key]) => [key, null]));
    if (slots.count('A') > STEP_MIN) yield;
    this.traces.adopt(
      inOrder(slots.of<Trace>('trace')).map(([key, { tenant, session, linkCount }]) => [
        key,
        keyOf(tenant, session),
        linkCount,
      ]),
    );
  }

  /** Lets go of grant sets that no agent has any more, whenever they have doubled. */
  sweepGrants(): void {
    if (this.#slots.count('G') < this.#grantsAt) return;
    const used = new Set<string>();
    for (const [, { grants }] of this.#slots.of<AgentEntity>('A'))
      if (grants !== null) used.add(grants);
    for (const [key] of [...this.#slots.of('G')]) if (!used.has(key)) this.#slots.remove('G', key);
    this.#grantsAt = Math.max(GRANTS_MIN, 2 * this.#slots.count('G'));
  }

  #rankOfSession(key: string): number | null {
    const session = this.#slots.get<SessionEntity>('S', key);
    return session === undefined ? null : this.#rankOf(session);
  }

  #rankOfAgent(key: string): number | null {
    const agent = this.#slots.get<AgentEntity>('A', key);
    if (agent === undefined) return null;
    const isOwn = agent.registeredMs !== null;
    if (agent.suspicious === true) return isOwn ? OWN_SUSPICIOUS : SUSPICIOUS;
    let best: number = isOwn ? OWN_LIVE : NEW;
    for (const held of agent.held.slice(0, LOOKED_AT))
      best = Math.max(best, this.#rankOfSession(held) ?? NEW);
    return best;
  }

  #rankOf({
    tenant,
    agent,
    suspicious,
    settled,
    refused,
    pending,
    ...rest
  }: SessionEntity): number {
    const owner = this.#slots.get<AgentEntity>('A', keyOf(tenant, agent));
    // A single record is no more than anybody can write, for whatever agent.
    const isOwn = rest.ownedBy === 'governance' || (rest.marks > 1 && owner?.registeredMs != null);
    if (suspicious) return isOwn ? OWN_SUSPICIOUS : SUSPICIOUS;
    if (settled) return isOwn ? OWN_SETTLED : SETTLED;
    if (!isOwn) return rest.marks < 2 ? NEW : LIVE;
    return refused.length > 0 || pending > 0 ? OWN_IN_PROGRESS : OWN_LIVE;
  }

  #rankOfTrace(key: string): number | null {
    const trace = this.#slots.get<Trace>('trace', key);
    if (trace === undefined) return null;
    const rank = this.#rankOfSession(keyOf(trace.tenant, trace.session)) ?? NEW;
    if (rank >= OWN_SETTLED) return rank;
    return trace.linkCount < 2 ? NEW : rank;
  }
}

/** The one that was heard of longest ago first. */
function inOrder<T extends { readonly lastMs: number }>(
  entities: Iterable<[key: string, entity: T]>,
): (readonly [key: string, entity: T])[] {
  return [...entities].sort(([a, one], [b, other]) =>
    one.lastMs !== other.lastMs ? one.lastMs - other.lastMs : a < b ? -1 : 1,
  );
}
