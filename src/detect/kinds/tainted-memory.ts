/** Kind `tainted-memory`: what a stranger's text left in a memory reaches another session. */
import { type Static, Type } from 'typebox';
import { durationMs } from '../../model/config.ts';
import { eventWitness } from '../../model/event-witness.ts';
import type { EventFact, WitnessRecord } from '../../model/fact.ts';
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
  bound: `${MEMORIES_MAX} memories, ${READERS_MAX} readers each`,
  spaces: spacesOf,
  compile(params, context): See {
    const { within } = params as Params;
    const windowMs = durationMs(within);
    return (fact) =>
      fact.type === 'event' && fact.event.reasoning?.memory !== undefined
        ? see(fact, context, windowMs, within)
        : null;
  },
};

function spacesOf(scope: string): readonly [string] {
  return [`U:${scope}`];
}

function see(
  fact: EventFact,
  context: KindContext,
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
  if (op === 'delete') slots.remove(space, key);
  if (op === 'write') written(fact, context, key, session);
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
function written(fact: EventFact, context: KindContext, key: string, session: string): void {
  const { slots } = context;
  const [space] = spacesOf(context.scope);
  const documents = fact.event.reasoning?.context?.documents;
  if (documents === undefined) return;
  if (!documents.some(({ trust }) => trust === 'untrusted')) {
    if (documents.length > 0 && documents.every(({ trust }) => trust === 'trusted'))
      slots.remove(space, key);
    return;
  }
  if (slots.get(space, key) === undefined) makeRoom(context, space, fact.event.time.eventMs);
  const tainted: Tainted = { session, writer: eventWitness(fact), readers: [] };
  slots.put(space, key, tainted);
}

/** Of eight, the one that was written first is forgotten. */
function makeRoom(context: KindContext, space: string, nowMs: number): void {
  const { slots } = context;
  if (slots.count(space) < MEMORIES_MAX) return;
  let victim: readonly [string, Tainted] | undefined;
  for (const each of slots.sample<Tainted>(space, 8))
    if (victim === undefined || each[1].writer.ms < victim[1].writer.ms) victim = each;
  if (victim === undefined) return;
  slots.remove(space, victim[0]);
  context.evicted(context.stem, 'a tainted memory forgotten: too many of them', nowMs);
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
