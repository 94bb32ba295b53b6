/** Correlation: folds events in canonical order into sessions and acts, and states facts. */
import { hash } from 'node:crypto';
import type { NoticeCode } from '../model/detection.ts';
import type { Event, Kind } from '../model/event.ts';
import type { Attempt, EventFact, Intent, WitnessRecord } from '../model/fact.ts';
import type { Entity } from '../state/slot.ts';
import type { Slots } from '../state/slots.ts';
import { Timers } from '../state/timers.ts';
import { unannouncedIn } from './announced.ts';
import { enterAttempt } from './attempts.ts';
import { Books, bookOf } from './books.ts';
import { contextOf } from './context.ts';
import { foresee } from './foresee.ts';
import { applyGovernance } from './governance.ts';
import { enterIntents } from './intents.ts';
import {
  agentOf,
  type ChangeWindow,
  type CorrelateOptions,
  changeWindowsOf,
  count,
  type FactSink,
  forget,
  isPartial,
  type LaneEntity,
  type Ledger,
  laneKey,
  laneOf,
  makeRoomForTenant,
  type Restrains,
  sessionOf,
  wakeBook,
  wakeSession,
} from './ledger.ts';
import { judgeMissing } from './missing.ts';
import { reviewActs } from './review.ts';
import { Room } from './room.ts';
import { addedBy, declareSeries, type SeriesCount } from './series.ts';
import {
  type AgentEntity,
  keyOf,
  markOf,
  nameOf,
  prune,
  SESSION_RECORDS,
  type SessionEntity,
  viewOf,
} from './session.ts';
import { AGENT_PACKING, SESSION_PACKING } from './stored.ts';
import { linkTrace, placeOf, TRACE_PACKING, TRACE_RECORDS, TRACES, visitTrace } from './traces.ts';
import { presence } from './witness.ts';

/** Spaces whose entities are asked for by key each time: none is held on to. */
const RESTING = ['S', 'A', TRACES];
/** Spaces with timers. */
const TIMED = ['S', TRACES, 'B'];
const IDENTITIES_MAX = 8;
const AGENT_SEEN_MAX = 256;
/** An agent is not written again for every event it is in: this is how exact its `lastMs` is. */
const AGENT_LAST_EACH_MS = 60_000;

/** The fold. All times are event time, ms. */
export type { CorrelateOptions };

export interface Correlate {
  /** Folds one event. Events come in canonical order; `late` ones out of it. */
  fold(event: Event, late: boolean): void;
  /** The fact an event will be when it is folded, as far as that can be told; null where it cannot. */
  foresee(event: Event): EventFact | null;
  /** Does what is due at or before `ms`. */
  passTime(ms: number): void;
  /** Every stream has ended at `ms`: judges what still waits for a sign of life. */
  finish(ms: number): void;
  /** Furthest time at which anything known now can still become due after `ms`. */
  horizonMs(ms: number): number;
  /** Rebuilds, step by step, what is derived from the entities. */
  restoring(): Generator<undefined, void>;
  /** A detection names this agent, and a session where it is about one: evict them last. */
  suspect(tenant: string, agent: string, session: string | null): void;
  /** Agents of the tenant that are registered: in all, and by role. */
  fleet(tenant: string): {
    readonly total: number;
    readonly roles: Readonly<Record<string, number>>;
  };
  /** Last change governance made to the agent's grants, policy or approvals, ms; null = never. */
  changedMs(tenant: string, agent: string): number | null;
  /** Change windows that governance opened and that are open at `ms` for the agent, role or fleet. */
  windows(tenant: string, agent: string, role: string | null, ms: number): readonly ChangeWindow[];
  /** For whom a session runs, and the sessions that led to it, nearest first, at most four. */
  lineage(tenant: string, session: string): SessionLineage;
  /** Calls of a session that its ledger holds, with the record that stated each. */
  calls(tenant: string, session: string): HeldCall[];
  /** Governance's log does not begin at its beginning: who is unknown to us may yet be registered. */
  historyIsPartial(): void;
  /** Is this book of the tenant known to be blind at the moment? */
  blind(kind: Kind, tenant: string): boolean;
  readonly counters: Readonly<Record<string, number>>;
}

