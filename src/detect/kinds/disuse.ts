/** Kind `disuse`: tools that were granted and that their agent, though at work, never calls. */
import { type Static, Type } from 'typebox';
import { durationMs } from '../../model/duration.ts';
import { eventWitness } from '../../model/event-witness.ts';
import type { EventFact } from '../../model/fact.ts';
import { naming } from '../../state/names.ts';
import type { Entity } from '../../state/slot.ts';
import { fieldReader } from '../derived/fields.ts';
import type { AnalyticKind, Finding, KindContext, See } from '../kind.ts';

const Params = Type.Object(
  {
    after: Type.String({
      pattern: '^[0-9]+(m|h|d)$',
      description: 'Fires where a tool was not called for so long since its grant or last use.',
    }),
    days: Type.Integer({
      minimum: 1,
      maximum: 1000,
      description: 'Days of that time on which the agent called something, at least.',
    }),
  },
  { additionalProperties: false },
);
type Params = Static<typeof Params>;

/** A granted tool: since when it is idle, and how many days the agent had worked by then. */
type Idle = [tool: string, sinceMs: number, sinceDays: number, told: boolean];

/** What an agent holds. */
interface Holder extends Entity {
  /** Days on which it called something, and the last of them. */
  days: number;
  lastDay: number;
  tools: Idle[];
}

const AGENTS_MAX = 100_000;
const TOOLS_MAX = 256;
const NAME_MAX = 128;
const NAMED_MAX = 5;
const DAY_MS = 86_400_000;
/** The time of a use is written this often in `after`: a tool in use is not written at every call. */
const PARTS = 16;

const toolOf = fieldReader('call.tool');

/** The kind. State: 256 tools each of 100,000 agents. Each grant is told once until it is used. */
export const disuse: AnalyticKind = {
  name: 'disuse',
  claim: 'An agent that is at work has not called a tool it holds for longer than is allowed.',
  params: Params,
  facts: ['event'],
  evidence: 'L0',
  bound: `${TOOLS_MAX} tools an agent, ${AGENTS_MAX} agents`,
  spaces: spacesOf,
  compile(params, context): See {
    const rule = params as Params;
    const afterMs = durationMs(rule.after);
    for (const space of spacesOf(context.scope)) context.slots.rests(space);
    return (fact) => {
      if (fact.type !== 'event') return null;
      if (fact.event.governance !== undefined) governed(fact, context);
      else if (fact.event.action !== undefined) return called(rule, afterMs, fact, context);
      return null;
    };
  },
};

function spacesOf(scope: string): readonly [string] {
  return [spaceName('W:', scope)];
}

const spaceName = naming((kind, scope) => `${kind}${scope}`);

function keyOf(fact: EventFact): string {
  return ownerKey(fact.tenant, fact.session?.agent ?? fact.agent);
}

const ownerKey = naming((tenant, agent) => `${tenant.length}:${tenant} ${agent}`);

/** Grants begin to be watched, and cease to be. */
function governed(fact: EventFact, context: KindContext): void {
  const { slots, inventory } = context;
  const [space] = spacesOf(context.scope);
  const { change, detail } = fact.event.governance ?? {};
  const key = keyOf(fact);
  if (change === 'agent.retired') slots.remove(space, key);
  if (change !== 'tools.granted' && change !== 'tools.revoked') return;
  const names = (detail?.tools ?? []).map(({ tool }) =>
    (inventory.tool(tool)?.tool ?? tool).slice(0, NAME_MAX),
  );
  let holder = slots.get<Holder>(space, key);
  if (change === 'tools.revoked') {
    if (holder === undefined) return;
    holder.tools = holder.tools.filter(([tool]) => !names.includes(tool));
  } else {
    const ms = fact.event.time.eventMs;
    if (holder === undefined) {
      makeRoom(context, space, ms);
      const tools = [...new Set(names)].slice(0, TOOLS_MAX);
      holder = { days: 0, lastDay: 0, tools: tools.map((tool): Idle => [tool, ms, 0, false]) };
      slots.put(space, key, holder);
      return;
    }
    for (const name of names) {
      if (holder.tools.length >= TOOLS_MAX) break;
      if (holder.tools.some(([tool]) => tool === name)) continue;
      holder.tools.push([name, ms, holder.days, false]);
    }
  }
  slots.touch(space, key);
}

