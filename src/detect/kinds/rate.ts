/** Kind `rate`: too many, or too much, within a sliding window of event time. */
import { type Static, Type } from 'typebox';
import { durationMs } from '../../model/duration.ts';
import { KINDS } from '../../model/event.ts';
import { eventWitness } from '../../model/event-witness.ts';
import type { Inventory } from '../../model/expectation.ts';
import type { EventFact } from '../../model/fact.ts';
import { grownNumbers } from '../../state/grown.ts';
import { Keep } from '../../state/keep.ts';
import { naming } from '../../state/names.ts';
import type { Entity } from '../../state/slot.ts';
import { fieldReader } from '../derived/fields.ts';
import { fieldProblem } from '../derived/names.ts';
import type { AnalyticKind, Finding, KindContext, See } from '../kind.ts';

const Path = Type.String({ pattern: '^[a-zA-Z]+(\\.[a-zA-Z]+)*$', maxLength: 128 });
const Params = Type.Object(
  {
    kind: Type.Enum(KINDS, { description: 'Book whose events are counted.' }),
    category: Type.Optional(Type.String({ description: 'Category, for example tool_call.' })),
    where: Type.Optional(
      Type.Record(Path, Type.Union([Type.String(), Type.Number(), Type.Boolean()]), {
        additionalProperties: false,
        description: 'Path → value that the event must have; all must hold.',
      }),
    ),
    by: Type.Array(Path, { minItems: 1, maxItems: 4, description: 'Paths that make a group.' }),
    sum: Type.Optional(Type.String({ description: 'Path of a number to add up; absent: count.' })),
    atLeast: Type.Number({ exclusiveMinimum: 0, description: 'Fires at this count or sum.' }),
    within: Type.String({ pattern: '^[0-9]+(ms|s|m|h)$', description: 'Length of the window.' }),
    exceptPolling: Type.Optional(
      Type.Boolean({ description: 'Leave out tools the inventory marks as polling.' }),
    ),
  },
  { additionalProperties: false },
);
type Params = Static<typeof Params>;

interface Group extends Entity {
  /** Tenant and agent whose event opened it: its quota pays for it. Rows of before have none. */
  readonly owner?: string;
  /** Governance knew that agent by its role. */
  readonly vouched?: true;
  /** Event times in the window, ascending, ms. */
  times: number[];
  /** What each adds. Empty when counting. */
  values: number[];
  /** True while above the threshold: one finding an episode. */
  above: boolean;
}

const EVENTS_MAX = 4096;
const GROUPS_MAX = 100_000;
/** Groups that one agent may hold in one detector. */
export const AGENT_GROUPS_MAX = 1000;
/** Below so many groups nothing is looked for that could be forgotten. */
const GROUPS_FREE = 1024;
/** A group is kept this much longer than its window, for records that come late. */
const LATE_MAX_MS = 3_600_000;

/** The kind. State: per group at most 4,096 event times; at most 100,000 groups a detector. */
export const rate: AnalyticKind = {
  name: 'rate',
  claim: 'More events, or a larger sum, within a sliding window than the threshold allows.',
  params: Params,
  facts: ['event'],
  books: (params) => [(params as Params).kind],
  evidence: 'L0',
  bound: `${EVENTS_MAX} events a group, ${GROUPS_MAX} groups, ${AGENT_GROUPS_MAX} of one agent`,
  spaces: (scope) => [spaceOf({ scope })],
  problems(params) {
    const { where = {}, by, sum } = params as Params;
    const paths: [(string | number)[], string][] = [
      ...Object.keys(where).map((path): [string[], string] => [['where', path], path]),
      ...by.map((path, at): [(string | number)[], string] => [['by', at], path]),
      ...(sum === undefined ? [] : [[['sum'], sum] as [string[], string]]),
    ];
    return paths.flatMap(([at, path]) => {
      const problem = fieldProblem(path, (params as Params).kind);
      return problem === null ? [] : [{ path: at, message: problem }];
    });
  },
  compile(params, context): See {
    const rule = params as Params;
    // A group is asked for by its key each time, and not held on to.
    context.slots.rests(spaceOf(context));
    const compiled: Compiled = {
      rule,
      windowMs: durationMs(rule.within),
      where: Object.entries(rule.where ?? {}).map(([path, value]) => [fieldReader(path), value]),
      by: rule.by.map(fieldReader),
      sum: rule.sum === undefined ? null : fieldReader(rule.sum),
      keep: keepOf(rule, context),
      asksForOurs: Object.hasOwn(rule.where ?? {}, 'call.ours') || rule.by.includes('call.ours'),
    };
    return (fact) => (fact.type === 'event' ? see(compiled, fact, context) : null);
  },
};

