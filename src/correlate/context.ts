/** Context: what the ledger knows of an event beyond the fact, worked out when somebody asks. */
import type { Event } from '../model/event.ts';
import type {
  AgentContext,
  CallContext,
  EventContext,
  GrantView,
  SessionContext,
} from '../model/event-context.ts';
import type { Attempt } from '../model/fact.ts';
import { type LaneEntity, type Ledger, windowOpen } from './ledger.ts';
import { ancestorsOf, rootOf } from './lineage.ts';
import {
  type AgentEntity,
  type Approval,
  covers,
  type GrantSet,
  keyOf,
  type SessionEntity,
} from './session.ts';

/** The context of one event; computed once, at the first call. */
export function contextOf(
  ledger: Ledger,
  event: Event,
  session: SessionEntity | null,
  agent: AgentEntity,
  attempt: Attempt | null,
): () => EventContext {
  let made: EventContext | null = null;
  return () => {
    made ??= describe(ledger, event, session, agent, attempt);
    return made;
  };
}

function describe(
  ledger: Ledger,
  event: Event,
  session: SessionEntity | null,
  agent: AgentEntity,
  attempt: Attempt | null,
): EventContext {
  const owner =
    session === null || session.agent === agent.id
      ? agent
      : (ledger.slots.get<AgentEntity>('A', keyOf(session.tenant, session.agent)) ?? agent);
  const ms = event.time.eventMs;
  const role = session?.role ?? owner.role;
  return {
    session: session === null ? null : sessionContext(ledger, session),
    agent: agentContext(ledger, owner),
    call:
      session === null || attempt === null ? null : callContext(ledger, session, owner, attempt),
    windowOpen: windowOpen(ledger, owner, role, ms),
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
  };
}

function agentContext(ledger: Ledger, owner: AgentEntity): AgentContext {
  const lane = ledger.slots.get<LaneEntity>('L', 'lane');
  const canTell = lane !== undefined && lane.isPartial !== true && lane.fleet > 0;
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

function grantsOf(ledger: Ledger, owner: AgentEntity): ReadonlyMap<string, GrantView> | null {
  if (owner.grants === null) return null;
  const set = ledger.slots.get<GrantSet>('G', owner.grants);
  if (set === undefined) return null;
  return new Map(
    Object.entries(set.tools).map(([tool, grant]) => [
      tool,
      {
        class: grant.class,
        tier: grant.tier,
        toMs: grant.toMs ?? null,
        quorum: grant.quorum ?? null,
      },
    ]),
  );
}

function callContext(
  ledger: Ledger,
  session: SessionEntity,
  owner: AgentEntity,
  attempt: Attempt,
): CallContext {
  const grant = grantFor(ledger, owner, attempt.tool);
  const toMs = grant?.toMs ?? null;
  const given = [...session.approvals, ...owner.approvals].filter((approval) =>
    covers(approval, attempt.tool, attempt.ms),
  );
  const by = new Set(given.flatMap((approval) => approval.by));
  const selfApproved = by.delete(session.agent);
  const above = ancestorsOf(ledger.slots, session);
  return {
    tool: attempt.tool,
    tier: attempt.tier,
    grantExpired: toMs === null ? null : attempt.ms > toMs,
    validForMs: toMs === null ? null : toMs - attempt.ms,
    approvers: [...by].sort(),
    selfApproved,
    quorum: quorumOf(grant?.quorum ?? null, given),
    leaves: attempt.leaves,
    deniedAbove: above.length === 0 ? null : above.some((one) => refusedIn(one, attempt)),
    grantedAbove: grantedAbove(ledger, above[0], attempt.tool),
  };
}

/** The largest number that grant or approvals ask for. */
function quorumOf(ofGrant: number | null, given: readonly Approval[]): number | null {
  return given.reduce<number | null>(
    (most, { quorum }) => (quorum === undefined ? most : Math.max(most ?? 0, quorum)),
    ofGrant,
  );
}

function refusedIn(session: SessionEntity, attempt: Attempt): boolean {
  return session.refused.some(
    ({ attempt: refused }) =>
      refused.tool === attempt.tool &&
      refused.ms <= attempt.ms &&
      (refused.digest === null || attempt.digest === null || refused.digest === attempt.digest),
  );
}

function grantFor(ledger: Ledger, owner: AgentEntity, tool: string) {
  if (owner.grants === null) return undefined;
  const set = ledger.slots.get<GrantSet>('G', owner.grants);
  return set !== undefined && Object.hasOwn(set.tools, tool) ? set.tools[tool] : undefined;
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