/** Where a session comes from, as far as it is remembered. */
export interface SessionLineage {
  readonly principal: string | null;
  readonly ancestors: readonly { readonly session: string; readonly agent: string }[];
}

/** A call the ledger holds, and the record that stated it; null where none did. */
export interface HeldCall
  extends Pick<Attempt, 'topic' | 'nativeId' | 'at' | 'tool' | 'ms' | 'ours'> {
  /** Allowed and answered without an error. */
  readonly took: boolean;
  readonly said: Pick<Intent, 'topic' | 'nativeId' | 'ms'> | null;
}

const ANCESTORS_MAX = 4;

function callsOf(slots: Slots, tenant: string, session: string): HeldCall[] {
  const held: HeldCall[] = [];
  const entity = slots.get<SessionEntity>('S', keyOf(tenant, session));
  for (const { attempts, intents } of Object.values(entity?.acts ?? {})) {
    const said = intents.find(({ claimed }) => !claimed) ?? intents[0] ?? null;
    for (const attempt of attempts) {
      const took = attempt.decision !== 'deny' && attempt.outcome === 'ok';
      held.push({ ...attempt, took, said });
    }
  }
  return held;
}

function lineageOf(slots: Slots, tenant: string, session: string): SessionLineage {
  const own = slots.get<SessionEntity>('S', keyOf(tenant, session));
  const ancestors: { session: string; agent: string }[] = [];
  const seen = new Set([session]);
  for (let parent = own?.parent ?? null; parent !== null && !seen.has(parent); ) {
    const entity = slots.get<SessionEntity>('S', keyOf(tenant, parent));
    if (entity === undefined || ancestors.length >= ANCESTORS_MAX) break;
    ancestors.push({ session: parent, agent: entity.agent });
    seen.add(parent);
    parent = entity.parent;
  }
  return { principal: own?.principal ?? null, ancestors };
}

/**
 * Makes the fold over `slots`. Facts and notices come out in the order they become decidable.
 * `restrains`: what is known elsewhere of our own leases; without it no refusal is taken for our own
 * that does not say so.
 */
export function createCorrelate(
  slots: Slots,
  options: CorrelateOptions,
  state: FactSink,
  notice: (code: NoticeCode, subject: string, detail: string, ms: number, tenant: string) => void,
  restrains: Restrains = () => false,
): Correlate {
  const room = new Room(slots);
  const head = (entity: Entity) => room.headOf(entity as SessionEntity);
  slots.split('S', SESSION_RECORDS, { ...SESSION_PACKING, head });
  slots.split(TRACES, TRACE_RECORDS, TRACE_PACKING);
  slots.packs('A', AGENT_PACKING);
  declareSeries(slots);
  for (const space of RESTING) slots.rests(space);
  const timers = new Timers(slots);
  const books = new Books(slots, options.books);
  const { digestKey } = options;
  const keyed = (text: string) =>
    hash('sha256', `${digestKey}\u0000effect\u0000${text}`, 'hex').slice(0, 32);
  const sinks = { state, notice, restrains };
  const ledger: Ledger = { slots, timers, books, room, options, ...sinks, counters: {}, keyed };
  return {
    fold: (event, late) => fold(ledger, event, late),
    foresee: (event) => foresee(ledger, event),
    passTime: (ms) => passTime(ledger, ms),
    finish: (ms) => {
      for (const key of booksIn(slots)) settleBook(ledger, key, ms, true);
    },
    horizonMs: (ms) =>
      ms + options.joinWindowMs + options.clockToleranceMs + options.joinWindowMs + 2,
    restoring: () => restoring(timers, room),
    suspect: (tenant, agent, session) => suspect(slots, tenant, agent, session),
    fleet: (tenant) => {
      const lane = slots.get<LaneEntity>('L', laneKey(tenant));
      return { total: lane?.fleet ?? 0, roles: lane?.roles ?? {} };
    },
    changedMs: (tenant, agent) => {
      const changed = slots.get<AgentEntity>('A', keyOf(tenant, agent))?.changedMs ?? 0;
      return changed === 0 ? null : changed;
    },
    windows: (tenant, agent, role, ms) => changeWindowsOf(slots, tenant, agent, role, ms),
    lineage: (tenant, session) => lineageOf(slots, tenant, session),
    calls: (tenant, session) => callsOf(slots, tenant, session),
    historyIsPartial: () => {
      laneOf(ledger, 0, '-').isPartial = true;
      slots.touch('L', 'lane');
    },
    blind: (kind, tenant) => books.blindNow(kind, tenant),
    counters: ledger.counters,
  };
}

