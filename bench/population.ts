/** A large fleet, each agent the same way: registered, granted, one open session with a few acts. */
import type { WireEvent } from '../src/model/event.ts';
import { agentAt, registration, roleAt, rota } from '../src/simulation/population.ts';
import { isFree } from '../src/simulation/role.ts';
import { ROLES } from '../src/simulation/roles.ts';
import { encodeEvent } from '../src/source/canonical.ts';
import type { Sent } from './workload.ts';

/** Acts of each agent's session. */
export const ACTS = 3;
/** Records of one agent: two of its registration, one of its session, two for each act. */
export const EVENTS_PER_AGENT = 3 + 2 * ACTS;

/** Event time of the first registration, ms. */
export const populationStartMs = Date.UTC(2026, 0, 1);
/** One millisecond an agent, and room between the phases. */
const GAP_MS = 60_000;
// The gateway sees a call so many agents after the model stated it.
const ANSWER_AFTER = 200;

const ORDER = rota(ROLES);

/** Event time at which everything below lies in the past, ms. */
export function populationEndMs(agents: number): number {
  return populationStartMs + (3 + ACTS) * (agents + GAP_MS);
}

/** Every event, in time order. */
export function* population(agents: number): Generator<Sent> {
  let ms = populationStartMs;
  for (let index = 0; index < agents; index += 1) {
    const agent = agentAt(ORDER, index);
    const events = registration(agent, roleAt(ORDER, index), null, populationStartMs, ms + index);
    for (const event of events) yield sent(event, agent.id, ms + index);
  }
  ms += agents + GAP_MS;
  for (let index = 0; index < agents; index += 1) yield opened(index, ms + index);
  for (let act = 0; act < ACTS; act += 1) {
    ms += agents + GAP_MS;
    yield* calls(agents, act, ms);
  }
}

/** One act of every agent's session: stated by the model, seen by the gateway. */
export function* calls(agents: number, act: number, fromMs: number): Generator<Sent> {
  for (let index = 0; index < agents + ANSWER_AFTER; index += 1) {
    const ms = fromMs + index;
    if (index < agents) yield stated(index, act, ms);
    if (index >= ANSWER_AFTER) yield seen(index - ANSWER_AFTER, act, ms);
  }
}

function opened(index: number, ms: number): Sent {
  const { id, role } = agentAt(ORDER, index);
  return sent(
    {
      id: `s-${index}/session.opened`,
      kind: 'governance',
      category: 'session',
      time: { eventNs: `${ms}000000` },
      agent: { id, role, basis: 'registry' },
      session: { id: `s-${index}` },
      principal: { sub: `user:${index % 400}` },
      governance: {
        change: 'session.opened',
        target: { type: 'session', id: `s-${index}` },
        detail: { role, mandate: 'Sort the new tickets.', principal: `user:${index % 400}` },
      },
    },
    id,
    ms,
  );
}

function stated(index: number, act: number, ms: number): Sent {
  const { id, role, model } = agentAt(ORDER, index);
  return sent(
    {
      kind: 'reasoning',
      category: 'model_call',
      time: { eventNs: `${ms}000000` },
      agent: { id, role, basis: 'gen_ai.agent.id' },
      session: { id: `s-${index}` },
      order: { seq: 2 * act, of: 'session' },
      reasoning: {
        op: 'chat',
        model,
        tokens: { in: 700 + act, out: 200 },
        intents: [{ toolCallId: `call_${act}`, tool: toolOf(index), args: argsOf(index, act) }],
        claims: [],
      },
    },
    id,
    ms,
  );
}

function seen(index: number, act: number, ms: number): Sent {
  const { id, role } = agentAt(ORDER, index);
  return sent(
    {
      kind: 'gateway',
      category: 'tool_call',
      time: { eventNs: `${ms}000000` },
      agent: { id, role, basis: 'jwt.sub' },
      session: { id: `s-${index}` },
      order: { seq: 2 * act + 1, of: 'session' },
      keys: { toolCallId: `call_${act}` },
      action: {
        phase: 'result',
        tool: toolOf(index),
        args: argsOf(index, act),
        decision: 'allow',
        outcome: 'ok',
        status: 200,
        durationMs: 120,
      },
    },
    id,
    ms,
  );
}

function toolOf(index: number): string {
  return roleAt(ORDER, index).tools.find(isFree)?.name ?? 'none';
}

function argsOf(index: number, act: number): Record<string, unknown> {
  return { id: `item-${index}-${act}`, page: act, since: '2026-01-01' };
}

function sent(event: WireEvent, key: string, atMs: number): Sent {
  return { topic: event.kind, key, value: encodeEvent(event), atMs };
}