type Reader = ReturnType<typeof fieldReader>;

/** A rule with its paths resolved. */
interface Compiled {
  readonly rule: Params;
  readonly windowMs: number;
  readonly where: readonly (readonly [Reader, unknown])[];
  readonly by: readonly Reader[];
  readonly sum: Reader | null;
  /** Whom to let go of where there are too many. */
  readonly keep: Keep;
  /** Only who names `call.ours` counts what our own leases refused. */
  readonly asksForOurs: boolean;
}

function see(compiled: Compiled, fact: EventFact, context: KindContext): Finding | null {
  const { rule } = compiled;
  const { event } = fact;
  if (event.kind !== rule.kind) return null;
  if (fact.ours && !compiled.asksForOurs) return null;
  if (rule.category !== undefined && event.category !== rule.category) return null;
  for (const [read, value] of compiled.where)
    if (read(fact, context.inventory) !== value) return null;
  if (
    rule.exceptPolling === true &&
    context.inventory.tool(event.action?.tool ?? '')?.polling === true
  )
    return null;
  const value = compiled.sum === null ? 1 : compiled.sum(fact, context.inventory);
  if (typeof value !== 'number' || !Number.isFinite(value)) return null;
  const key = groupOf(compiled, fact, context.inventory);
  if (key === null) return null;
  return enter(compiled, fact, context, key, value);
}

function groupOf({ by }: Compiled, fact: EventFact, inventory: Inventory): string | null {
  let key = '';
  for (let at = 0; at < by.length; at += 1) {
    const part = (by[at] as Reader)(fact, inventory);
    // An event that does not name the group belongs to none: never fold the unidentified into one.
    if (part === undefined || part === null) return null;
    const text = String(part);
    if (at === 0) key = firstKey(fact.tenant, text);
    else key = at === 1 ? secondKey(key, text) : `${key} ${text.length}:${text}`;
  }
  return key === '' ? `${fact.tenant.length}:${fact.tenant}` : key;
}

// Most groups have two parts, and come again.
const secondKey = naming((key, part) => `${key} ${part.length}:${part}`);
const firstKey = naming((tenant, part) => `${tenant.length}:${tenant} ${part.length}:${part}`);

function enter(
  { rule, windowMs, keep }: Compiled,
  fact: EventFact,
  context: KindContext,
  key: string,
  value: number,
): Finding | null {
  const ms = fact.event.time.eventMs;
  const { slots } = context;
  const space = spaceOf(context);
  let group = slots.get<Group>(space, key);
  if (group === undefined) {
    const owner = ownerOf(fact.tenant, fact.session?.agent ?? fact.agent);
    makeRoom(keep, owner, context, windowMs, ms);
    const vouched = fact.role === null ? {} : { vouched: true as const };
    group = { owner, ...vouched, times: [], values: [], above: false };
    slots.put(space, key, group);
    keep.add(key, owner);
  }
  const openedMs = Math.max(ms, group.times.at(-1) ?? ms) - windowMs;
  // So late that the window has moved past it: it changes nothing any more.
  if (ms <= openedMs) return null;
  expire(group, openedMs);
  // The window may have emptied since the last event: then that episode is over.
  if (group.above && totalOf(rule, group) < rule.atLeast) group.above = false;
  insert(group, ms, rule.sum === undefined ? null : value);
  if (group.times.length > EVENTS_MAX) drop(group, group.times.length - EVENTS_MAX);
  slots.touch(space, key);
  const total = totalOf(rule, group);
  if (group.above || total < rule.atLeast) return null;
  group.above = true;
  return finding(rule, fact, key, total);
}

/** Each detector counts in a space of its own, so that its bound is its own too. */
function spaceOf({ scope }: Pick<KindContext, 'scope'>): string {
  return spaceName('R:', scope);
}

const spaceName = naming((kind, scope) => `${kind}${scope}`);

function totalOf(rule: Params, group: Group): number {
  if (rule.sum === undefined) return group.times.length;
  let sum = 0;
  for (const part of group.values) sum += part;
  return sum;
}

