/** Trail: what is remembered of sessions and agents so that a case can tell what led to what. */
import type { Action } from '../../model/event-action.ts';
import type { Governance } from '../../model/event-governance.ts';
import type { EventFact } from '../../model/fact.ts';
import { eventId } from '../../model/ids.ts';
import { newTable } from '../../model/table.ts';
import { naming } from '../../state/names.ts';
import type { Entity } from '../../state/slot.ts';
import type { Slots } from '../../state/slots.ts';
import { literalsIn } from './values.ts';

/** Where a value of a call came from: the result of an earlier one. Calls by their identity in the log. */
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

/** What is remembered of a session, where there is anything; records by the calls' identity. */
export interface SessionTrail extends Entity {
  reads: Record<string, TrailRead>;
  came: Record<string, TrailOrigin>;
  /** Literals the mandate names: who repeats them was asked to. */
  mandate: number[];
  /** The record in which another session opened it. */
  opened: { readonly id: string; readonly ms: number } | null;
  lastMs: number;
}

interface ChangesEntity extends Entity {
  changes: TrailChange[];
  lastMs: number;
}

/** The memory behind causal chains. Nothing of it is evidence: a hole makes a chain shorter. */
export interface Trail {
  see(fact: EventFact): void;
  session(tenant: string, session: string): SessionTrail | undefined;
  /** The last change of the agent at or before `ms`, not older than an hour; null: none. */
  changeBefore(tenant: string, agent: string, ms: number): TrailChange | null;
  readonly counters: Record<string, number>;
}

const SESSIONS = 'trail';
const CHANGES = 'changes';
const RECORDS = ['reads', 'came'] as const;
const SESSIONS_MAX = 20_000;
const AGENTS_MAX = 50_000;
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
  for (const space of [SESSIONS, CHANGES]) slots.rests(space);
  const memory: Memory = { slots, counters: {} };
  return {
    counters: memory.counters,
    see: (fact) => seeEvent(memory, fact),
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
  if (mandate !== undefined) seeMandate(memory, fact, mandate, session.id);
  if (event.action !== undefined) seeValues(memory, fact, event.action, session.id);
}

/** The first mandate counts: what an agent quotes later may be what it read. */
function seeMandate(memory: Memory, fact: EventFact, mandate: string, session: string): void {
  const key = keyOf(fact.tenant, session);
  if ((memory.slots.get<SessionTrail>(SESSIONS, key)?.mandate.length ?? 0) > 0) return;
  const found = literalsIn(mandate, RESULT_CHARS, MANDATE_LITERALS);
  if (found.length === 0) return;
  trailOf(memory, key, fact.event.time.eventMs).mandate = found.map(({ h }) => h);
  memory.slots.touch(SESSIONS, key);
}

function seeGovernance(memory: Memory, fact: EventFact, governance: Governance): void {
  const { event, tenant, agent, session } = fact;
  const ms = event.time.eventMs;
  if (governance.change === 'session.opened' && session !== null && session.parent !== null) {
    trailOf(memory, keyOf(tenant, session.id), ms).opened ??= { id: eventId(event), ms };
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
function seeValues(memory: Memory, fact: EventFact, action: Action, session: string): void {
  const { args, result, tool } = action;
  const key = keyOf(fact.tenant, session);
  const known = memory.slots.get<SessionTrail>(SESSIONS, key);
  const isAsked = args !== undefined && known !== undefined && Object.keys(known.reads).length > 0;
  if (result === undefined && !isAsked) return;
  const { nativeId: id, time } = fact.event;
  let origins = 0;
  for (const { h, path } of isAsked ? literalsIn(args, ARGS_CHARS, RESULT_LITERALS) : []) {
    if (known === undefined || origins >= CAME_OF_ACT_MAX) break;
    if (known.mandate.includes(h)) continue;
    const read = earliest(known.reads, ({ h: there }) => there.includes(h));
    if (read === null || read[0] === readKey(id)) continue;
    const [readBy, { tool: reader, ms: fromMs }] = read;
    const from = readBy.slice(1);
    put(memory, key, known, 'came', `${origins} ${id}`, {
      from,
      tool: reader,
      fromMs,
      path,
      to: id,
    });
    origins += 1;
  }
  if (result === undefined) return;
  const h = literalsIn(result, RESULT_CHARS, RESULT_LITERALS).map((one) => one.h);
  if (h.length === 0) return;
  const trail = known ?? trailOf(memory, key, time.eventMs);
  put(memory, key, trail, 'reads', readKey(id), { tool, ms: time.eventMs, h });
}

/** Ids come from agents: a prefix keeps `__proto__` from being more than a name. */
function readKey(id: string): string {
  return `:${id}`;
}

const MOST = { reads: READS_MAX, came: CAME_MAX } as const;

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

function trailOf(memory: Memory, key: string, ms: number): SessionTrail {
  const { slots } = memory;
  let trail = slots.get<SessionTrail>(SESSIONS, key);
  if (trail === undefined) {
    if (slots.count(SESSIONS) >= SESSIONS_MAX) forget<SessionTrail>(memory, SESSIONS);
    trail = { reads: newTable(), came: newTable(), mandate: [], opened: null, lastMs: ms };
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

const keyOf = naming((tenant, name) => `${tenant.length}:${tenant}:${name}`);
