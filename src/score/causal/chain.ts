/** Causal chains: grown with each detection of a case from what the trail remembers. */
import type { CausalChain, ChainEdge, ChainNode, NodeType } from '../../model/chain.ts';
import type { Detection, Witness } from '../../model/detection.ts';
import type { Kind, Position } from '../../model/event.ts';
import { eventIdOf } from '../../model/ids.ts';
import { newTable } from '../../model/table.ts';
import type { Entity } from '../../state/slot.ts';
import type { Slots } from '../../state/slots.ts';
import { rootOf } from './root.ts';
import type { SessionTrail, Trail, TrailOrigin } from './trail.ts';

/** A session that led to another, nearest first. */
export interface Ancestor {
  readonly session: string;
  readonly agent: string;
}

/** A call of the session as the ledger of acts holds it. */
export interface KnownCall {
  readonly topic: string;
  readonly nativeId: string;
  readonly at: Position;
  readonly tool: string;
  readonly ms: number;
  /** Allowed and answered without an error. */
  readonly took: boolean;
  /** The record that stated it; null where none did. */
  readonly said: { readonly topic: string; readonly nativeId: string; readonly ms: number } | null;
}

/** What is known of the session of a detection. */
export interface KnownSession {
  readonly ancestors: readonly Ancestor[];
  readonly calls: readonly KnownCall[];
}

/** What of an intervention the chain tells. */
export interface Intervention {
  readonly leaseId: string;
  readonly verb: string;
  readonly ms: number;
}

/** The chains of the cases in memory. */
export interface Chains {
  /** Takes in what led to a detection, and what answered it. Null where nothing was added. */
  grow(
    caseId: string,
    detection: Detection,
    session: KnownSession,
    intervention: Intervention | null,
  ): CausalChain | null;
}

interface ChainEntity extends Entity {
  nodes: Record<string, ChainNode>;
  edges: Record<string, ChainEdge>;
  /** How many each holds. */
  nodeCount: number;
  edgeCount: number;
  /** Ids of what was detected: where the traversal starts. */
  found: string[];
  dropped: number;
  lastMs: number;
}

const SPACE = 'chain';
const CHAINS_MAX = 5000;
const NODES_MAX = 64;
const EDGES_MAX = 192;
const WITNESSES_MAX = 16;
/** Calls whose values came from results whose values came from results: so far back. */
const HOPS_MAX = 4;
const TYPE_OF: Readonly<Record<Kind, NodeType>> = {
  reasoning: 'reasoning',
  gateway: 'act',
  governance: 'change',
  metrics: 'effect',
};

/** Makes the chains over `slots`; of 5,000 the stalest is forgotten, and stays in the store as it was. */
export function createChains(
  slots: Slots,
  trail: Trail,
  evicted: (subject: string, detail: string, ms: number) => void,
): Chains {
  slots.split(SPACE, ['nodes', 'edges']);
  return {
    grow(caseId, detection, session, intervention) {
      const chain = chainOf(slots, caseId, detection.decidedMs, evicted);
      const { nodeCount, edgeCount, dropped } = chain;
      const touch = (record: 'nodes' | 'edges', key: string) =>
        slots.touchPart(SPACE, caseId, record, key);
      new Growth(chain, trail, detection, session, touch).grow(intervention);
      if (chain.dropped !== dropped) slots.touch(SPACE, caseId);
      const hasGrown = chain.nodeCount !== nodeCount || chain.edgeCount !== edgeCount;
      // A full chain is not written anew for each detection: what it dropped is told in doublings.
      const isTold = Math.clz32(chain.dropped) !== Math.clz32(dropped);
      return hasGrown || isTold ? shown(caseId, chain) : null;
    },
  };
}

