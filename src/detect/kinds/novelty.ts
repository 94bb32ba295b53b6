/** Kind `novelty`: an agent that rarely does anything new uses a tool for the first time. */
import { type Static, Type } from 'typebox';
import { eventWitness } from '../../model/event-witness.ts';
import type { EventFact } from '../../model/fact.ts';
import { idOf } from '../../model/ids.ts';
import { naming } from '../../state/names.ts';
import type { Entity } from '../../state/slot.ts';
import { fieldReader } from '../derived/fields.ts';
import type { AnalyticKind, Finding, KindContext, See } from '../kind.ts';

const PEERS_MAX = 16;
const Params = Type.Object(
  {
    onceIn: Type.Integer({
      minimum: 2,
      maximum: 1_000_000,
      description:
        'Fires where the agent was to bring up a new tool less than once in so many calls: of N calls by T tools, once in (N + T) / T (Witten and Bell 1991, method C).',
    }),
    peers: Type.Integer({
      minimum: 1,
      maximum: PEERS_MAX,
      description: 'Silent where so many others of its role use the tool.',
    }),
  },
  { additionalProperties: false },
);
type Params = Static<typeof Params>;

/** What an agent, or a role, has used so far. */
interface Used extends Entity {
  /** Executed calls of an agent, counted up to what the question needs; 0 for a role. */
  calls: number;
  /** Tools in the order of their first use; behind each, for a role, digests of its first users. */
  tools: [tool: string, users: string[]][];
}

/** Agents and roles. */
const ENTITIES_MAX = 100_000;
/** Whoever uses more tools than these is at home with new ones: nothing is said any more. */
const TOOLS_MAX = 128;
const NAME_MAX = 128;
/** So many times the calls that are needed are counted: a steady agent is not written for ever. */
const ENOUGH = 4;

const executed = fieldReader('call.executed');
const toolOf = fieldReader('call.tool');

/** The kind. State: at most 128 tools an agent and a role, 100,000 agents and roles together. */
export const novelty: AnalyticKind = {
  name: 'novelty',
  claim: 'A settled agent executes a call by a tool it never used, and hardly a peer does either.',
  params: Params,
  facts: ['event'],
  evidence: 'L0',
  bound: `${TOOLS_MAX} tools an agent, ${ENTITIES_MAX} agents and roles`,
  spaces: spacesOf,
  compile(params, context): See {
    const rule = params as Params;
    for (const space of spacesOf(context.scope)) context.slots.rests(space);
    return (fact) => (fact.type === 'event' ? see(rule, fact, context) : null);
  },
};

function spacesOf(scope: string): readonly [string] {
  return [spaceName('V:', scope)];
}

const spaceName = naming((kind, scope) => `${kind}${scope}`);

function see(rule: Params, fact: EventFact, context: KindContext): Finding | null {
  if (fact.event.action === undefined || executed(fact, context.inventory) !== true) return null;
  const tool = String(toolOf(fact, context.inventory)).slice(0, NAME_MAX);
  const agent = fact.session?.agent ?? fact.agent;
  const own = usedBy(context, agentKey(fact.tenant, agent), fact);
  if (own.entity.tools.some(([known]) => known === tool)) {
    count(rule, own, context);
    return null;
  }
  const distinct = own.entity.tools.length;
  const { calls } = own.entity;
  const peers = share(rule, fact, agent, tool, context);
  if (distinct < TOOLS_MAX) own.entity.tools.push([tool, []]);
  own.entity.calls += 1;
  context.slots.touch(spacesOf(context.scope)[0], own.key);
  if (distinct === 0 || distinct >= TOOLS_MAX) return null;
  const onceIn = (calls + distinct) / distinct;
  if (onceIn <= rule.onceIn || peers >= rule.peers) return null;
  return findingOf(rule, fact, agent, { calls, distinct, onceIn, peers, tool });
}

interface Held {
  readonly key: string;
  readonly entity: Used;
}

