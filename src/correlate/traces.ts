/** Traces: the session of a record that names none, and the witnesses of one call. */
import type { Event } from '../model/event.ts';
import type { Attempt, Intent } from '../model/fact.ts';
import { newTable } from '../model/table.ts';
import type { Entity, PartPacking } from '../state/slot.ts';
import type { TraceHead } from './heads.ts';
import { agentNamed } from './identity.ts';
import { count, type Ledger } from './ledger.ts';
import { LINKS_OF_ACT, TRACES_OF_SESSION_MAX } from './room.ts';
import { type Act, type AgentEntity, keyOf, markOf, type SessionEntity } from './session.ts';
import { sameArguments } from './witness.ts';

/** A trace, as far as it tells what its records leave out. */
interface TraceEntity extends Entity {
  readonly tenant: string;
  /** The session that was first named in it. */
  readonly session: string;
  /** Span, parent, request or call with its tool → side (`i` or `a`) and key of its act. */
  links: Record<string, string>;
  linkCount: number;
  /** Keys of the acts that were last entered, the newest last. */
  recent: string[];
  lastMs: number;
}

/** Where an event belongs and whom it is about. */
export interface Place {
  /** Null: to no session at all. */
  readonly session: string | null;
  readonly agent: string;
  /** False where the event does not name its agent itself: it accuses nobody of being another. */
  readonly isNamed: boolean;
  /** True where it is not named and nothing of the session was known yet. */
  readonly isNew: boolean;
}

/** An act that a witness belongs to by its trace; exact where a span or request says so. */
export interface Kin {
  readonly key: string;
  readonly exact: boolean;
  /** True where it is a witness of the other side that says so. */
  readonly crosses: boolean;
}

/** Records of a trace that are stored member by member: a long trace is not written anew for each call. */
export const TRACE_RECORDS = ['links'] as const;

/** How traces are written: as they are, with a head that is asked for while they rest. */
export const TRACE_PACKING: PartPacking = {
  rest: (entity) => ({ ...entity }),
  record: (_name, members) => members,
  head: (entity): TraceHead => {
    const { wake = null, lastMs, linkCount, session } = entity as TraceEntity;
    return [wake, lastMs, linkCount, session];
  },
};

/** Space of traces in the slots. */
export const TRACES = 'trace';

const LINKS_MAX = 4096;
const RECENT_MAX = 64;

/**
 * The session an event is in and the agent it is about. Where the event names no session its trace does, and
 * a trace without one is one of its own. Where it names no agent, or only a process, it is about the
 * session's: a witness that knows nobody accuses nobody.
 */
export function placeOf(ledger: Ledger, tenant: string, event: Event): Place {
  const named = agentNamed(ledger, tenant, event);
  const own = event.session?.id;
  const traceId = event.keys?.traceId;
  const isActing = event.reasoning !== undefined || event.action !== undefined;
  let session = own ?? null;
  if (own === undefined && traceId !== undefined && isActing)
    session = traceIn(ledger, tenant, traceId)?.session ?? `trace:${traceId}`;
  if (named !== undefined && event.agent?.basis !== 'service')
    return { session, agent: named, isNamed: true, isNew: false };
  const known = session === null ? undefined : sessionIn(ledger, tenant, session);
  const owner = known === undefined || isUnresolved(known.agent) ? undefined : known.agent;
  return {
    session,
    agent: owner ?? named ?? unresolved(event),
    isNamed: session === null,
    isNew: known === undefined,
  };
}

const unresolved = (event: Event) => `unresolved:${event.src.name}`;
const isUnresolved = (agent: string) => agent.startsWith('unresolved:');

/** Notes that the trace is in the session, and gives the session to the first agent that names itself. */
export function linkTrace(
  ledger: Ledger,
  session: SessionEntity,
  event: Event,
  { agent, isNamed, isNew }: Place,
): void {
  const { tenant, id } = session;
  if (isNew && !isNamed) session.weaklyOwned = true;
  else if (isNamed && session.weaklyOwned === true) {
    session.weaklyOwned = false;
    if (session.ownedBy === 'witness') giveTo(ledger, session, agent);
  } else if (session.weaklyOwned === true && isUnresolved(session.agent) && !isUnresolved(agent))
    giveTo(ledger, session, agent);
  const traceId = event.keys?.traceId;
  if (traceId === undefined || traceIn(ledger, tenant, traceId) !== undefined) return;
  const { eventMs } = event.time;
  makeRoom(ledger, session, eventMs);
  const trace: TraceEntity = {
    ...{
      tenant,
      session: id,
      links: newTable<string>(),
      linkCount: 0,
      recent: [],
      lastMs: eventMs,
    },
  };
  ledger.slots.put(TRACES, keyOf(tenant, traceId), trace);
  ledger.room.traces.add(keyOf(tenant, traceId), keyOf(tenant, id));
  ledger.timers.wake(TRACES, keyOf(tenant, traceId), trace, eventMs + ledger.options.rememberMs);
}

