/** Kind `tainted-memory`: what a stranger's text left in a memory reaches another session. */
import { type Static, Type } from 'typebox';
import { durationMs } from '../../model/duration.ts';
import { eventWitness } from '../../model/event-witness.ts';
import type { EventFact, WitnessRecord } from '../../model/fact.ts';
import { Keep } from '../../state/keep.ts';
import { naming } from '../../state/names.ts';
import type { Entity } from '../../state/slot.ts';
import { fieldReader } from '../derived/fields.ts';
import type { AnalyticKind, Finding, KindContext, See } from '../kind.ts';

const Params = Type.Object(
  {
    within: Type.String({
      pattern: '^[0-9]+(m|h|d)$',
      description: 'A memory that was read later than so long after the write is not looked at.',
    }),
  },
  { additionalProperties: false },
);
type Params = Static<typeof Params>;

/** A memory that was written with a stranger's text in view. */
interface Tainted extends Entity {
  /** Session that wrote it. */
  readonly session: string;
  readonly writer: WitnessRecord;
  /** Sessions that were reported to have read it. */
  readers: string[];
}

const MEMORIES_MAX = 100_000;
/** Tainted memories of one agent that are remembered. */
const AGENT_MEMORIES_MAX = 1000;
/** So many readers of one taint are told; by then somebody knows. */
const READERS_MAX = 16;

const memoryOf = fieldReader('derived.memory');

/** The kind. State: a witness and 16 readers each of 100,000 tainted memories. */
export const taintedMemory: AnalyticKind = {
  name: 'tainted-memory',
  claim: 'A memory that was written with untrusted text in view is read by another session.',
  params: Params,
  facts: ['event'],
  evidence: 'L0',
  bound: `${MEMORIES_MAX} memories, ${AGENT_MEMORIES_MAX} of one agent, ${READERS_MAX} readers each`,
  spaces: spacesOf,
  compile(params, context): See {
    const { within } = params as Params;
    const windowMs = durationMs(within);
    const keep = keepOf(context);
    return (fact) =>
      fact.type === 'event' && fact.event.reasoning?.memory !== undefined
        ? see(fact, context, keep, windowMs, within)
        : null;
  },
};

function spacesOf(scope: string): readonly [string] {
  return [`U:${scope}`];
}

function see(
  fact: EventFact,
  context: KindContext,
  keep: Keep,
  windowMs: number,
  within: string,
): Finding | null {
  const { slots, inventory } = context;
  const memory = memoryOf(fact, inventory);
  const session = fact.session?.id;
  const op = fact.event.reasoning?.memory?.op;
  if (memory === undefined || session === undefined) return null;
  const [space] = spacesOf(context.scope);
  const key = `${fact.tenant.length}:${fact.tenant} ${String(memory)}`;
  const forget = () => {
    slots.remove(space, key);
    keep.remove(key);
  };
  if (op === 'delete') forget();
  if (op === 'write') written(fact, context, keep, key, { session, forget });
  if (op !== 'read') return null;
  const tainted = slots.get<Tainted>(space, key);
  if (tainted === undefined || tainted.session === session) return null;
  const agoMs = fact.event.time.eventMs - tainted.writer.ms;
  // Later than that, or before the write though it came after it: nothing can be said.
  if (agoMs < 0 || agoMs > windowMs || tainted.readers.length >= READERS_MAX) return null;
  if (tainted.readers.includes(session)) return null;
  tainted.readers.push(session);
  slots.touch(space, key);
  return findingOf(fact, session, tainted, within);
}

/**
 * A stranger's text in view taints; trusted text alone makes a clean memory of it. Where nobody says
 * what was in view a tainted memory stays so: a line may have been added to it.
 */
function written(
  fact: EventFact,
  context: KindContext,
  keep: Keep,
  key: string,
  { session, forget }: { readonly session: string; readonly forget: () => void },
): void {
  const { slots } = context;
  const [space] = spacesOf(context.scope);
  const documents = fact.event.reasoning?.context?.documents;
  if (documents === undefined) return;
  if (!documents.some(({ trust }) => trust === 'untrusted')) {
    if (documents.length > 0 && documents.every(({ trust }) => trust === 'trusted')) forget();
    return;
  }
  const isNew = slots.get(space, key) === undefined;
  const writer = eventWitness(fact);
  const owner = ownerOf(fact.tenant, writer.agent);
  if (isNew) makeRoom(context, keep, space, owner, fact.event.time.eventMs);
  const tainted: Tainted = { session, writer, readers: [] };
  slots.put(space, key, tainted);
  if (isNew) keep.add(key, owner);
}

const ownerOf = naming((tenant, agent) => `${tenant.length}:${tenant} ${agent}`);

/** What was read stays longest. */
function keepOf({ slots, scope }: KindContext): Keep {
  const [space] = spacesOf(scope);
  return new Keep((key) => {
    const tainted = slots.get<Tainted>(space, key);
    return tainted === undefined ? null : Math.min(2, tainted.readers.length);
  });
}

/** One of the agent that wrote too many is forgotten, or the first of those that nobody read. */
function makeRoom(
  context: KindContext,
  keep: Keep,
  space: string,
  owner: string,
  nowMs: number,
): void {
  const { slots } = context;
  // After a restore the order is made anew.
  if (keep.size !== slots.count(space)) keep.adopt(inOrder(slots.entities<Tainted>(space)));
  const isOwn = keep.heldBy(owner) >= AGENT_MEMORIES_MAX;
  if (!isOwn && slots.count(space) < MEMORIES_MAX) return;
  const victim = isOwn ? keep.leastOf(owner) : keep.least(MEMORIES_MAX);
  if (victim === undefined) return;
  slots.remove(space, victim);
  keep.remove(victim);
  context.evicted(context.stem, 'a tainted memory forgotten: too many of them', nowMs);
}

/** The tenant in front of a memory's key. */
function tenantOf(key: string): string {
  const colon = key.indexOf(':');
  return key.slice(colon + 1, colon + 1 + Number(key.slice(0, colon)));
}

function inOrder(
  memories: Iterable<[key: string, tainted: Tainted]>,
): (readonly [key: string, owner: string])[] {
  return [...memories]
    .sort(([a, one], [b, other]) =>
      one.writer.ms !== other.writer.ms ? one.writer.ms - other.writer.ms : a < b ? -1 : 1,
    )
    .map(([key, { writer }]) => [key, ownerOf(tenantOf(key), writer.agent)] as const);
}

function findingOf(fact: EventFact, session: string, tainted: Tainted, within: string): Finding {
  const witness = eventWitness(fact);
  const minutes = Math.round((witness.ms - tainted.writer.ms) / 60_000);
  return {
    tenant: fact.tenant,
    agent: fact.session?.agent ?? fact.agent,
    role: fact.role,
    session,
    said: [
      { witness: tainted.writer, says: 'wrote the memory with untrusted text in view' },
      { witness, says: 'reads it in another session' },
    ],
    seq: witness.seq,
    tool: null,
    timeMs: witness.ms,
    decidedMs: witness.ms,
    strength: 'exact',
    late: fact.late,
    explanation: `A memory that session ${JSON.stringify(tainted.session.slice(0, 128))} wrote with untrusted text in view is read by another session, ${minutes} minutes later.`,
    counterfactual: `silent where its own session reads it, where it was deleted or written anew from trusted text before, or more than ${within} later`,
  };
}