/** Drops what is not later than `untilMs`. */
function expire(group: Group, untilMs: number): void {
  let old = 0;
  while (old < group.times.length && (group.times[old] as number) <= untilMs) old += 1;
  drop(group, old);
}

function drop(group: Group, oldest: number): void {
  if (oldest === 0) return;
  group.times.splice(0, oldest);
  group.values.splice(0, oldest);
}

function insert(group: Group, ms: number, value: number | null): void {
  let at = group.times.length;
  while (at > 0 && (group.times[at - 1] as number) > ms) at -= 1;
  if (at === group.times.length) {
    group.times = grownNumbers(group.times, ms);
    if (value !== null) group.values = grownNumbers(group.values, value);
    return;
  }
  group.times.splice(at, 0, ms);
  if (value !== null) group.values.splice(at, 0, value);
}

const ownerOf = naming((tenant, agent) => `${tenant.length}:${tenant} ${agent}`);

/** Groups with one event are on probation; others by how far they are; those vouched for behind all others. */
function keepOf({ atLeast, sum }: Params, context: KindContext): Keep {
  const space = spaceOf(context);
  const needed = sum === undefined ? atLeast : 8;
  return new Keep((key) => {
    const group = context.slots.get<Group>(space, key);
    if (group === undefined) return null;
    const { length } = group.times;
    const progress = Math.min(3, Math.floor((3 * length) / needed));
    if (group.vouched === true) return 4 + progress;
    return length < 2 ? 0 : 1 + Math.min(2, progress);
  });
}

/**
 * Forgets groups whose window is over; where none is, one of the agent that holds too many, or the one
 * that is least far on its way.
 */
function makeRoom(
  keep: Keep,
  owner: string,
  context: KindContext,
  windowMs: number,
  nowMs: number,
): void {
  const { slots } = context;
  const space = spaceOf(context);
  // After a restore the order is made anew.
  if (keep.size !== slots.count(space)) keep.adopt(inOrder(slots.entities<Group>(space)));
  if (slots.count(space) < GROUPS_FREE && keep.heldBy(owner) < AGENT_GROUPS_MAX) return;
  for (const [key, group] of slots.sample<Group>(space, 8)) {
    if ((group.times.at(-1) ?? 0) > nowMs - windowMs - LATE_MAX_MS) continue;
    slots.remove(space, key);
    keep.remove(key);
  }
  const isOwn = keep.heldBy(owner) >= AGENT_GROUPS_MAX;
  if (!isOwn && slots.count(space) < GROUPS_MAX) return;
  const victim = isOwn ? keep.leastOf(owner) : keep.least(GROUPS_MAX);
  if (victim === undefined) return;
  const { length } = slots.get<Group>(space, victim)?.times ?? [];
  slots.remove(space, victim);
  keep.remove(victim);
  const cause = isOwn ? 'too many of one agent' : 'too many groups';
  context.evicted(context.stem, `group evicted at ${length} events: ${cause}`, nowMs);
}

function inOrder(
  groups: Iterable<[key: string, group: Group]>,
): (readonly [key: string, owner: string | null])[] {
  return [...groups]
    .map(([key, { owner = null, times }]) => ({ key, owner, ms: times.at(-1) ?? 0 }))
    .sort((a, b) => (a.ms !== b.ms ? a.ms - b.ms : a.key < b.key ? -1 : 1))
    .map(({ key, owner }) => [key, owner] as const);
}

function finding(rule: Params, fact: EventFact, key: string, total: number): Finding {
  const { event, session } = fact;
  const witness = eventWitness(fact);
  const measured = rule.sum === undefined ? `${total} events` : `a sum of ${Math.round(total)}`;
  return {
    tenant: fact.tenant,
    agent: session?.agent ?? fact.agent,
    role: fact.role,
    session: session?.id ?? null,
    said: [{ witness, says: `completes ${measured} within ${rule.within}` }],
    seq: witness.seq,
    tool: event.action?.tool ?? null,
    timeMs: witness.ms,
    decidedMs: witness.ms,
    strength: 'exact',
    late: fact.late,
    evidenceKey: key,
    explanation: `${measured} within ${rule.within}, grouped by ${rule.by.join(', ')}; the limit is ${rule.atLeast}.`,
    counterfactual: `silent below ${rule.atLeast} within ${rule.within}`,
  };
}
