/** Room: whom the ledger lets go of first: a flood pushes out nothing but itself. */
import { Keep } from '../state/keep.ts';
import { inOrder } from '../state/order.ts';
import type { Slots } from '../state/slots.ts';
import {
  type AgentHead,
  GOVERNED,
  headOfSession,
  OPEN,
  REGISTERED,
  SETTLED,
  SEVERAL,
  type SessionHead,
  SUSPICIOUS,
  type TraceHead,
  tenantIn,
} from './heads.ts';
import { type AgentEntity, keyMade, keyOf, type SessionEntity } from './session.ts';

/** Traces that one session is told apart by. */
export const TRACES_OF_SESSION_MAX = 256;
/** Links of all traces together, for each act that the lane may hold. */
export const LINKS_OF_ACT = 2;
/** Share of the lane's acts that one agent may hold. */
export const AGENT_SHARE = 1 / 16;
/** Sessions of an agent that are looked at to see what it is worth. */
const LOOKED_AT = 32;

/** Entities that a start looks at in one step. */
const STEP_ENTITIES = 10_000;
/** Grant sets are looked through when they have doubled, and there are at least so many. */
const GRANTS_MIN = 1024;

/** Ranks. What governance knows stands above what anybody can make up, however loud that is. */
const RANK = { new: 0, settled: 1, live: 2, suspicious: 3 } as const;
const OWN = { settled: 4, live: 5, inProgress: 6, suspicious: 7 } as const;

/**
 * Whom the ledger lets go of. Sessions: those with a single record first, where they are more than their
 * fifth; then settled ones, live ones, those that a detection named; all of these before those that governance
 * opened or whose agent it registered, of which those go last in which something is not settled (a refusal, a
 * witness that is missing) or that a detection named. Agents likewise. Traces: by their session. All of it is told by heads: who rests is not
 * read to be compared.
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

  /** What is asked of a session while it rests. */
  headOf(session: SessionEntity): SessionHead {
    return headOfSession(session, this.sessions.ownerOf(session.key));
  }

  /** Makes the orders anew from what was restored, some thousand entities a step. */
  *restoring(): Generator<undefined, void> {
    const agents = yield* this.#inOrder<AgentHead>('A');
    const registered = new Set<string>();
    for (const [key, [, , flags]] of agents) if (flags & REGISTERED) registered.add(key);
    const hasTraces = this.#slots.count('trace') > 0;
    const ranks = new Map<string, number>();
    const best = new Map<string, number>();
    const sessions = yield* this.#inOrder<SessionHead>('S');
    this.sessions.adopt(
      sessions.map(([key, head]) => {
        const [, , acts, , agent, payer] = head;
        const own = keyMade(tenantIn(key), agent);
        const rank = rankOf(head, registered.has(own));
        const owner = payer ?? own;
        if (hasTraces) ranks.set(key, rank);
        const known = best.get(owner);
        if (known === undefined || known < rank) best.set(owner, rank);
        return [key, owner, acts, rank];
      }),
    );
    if (sessions.length > STEP_ENTITIES) yield;
    this.agents.adopt(
      agents.map(([key, head]) => [key, null, 0, agentRankOf(head, best.get(key) ?? RANK.new)]),
    );
    if (agents.length > STEP_ENTITIES) yield;
    const traces = yield* this.#inOrder<TraceHead>('trace');
    this.traces.adopt(
      traces.map(([key, head]) => {
        const owner = keyMade(tenantIn(key), head[3]);
        return [key, owner, head[2], traceRankOf(head, ranks.get(owner) ?? RANK.new)];
      }),
    );
  }

  /** Lets go of grant sets that no agent has any more, whenever they have doubled. */
  sweepGrants(): void {
    if (this.#slots.count('G') < this.#grantsAt) return;
    const used = new Set<string>();
    for (const [, { grants }] of this.#slots.glances<AgentEntity>('A'))
      if (grants !== null) used.add(grants);
    for (const [key] of [...this.#slots.heads('G')])
      if (!used.has(key)) this.#slots.remove('G', key);
    this.#grantsAt = Math.max(GRANTS_MIN, 2 * this.#slots.count('G'));
  }

  #rankOfSession(key: string): number | null {
    const head = this.#slots.head('S', key) as SessionHead | undefined;
    if (head === undefined) return null;
    // Only of a session with more than one record, of an agent's own word, is it asked who the agent is.
    const owner = head[3] & SEVERAL ? this.#agentHead(keyOf(tenantIn(key), head[4])) : undefined;
    return rankOf(head, owner !== undefined && (owner[2] & REGISTERED) !== 0);
  }

  #rankOfAgent(key: string): number | null {
    const head = this.#agentHead(key);
    if (head === undefined) return null;
    let best: number = RANK.new;
    for (const held of this.sessions.someOf(key, LOOKED_AT))
      best = Math.max(best, this.#rankOfSession(held) ?? RANK.new);
    return agentRankOf(head, best);
  }

  #rankOfTrace(key: string): number | null {
    const head = this.#slots.head('trace', key) as TraceHead | undefined;
    if (head === undefined) return null;
    return traceRankOf(head, this.#rankOfSession(keyOf(tenantIn(key), head[3])) ?? RANK.new);
  }

  #agentHead(key: string): AgentHead | undefined {
    return this.#slots.head('A', key) as AgentHead | undefined;
  }

  /** Heads of a space, the one that was heard of longest ago first. */
  *#inOrder<T extends AgentHead | SessionHead | TraceHead>(
    space: string,
  ): Generator<undefined, (readonly [key: string, head: T])[]> {
    const found: (readonly [string, T])[] = [];
    for (const one of this.#slots.heads(space)) {
      found.push(one as readonly [string, unknown] as readonly [string, T]);
      if (found.length % STEP_ENTITIES === 0) yield;
    }
    return inOrder(
      found,
      ([, [, lastMs]]) => lastMs,
      ([a], [b]) => (a < b ? -1 : 1),
    );
  }
}

function rankOf([, , , flags]: SessionHead, isOfRegistered: boolean): number {
  // A single record is no more than anybody can write, for whatever agent.
  const isOwn = (flags & GOVERNED) !== 0 || ((flags & SEVERAL) !== 0 && isOfRegistered);
  if (flags & SUSPICIOUS) return isOwn ? OWN.suspicious : RANK.suspicious;
  if (flags & SETTLED) return isOwn ? OWN.settled : RANK.settled;
  if (!isOwn) return flags & SEVERAL ? RANK.live : RANK.new;
  return flags & OPEN ? OWN.inProgress : OWN.live;
}

/** `best`: rank of the best of its sessions. */
function agentRankOf([, , flags]: AgentHead, best: number): number {
  const isOwn = (flags & REGISTERED) !== 0;
  if (flags & SUSPICIOUS) return isOwn ? OWN.suspicious : RANK.suspicious;
  return Math.max(isOwn ? OWN.live : RANK.new, best);
}

/** `session`: rank of its session. */
function traceRankOf([, , links]: TraceHead, session: number): number {
  return session >= OWN.settled || links >= 2 ? session : RANK.new;
}