/** The entity, made where it is new. */
function usedBy(context: KindContext, key: string, fact: EventFact): Held {
  const [space] = spacesOf(context.scope);
  const known = context.slots.get<Used>(space, key);
  if (known !== undefined) return { key, entity: known };
  makeRoom(context, space, fact.event.time.eventMs);
  const entity: Used = { calls: 0, tools: [] };
  context.slots.put(space, key, entity);
  return { key, entity };
}

/** One more call by a known tool. Beyond what can ever be asked for nothing is counted or written. */
function count(rule: Params, { key, entity }: Held, context: KindContext): void {
  if (entity.calls >= ENOUGH * rule.onceIn * entity.tools.length) return;
  entity.calls += 1;
  context.slots.touch(spacesOf(context.scope)[0], key);
}

/** Enters the tool for the role; how many others of it used the tool before, at most `peers`. */
function share(
  rule: Params,
  fact: EventFact,
  agent: string,
  tool: string,
  context: KindContext,
): number {
  if (fact.role === null) return 0;
  const { key, entity } = usedBy(context, roleKey(fact.tenant, fact.role), fact);
  const self = idOf('novelty', agent).slice(0, 12);
  let row = entity.tools.find(([known]) => known === tool);
  if (row === undefined) {
    // What more tools a role uses is asked of its agents alone.
    if (entity.tools.length >= TOOLS_MAX) return 0;
    row = [tool, []];
    entity.tools.push(row);
  }
  const [, users] = row;
  const others = users.filter((one) => one !== self).length;
  if (users.length > rule.peers || users.includes(self)) return others;
  users.push(self);
  context.slots.touch(spacesOf(context.scope)[0], key);
  return others;
}

/** Unambiguous: no tenant and agent share a key with others. */
const agentKey = naming((tenant, agent) => `a${tenant.length}:${tenant} ${agent}`);
const roleKey = naming((tenant, role) => `r${tenant.length}:${tenant} ${role}`);

/** Of eight, the one that was least far on its way is forgotten: it has the least to tell. */
function makeRoom(context: KindContext, space: string, nowMs: number): void {
  const { slots } = context;
  if (slots.count(space) < ENTITIES_MAX) return;
  let victim: readonly [string, Used] | undefined;
  for (const each of slots.sample<Used>(space, 8))
    if (victim === undefined || weightOf(each) < weightOf(victim)) victim = each;
  if (victim === undefined) return;
  slots.remove(space, victim[0]);
  const { calls, tools } = victim[1];
  const detail = `what an agent uses forgotten at ${calls} calls and ${tools.length} tools: too many agents`;
  context.evicted(context.stem, detail, nowMs);
}

/** A role speaks for all of its agents, so it goes last. */
function weightOf([key, { calls, tools }]: readonly [string, Used]): number {
  return key.startsWith('r') ? 1e9 + tools.length : calls;
}

interface Measured {
  readonly calls: number;
  readonly distinct: number;
  readonly onceIn: number;
  readonly peers: number;
  readonly tool: string;
}

function findingOf(rule: Params, fact: EventFact, agent: string, measured: Measured): Finding {
  const { calls, distinct, onceIn, peers, tool } = measured;
  const witness = eventWitness(fact);
  const habit = `${distinct} tools in at least ${calls} calls`;
  return {
    tenant: fact.tenant,
    agent,
    role: fact.role,
    session: fact.session?.id ?? null,
    said: [{ witness, says: `is its first call of this tool, after ${habit}` }],
    seq: witness.seq,
    tool: fact.event.action?.tool ?? null,
    timeMs: witness.ms,
    decidedMs: witness.ms,
    strength: 'exact',
    late: fact.late,
    explanation: `First executed call of ${JSON.stringify(tool)} by an agent that used ${habit}: something new was to be expected once in ${Math.floor(onceIn)} calls, and ${peers} others of its role use it.`,
    counterfactual: `silent where something new is to be expected once in ${rule.onceIn} calls, or ${rule.peers} others of its role use the tool`,
  };
}
