/** Case writing: recorded events in the form of a test file, with times that are relative. */
import type { Event } from '../model/event.ts';
import { START_MS } from './case-file.ts';
import type { Written } from './case-preamble.ts';
import { type Redaction, redacted } from './case-redact.ts';

/** An event as it was recorded. */
export interface Recorded {
  /** Its id, as witnesses name it. */
  readonly id: string;
  readonly ms: number;
  readonly event: Event;
}

/** Absolute times within a body; they move with the case. */
const MOMENTS = new Set(['validFromMs', 'validToMs', 'writtenMs']);
/** Kind of body → member that holds it, and the category it has where none is written. */
const BODIES = {
  reasoning: ['reasoning', 'model_call'],
  gateway: ['action', 'tool_call'],
  governance: ['governance', 'session'],
  metrics: ['metric', 'usage'],
} as const;

/** `+12.5s`: an offset from the beginning of a case, ms, as test files write it. */
export function offsetText(ms: number): string {
  return `${ms < 0 ? '-' : '+'}${Math.abs(ms) / 1000}s`;
}

/** How an event stands in its case. */
export interface Placing {
  readonly label: string;
  /** After the beginning of the case, ms. */
  readonly atMs: number;
  /** What the beginning was; absolute times in bodies move along. */
  readonly baseMs: number;
  /** Write the producer's id: another record of the case bears it too. */
  readonly keepsId: boolean;
}

/** One event as a test file has it. Null redaction keeps names and content. */
export function writtenOf(
  { event }: Recorded,
  { label, atMs, baseMs, keepsId }: Placing,
  redaction: Redaction | null,
): Written {
  const { kind, category, tenant, order, agent, session, principal, keys, nativeId } = event;
  const [member, usual] = BODIES[kind];
  const own = { tenant, agent, session, principal, keys, id: nativeId, [member]: event[member] };
  const moved = shifted(own, START_MS - baseMs) as typeof own;
  const clean = redaction === null ? moved : (redacted(moved, redaction) as typeof own);
  const written: Record<string, unknown> = { at: offsetText(atMs), label };
  if (keepsId && order?.of !== 'session') written['id'] = clean.id;
  written['agent'] = onlyId(clean.agent) ?? 'none';
  written['session'] = onlyId(clean.session) ?? 'none';
  if (order?.of === 'session') written['seq'] = order.seq;
  else if (order !== undefined) written['order'] = order;
  Object.assign(written, keysOf(clean.keys));
  if (clean.tenant !== undefined) written['tenant'] = clean.tenant;
  if (clean.principal !== undefined) written['principal'] = clean.principal;
  // How much content there is, the decoder sees; that some was cut off, it cannot.
  if (event.evidence?.truncated === true) written['evidence'] = event.evidence;
  if (category !== usual) written['category'] = category;
  return { ...written, ...bodyOf(member, category, clean[member]) };
}

/** Moves absolute times outside of content; drops what is not there. */
function shifted(value: unknown, byMs: number, key = ''): unknown {
  if (typeof value === 'number' && MOMENTS.has(key)) return value + byMs;
  if (key === 'args' || key === 'result' || key === 'attrs') return value;
  if (Array.isArray(value)) return value.map((each) => shifted(each, byMs));
  if (typeof value !== 'object' || value === null) return value;
  const there = Object.entries(value).filter(([, each]) => each !== undefined);
  return Object.fromEntries(there.map(([name, each]) => [name, shifted(each, byMs, name)]));
}

/** The id alone where there is nothing else. */
function onlyId(named: { readonly id: string } | undefined): unknown {
  if (named === undefined) return undefined;
  return Object.keys(named).length === 1 ? named.id : named;
}

function keysOf(keys: Event['keys']): Written {
  if (keys === undefined || Object.keys(keys).length === 0) return {};
  const { toolCallId, ...rest } = keys;
  return Object.keys(rest).length === 0 ? { call: toolCallId } : { keys };
}

/** The body: by the shorthand for a call or an announcement, where that says all of it. */
function bodyOf(member: string, category: string, body: unknown): Written {
  const parts = body as Readonly<Record<string, unknown>>;
  if (member === 'action' && category === 'tool_call' && parts['phase'] === 'result')
    return { calls: callOf(parts) };
  const { op, intents, claims, ...more } = parts;
  const isTurn = member === 'reasoning' && op === 'chat' && Object.keys(more).length === 0;
  if (isTurn && Array.isArray(claims) && claims.length === 0 && Array.isArray(intents))
    return { states: intents.map(statedOf) };
  return { [member]: body };
}

function callOf({
  phase: _,
  decision,
  outcome,
  policy,
  ...rest
}: Readonly<Record<string, unknown>>) {
  return {
    ...rest,
    ...(decision === 'allow' ? {} : { decision }),
    ...(outcome === 'ok' ? {} : { outcome }),
    ...(policy === undefined ? {} : { policy }),
  };
}

function statedOf(intent: unknown) {
  const { toolCallId, ...rest } = intent as Readonly<Record<string, unknown>>;
  return toolCallId === undefined ? rest : { call: toolCallId, ...rest };
}