function suspect(slots: Slots, tenant: string, agent: string, session: string | null): void {
  const named = [['A', keyOf(tenant, agent)] as const];
  const both = session === null ? named : [...named, ['S', keyOf(tenant, session)] as const];
  for (const [space, key] of both) {
    const entity = slots.get<AgentEntity | SessionEntity>(space, key);
    if (entity === undefined || entity.suspicious === true) continue;
    entity.suspicious = true;
    slots.touch(space, key);
  }
}

function* restoring(timers: Timers, room: Room): Generator<undefined, void> {
  yield* timers.restoring(TIMED);
  yield* room.restoring();
}

function fold(ledger: Ledger, event: Event, late: boolean): void {
  const ms = event.time.eventMs;
  const tenant = event.tenant ?? '-';
  const place = placeOf(ledger, tenant, event);
  const agentId = place.agent;
  if (ledger.slots.get('L', laneKey(tenant)) === undefined) begin(ledger, ms, tenant);
  const agent = agentOf(ledger, tenant, agentId, ms);
  const session =
    place.session === null ? null : sessionOf(ledger, tenant, place.session, agent, ms);
  if (isRepeat(ledger, event, session, agent)) return;
  count(ledger, `folded-${event.kind}`);
  if (ms - agent.lastMs >= AGENT_LAST_EACH_MS) {
    agent.lastMs = ms;
    ledger.slots.touch('A', agent.key);
  }
  if (session !== null) {
    session.lastMs = Math.max(session.lastMs, ms);
    linkTrace(ledger, session, event, place);
    if (event.agent !== undefined) identify(ledger, session, event, agentId);
    ledger.slots.touch('S', session.key);
  }
  if (!late) hear(ledger, event.kind, ms, tenant);
  const attempt = enter(ledger, event, session, agent, late);
  const unannounced = unannouncedIn(ledger, agent, event);
  const role = session?.role ?? agent.role;
  ledger.state({
    type: 'event',
    event: event.metric === undefined ? event : measured(ledger, tenant, agentId, event),
    session: session === null ? null : viewOf(session, agent),
    tenant,
    agent: agentId,
    role,
    argsDigest: attempt?.digest ?? null,
    toolClass: attempt?.toolClass ?? null,
    granted: attempt?.granted ?? null,
    ours: attempt?.ours ?? false,
    model: modelOf(ledger, session, agent),
    late,
    unannounced,
    context: contextOf(ledger, event, session, agent, attempt),
    keyed: ledger.keyed,
  });
}

/** What a counter that only grows has added since it was last read stands in the place of its reading. */
function measured(ledger: Ledger, tenant: string, agent: string, event: Event): Event {
  const { slots } = ledger;
  const sinceMs = laneOf(ledger, event.time.eventMs, tenant).startMs;
  const parts = {
    slots,
    sinceMs,
    count: (name: SeriesCount, by?: number) => count(ledger, name, by),
  };
  return addedBy(parts, keyOf(tenant, agent), event);
}

/** Model that the session's owner was registered with. */
function modelOf(ledger: Ledger, session: SessionEntity | null, agent: AgentEntity): string | null {
  if (session === null || session.agent === agent.id) return agent.model;
  const key = keyOf(session.tenant, session.agent);
  return ledger.slots.get<AgentEntity>('A', key)?.model ?? null;
}