function chainOf(
  slots: Slots,
  caseId: string,
  ms: number,
  evicted: (subject: string, detail: string, ms: number) => void,
): ChainEntity {
  const known = slots.get<ChainEntity>(SPACE, caseId);
  if (known !== undefined) {
    known.lastMs = Math.max(known.lastMs, ms);
    return known;
  }
  if (slots.count(SPACE) >= CHAINS_MAX) {
    let stalest: [string, ChainEntity] | undefined;
    for (const one of slots.sample<ChainEntity>(SPACE, 32))
      if (stalest === undefined || one[1].lastMs < stalest[1].lastMs) stalest = one;
    if (stalest !== undefined) {
      slots.remove(SPACE, stalest[0]);
      evicted('causal-chains', 'causal chain forgotten (what was stored stays): too many', ms);
    }
  }
  const counts = { nodeCount: 0, edgeCount: 0, dropped: 0 };
  const chain: ChainEntity = {
    nodes: newTable(),
    edges: newTable(),
    ...counts,
    found: [],
    lastMs: ms,
  };
  slots.put(SPACE, caseId, chain);
  return chain;
}

function shown(caseId: string, chain: ChainEntity): CausalChain {
  const nodes = Object.values(chain.nodes);
  const edges = Object.values(chain.edges);
  return {
    caseId,
    nodes: nodes.sort((a, b) => a.ms - b.ms || (a.id < b.id ? -1 : 1)),
    edges: edges.sort((a, b) => a.ms - b.ms || (keyOf(a) < keyOf(b) ? -1 : 1)),
    dropped: chain.dropped,
    root: rootOf(nodes, edges, chain.found),
  };
}

function keyOf({ from, to, type }: Pick<ChainEdge, 'from' | 'to' | 'type'>): string {
  return `${from} ${to} ${type}`;
}

type Touch = (record: 'nodes' | 'edges', key: string) => void;

/** One detection's part of a chain. */
class Growth {
  readonly #chain: ChainEntity;
  readonly #trail: Trail;
  readonly #detection: Detection;
  readonly #values: SessionTrail | undefined;
  readonly #known: KnownSession;

  readonly #touch: Touch;

  constructor(
    chain: ChainEntity,
    trail: Trail,
    detection: Detection,
    known: KnownSession,
    touch: Touch,
  ) {
    const { tenant, session } = detection.entity;
    this.#chain = chain;
    this.#trail = trail;
    this.#detection = detection;
    this.#known = known;
    this.#touch = touch;
    this.#values = session === null ? undefined : trail.session(tenant, session);
  }

