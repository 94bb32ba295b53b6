/** Trail: what is remembered of sessions and agents so that a case can tell what led to what. */
import type { Governance } from '../../model/event.ts';
import type { AttemptFact, EventFact, Fact, JoinedFact } from '../../model/fact.ts';
import { eventId, eventIdOf } from '../../model/ids.ts';
import type { Entity, Slots } from '../../state/slots.ts';
import { literalsIn } from './values.ts';

/** A call of the session: what it was, what stated it, and whether it took effect. */
export interface TrailAct {
  readonly tool: string;
  readonly ms: number;
  /** Allowed and answered without an error. */
  readonly took: boolean;
  /** The record that stated it, and when; null where none did. */
  readonly said: string | null;
  readonly saidMs: number;
}

/** Where a value of a call came from: the result of an earlier one. */
export interface TrailOrigin {
  readonly from: string;
  readonly tool: string;
  readonly fromMs: number;
  /** Path of the argument. */
  readonly path: string;
  /** The call it reached. */
  readonly to: string;
}

/** A change governance made. */
export interface TrailChange {
  readonly id: string;
  readonly what: Governance['change'];
  readonly ms: number;
}

/** Literals of one result; no content. */
interface TrailRead {
  readonly tool: string;
  readonly ms: number;
  readonly h: readonly number[];
}

/** What is remembered of a session; records are keyed by event id. */
export interface SessionTrail extends Entity {
  agent: string;
  acts: Record<string, TrailAct>;
  reads: Record<string, TrailRead>;
  came: Record<string, TrailOrigin>;
  /** Literals the mandate names: who repeats them was asked to. */
  mandate: number[];
  /** The record that opened it. */
  opened: { readonly id: string; readonly ms: number } | null;
  lastMs: number;
}

interface ChangesEntity extends Entity {
  changes: TrailChange[];
  lastMs: number;
}

/** The memory behind causal chains. Nothing of it is evidence: a hole makes a chain shorter. */
export interface Trail {
  see(fact: Fact): void;
  session(tenant: string, session: string): SessionTrail | undefined;
  /** The last change of the agent at or before `ms`, not older than an hour; null: none. */
  changeBefore(tenant: string, agent: string, ms: number): TrailChange | null;
  readonly counters: Record<string, number>;
}

const SESSIONS = 'trail';
const CHANGES = 'changes';
const RECORDS = ['acts', 'reads', 'came'] as const;
const SESSIONS_MAX = 20_000;
const AGENTS_MAX = 50_000;
const ACTS_MAX = 32;
const READS_MAX = 8;
const CAME_MAX = 32;
const CAME_OF_ACT_MAX = 4;
const CHANGES_MAX = 8;
const RESULT_CHARS = 2048;
const ARGS_CHARS = 1024;
const RESULT_LITERALS = 24;
const MANDATE_LITERALS = 64;
const SHORTLY_MS = 3_600_000;
/** Changes that can be the cause of something; the coming and going of sessions is not one. */
const CAUSES: ReadonlySet<Governance['change']> = new Set<Governance['change']>([
  ...(['agent.changed', 'role.changed', 'model.changed', 'prompt.changed'] as const),
  ...(['policy.changed', 'flag.changed', 'tool.added', 'tool.removed', 'tool.changed'] as const),
  ...(['tools.granted', 'tools.revoked', 'approval.granted', 'key.issued', 'key.revoked'] as const),
]);

/** Makes the memory over `slots`. */
export function createTrail(slots: Slots): Trail {
  slots.split(SESSIONS, RECORDS);
  const memory: Memory = { slots, counters: {} };
  return {
    counters: memory.counters,
    see(fact) {
      if (fact.type === 'event') seeEvent(memory, fact);
      else if (fact.type === 'attempt') seeAttempt(memory, fact);
      else if (fact.type === 'joined') seeJoined(memory, fact);
    },
    session: (tenant, session) => slots.get<SessionTrail>(SESSIONS, keyOf(tenant, session)),
    changeBefore(tenant, agent, ms) {
      const known = slots.get<ChangesEntity>(CHANGES, keyOf(tenant, agent));
      const before = known?.changes.filter((one) => one.ms <= ms && ms - one.ms <= SHORTLY_MS);
      return before?.at(-1) ?? null;
    },
  };
}

