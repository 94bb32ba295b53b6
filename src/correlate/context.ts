/** Context: what the ledger knows of an event beyond the fact, worked out when somebody asks. */
import type { Event } from '../model/event.ts';
import type {
  AgentContext,
  CallContext,
  EventContext,
  SessionContext,
} from '../model/event-context.ts';
import type { Attempt } from '../model/fact.ts';
import { otherNamed } from './identity.ts';
import { isPartial, type LaneEntity, type Ledger, laneKey, windowOpen } from './ledger.ts';
import { ancestorsOf, rootOf } from './lineage.ts';
import {
  type AgentEntity,
  type Approval,
  covers,
  type GrantSet,
  keyOf,
  type SessionEntity,
} from './session.ts';
import { sameArguments } from './witness.ts';

/** The context of one event: each part is computed once, when it is first asked for. */
export function contextOf(
  ledger: Ledger,
  event: Event,
  session: SessionEntity | null,
  agent: AgentEntity,
  attempt: Attempt | null,
): () => EventContext {
  let made: EventContext | null = null;
  return () => {
    made ??= lazily(ledger, event, session, ownerOf(ledger, session, agent), attempt);
    return made;
  };
}

function ownerOf(ledger: Ledger, session: SessionEntity | null, agent: AgentEntity): AgentEntity {
  if (session === null || session.agent === agent.id) return agent;
  return ledger.slots.get<AgentEntity>('A', keyOf(session.tenant, session.agent)) ?? agent;
}

function lazily(
  ledger: Ledger,
  event: Event,
  session: SessionEntity | null,
  owner: AgentEntity,
  attempt: Attempt | null,
): EventContext {
  let ofSession: SessionContext | undefined;
  let ofAgent: AgentContext | undefined;
  let ofCall: CallContext | undefined;
  return {
    get session() {
      if (session === null) return null;
      ofSession ??= sessionContext(ledger, session);
      return ofSession;
    },
    get agent() {
      ofAgent ??= agentContext(ledger, owner);
      return ofAgent;
    },
    get call() {
      if (session === null || attempt === null) return null;
      ofCall ??= callContext(ledger, session, owner, attempt);
      return ofCall;
    },
    get windowOpen() {
      return windowOpen(ledger, owner, session?.role ?? owner.role, event.time.eventMs);
    },
    get otherAgent() {
      return event.agent?.claims === undefined ? null : otherNamed(ledger, owner.tenant, event);
    },
  };
}

function sessionContext(ledger: Ledger, session: SessionEntity): SessionContext {
  const { root, depth } = rootOf(ledger.slots, session);
  const above =
    session.parent === null
      ? null
      : ledger.slots.get('S', keyOf(session.tenant, session.parent)) !== undefined &&
        session.parent !== session.id;
  return {
    root,
    depth,
    children: session.children ?? 0,
    principal: session.principal,
    taskType: session.taskType ?? null,
    mode: session.mode ?? null,
    mandated: session.mandated === true,
    parentKnown: above,
    plan: session.plan ?? null,
  };
}

function agentContext(ledger: Ledger, owner: AgentEntity): AgentContext {
  const lane = ledger.slots.get<LaneEntity>('L', laneKey(owner.tenant));
  const canTell = lane !== undefined && !isPartial(ledger.slots) && lane.fleet > 0;
  const { registeredMs, declared } = owner;
  return {
    registered: registeredMs !== null ? true : canTell ? false : null,
    registeredMs,
    reviewedMs: owner.reviewedMs ?? registeredMs,
    model: owner.model,
    systemDigest: declared?.systemDigest ?? null,
    offeredToolsDigest: declared?.offeredToolsDigest ?? null,
    maxDepth: declared?.maxDepth ?? null,
    maxFanOut: declared?.maxFanOut ?? null,
    grants: grantsOf(ledger, owner),
  };
}

/** The stored set itself: sets are never changed, a change of grants makes another. */
function grantsOf(ledger: Ledger, owner: AgentEntity): GrantSet['tools'] | null {
  if (owner.grants === null) return null;
  return ledger.slots.get<GrantSet>('G', owner.grants)?.tools ?? null;
}