  grow(intervention: Intervention | null): void {
    const witnesses = this.#detection.witnesses.slice(-WITNESSES_MAX);
    for (const witness of witnesses) this.#witness(witness);
    this.#spawned();
    const last = witnesses.at(-1);
    if (intervention === null || last === undefined) return;
    const { leaseId, verb, ms } = intervention;
    if (this.#node(leaseId, 'intervention', `${verb}, by us`, ms, last.eventId))
      this.#edge(last.eventId, leaseId, 'answered-by', ms, last.eventId, this.#detection.detector);
  }

  #witness({ eventId, kind, timeMs, says, position }: Witness): void {
    if (!this.#node(eventId, TYPE_OF[kind], says, timeMs, eventId)) return;
    const { found } = this.#chain;
    if (!found.includes(eventId)) found.push(eventId);
    if (kind !== 'gateway') return;
    const call = this.#known.calls.find(({ at }) => isSame(at, position));
    this.#act(eventId, timeMs, call, 0);
  }

  /** What stated a call, what it did, which change it followed, and where its values came from. */
  #act(id: string, ms: number, call: KnownCall | undefined, hop: number): void {
    const { tenant, agent } = this.#detection.entity;
    const change = this.#trail.changeBefore(tenant, agent, ms);
    if (change !== null && this.#node(change.id, 'change', change.what, change.ms, change.id))
      this.#edge(change.id, id, 'followed-change', ms, change.id, change.what);
    if (call === undefined) return;
    const { said, tool, took } = call;
    if (said !== null) {
      const stated = eventIdOf(said.topic, said.nativeId);
      if (this.#node(stated, 'reasoning', `stated ${tool}`, said.ms, stated))
        this.#edge(stated, id, 'same-call', Math.max(ms, said.ms), stated, tool);
    }
    const effect = `${id}#effect`;
    if (took && this.#node(effect, 'effect', `${tool} was done`, ms, id))
      this.#edge(id, effect, 'same-call', ms, id, tool);
    if (hop >= HOPS_MAX) return;
    for (const origin of Object.values(this.#values?.came ?? {}))
      if (origin.to === call.nativeId) this.#came(id, ms, origin, hop);
  }

  /** A value of a call that an earlier result said. */
  #came(id: string, ms: number, { from, tool, fromMs, path }: TrailOrigin, hop: number): void {
    const call = this.#known.calls.find(({ nativeId }) => nativeId === from);
    // The ledger holds the call no longer: nothing would witness where the value was read.
    if (call === undefined) return;
    const reader = eventIdOf(call.topic, from);
    const input = `${reader}#result`;
    const isThere =
      this.#node(reader, 'act', `called ${tool}`, fromMs, reader) &&
      this.#node(input, 'untrusted-input', `result of ${tool}`, fromMs, reader);
    if (!isThere) return;
    this.#edge(reader, input, 'same-call', fromMs, reader, tool);
    this.#edge(input, id, 'value-came-from', ms, id, path);
    this.#act(reader, fromMs, call, hop + 1);
  }

  /** Opening of the session by another, and of that one by yet another, as governance recorded it. */
  #spawned(): void {
    const { tenant, session } = this.#detection.entity;
    let child = session;
    let later = this.#earliestIn(session);
    for (const { session: parent, agent } of this.#known.ancestors) {
      const opened = child === null ? null : this.#trail.session(tenant, child)?.opened;
      if (opened === null || opened === undefined || later === null) return;
      const label = `${agent} opened this session from its own`;
      const about = { agent, session: parent };
      if (!this.#node(opened.id, 'act', label, opened.ms, opened.id, about)) return;
      if (opened.id !== later)
        this.#edge(opened.id, later, 'spawned-by', opened.ms, opened.id, parent);
      later = opened.id;
      child = parent;
    }
  }

  /** First thing of the session in the chain that is not its opening. */
  #earliestIn(session: string | null): string | null {
    let first: ChainNode | null = null;
    for (const node of Object.values(this.#chain.nodes)) {
      if (node.session !== session || node.type === 'change') continue;
      if (first === null || node.ms < first.ms || (node.ms === first.ms && node.id < first.id))
        first = node;
    }
    return first?.id ?? null;
  }

  /** True where the node is in the chain now. */
  #node(
    id: string,
    type: NodeType,
    label: string,
    ms: number,
    eventId: string,
    about: { readonly agent: string; readonly session: string | null } = this.#detection.entity,
  ): boolean {
    const chain = this.#chain;
    if (Object.hasOwn(chain.nodes, id)) return true;
    if (chain.nodeCount >= NODES_MAX) {
      chain.dropped += 1;
      return false;
    }
    const { agent, session } = about;
    chain.nodes[id] = { id, type, label: label.slice(0, 200), ms, agent, session, eventId };
    chain.nodeCount += 1;
    this.#touch('nodes', id);
    return true;
  }

  #edge(
    from: string,
    to: string,
    type: ChainEdge['type'],
    ms: number,
    eventId: string,
    says: string,
  ): void {
    const chain = this.#chain;
    const key = keyOf({ from, to, type });
    if (Object.hasOwn(chain.edges, key) || chain.edgeCount >= EDGES_MAX || from === to) return;
    chain.edges[key] = { from, to, type, ms, eventId, says: says.slice(0, 200) };
    chain.edgeCount += 1;
    this.#touch('edges', key);
  }
}

function isSame(one: Position, other: Position): boolean {
  return (
    one.offset === other.offset &&
    one.partition === other.partition &&
    one.index === other.index &&
    one.topic === other.topic
  );
}
