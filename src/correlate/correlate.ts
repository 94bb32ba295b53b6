/** Correlation: folds events in canonical order into sessions and acts, and states facts. */
import { hash } from 'node:crypto';
import type { NoticeCode } from '../model/detection.ts';
import type { Event, Kind } from '../model/event.ts';
import type { Attempt, EventFact } from '../model/fact.ts';
import type { Entity } from '../state/slot.ts';
import type { Slots } from '../state/slots.ts';
import { Timers } from '../state/timers.ts';
import { unannouncedIn } from './announced.ts';
import { enterAttempt } from './attempts.ts';
import { Books } from './books.ts';
import { contextOf } from './context.ts';
import { foresee } from './foresee.ts';
import { applyGovernance } from './governance.ts';
import { callsOf, type HeldCall } from './held-calls.ts';
import { identify } from './identity-check.ts';
import { enterIntents } from './intents.ts';
import {
  agentOf,
  type ChangeWindow,
  type CorrelateOptions,
  changeWindowsOf,
  count,
  type FactSink,
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
import { lineageOf, type SessionLineage } from './lineage.ts';
import { isRepeat } from './repeats.ts';
import { Room } from './room.ts';
import { addedBy, declareSeries, type SeriesCount } from './series.ts';
import { type AgentEntity, keyOf, SESSION_RECORDS, type SessionEntity, viewOf } from './session.ts';
import { hear, settleBook, settleBooks } from './silence.ts';
import { AGENT_PACKING, SESSION_PACKING } from './stored.ts';
import { linkTrace, placeOf, TRACE_PACKING, TRACE_RECORDS, TRACES, visitTrace } from './traces.ts';
import { closingMs, visit } from './visit.ts';

/** Spaces whose entities are asked for by key each time: none is held on to. */
const RESTING = ['S', 'A', TRACES];
/** Spaces with timers. */
const TIMED = ['S', TRACES, 'B'];

/** An agent is not written again for every event it is in: this is how exact its `lastMs` is. */
const AGENT_LAST_EACH_MS = 60_000;

export type { CorrelateOptions };

/** The fold. All times are event time, ms. */
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
    finish: (ms) => settleBooks(ledger, ms),
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

/** What a detection names is evicted last. */
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

/** One event: placed, known again or counted, entered into its book, and stated with what is known of it. */
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

/** Enters the event where its book keeps account: permissions, intents, attempts. Returns its attempt, if it is one. */
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

/** Does what is due, one thing after the other: what one of them wakes is due in its turn. */
function passTime(ledger: Ledger, ms: number): void {
  for (let due = ledger.timers.takeUpTo(ms); due !== undefined; due = ledger.timers.takeUpTo(ms)) {
    if (due.space === 'S') visit(ledger, due.key, due.at);
    else if (due.space === TRACES) visitTrace(ledger, due.key, due.at);
    else if (due.space === 'B') settleBook(ledger, due.key, due.at, false);
  }
}