function giveTo(ledger: Ledger, session: SessionEntity, agent: string): void {
  const { tenant } = session;
  const key = keyOf(tenant, session.id);
  const holder = (name: string) => ledger.slots.get<AgentEntity>('A', keyOf(tenant, name));
  const before = holder(session.agent);
  const at = before?.held.indexOf(key) ?? -1;
  if (before !== undefined && at >= 0) before.held.splice(at, 1);
  holder(agent)?.held.push(key);
  ledger.room.sessions.give(key, keyOf(tenant, agent));
  for (const name of [session.agent, agent]) ledger.slots.touch('A', keyOf(tenant, name));
  // Whoever was taken for its agent until now was never said to be one.
  const mark = markOf(session.agent);
  delete session.identities[mark];
  ledger.slots.touchPart('S', key, 'identities', mark);
  session.agent = agent;
  ledger.slots.touch('S', key);
}

/** A trace that nobody spoke in for as long as sessions are remembered is forgotten. */
export function visitTrace(ledger: Ledger, key: string, nowMs: number): void {
  const trace = ledger.slots.get<TraceEntity>(TRACES, key);
  if (trace === undefined) return;
  const forgetAt = trace.lastMs + ledger.options.rememberMs;
  if (nowMs >= forgetAt) forgetTrace(ledger, key);
  else ledger.timers.wake(TRACES, key, trace, forgetAt);
}

function forgetTrace(ledger: Ledger, key: string): void {
  ledger.slots.remove(TRACES, key);
  ledger.room.traces.remove(key);
}

/** A session that speaks in too many traces loses its own; the lane those that tell least. */
function makeRoom(ledger: Ledger, session: SessionEntity, ms: number): void {
  const { traces } = ledger.room;
  const { maxSessions, maxActs } = ledger.options;
  const owner = keyOf(session.tenant, session.id);
  if (traces.heldBy(owner) >= TRACES_OF_SESSION_MAX)
    evictTrace(ledger, traces.leastOf(owner), ms, session);
  if (ledger.slots.count(TRACES) >= maxSessions || traces.weight >= maxActs * LINKS_OF_ACT)
    evictTrace(ledger, traces.least(maxSessions), ms, null);
}

function evictTrace(
  ledger: Ledger,
  key: string | undefined,
  ms: number,
  payer: SessionEntity | null,
): void {
  if (key === undefined) return;
  forgetTrace(ledger, key);
  count(ledger, 'traces-evicted');
  const detail = 'a trace forgotten, too many: what names no session is not joined by it any more';
  ledger.notice('state.evicted', payer?.agent ?? 'traces', detail, ms, payer?.tenant ?? '-');
}

/**
 * The act that a call's witness belongs to by its trace: the one whose span is its parent or child, or whose
 * request it is; else the nearest of the same tool that this topic has not told of yet. Null: none.
 */
export function kinOf(
  ledger: Ledger,
  session: SessionEntity,
  event: Event,
  witness: Intent | Attempt,
): Kin | null {
  const trace = traceOf(ledger, session, event);
  if (trace === null) return null;
  const side = sideOf(witness);
  let related: string | null = null;
  let crosses = false;
  for (const name of relations(event, witness)) {
    const found = Object.hasOwn(trace.links, name) ? trace.links[name] : undefined;
    if (found === undefined) continue;
    const key = found.slice(1);
    const act = session.acts[key];
    // Under one claim a topic tells of one attempt: the next one is another call.
    const isOther = found[0] === 'i' && witness.kind === 'gateway' && !name.startsWith('c ');
    const isSpent = isOther && tells(act?.attempts, witness);
    if (act === undefined || isSpent || (related !== null && related !== key)) continue;
    related = key;
    crosses ||= found[0] !== side;
  }
  if (related !== null) return { key: related, exact: true, crosses };
  const key = nearest(session, trace, witness, ledger.options.joinWindowMs);
  return key === null ? null : { key, exact: false, crosses: false };
}

const sideOf = ({ kind }: Intent | Attempt) => (kind === 'gateway' ? 'a' : 'i');

