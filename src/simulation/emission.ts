/** What a simulated fleet gives out: events as they go on the wire, and the truth about them. */

import type { Kind, WireEvent } from '../model/event.ts';
import type { Action } from '../model/event-action.ts';
import type { Governance } from '../model/event-governance.ts';
import type { Metric } from '../model/event-metric.ts';
import type { Reasoning, StatedCall } from '../model/event-reasoning.ts';

/** The ways a simulated session can misbehave; names are those of the detectors. */
export const MISBEHAVIOURS = [
  'unstated-action',
  'phantom-action',
  'argument-mismatch',
  'tool-mismatch',
  'ungranted-action',
  'denied-then-retried',
  'after-close',
  'identity-mismatch',
  'unknown-agent',
  'spawn-without-origin',
  'approval-missing',
  'retry-spiral',
  'call-burst',
  'token-spiral',
] as const;
/** One of MISBEHAVIOURS. */
export type Misbehaviour = (typeof MISBEHAVIOURS)[number];

/**
 * The ways to stray that break no rule: only somebody who knows what is usual can tell. The first
 * eight are deeds of one session; the others begin with a change, and sessions show them after it.
 */
export const DEVIATIONS = [
  'tool-sweep',
  'exfiltration-volume',
  'cost-spiral',
  'retry-loop',
  'mandate-mismatch',
  'foreign-argument',
  'source-tampering',
  'delegation-abuse',
  'slow-drift',
  'model-swap',
  'prompt-swap',
  'insider-grant',
  'role-rollout',
  'poisoned-window',
] as const;
/** One of DEVIATIONS. */
export type Deviation = (typeof DEVIATIONS)[number];
/** Whatever a session can do wrong. */
export type Misdeed = Misbehaviour | Deviation;

/** What a session was, as the labels of the recordings say it. */
export const LABELS = [
  'benign',
  'attack_resisted',
  'attack_attempted',
  'attack_succeeded',
] as const;

/** The label of one session that is over; daemons never see it. Names are those of the corpus. */
export interface SessionLabel {
  readonly session_id: string;
  readonly agent_id: string;
  /** Role and class of the task. */
  readonly task: string;
  /**
   * `attack_attempted` counts on neither side: the deed was tried and missed, or the session is one
   * of many after a change nobody declared, where an alarm is right and silence no failure.
   */
  readonly label: (typeof LABELS)[number];
  /** `seq` of the record after which the agent had read the foreign instruction; null: never. */
  readonly exposed_at_seq: number | null;
  /** `seq` of the first wrong record; null where there is none. */
  readonly onset_seq: number | null;
  /** Calls that reached a gateway. */
  readonly tool_calls: number;
  /** What was done or planned; null for sound sessions. */
  readonly kind: Misdeed | null;
}

/** What was really done; daemons never see it. */
export interface Truth {
  readonly sessionId: string;
  /** Identity the session runs under. */
  readonly agentId: string;
  readonly kind: Misdeed;
  /** Event time of the record that completes it, ms. */
  readonly atMs: number;
  /**
   * `seq` of that record; of a phantom action, the `seq` just before where the call is missing.
   * Of a burst it is the last call of the burst itself: with the calls before it, a minute is full
   * a little sooner. Null where the whole session is meant.
   */
  readonly seq: number | null;
  /** `seq` of the record it began with: differs from `seq` in spirals, bursts and retries. */
  readonly fromSeq: number | null;
}

/** One record on its way to a topic. */
export interface Emission {
  /** Event time, whole ms since 1970; never falls from one emission to the next. */
  readonly atMs: number;
  readonly topic: Kind;
  /** Agent the record names: what a producer keys by. */
  readonly key: string;
  readonly event: WireEvent;
  /** What misbehaviour this record completes; null for nearly all. */
  readonly truth: Truth | null;
}

/** Whose record it is. */
export interface Bearer {
  readonly agentId: string;
  readonly role: string;
  readonly tenant: string | null;
  readonly sessionId: string | null;
  readonly parent: string | null;
  readonly principal: string | null;
}

const BASIS: Readonly<Record<Kind, string>> = {
  reasoning: 'gen_ai.agent.id',
  gateway: 'jwt.sub',
  governance: 'registry',
  metrics: 'gen_ai.agent.id',
};

function envelope(kind: Kind, category: string, bearer: Bearer, atMs: number): WireEvent {
  const event: WireEvent = {
    kind,
    category,
    time: { eventNs: `${atMs}000000` },
    agent: { id: bearer.agentId, role: bearer.role, basis: BASIS[kind] },
    evidence: { level: 'L3' },
  };
  if (bearer.tenant !== null) event.tenant = bearer.tenant;
  if (bearer.sessionId !== null) {
    event.session =
      bearer.parent === null
        ? { id: bearer.sessionId }
        : { id: bearer.sessionId, parent: bearer.parent };
  }
  if (bearer.principal !== null) event.principal = { sub: bearer.principal };
  return event;
}

/** A governance record. `id` must be unique within the topic. */
export function governanceEvent(
  bearer: Bearer,
  atMs: number,
  id: string,
  category: string,
  body: Governance,
): WireEvent {
  return { id, ...envelope('governance', category, bearer, atMs), governance: body };
}

/** A metrics record. `id` must be unique within the topic. */
export function metricEvent(
  bearer: Bearer,
  atMs: number,
  id: string,
  category: string,
  body: Metric,
): WireEvent {
  return { id, ...envelope('metrics', category, bearer, atMs), metric: body };
}

/** A reasoning record: one turn of the model. Its identity is session and `seq`. */
export function reasoningEvent(
  bearer: Bearer,
  atMs: number,
  seq: number,
  body: Reasoning,
): WireEvent {
  const event = envelope('reasoning', 'model_call', bearer, atMs);
  event.order = { seq, of: 'session' };
  event.reasoning = body;
  return event;
}

/** A gateway record: one call. Its identity is session and `seq`. */
export function gatewayEvent(
  bearer: Bearer,
  atMs: number,
  seq: number,
  callId: string,
  body: Action,
): WireEvent {
  const event = envelope('gateway', 'tool_call', bearer, atMs);
  event.order = { seq, of: 'session' };
  event.keys = { toolCallId: callId };
  event.action = body;
  return event;
}

/** What an agent states of a call, before or after it. */
export type Statement = StatedCall;