/** The first event of a tenant. */
function begin(ledger: Ledger, ms: number, tenant: string): void {
  makeRoomForTenant(ledger, ms);
  laneOf(ledger, ms, tenant);
  for (const [kind, at] of ledger.books.begin(ms, tenant)) wakeBook(ledger, kind, tenant, at);
}

function enter(
  ledger: Ledger,
  event: Event,
  session: SessionEntity | null,
  agent: AgentEntity,
  late: boolean,
): Attempt | null {
  if (event.governance !== undefined) {
    applyGovernance(
      ledger,
      event as Event & { governance: typeof event.governance },
      agent,
      session,
    );
    if (event.governance.change === 'session.closed' && session !== null)
      wakeSession(ledger, session, event.time.eventMs + closingMs(ledger));
  } else if (event.reasoning !== undefined) {
    if (!agent.reasoned) {
      agent.reasoned = true;
      ledger.slots.touch('A', agent.key);
    }
    if (event.reasoning.intents.length > 0 && agent.announces !== true) {
      agent.announces = true;
      ledger.slots.touch('A', agent.key);
    }
    if (session !== null && !session.settled)
      enterIntents(
        ledger,
        session,
        event as Event & { reasoning: typeof event.reasoning },
        agent.id,
        late,
      );
  } else if (event.action !== undefined && event.category === 'tool_call' && session !== null) {
    if (agent.acted !== true) {
      agent.acted = true;
      ledger.slots.touch('A', keyOf(agent.tenant, agent.id));
    }
    return enterAttempt(
      ledger,
      session,
      event as Event & { action: typeof event.action },
      agent.id,
      late,
    );
  }
  return null;
}

/** Repeats are dropped and counted; the same identity with other bytes is kept out and said. */
function isRepeat(
  ledger: Ledger,
  event: Event,
  session: SessionEntity | null,
  agent: AgentEntity,
): boolean {
  const seen = session?.seen ?? agent.seen;
  const key = (session === null ? null : counterMark(session, event)) ?? nameMark(event);
  const known = seen[key];
  if (known === undefined) {
    seen[key] = event.contentHash;
    if (session === null) {
      ledger.slots.touch('A', agent.key);
      prune(seen, AGENT_SEEN_MAX);
    } else {
      ledger.slots.touchPart('S', session.key, 'seen', String(key));
      forgetOldMarks(ledger, session);
    }
    return false;
  }
  if (known === event.contentHash) count(ledger, 'repeats');
  else {
    count(ledger, 'forged-ids');
    const { topic, partition, offset } = event.src;
    ledger.notice(
      'event.duplicate-id',
      agent.id,
      `the record at ${topic}/${partition}@${offset} bears the id of another with other content; the first is kept`,
      event.time.eventMs,
      agent.tenant,
    );
  }
  return true;
}

function nameMark({ src, nativeId }: Event): string {
  return `${src.topic} ${nativeId}`;
}

/** Topics of a session that are told apart by a number. */
const COUNTED_TOPICS = 4;
const COUNTER_MAX = 2 ** 28;

/**
 * The mark of an event whose identity is its number in the session: a number, for names would be most
 * of what is kept and written of marks. Null where a name must do.
 */
function counterMark(session: SessionEntity, { nativeId, order, src }: Event): number | null {
  if (order === undefined || order.of !== 'session' || order.seq > COUNTER_MAX) return null;
  if (!nativeId.startsWith('session/')) return null;
  session.counted ??= [];
  let at = session.counted.indexOf(src.topic);
  if (at < 0) {
    if (session.counted.length >= COUNTED_TOPICS) return null;
    at = session.counted.push(src.topic) - 1;
    // It is written with the mark: whoever notes one touches the session.
  }
  return order.seq * COUNTED_TOPICS + at;
}

