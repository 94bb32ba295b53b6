/** Kind `cep-latency`, pattern (c): a call that took far longer than the agent's last ones. */
import { Type } from 'typebox';
import type { AnalyticKind, Finding, KindContext, See } from '../../src/detect/kind.ts';
import { eventWitness } from '../../src/model/event-witness.ts';
import type { EventFact } from '../../src/model/fact.ts';
import { naming } from '../../src/state/names.ts';
import type { Entity } from '../../src/state/slot.ts';

const Params = Type.Object(
  {
    calls: Type.Integer({ minimum: 2, maximum: 1024, description: 'Calls that are remembered.' }),
    deviations: Type.Number({ exclusiveMinimum: 0, description: 'Fires beyond so many.' }),
  },
  { additionalProperties: false },
);
interface Params {
  readonly calls: number;
  readonly deviations: number;
}

/** The last calls of an agent, µs, with their running sums. */
interface Agent extends Entity {
  readonly last: number[];
  calls: number;
  sum: number;
  squares: number;
}

const AGENTS_MAX = 100_000;

/**
 * The kind. Sigma cannot say it: its correlations know sums, averages, medians and percentiles of a
 * timespan against a fixed number; none has a deviation, or a window of so many events.
 */
export const latency: AnalyticKind = {
  name: 'cep-latency',
  claim: "A call took longer than mean and so many deviations of the agent's last calls.",
  params: Params,
  facts: ['event'],
  books: () => ['gateway'],
  evidence: 'L0',
  bound: `as many calls an agent as are asked for, ${AGENTS_MAX} agents`,
  spaces: (scope) => [spaceName('Y:', scope)],
  compile(params, context): See {
    const rule = params as Params;
    const space = spaceName('Y:', context.scope);
    context.slots.rests(space);
    return (fact) => (fact.type === 'event' ? took(rule, fact, context, space) : null);
  },
};

const spaceName = naming((kind, scope) => `${kind}${scope}`);
const agentKey = naming((tenant, agent) => `${tenant.length}:${tenant} ${agent}`);

function took(rule: Params, fact: EventFact, context: KindContext, space: string): Finding | null {
  const ms = fact.event.action?.durationMs;
  if (ms === undefined) return null;
  // Whole µs: sums of their squares are exact.
  const us = Math.round(ms * 1000);
  const { slots } = context;
  const key = agentKey(fact.tenant, fact.agent);
  let agent = slots.get<Agent>(space, key);
  if (agent === undefined) {
    makeRoom(context, space, fact.event.time.eventMs);
    agent = { last: [], calls: 0, sum: 0, squares: 0 };
    slots.put(space, key, agent);
  }
  const { last } = agent;
  const place = agent.calls % rule.calls;
  const old = last[place] ?? 0;
  last[place] = us;
  agent.calls += 1;
  agent.sum += us - old;
  agent.squares += us * us - old * old;
  slots.touch(space, key);
  const count = last.length;
  if (count < 2) return null;
  const mean = agent.sum / count;
  const variance = Math.max(0, agent.squares - agent.sum * mean) / (count - 1);
  const limit = mean + rule.deviations * Math.sqrt(variance);
  return us > limit ? findingOf(fact, us, limit, rule) : null;
}

/** Of eight, the agent that called least is forgotten. */
function makeRoom(context: KindContext, space: string, nowMs: number): void {
  const { slots } = context;
  if (slots.count(space) < AGENTS_MAX) return;
  const [victim] = slots
    .sample<Agent>(space, 8)
    .sort(([, one], [, other]) => one.calls - other.calls);
  if (victim === undefined) return;
  slots.remove(space, victim[0]);
  context.evicted(context.stem, 'calls of an agent forgotten: too many agents', nowMs);
}

function findingOf(fact: EventFact, us: number, limit: number, rule: Params): Finding {
  const witness = eventWitness(fact);
  const [took, allowed] = [Math.round(us / 1000), Math.round(limit / 1000)];
  return {
    tenant: fact.tenant,
    agent: fact.agent,
    role: fact.role,
    session: fact.session?.id ?? null,
    said: [{ witness, says: `took ${took} ms` }],
    seq: witness.seq,
    tool: witness.tool,
    timeMs: witness.ms,
    decidedMs: witness.ms,
    strength: 'exact',
    late: fact.late,
    explanation: `The call took ${took} ms; mean and ${rule.deviations} deviations of the last ${rule.calls} are ${allowed} ms.`,
    counterfactual: `silent up to ${allowed} ms`,
  };
}
