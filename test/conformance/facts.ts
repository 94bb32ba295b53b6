/** Facts as correlation states them, of a fleet that does everything wrong and loses a source. */

import { createCorrelate } from '../../src/correlate/correlate.ts';
import { NOTICE_CODES } from '../../src/model/detection.ts';
import type { Event, WireEvent } from '../../src/model/event.ts';
import type { BurnFact, EventFact, Fact, FiringFact, NoticeFact } from '../../src/model/fact.ts';
import { createFleet } from '../../src/simulation/fleet.ts';
import { encodeEvent } from '../../src/source/canonical.ts';
import { Slots } from '../../src/state/slots.ts';
import { held } from '../correlate/known.ts';
import { laneOptions } from '../sim/lane-options.ts';

/** Content that no finding may repeat: it is put into every place where content can stand. */
export const PAYLOAD = 'SECRET-PAYLOAD-7f3a';

/** A connection string with a password: kind `content` is to find it, and nobody to repeat it. */
const DSN = `postgres://svc:${PAYLOAD}@db.internal.example:5432/orders`;

const START_MS = 1_800_000_000_000;

/** The same event with the marker in its free text and in every argument. */
function marked(event: WireEvent): WireEvent {
  const { reasoning, action } = event;
  const withMarker = (args: Record<string, unknown> = {}) => ({ ...args, note: PAYLOAD, dsn: DSN });
  const calls = (list: NonNullable<typeof reasoning>['intents']) =>
    list.map((each) => ({ ...each, args: withMarker(each.args) }));
  if (reasoning !== undefined)
    return {
      ...event,
      reasoning: {
        ...reasoning,
        text: PAYLOAD,
        mandate: PAYLOAD,
        intents: calls(reasoning.intents),
      },
    };
  if (action === undefined) return event;
  return {
    ...event,
    action: {
      ...action,
      args: withMarker(action.args),
      result: { text: PAYLOAD },
      reason: PAYLOAD,
    },
  };
}

function eventsOf(seed: number): Event[] {
  const { decode } = laneOptions();
  const fleet = createFleet({
    seed,
    agents: 8,
    startMs: START_MS,
    sessionsPerHour: 600,
    badShare: 0.9,
    sessions: 40,
  });
  const events: Event[] = [];
  for (let next = fleet.next(); next !== null; next = fleet.next()) {
    const { topic, atMs: timestampMs, event } = next;
    const value = Buffer.from(encodeEvent(marked(event)));
    const rec = { topic, partition: 0, offset: events.length, timestampMs, key: null, value };
    events.push(...decode(rec).events);
  }
  // The gateway is lost on the way, for three minutes: nothing may be inferred from that.
  const lostMs = START_MS + 120_000;
  const isLost = ({ kind, time }: Event) =>
    kind === 'gateway' && time.eventMs > lostMs && time.eventMs < lostMs + 180_000;
  return events.filter((event) => !isLost(event));
}

/** What evidence would state of an attempt whose unit crossed a threshold in one lane. */
function firingOf(fact: Fact & { type: 'attempt' }, lane: FiringFact['lane']): FiringFact {
  const { attempt, session, decidedMs, late } = fact;
  const { decision: _decision, outcome: _outcome, policy: _policy, ...witness } = attempt;
  return {
    ...{ type: 'firing', session, decidedMs, late, lane, rung: 'alert', witness },
    ...(lane === 'session' ? { value: 0.001, threshold: 0.01 } : { value: 1e9, threshold: 1000 }),
    budget: '1 % of sessions',
    shares: [{ dimension: 'sequence', nats: 3, share: 1 }],
    onset: { tick: 3, ms: attempt.ms },
    because: Array.from({ length: 8 }, (_, n) => `sequence: sentence ${n} with 12 of 345 calls`),
    counterfactual: { dimension: 'sequence', score: 9.5, silentAt: 3.25 },
    unit: `${session.id}@1`,
    baseline: 'fleet *',
    seq: attempt.seq,
    tool: attempt.tool,
  };
}

/** What service levels would state of an attempt with which a budget began to burn. */
function burnOf(fact: Fact & { type: 'attempt' }, pace: BurnFact['pace']): BurnFact {
  const { attempt, session, decidedMs, late } = fact;
  const { decision: _decision, outcome: _outcome, policy: _policy, ...witness } = attempt;
  const day = 86_400_000;
  return {
    ...{ type: 'burn', tenant: session.tenant, objective: 'calls', title: 'Calls succeed' },
    ...{ role: null, target: 0.9, windowMs: 28 * day, pace, factor: 1, decidedMs, late, witness },
    long: { windowMs: 3 * day, good: 10, bad: 20, rate: 6.66 },
    short: { windowMs: day / 4, good: 1, bad: 9, rate: 9 },
    budgetLeft: -5.6,
  };
}