/** Notes the span, the request and the call of a witness that was entered into an act. */
export function linkAct(
  ledger: Ledger,
  session: SessionEntity,
  event: Event,
  witness: Intent | Attempt,
  key: string,
): void {
  const trace = traceOf(ledger, session, event);
  if (trace === null) return;
  const own = keyOf(session.tenant, event.keys?.traceId ?? '');
  const side = sideOf(witness);
  for (const name of marksOf(event, witness)) {
    if (Object.hasOwn(trace.links, name)) continue;
    if (trace.linkCount >= LINKS_MAX) {
      count(ledger, 'trace-links-dropped');
      break;
    }
    trace.links[name] = `${side}${key}`;
    trace.linkCount += 1;
    ledger.room.traces.weigh(own, 1);
    ledger.slots.touchPart(TRACES, own, 'links', name);
  }
  if (trace.recent.at(-1) !== key) trace.recent.push(key);
  if (trace.recent.length > RECENT_MAX) trace.recent.shift();
  trace.lastMs = Math.max(trace.lastMs, event.time.eventMs);
  ledger.slots.touch(TRACES, own);
}

/** What others may look a witness up by. A model's own span is of no call in particular. */
function marksOf(event: Event, witness: Intent | Attempt): string[] {
  const marks = witness.call === null ? [] : [`c ${witness.call}`];
  if (isOfMany(witness)) return marks;
  const { spanId, parentSpanId, rpcId } = event.keys ?? {};
  const { tool } = witness;
  if (spanId !== undefined) marks.push(`s ${spanId} ${tool}`);
  if (parentSpanId !== undefined) marks.push(`p ${parentSpanId} ${tool}`);
  if (rpcId !== undefined) marks.push(`r ${rpcId} ${tool}`);
  return marks;
}

function relations(event: Event, witness: Intent | Attempt): string[] {
  const names = witness.call === null ? [] : [`c ${witness.call}`];
  if (isOfMany(witness)) return names;
  const { spanId, parentSpanId, rpcId } = event.keys ?? {};
  const { tool } = witness;
  if (parentSpanId !== undefined) names.push(`s ${parentSpanId} ${tool}`);
  if (spanId !== undefined) names.push(`p ${spanId} ${tool}`, `s ${spanId} ${tool}`);
  if (rpcId !== undefined) names.push(`r ${rpcId} ${tool}`);
  return names;
}

const isOfMany = (witness: Intent | Attempt) => witness.kind === 'reasoning' && !isClaim(witness);

const isClaim = (witness: Intent | Attempt) => 'claimed' in witness && witness.claimed;

function tells(witnesses: readonly (Intent | Attempt)[] | undefined, one: Intent | Attempt) {
  return witnesses?.some(({ topic }) => topic === one.topic) === true;
}

/** The nearest act of the tool in the trace that could be told of by this witness too. */
function nearest(
  session: SessionEntity,
  trace: TraceEntity,
  witness: Intent | Attempt,
  windowMs: number,
): string | null {
  if (witness.call !== null || isOfMany(witness)) return null;
  let best: string | null = null;
  let bestDistance = windowMs;
  let bestRank = 1;
  for (const key of trace.recent) {
    const act = session.acts[key];
    const first = act?.attempts[0] ?? act?.intents[0];
    if (act === undefined || first === undefined || first.tool !== witness.tool) continue;
    const own: readonly (Intent | Attempt)[] =
      witness.kind === 'gateway' ? act.attempts : act.intents.filter(isClaim);
    if (tells(own, witness) || contradicts(act, witness)) continue;
    const distance = Math.abs(first.ms - witness.ms);
    const rank = sameArguments(first, witness) ? 0 : 1;
    if (distance > windowMs || rank > bestRank) continue;
    if (rank === bestRank && best !== null && distance >= bestDistance) continue;
    best = key;
    bestDistance = distance;
    bestRank = rank;
  }
  return best;
}

function contradicts(act: Act, witness: Intent | Attempt): boolean {
  const { digest } = witness;
  if (digest === null) return false;
  return [...act.intents, ...act.attempts].some(
    (other) => other.digest !== null && other.digest !== digest,
  );
}

function traceOf(ledger: Ledger, session: SessionEntity, event: Event): TraceEntity | null {
  const traceId = event.keys?.traceId;
  if (traceId === undefined) return null;
  const trace = traceIn(ledger, session.tenant, traceId);
  return trace?.session === session.id ? trace : null;
}

function traceIn(ledger: Ledger, tenant: string, id: string): TraceEntity | undefined {
  return ledger.slots.get<TraceEntity>(TRACES, keyOf(tenant, id));
}

function sessionIn(ledger: Ledger, tenant: string, id: string): SessionEntity | undefined {
  return ledger.slots.get<SessionEntity>('S', keyOf(tenant, id));
}