interface Memory {
  readonly slots: Slots;
  readonly counters: Record<string, number>;
}

function seeEvent(memory: Memory, fact: EventFact): void {
  const { event, session } = fact;
  if (event.governance !== undefined) seeGovernance(memory, fact, event.governance);
  if (session === null) return;
  const mandate = event.governance?.detail?.mandate ?? event.reasoning?.mandate;
  if (mandate !== undefined) {
    const trail = trailOf(memory, fact.tenant, session.id, session.agent, event.time.eventMs);
    if (trail.mandate.length === 0) {
      const found = literalsIn(mandate, 4 * RESULT_CHARS, MANDATE_LITERALS);
      trail.mandate = found.map(({ h }) => h);
      memory.slots.touch(SESSIONS, keyOf(fact.tenant, session.id));
    }
  }
  if (event.action !== undefined) seeValues(memory, fact);
}

function seeGovernance(memory: Memory, fact: EventFact, governance: Governance): void {
  const { event, tenant, agent, session } = fact;
  const ms = event.time.eventMs;
  if (governance.change === 'session.opened' && session !== null) {
    const trail = trailOf(memory, tenant, session.id, session.agent, ms);
    trail.opened ??= { id: eventId(event), ms };
    memory.slots.touch(SESSIONS, keyOf(tenant, session.id));
  }
  if (!CAUSES.has(governance.change)) return;
  const { slots } = memory;
  const key = keyOf(tenant, agent);
  let known = slots.get<ChangesEntity>(CHANGES, key);
  if (known === undefined) {
    if (slots.count(CHANGES) >= AGENTS_MAX) forget<ChangesEntity>(memory, CHANGES);
    known = { changes: [], lastMs: ms };
    slots.put(CHANGES, key, known);
  }
  known.changes.push({ id: eventId(event), what: governance.change, ms });
  if (known.changes.length > CHANGES_MAX) known.changes.shift();
  known.lastMs = Math.max(known.lastMs, ms);
  slots.touch(CHANGES, key);
}

/** What a call's result says, and which of its arguments an earlier result said. */
function seeValues(memory: Memory, { event, session, tenant }: EventFact): void {
  const { action } = event;
  if (action === undefined || session === null) return;
  const known = memory.slots.get<SessionTrail>(SESSIONS, keyOf(tenant, session.id));
  const hasRead = known !== undefined && Object.keys(known.reads).length > 0;
  if (action.result === undefined && !(hasRead && action.args !== undefined)) return;
  const ms = event.time.eventMs;
  const id = eventId(event);
  const trail = known ?? trailOf(memory, tenant, session.id, session.agent, ms);
  const key = keyOf(tenant, session.id);
  let origins = 0;
  for (const { h, path } of hasRead ? literalsIn(action.args, ARGS_CHARS, RESULT_LITERALS) : []) {
    if (origins >= CAME_OF_ACT_MAX || trail.mandate.includes(h)) continue;
    const read = earliest(trail.reads, ({ h: there }) => there.includes(h));
    if (read === null || read[0] === id) continue;
    const [from, { tool, ms: fromMs }] = read;
    put(memory, key, trail, 'came', `${id} ${origins}`, { from, tool, fromMs, path, to: id });
    origins += 1;
  }
  if (action.result === undefined) return;
  const h = literalsIn(action.result, RESULT_CHARS, RESULT_LITERALS).map((one) => one.h);
  if (h.length > 0) put(memory, key, trail, 'reads', id, { tool: action.tool, ms, h });
}

