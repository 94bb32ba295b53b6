/** Sessions, agents and acts: the ledger's entities as they are stored. */
import type { Kind } from '../model/event.ts';
import type { Attempt, Intent, SessionView, Unannounced, WitnessRecord } from '../model/fact.ts';
import { newTable } from '../model/table.ts';
import { naming } from '../state/names.ts';
import type { Entity } from '../state/slot.ts';

/** An agent as governance knows it. */
export interface AgentEntity extends Entity {
  /** Its key in the slots; made of the next two, and not written. */
  readonly key: string;
  readonly tenant: string;
  readonly id: string;
  role: string | null;
  model: string | null;
  /** Event time of registration, ms; null: never registered. */
  registeredMs: number | null;
  /** Key of its grant set in space G; null: governance never listed its tools. */
  grants: string | null;
  /** Last change of grants, policy or approvals, ms: explains an allowance after a refusal. */
  changedMs: number;
  /** Has it ever stated an intent or reasoned? */
  reasoned: boolean;
  /** Was it ever seen at the gateway? Absent: not yet. */
  acted?: true;
  /** Has it ever announced a call? Then a report afterwards does not stand in for an announcement. */
  announces?: boolean;
  /** It was said once that its reasoning was never seen. */
  uninstrumented?: boolean;
  /** It was said once that governance never listed its tools. */
  ungoverned?: boolean;
  approvals: Approval[];
  /** Last completed review, ms. */
  reviewedMs?: number;
  /** Approvals that were refused. */
  denials?: Denial[];
  /** What governance declared beyond role, model and grants; absent: nothing. */
  declared?: Declared;
  /** What its reasoning showed and governance said of it; absent: nothing yet. */
  marks?: Partial<Record<Unannounced, Mark>>;
  /** Identities of recent events without a session, with their content hashes. */
  seen: Record<string, number>;
  /** Keys of its sessions that are held, oldest first. */
  held: string[];
  /** About when it was last heard of, ms: within a minute. */
  lastMs: number;
  /** A detection named it: evicted last. */
  suspicious?: boolean;
}

/** An approval that was refused; one that names no tool speaks of all. */
export interface Denial {
  readonly ms: number;
  readonly tools: readonly string[];
}

/** What governance declared of an agent. */
export interface Declared {
  readonly systemDigest?: string;
  readonly offeredToolsDigest?: string;
  readonly maxDepth?: number;
  readonly maxFanOut?: number;
}

/** What was seen of one part of an agent, as keys of at most 16 values, and when it was announced. */
export interface Mark {
  readonly seen: readonly string[];
  /** Last announcement of a change of this part, ms; 0 = never. */
  readonly announcedMs: number;
}

/** One granted tool as it is stored; `toMs` and `quorum` only where governance gave them. */
export interface Grant {
  readonly class: string | null;
  readonly tier: string | null;
  readonly toMs?: number;
  readonly quorum?: number;
}

/** A set of granted tools, shared by every agent that has just these. */
export interface GrantSet extends Entity {
  readonly tools: Record<string, Grant>;
}

/** An approval in force. */
export interface Approval {
  /** Independent approvals that are needed, where governance said so. */
  readonly quorum?: number;
  readonly ms: number;
  readonly tools: readonly string[];
  readonly by: readonly string[];
  readonly fromMs: number;
  readonly toMs: number;
}

/** One act: the witnesses of one call. */
export interface Act {
  intents: Intent[];
  attempts: Attempt[];
  /** Book whose witness is missing, and the gap the act fell into. */
  need: Kind | null;
  gap: number;
  /** When a missing witness counts as missing, ms; 0 = not waiting. */
  dueMs: number;
  /** Attempts compared with an intent, and attempts reviewed: the first n of each. */
  compared: number;
  reviewed: number;
  /** waiting → joined | missing → absent | undecided */
  state: 'waiting' | 'joined' | 'missing' | 'absent' | 'undecided';
  strength: 'exact' | 'strong' | 'weak';
}

/** A refusal by policy that a later success may get around. */
export interface Refusal {
  readonly attempt: Attempt;
}

/** Records of a session that are stored member by member: whoever changes one says which. */
export const SESSION_RECORDS = ['acts', 'seen', 'identities'] as const;

