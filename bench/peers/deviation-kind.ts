/** Kind `cep-deviation`, pattern (b): a call of another tool than its session announced. */
import { Type } from 'typebox';
import type { AnalyticKind, Finding, KindContext, See } from '../../src/detect/kind.ts';
import { durationMs } from '../../src/model/duration.ts';
import { eventWitness } from '../../src/model/event-witness.ts';
import type { EventFact, WitnessRecord } from '../../src/model/fact.ts';
import { naming } from '../../src/state/names.ts';
import type { Entity } from '../../src/state/slot.ts';

const Params = Type.Object(
  { within: Type.String({ pattern: '^[0-9]+(s|m)$', description: 'How long an intent waits.' }) },
  { additionalProperties: false },
);

/** An announced call that no call answered yet; enough of its record to be a witness again. */
type Pending = readonly [
  untilMs: number,
  session: string,
  tool: string,
  nativeId: string,
  topic: string,
  partition: number,
  offset: number,
  index: number,
];

interface Agent extends Entity {
  pending: Pending[];
}

const AGENTS_MAX = 100_000;
const PENDING_MAX = 256;

/**
 * The kind. Sigma cannot say it: a rule compares fields with values, and a correlation groups by equal
 * values; that a field of one event differs from a field of an earlier one, neither can ask. Each
 * intent is consumed by one call; a call that consumes several is one finding with all as witnesses.
 */
export const deviation: AnalyticKind = {
  name: 'cep-deviation',
  claim: 'A call of the same session whose tool is not the announced one, within a time.',
  params: Params,
  facts: ['event'],
  books: () => ['reasoning', 'gateway'],
  evidence: 'L0',
  bound: `${PENDING_MAX} intents an agent, ${AGENTS_MAX} agents`,
  spaces: (scope) => [spaceName('V:', scope)],
  compile(params, context): See {
    const within = (params as { readonly within: string }).within;
    const space = spaceName('V:', context.scope);
    const withinMs = durationMs(within);
    context.slots.rests(space);
    return (fact) => {
      if (fact.type !== 'event') return null;
      if (fact.event.action !== undefined) return called(fact, context, space, within);
      if (fact.event.reasoning !== undefined) announced(fact, context, space, withinMs);
      return null;
    };
  },
};

const spaceName = naming((kind, scope) => `${kind}${scope}`);
const agentKey = naming((tenant, agent) => `${tenant.length}:${tenant} ${agent}`);

function announced(fact: EventFact, context: KindContext, space: string, withinMs: number): void {
  const { event, tenant, agent: name } = fact;
  const intents = event.reasoning?.intents ?? [];
  const session = event.session?.id;
  if (intents.length === 0 || session === undefined) return;
  const { slots } = context;
  const key = agentKey(tenant, name);
  const ms = event.time.eventMs;
  let agent = slots.get<Agent>(space, key);
  if (agent === undefined) {
    makeRoom(context, space, ms);
    agent = { pending: [] };
    slots.put(space, key, agent);
  } else expire(agent, ms);
  const { topic, partition, offset, index } = event.src;
  for (const { tool } of intents)
    agent.pending.push([
      ms + withinMs,
      session,
      tool,
      event.nativeId,
      topic,
      partition,
      offset,
      index,
    ]);
  if (agent.pending.length > PENDING_MAX) {
    agent.pending.splice(0, agent.pending.length - PENDING_MAX);
    context.evicted(context.stem, 'an intent is forgotten: too many of one agent wait', ms);
  }
  slots.touch(space, key);
}

function called(
  fact: EventFact,
  { slots }: KindContext,
  space: string,
  within: string,
): Finding | null {
  const { event, tenant, agent: name } = fact;
  const key = agentKey(tenant, name);
  const agent = slots.get<Agent>(space, key);
  if (agent === undefined || agent.pending.length === 0) return null;
  const { pending } = agent;
  const before = pending.length;
  const consumed: Pending[] = [];
  const { eventMs } = event.time;
  let left = 0;
  for (const one of pending) {
    if (one[0] <= eventMs) continue;
    if (one[1] === event.session?.id && one[2] !== event.action?.tool) consumed.push(one);
    else {
      pending[left] = one;
      left += 1;
    }
  }
  pending.length = left;
  if (left < before) slots.touch(space, key);
  return consumed.length === 0 ? null : findingOf(fact, consumed, within);
}

function expire(agent: Agent, nowMs: number): void {
  const { pending } = agent;
  let gone = 0;
  while (gone < pending.length && (pending[gone] as Pending)[0] <= nowMs) gone += 1;
  if (gone > 0) pending.splice(0, gone);
}

/** Of eight, the agent with the fewest that wait is forgotten. */
function makeRoom(context: KindContext, space: string, nowMs: number): void {
  const { slots } = context;
  if (slots.count(space) < AGENTS_MAX) return;
  const [victim] = slots
    .sample<Agent>(space, 8)
    .sort(([, one], [, other]) => one.pending.length - other.pending.length);
  if (victim === undefined) return;
  slots.remove(space, victim[0]);
  context.evicted(context.stem, 'intents of an agent forgotten: too many agents', nowMs);
}

function findingOf(fact: EventFact, consumed: readonly Pending[], within: string): Finding {
  const call = eventWitness(fact);
  const announcedTools = consumed.map(([, , tool]) => JSON.stringify(tool)).join(', ');
  return {
    tenant: fact.tenant,
    agent: fact.agent,
    role: fact.role,
    session: fact.session?.id ?? null,
    said: [
      { witness: call, says: `called ${JSON.stringify(call.tool)}` },
      ...consumed.map((one) => ({
        witness: witnessOf(one, fact),
        says: `announced ${JSON.stringify(one[2])}`,
      })),
    ],
    seq: call.seq,
    tool: call.tool,
    timeMs: call.ms,
    decidedMs: call.ms,
    strength: 'exact',
    late: fact.late,
    explanation: `${JSON.stringify(call.tool)} was called; announced within ${within} before were ${announcedTools}.`,
    counterfactual: 'silent if the announced tool had been called',
  };
}

function witnessOf(
  [untilMs, , tool, nativeId, topic, partition, offset, index]: Pending,
  { agent }: EventFact,
): WitnessRecord {
  return {
    ...{ kind: 'reasoning', topic, nativeId, at: { topic, partition, offset, index } },
    ...{ ms: untilMs, seq: null, agent, call: null, tool, digest: null, leaves: null },
  };
}