function seeAttempt(memory: Memory, { session, attempt }: AttemptFact): void {
  const trail = trailOf(memory, session.tenant, session.id, session.agent, attempt.ms);
  const id = eventIdOf(attempt.topic, attempt.nativeId);
  const before = trail.acts[id];
  const took = attempt.decision !== 'deny' && attempt.outcome === 'ok';
  const act = { tool: attempt.tool, ms: attempt.ms, took, said: null, saidMs: 0 };
  const said = before === undefined ? {} : { said: before.said, saidMs: before.saidMs };
  put(memory, keyOf(session.tenant, session.id), trail, 'acts', id, { ...act, ...said });
}

function seeJoined(memory: Memory, { session, attempt, intents }: JoinedFact): void {
  const intent = intents.find(({ claimed }) => !claimed) ?? intents[0];
  if (intent === undefined) return;
  const trail = trailOf(memory, session.tenant, session.id, session.agent, attempt.ms);
  const id = eventIdOf(attempt.topic, attempt.nativeId);
  const took = attempt.decision !== 'deny' && attempt.outcome === 'ok';
  const said = eventIdOf(intent.topic, intent.nativeId);
  const act = { tool: attempt.tool, ms: attempt.ms, took, said, saidMs: intent.ms };
  put(memory, keyOf(session.tenant, session.id), trail, 'acts', id, act);
}

const MOST = { acts: ACTS_MAX, reads: READS_MAX, came: CAME_MAX } as const;

function put<Name extends (typeof RECORDS)[number]>(
  { slots }: Memory,
  key: string,
  trail: SessionTrail,
  name: Name,
  id: string,
  value: SessionTrail[Name][string],
): void {
  const record = trail[name] as Record<string, SessionTrail[Name][string]>;
  record[id] = value;
  slots.touchPart(SESSIONS, key, name, id);
  const ids = Object.keys(record);
  if (ids.length <= MOST[name]) return;
  const oldest = earliest(record, () => true)?.[0] ?? id;
  delete record[oldest];
  slots.touchPart(SESSIONS, key, name, oldest);
}

/** The earliest member that fits, by its time and then its id: not by when it was put there. */
function earliest<T>(
  record: Readonly<Record<string, T>>,
  fits: (one: T) => boolean,
): [string, T] | null {
  let found: [string, T] | null = null;
  for (const entry of Object.entries(record)) {
    if (!fits(entry[1])) continue;
    const sooner = found === null ? -1 : msOf(entry[1]) - msOf(found[1]);
    if (sooner < 0 || (sooner === 0 && found !== null && entry[0] < found[0])) found = entry;
  }
  return found;
}

function msOf(one: unknown): number {
  const { ms, fromMs } = one as { readonly ms?: number; readonly fromMs?: number };
  return ms ?? fromMs ?? 0;
}

function trailOf(
  memory: Memory,
  tenant: string,
  session: string,
  agent: string,
  ms: number,
): SessionTrail {
  const { slots } = memory;
  const key = keyOf(tenant, session);
  let trail = slots.get<SessionTrail>(SESSIONS, key);
  if (trail === undefined) {
    if (slots.count(SESSIONS) >= SESSIONS_MAX) forget<SessionTrail>(memory, SESSIONS);
    const records = { acts: {}, reads: {}, came: {} };
    trail = { agent, ...records, mandate: [], opened: null, lastMs: ms };
    slots.put(SESSIONS, key, trail);
  }
  trail.lastMs = Math.max(trail.lastMs, ms);
  return trail;
}

/** Forgets the stalest of some: what a chain could have told of it is lost, and counted. */
function forget<T extends Entity & { lastMs: number }>(memory: Memory, space: string): void {
  let stalest: [string, T] | undefined;
  for (const candidate of memory.slots.sample<T>(space, 16))
    if (stalest === undefined || candidate[1].lastMs < stalest[1].lastMs) stalest = candidate;
  if (stalest === undefined) return;
  memory.slots.remove(space, stalest[0]);
  memory.counters[`${space}-forgotten`] = (memory.counters[`${space}-forgotten`] ?? 0) + 1;
}

function keyOf(tenant: string, name: string): string {
  return `${tenant.length}:${tenant}:${name}`;
}