/** What the observer would have to say of a source that does everything wrong. */
function noticesOf(timeMs: number): NoticeFact[] {
  return [...NOTICE_CODES, 'dead-letter' as const].flatMap((code) =>
    Array.from(
      { length: 120 },
      (): NoticeFact => ({ type: 'notice', code, subject: 'src', tenant: '-', timeMs }),
    ),
  );
}

/** An agent that does the same thing for a long time, and then something else. */
function settledAgent(facts: readonly Fact[]): EventFact[] {
  const done = facts.find(
    (fact): fact is EventFact =>
      fact.type === 'event' &&
      fact.event.action?.decision === 'allow' &&
      fact.event.action.outcome === 'ok',
  );
  const action = done?.event.action;
  if (done === undefined || action === undefined) return [];
  const usual: EventFact = { ...done, agent: 'settled', session: null };
  const other = { ...usual.event, action: { ...action, tool: 'something-else' } };
  return [...Array.from({ length: 100 }, () => usual), { ...usual, event: other }];
}

/** An agent that holds two tools and for sixty days calls one of them, once a day. */
function holdsTooMuch(facts: readonly Fact[]): EventFact[] {
  const done = facts.find(
    (fact): fact is EventFact => fact.type === 'event' && fact.event.action !== undefined,
  );
  const action = done?.event.action;
  if (done === undefined || action === undefined) return [];
  const context = done.context();
  const tools = [action.tool, 'never-called'];
  const grants = Object.fromEntries(tools.map((tool) => [tool, { class: null, tier: null }]));
  const at = (days: number, event: Partial<Event>): EventFact => ({
    ...done,
    agent: 'holder',
    session: null,
    context: () => ({ ...context, agent: { ...context.agent, grants } }),
    event: {
      ...done.event,
      ...event,
      time: { ...done.event.time, eventMs: done.event.time.eventMs + days * 86_400_000 },
    },
  });
  const { action: _none, ...bare } = done.event;
  const granted = { change: 'tools.granted', detail: { tools: tools.map((tool) => ({ tool })) } };
  const first = at(0, {});
  const grant: EventFact = {
    ...first,
    event: { ...bare, kind: 'governance', category: 'grant', governance: granted } as Event,
  };
  return [grant, ...Array.from({ length: 60 }, (_, day) => at(day + 1, {}))];
}

/** A memory that one session writes with a stranger's text in view, and another reads. */
function passedOn(facts: readonly Fact[]): EventFact[] {
  const turn = facts.find(
    (fact): fact is EventFact => fact.type === 'event' && fact.event.reasoning !== undefined,
  );
  const session = facts.find((fact) => fact.type === 'attempt')?.session;
  if (turn === undefined || session === undefined) return [];
  return (['write', 'read'] as const).map((op) => ({
    ...turn,
    session: { ...session, id: `${op}s` },
    event: {
      ...turn.event,
      reasoning: {
        ...{ intents: [], claims: [], text: PAYLOAD, memory: { op, id: 'm' } },
        context: { documents: [{ id: 'd', trust: 'untrusted' as const }] },
      },
    },
  }));
}

/** Every fact that the books of a fleet give, in the order in which they become decidable. */
export function factsOf(seed: number): Fact[] {
  const facts: Fact[] = [];
  const { correlate: options } = laneOptions();
  const correlate = createCorrelate(
    new Slots(),
    options,
    // A fact is read when it is stated; what comes later must not change it in hindsight.
    (fact) => facts.push(held(fact)),
    () => undefined,
  );
  let lastMs = START_MS;
  for (const event of eventsOf(seed)) {
    lastMs = event.time.eventMs;
    correlate.passTime(lastMs - 1);
    correlate.fold(event, false);
  }
  correlate.passTime(lastMs + 120_000);
  correlate.finish(lastMs + 120_000);
  facts.push(...settledAgent(facts), ...passedOn(facts), ...holdsTooMuch(facts));
  const attempts = facts.filter((fact) => fact.type === 'attempt').slice(0, 5);
  for (const attempt of attempts)
    for (const lane of ['session', 'accumulator'] as const) facts.push(firingOf(attempt, lane));
  facts.push(...noticesOf(START_MS));
  for (const attempt of attempts)
    for (const pace of ['fast', 'slow'] as const) facts.push(burnOf(attempt, pace));
  return facts;
}