/** Each part is looked up when it is read: most rules read one or two. */
function callContext(
  ledger: Ledger,
  session: SessionEntity,
  owner: AgentEntity,
  attempt: Attempt,
): CallContext {
  const { tool, ms, tier, leaves } = attempt;
  const grant = grantFor(ledger, owner, tool);
  const toMs = grant?.toMs ?? null;
  let words: Words | undefined;
  const said = () => {
    words ??= wordsOn(session, owner, tool, ms);
    return words;
  };
  return {
    tool,
    tier,
    leaves,
    grantExpired: toMs === null ? null : ms > toMs,
    validForMs: toMs === null ? null : toMs - ms,
    get approvers() {
      return said().approvers;
    },
    get selfApproved() {
      return said().self;
    },
    get approvalExpired() {
      return said().expired;
    },
    get approvalDenied() {
      return deniedLast(session, owner, tool);
    },
    get quorum() {
      return said().quorum(grant?.quorum ?? null);
    },
    get deniedAbove() {
      const above = ancestorsOf(ledger.slots, session);
      return above.length === 0 ? null : above.some((one) => refusedIn(one, attempt));
    },
    get grantedAbove() {
      return grantedAbove(ledger, ancestorsOf(ledger.slots, session)[0], tool);
    },
  };
}

/** Approvals that cover a call at a moment, and what they come to. */
interface Words {
  readonly approvers: readonly string[];
  readonly self: boolean;
  readonly expired: boolean;
  /** The largest number that grant or approvals ask for. */
  quorum(ofGrant: number | null): number | null;
}

const NOBODY: Words = { approvers: [], self: false, expired: false, quorum: (ofGrant) => ofGrant };

function wordsOn(session: SessionEntity, owner: AgentEntity, tool: string, ms: number): Words {
  if (session.approvals.length === 0 && owner.approvals.length === 0) return NOBODY;
  const all = [...session.approvals, ...owner.approvals];
  const given = all.filter((approval) => covers(approval, tool, ms));
  const by = new Set(given.flatMap((approval) => approval.by));
  const self = by.delete(session.agent);
  const hasRunOut = (approval: Approval) =>
    approval.toMs < ms && covers(approval, tool, approval.toMs);
  return {
    approvers: [...by].sort(),
    self,
    expired: given.length === 0 && all.some(hasRunOut),
    quorum: (ofGrant) => quorumOf(ofGrant, given),
  };
}

/** Did a refusal for the tool come after every approval for it? */
function deniedLast(session: SessionEntity, owner: AgentEntity, tool: string): boolean {
  if (session.denials === undefined && owner.denials === undefined) return false;
  const approvals = [...session.approvals, ...owner.approvals];
  const names = ({ tools }: { readonly tools: readonly string[] }) =>
    tools.length === 0 || tools.includes(tool);
  const last = (words: readonly { readonly ms: number; readonly tools: readonly string[] }[]) =>
    words.reduce((ms, word) => (names(word) ? Math.max(ms, word.ms) : ms), 0);
  return last([...(session.denials ?? []), ...(owner.denials ?? [])]) > last(approvals);
}

function quorumOf(ofGrant: number | null, given: readonly Approval[]): number | null {
  return given.reduce<number | null>(
    (most, { quorum }) => (quorum === undefined ? most : Math.max(most ?? 0, quorum)),
    ofGrant,
  );
}

function refusedIn(session: SessionEntity, attempt: Attempt): boolean {
  return session.refused.some(
    ({ attempt: refused }) =>
      refused.tool === attempt.tool && refused.ms <= attempt.ms && sameArguments(refused, attempt),
  );
}

function grantFor(ledger: Ledger, owner: AgentEntity, tool: string) {
  const tools = grantsOf(ledger, owner);
  return tools !== null && Object.hasOwn(tools, tool) ? tools[tool] : undefined;
}

function grantedAbove(
  ledger: Ledger,
  parent: SessionEntity | undefined,
  tool: string,
): boolean | null {
  if (parent === undefined) return null;
  const key = keyOf(parent.tenant, parent.agent);
  const owner = ledger.slots.get<AgentEntity>('A', key);
  if (owner?.grants == null) return null;
  return grantFor(ledger, owner, tool) !== undefined;
}