/** A session and its ledger. */
export interface SessionEntity extends Entity {
  /** Its key in the slots; made of the next two, and not written. */
  readonly key: string;
  readonly tenant: string;
  readonly id: string;
  agent: string;
  ownedBy: 'governance' | 'witness';
  /** Its agent was inferred from a trace or a process: the first that names itself takes its place. */
  weaklyOwned?: boolean;
  role: string | null;
  openedMs: number | null;
  closedMs: number | null;
  parent: string | null;
  principal: string | null;
  /** Root and depth in the delegation tree as the parent was known at the opening. */
  root?: string;
  depth?: number;
  /** Sessions opened under it. */
  children?: number;
  taskType?: string;
  mode?: string;
  mandated?: true;
  /** Plan that governance declared last. */
  plan?: { readonly binding: boolean; readonly steps: readonly string[] };
  /** Approvals that were refused. */
  denials?: Denial[];
  firstMs: number;
  lastMs: number;
  acts: Record<string, Act>;
  /** Keys of acts that still wait for a review or a witness. */
  open: string[];
  /** How many acts `acts` holds. */
  actCount: number;
  /** Some witness came without a call id: joins must also be searched for. */
  uncalled: boolean;
  refused: Refusal[];
  approvals: Approval[];
  /** First witness of each identity seen in the session, by `markOf` the agent; at most 8. */
  identities: Record<string, WitnessRecord>;
  /** Identities already looked at. */
  checked: Record<string, 1>;
  /** Identities of records folded, with their content hashes. */
  seen: Record<string, number>;
  /** Topics whose marks in `seen` are numbers: the counter times four, plus the place in here. */
  counted?: string[];
  /** How many marks `seen` holds, at most. */
  marks: number;
  blind: Kind[];
  /** Acts whose missing witness is not judged yet. */
  pending: number;
  /** Its acts were dropped: closed, or idle for too long. */
  settled: boolean;
  overflow: boolean;
  /** A detection named it: evicted last. */
  suspicious: boolean;
}

/** A new, empty session. */
export function newSession(tenant: string, id: string, agent: string, ms: number): SessionEntity {
  return {
    key: keyOf(tenant, id),
    tenant,
    id,
    agent,
    ownedBy: 'witness',
    role: null,
    openedMs: null,
    closedMs: null,
    parent: null,
    principal: null,
    firstMs: ms,
    lastMs: ms,
    acts: newTable(),
    open: [],
    actCount: 0,
    uncalled: false,
    refused: [],
    approvals: [],
    identities: newTable(),
    checked: newTable(),
    seen: newTable(),
    marks: 0,
    blind: [],
    pending: 0,
    settled: false,
    overflow: false,
    suspicious: false,
  };
}

/** A new agent nobody registered yet. */
export function newAgent(tenant: string, id: string, ms: number): AgentEntity {
  return {
    key: keyOf(tenant, id),
    tenant,
    id,
    role: null,
    model: null,
    registeredMs: null,
    grants: null,
    changedMs: 0,
    reasoned: false,
    approvals: [],
    seen: newTable(),
    held: [],
    lastMs: ms,
  };
}

/** What detection may know of the session. */
export function viewOf(session: SessionEntity, agent: AgentEntity | undefined): SessionView {
  return {
    tenant: session.tenant,
    id: session.id,
    agent: session.agent,
    ownedBy: session.ownedBy,
    role: session.role ?? agent?.role ?? null,
    openedMs: session.openedMs,
    closedMs: session.closedMs,
    parent: session.parent,
    blind: session.blind,
  };
}

/** Key of a session or agent: the parts cannot run into one another. */
export const keyOf = naming(keyMade);

/** `keyOf`, not remembered: for so many at once that none of them would be found again. */
export function keyMade(tenant: string, id: string): string {
  return `${tenant.length}:${tenant}:${id}`;
}

/** Key of a name within an entity: agents may be called `constructor` or `__proto__`. */
export function markOf(name: string): string {
  return marked('@', name);
}

const marked = naming((sign, name) => `${sign}${name}`);

/** The name behind a mark. */
export function nameOf(mark: string): string {
  return mark.slice(1);
}

/** Keeps the newest `most` keys of a record of marks; insertion order is age. */
export function prune(marks: Record<string, number>, most: number): void {
  const keys = Object.keys(marks);
  for (let at = 0; at < keys.length - most; at += 1) delete marks[keys[at] as string];
}

/**
 * Did somebody other than the agent approve the call? The approval is in force when the call was made,
 * or when it is reviewed, a clock tolerance later: one published a moment late counts, and so does one
 * that ran out in between.
 */
export function approvedBy(
  approvals: readonly Approval[],
  { tool, ms }: Pick<Attempt, 'tool' | 'ms'>,
  agent: string,
  reviewedMs: number,
): boolean {
  return approvals.some(
    (approval) =>
      approval.by.some((by) => by !== agent) &&
      (covers(approval, tool, ms) || covers(approval, tool, reviewedMs)),
  );
}

/** Is the approval in force at `ms`, and does it cover the tool? One that names none covers all. */
export function covers(approval: Approval, tool: string, ms: number): boolean {
  return (
    approval.fromMs <= ms &&
    ms <= approval.toMs &&
    (approval.tools.length === 0 || approval.tools.includes(tool))
  );
}