/** Marks are bounded too: pruned in one go when they have doubled, so that the cost stays constant. */
function forgetOldMarks(ledger: Ledger, session: SessionEntity): void {
  const most = 2 * ledger.options.maxActsPerSession;
  session.marks += 1;
  if (session.marks <= 2 * most) return;
  prune(session.seen, most);
  session.marks = most;
  ledger.slots.put('S', session.key, session);
}

/** Notes the first witness of each identity in the session; they are compared a little later. */
function identify(ledger: Ledger, session: SessionEntity, event: Event, agentId: string): void {
  const mark = markOf(agentId);
  if (session.identities[mark] !== undefined) return;
  if (Object.keys(session.identities).length >= IDENTITIES_MAX) return;
  session.identities[mark] = presence(event, agentId);
  ledger.slots.touchPart('S', session.key, 'identities', mark);
  wakeSession(ledger, session, event.time.eventMs + ledger.options.clockToleranceMs);
}

function hear(ledger: Ledger, kind: Kind, ms: number, tenant: string): void {
  const at = ledger.books.heard(kind, ms, tenant);
  if (at !== null) wakeBook(ledger, kind, tenant, at);
}

/** Keys of all books there are, in one order. */
function booksIn(slots: Slots): string[] {
  const keys: string[] = [];
  for (const [key] of slots.heads('B')) keys.push(key);
  return keys.sort();
}

function passTime(ledger: Ledger, ms: number): void {
  for (let due = ledger.timers.takeUpTo(ms); due !== undefined; due = ledger.timers.takeUpTo(ms)) {
    if (due.space === 'S') visit(ledger, due.key, due.at);
    else if (due.space === TRACES) visitTrace(ledger, due.key, due.at);
    else if (due.space === 'B') settleBook(ledger, due.key, due.at, false);
  }
}

function closingMs(ledger: Ledger): number {
  const { joinWindowMs, closeGraceMs, clockToleranceMs } = ledger.options;
  return joinWindowMs + closeGraceMs + clockToleranceMs + 1;
}

/** Looks at a session at `nowMs`: reviews, identities, settling, forgetting. */
function visit(ledger: Ledger, key: string, nowMs: number): void {
  const session = ledger.slots.get<SessionEntity>('S', key);
  if (session === undefined) return;
  let next = checkIdentities(ledger, session, nowMs);
  const acts = reviewActs(ledger, session, nowMs);
  if (acts !== null) next = next === null ? acts : Math.min(next, acts);
  const quiet = session.pending === 0 && session.open.length === 0;
  const { rememberMs } = ledger.options;
  if (session.closedMs !== null && quiet && nowMs >= session.closedMs + closingMs(ledger))
    settle(ledger, key, session);
  const forgetAt = session.lastMs + rememberMs;
  if (nowMs >= forgetAt && (quiet || nowMs >= forgetAt + rememberMs)) {
    if (session.pending > 0) count(ledger, 'undecided', session.pending);
    forget(ledger, key);
    return;
  }
  const closingAt =
    session.closedMs !== null && !session.settled ? session.closedMs + closingMs(ledger) : null;
  if (closingAt !== null && closingAt > nowMs)
    next = next === null ? closingAt : Math.min(next, closingAt);
  const last = Math.max(nowMs + 1, nowMs >= forgetAt ? forgetAt + rememberMs : forgetAt);
  ledger.timers.wake('S', key, session, next === null ? last : Math.min(next, last));
}

/** A closed session whose acts are all decided keeps only what later records are judged by. */
function settle(ledger: Ledger, key: string, session: SessionEntity): void {
  session.settled = true;
  ledger.room.sessions.weigh(key, -session.actCount);
  session.acts = {};
  session.actCount = 0;
  session.open = [];
  session.refused = [];
  session.seen = {};
  session.marks = 0;
  // All of its acts are gone at once: the session is written anew.
  ledger.slots.put('S', key, session);
  ledger.room.sessions.fell(key);
}

