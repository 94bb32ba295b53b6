/** Stored ledger: sessions and agents without what new ones have, their acts as lists. */
import type { Attempt, Intent, WitnessRecord } from '../model/fact.ts';
import { newTable } from '../model/table.ts';
import type { Entity, PartPacking, Parts } from '../state/slot.ts';
import { headOfAgent } from './heads.ts';
import type { Act, AgentEntity, SessionEntity } from './session.ts';
import {
  type AgentList,
  agentOfList,
  listOfAgent,
  listOfSession,
  type SessionList,
  sessionOfList,
} from './stored-lists.ts';

/** A witness as it is written. 0 stands for what the session, or the first witness of the act, says. */
type StoredWitness = readonly [
  topic: string,
  partition: number,
  offset: number,
  index: number,
  /** 0 where it is the number in the session. */
  nativeId: string | 0,
  ms: number,
  seq: number | null,
  agent: string | 0,
  call: string | null | 0,
  tool: string | 0,
  /** 0 for digest and leaves: the arguments are those of the first witness. */
  digest: string | null | 0,
  leaves: WitnessRecord['leaves'] | 0,
  ...own: readonly unknown[],
];

type StoredAct = readonly [
  need: Act['need'],
  gap: number,
  dueMs: number,
  compared: number,
  reviewed: number,
  state: Act['state'],
  strength: Act['strength'],
  intents: readonly (StoredWitness | Intent)[],
  attempts: readonly (StoredWitness | Attempt)[],
];

interface StoredSession extends Entity, Pick<SessionEntity, 'seen' | 'identities'> {
  readonly s: SessionList;
  readonly acts: Readonly<Record<string, Act | StoredAct>>;
}

interface StoredAgent extends Entity {
  readonly a: AgentList;
}

/** Members that lists stand for. Whatever has others is written by name. */
const INTENT_MEMBERS = 14;
const ATTEMPT_MEMBERS = 18;

/** How sessions are written: their records member by member, acts of them as lists. */
export const SESSION_PACKING: PartPacking = {
  rest: (entity) => ({ s: listOfSession(entity as SessionEntity) }) as Entity,
  record: (name, members, entity) =>
    name === 'acts' ? packActs(members, (entity as SessionEntity).id) : members,
  restored: (stored) => unpackSession(stored as StoredSession),
};

/** How agents are written. */
export const AGENT_PACKING = {
  whole: (entity: Entity) => ({ a: listOfAgent(entity as AgentEntity) }) as Entity,
  head: headOfAgent,
  restored: (stored: Entity) => agentOfList((stored as StoredAgent).a),
};

function unpackSession({ s, acts, seen, identities }: StoredSession): SessionEntity {
  const session = sessionOfList(s);
  for (const key of Object.keys(acts)) session.acts[key] = unpackAct(acts[key] as Act, session.id);
  session.seen = seen;
  session.identities = identities;
  return session;
}

function packActs(members: Parts, session: string): Parts {
  const packed: Parts = newTable();
  for (const key of Object.keys(members)) {
    const act = members[key] as Act | null;
    packed[key] = act === null ? null : packAct(act, session);
  }
  return packed;
}

function packAct(act: Act, session: string): StoredAct {
  const { need, gap, dueMs, compared, reviewed, state, strength, intents, attempts } = act;
  const first = intents[0] ?? attempts[0];
  return [
    ...([need, gap, dueMs, compared, reviewed, state, strength] as const),
    intents.map((one) => packIntent(one, first, session)),
    attempts.map((one) => packAttempt(one, first, session)),
  ];
}

function packIntent(
  intent: Intent,
  first: WitnessRecord | undefined,
  session: string,
): StoredWitness | Intent {
  if (intent.kind !== 'reasoning' || !isPlain(intent, INTENT_MEMBERS)) return intent;
  const { index, afterSeq, claimed } = intent;
  return packed(intent, first, session, [index, afterSeq, claimed ? 1 : 0]);
}