/** A call is a use, whatever came of it; the first of a day is the moment to look. */
function called(
  { after, days }: Params,
  afterMs: number,
  fact: EventFact,
  context: KindContext,
): Finding | null {
  const { slots, inventory } = context;
  const [space] = spacesOf(context.scope);
  const key = keyOf(fact);
  const holder = slots.get<Holder>(space, key);
  if (holder === undefined) return null;
  const ms = fact.event.time.eventMs;
  const name = String(toolOf(fact, inventory)).slice(0, NAME_MAX);
  const own = holder.tools.find(([tool]) => tool === name);
  if (own !== undefined && (own[3] || ms - own[1] >= afterMs / PARTS)) {
    own.splice(1, 3, Math.max(own[1], ms), holder.days, false);
    slots.touch(space, key);
  }
  const day = Math.floor(ms / DAY_MS);
  if (day <= holder.lastDay) return null;
  holder.lastDay = day;
  holder.days += 1;
  slots.touch(space, key);
  const idle = look(fact, holder, ms - afterMs, days);
  return idle.length === 0 ? null : findingOf(fact, idle, after, days);
}

/** Names of grants in force that are idle and were not told; from now on they are. */
function look(fact: EventFact, holder: Holder, untilMs: number, days: number): string[] {
  const due = holder.tools.filter(
    ([, sinceMs, sinceDays, told]) =>
      !told && sinceMs <= untilMs && holder.days - sinceDays >= days,
  );
  if (due.length === 0) return [];
  const { grants } = fact.context().agent;
  const inForce = new Set(
    Object.entries(grants ?? {}).flatMap(([tool, { toMs }]) =>
      toMs === undefined || toMs >= fact.event.time.eventMs ? [tool.slice(0, NAME_MAX)] : [],
    ),
  );
  holder.tools = holder.tools.filter((each) => !due.includes(each) || inForce.has(each[0]));
  const idle = due.filter(([tool]) => inForce.has(tool));
  for (const each of idle) each[3] = true;
  return idle.map(([tool]) => tool);
}

/** Of eight, the agent that worked least is forgotten. */
function makeRoom(context: KindContext, space: string, nowMs: number): void {
  const { slots } = context;
  if (slots.count(space) < AGENTS_MAX) return;
  let victim: readonly [string, Holder] | undefined;
  for (const each of slots.sample<Holder>(space, 8))
    if (victim === undefined || each[1].days < victim[1].days) victim = each;
  if (victim === undefined) return;
  slots.remove(space, victim[0]);
  context.evicted(context.stem, 'grants of an agent forgotten: too many agents', nowMs);
}

function findingOf(fact: EventFact, idle: readonly string[], after: string, days: number): Finding {
  const witness = eventWitness(fact);
  const named = idle.slice(0, NAMED_MAX).map((tool) => JSON.stringify(tool));
  const rest = idle.length - named.length;
  return {
    tenant: fact.tenant,
    agent: fact.session?.agent ?? fact.agent,
    role: fact.role,
    session: null,
    said: [{ witness, says: `shows the agent at work; ${idle.length} of its tools are idle` }],
    seq: null,
    tool: null,
    timeMs: witness.ms,
    decidedMs: witness.ms,
    strength: 'exact',
    late: fact.late,
    explanation: `Not called for ${after} or longer, on at least ${days} days of work: ${named.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}.`,
    counterfactual: `silent for a tool that was called once within ${after}, or taken away`,
  };
}