function checkIdentities(ledger: Ledger, session: SessionEntity, nowMs: number): number | null {
  const { clockToleranceMs } = ledger.options;
  let next: number | null = null;
  for (const mark in session.identities) {
    if (session.checked[mark] !== undefined) continue;
    const witness = session.identities[mark] as WitnessRecord;
    const due = witness.ms + clockToleranceMs;
    if (due > nowMs) {
      next = next === null ? due : Math.min(next, due);
      continue;
    }
    session.checked[mark] = 1;
    const agentId = nameOf(mark);
    ledger.slots.touch('S', session.key);
    if (agentId !== session.agent)
      stateIdentity(ledger, session, 'foreign-agent', witness, agentId, nowMs);
    else stateOwner(ledger, session, witness, nowMs);
  }
  return next;
}

function stateOwner(
  ledger: Ledger,
  session: SessionEntity,
  witness: WitnessRecord,
  nowMs: number,
): void {
  const owner = ledger.slots.get<AgentEntity>('A', keyOf(session.tenant, session.agent));
  const lane = ledger.slots.get<LaneEntity>('L', laneKey(session.tenant));
  // Only a governance that was heard from its beginning proves that somebody is not in it.
  if (lane === undefined || isPartial(ledger.slots)) return;
  if (lane.fleet > 0 && owner?.registeredMs == null)
    stateIdentity(ledger, session, 'unregistered', witness, session.agent, nowMs);
  if (session.parent === null) return;
  const parent = ledger.slots.get('S', keyOf(session.tenant, session.parent));
  if (parent === undefined || session.parent === session.id)
    stateIdentity(ledger, session, 'orphan-parent', witness, session.parent, nowMs);
}

function stateIdentity(
  ledger: Ledger,
  session: SessionEntity,
  aspect: 'foreign-agent' | 'unregistered' | 'orphan-parent',
  witness: WitnessRecord,
  named: string,
  nowMs: number,
): void {
  const owner = ledger.slots.get<AgentEntity>('A', keyOf(session.tenant, session.agent));
  const view = viewOf(session, owner);
  ledger.state({
    type: 'identity',
    aspect,
    witness,
    named,
    session: view,
    decidedMs: nowMs,
    late: false,
  });
}

/** Judges the gaps of a book, announces blindness, and leaves undecided what it hides. */
function settleBook(ledger: Ledger, key: string, nowMs: number, final: boolean): void {
  const { kind, tenant } = bookOf(key);
  const { verdicts, announce, again } = ledger.books.settle(kind, nowMs, final, tenant);
  for (const gap of announce) {
    ledger.state({
      type: 'blind',
      coverage: ledger.books.coverage(kind, gap, null, tenant),
      decidedMs: nowMs,
      begins: true,
    });
  }
  for (const { gap, blind, toMs } of verdicts) {
    if (blind) {
      const endMs = final && gap.toMs === null ? null : toMs;
      const coverage = ledger.books.coverage(kind, gap, endMs, tenant);
      ledger.state({ type: 'blind', coverage, decidedMs: nowMs, begins: !gap.announced });
      const hidden = new Set([...gap.sessions, ...gap.missing.map(({ session }) => session)]);
      for (const one of hidden) stateBlindSession(ledger, one, kind, nowMs);
    }
    for (const { session, act } of gap.missing)
      judgeMissing(ledger, session, act, { blind, fromMs: gap.fromMs, toMs, kind, nowMs });
  }
  if (again !== null) wakeBook(ledger, kind, tenant, again);
}

function stateBlindSession(ledger: Ledger, key: string, kind: Kind, nowMs: number): void {
  const session = ledger.slots.get<SessionEntity>('S', key);
  if (session === undefined || session.blind.includes(kind)) return;
  session.blind.push(kind);
  ledger.slots.touch('S', key);
  const owner = ledger.slots.get<AgentEntity>('A', keyOf(session.tenant, session.agent));
  ledger.state({
    type: 'blind-session',
    book: kind,
    session: viewOf(session, owner),
    decidedMs: nowMs,
    late: false,
  });
}