function packAttempt(
  attempt: Attempt,
  first: WitnessRecord | undefined,
  session: string,
): StoredWitness | Attempt {
  if (attempt.kind !== 'gateway' || !isPlain(attempt, ATTEMPT_MEMBERS)) return attempt;
  const { decision, outcome, policy, ours, toolClass, tier, granted } = attempt;
  const own = [decision, outcome, policy, ours ? 1 : 0, toolClass, tier, granted];
  return packed(attempt, first, session, own);
}

/** Has it just the members that a list stands for? */
function isPlain(witness: WitnessRecord, members: number): boolean {
  let count = 0;
  for (const _ in witness) count += 1;
  return count === members && witness.at.topic === witness.topic && witness.given === undefined;
}

function packed(
  witness: WitnessRecord,
  first: WitnessRecord | undefined,
  session: string,
  own: readonly unknown[],
): StoredWitness {
  const { topic, nativeId, at, ms, seq, agent, call, tool, digest, leaves } = witness;
  const other = first === witness ? undefined : first;
  // Equal digests mean equal arguments, and those have equal leaves.
  const isAlike = other !== undefined && digest !== null && digest === other.digest;
  return [
    topic,
    at.partition,
    at.offset,
    at.index,
    nativeId === `session/${session}/${seq}` ? 0 : nativeId,
    ms,
    seq,
    agent === other?.agent ? 0 : agent,
    call === other?.call ? 0 : call,
    tool === other?.tool ? 0 : tool,
    isAlike ? 0 : digest,
    isAlike ? 0 : leaves,
    ...own,
  ];
}

function unpackAct(act: Act | StoredAct, session: string): Act {
  if (!isStoredAct(act)) return act;
  const [need, gap, dueMs, compared, reviewed, state, strength, intents, attempts] = act;
  let first: WitnessRecord | undefined;
  const firstOf = <T extends WitnessRecord>(witness: T): T => {
    first ??= witness;
    return witness;
  };
  return {
    intents: intents.map((one) => firstOf(unpackIntent(one, first, session))),
    attempts: attempts.map((one) => firstOf(unpackAttempt(one, first, session))),
    ...{ need, gap, dueMs, compared, reviewed, state, strength },
  };
}

function isStoredAct(act: Act | StoredAct): act is StoredAct {
  return Array.isArray(act);
}

function unpackIntent(
  stored: StoredWitness | Intent,
  first: WitnessRecord | undefined,
  session: string,
): Intent {
  if (!isStoredWitness(stored)) return stored;
  const [index, afterSeq, claimed] = stored.slice(OWN) as [number, number | null, 0 | 1];
  const common = { kind: 'reasoning' as const, ...unpacked(stored, first, session) };
  return { ...common, index, afterSeq, claimed: claimed === 1 };
}

function unpackAttempt(
  stored: StoredWitness | Attempt,
  first: WitnessRecord | undefined,
  session: string,
): Attempt {
  if (!isStoredWitness(stored)) return stored;
  const [decision, outcome, policy, ours, toolClass, tier, granted] = stored.slice(OWN) as [
    Attempt['decision'],
    Attempt['outcome'],
    string | null,
    0 | 1,
    string | null,
    string | null,
    boolean | null,
  ];
  const common = { kind: 'gateway' as const, ...unpacked(stored, first, session) };
  return { ...common, decision, outcome, policy, ours: ours === 1, toolClass, tier, granted };
}

/** Where in a stored witness begins what only intents, or only attempts, have. */
const OWN = 12;

function isStoredWitness(stored: StoredWitness | WitnessRecord): stored is StoredWitness {
  return Array.isArray(stored);
}

function unpacked(
  stored: StoredWitness,
  first: WitnessRecord | undefined,
  session: string,
): Omit<WitnessRecord, 'kind'> {
  const [topic, partition, offset, index, nativeId, ms, seq, agent, call, tool, digest, leaves] =
    stored;
  const other = first as WitnessRecord;
  return {
    topic,
    nativeId: nativeId === 0 ? `session/${session}/${seq}` : nativeId,
    at: { topic, partition, offset, index },
    ms,
    seq,
    agent: agent === 0 ? other.agent : agent,
    call: call === 0 ? other.call : call,
    tool: tool === 0 ? other.tool : tool,
    digest: digest === 0 ? other.digest : digest,
    leaves: leaves === 0 ? other.leaves : leaves,
  };
}
