/** Service levels: folded events become counts of objectives, usage, and burning budgets. */
import { eventWitness } from '../../model/event-witness.ts';
import type { BurnFact, EventFact } from '../../model/fact.ts';
import type {
  Objective,
  ObjectiveCount,
  Pace,
  ServiceLevels,
  UsageCount,
} from '../../model/objective.ts';
import { naming } from '../../state/names.ts';
import type { Entity } from '../../state/slot.ts';
import type { Slots } from '../../state/slots.ts';
import {
  addBurn,
  type BurnCounts,
  budgetLeft,
  burnRate,
  countWithin,
  createBurnCounts,
  RESOLUTIONS,
} from '../../stats/burn-rate.ts';
import { createKeepNames } from './kept-names.ts';
import { isBeyond, METER_NAMES, type Meter, readMeter, type Task, Tasks } from './tasks.ts';
import { Usage, type UsageStep } from './usage.ts';

/** The stage. */
export interface ObjectiveStage {
  /** Budgets that began to burn too fast with this event. */
  see(fact: EventFact): readonly BurnFact[];
  /** Counts since the last call, to be added to what is stored. */
  takeCounts(): ObjectiveCount[];
  takeUsage(): UsageCount[];
}

/** A long and a short window that must both burn: the short one says that it is still going on. */
interface Pair {
  readonly pace: Pace;
  readonly longMs: number;
  readonly shortMs: number;
  readonly factor: number;
}

const HOUR_MS = 3_600_000;
/** The Site Reliability Workbook, ch. 5: 2 % of a month's budget in an hour, 5 % in six, 10 % in three days. */
const PAIRS: readonly Pair[] = [
  { pace: 'fast', longMs: HOUR_MS, shortMs: HOUR_MS / 12, factor: 14.4 },
  { pace: 'fast', longMs: 6 * HOUR_MS, shortMs: HOUR_MS / 2, factor: 6 },
  { pace: 'slow', longMs: 72 * HOUR_MS, shortMs: 6 * HOUR_MS, factor: 1 },
];
/** Finish reasons of a model, or of a filter before it, that decline to answer. */
const REFUSED: ReadonlySet<string> = new Set(['refusal', 'content_filter', 'safety', 'blocked']);

interface Burning extends Entity, BurnCounts {
  newestMs: number;
  /** By pace: event time at which the present episode began; absent: it does not burn. */
  since: Partial<Record<Pace, number>>;
}

const SPACE = 'V';
/** Objectives by tenant: tenants are named by records, and anybody can name many. */
const BURNING_MAX = 20_000;

type Evicted = (subject: string, detail: string, ms: number) => void;

/** Makes the stage over `slots`. Without objectives it still sums usage. */
export function createObjectiveStage(
  slots: Slots,
  levels: ServiceLevels,
  evicted: Evicted,
): ObjectiveStage {
  slots.split(SPACE, RESOLUTIONS);
  const tasks = new Tasks(slots, evicted);
  const usage = new Usage(createKeepNames(slots));
  const counts = new Counts();
  return {
    see(fact) {
      const task = tasks.of(fact);
      const metered = meteredBy(levels, tasks, task, fact, evicted);
      const step = stepOf(fact) ?? metered;
      if (step !== NOTHING) usage.add(fact, task?.workflow ?? '', step);
      let found: readonly BurnFact[] = NONE;
      for (const objective of levels.objectives) {
        if (!isWithin(objective, fact, task)) continue;
        const verdict = judge(objective, tasks, task, fact, metered);
        if (verdict === null) continue;
        counts.add(objective, fact, verdict);
        const burning = burn(slots, objective, fact, verdict, evicted);
        if (burning.length > 0) found = [...found, ...burning];
      }
      return found;
    },
    takeCounts: () => counts.take(),
    takeUsage: () => usage.take(),
  };
}

const NONE: readonly BurnFact[] = [];

type Verdict = { readonly good: number; readonly bad: number };
const GOOD: Verdict = { good: 1, bad: 0 };
const BAD: Verdict = { good: 0, bad: 1 };
/** A session that was good until now, and no longer is. */
const SPOILT: Verdict = { good: -1, bad: 1 };

/** An event that adds nothing; one object, so that most events cost no allocation. */
const NOTHING: UsageStep & Partial<Record<Meter, number>> = Object.freeze({});

/** What an event adds to usage; null where it is for meters to say. */
function stepOf({ event, ours }: EventFact): UsageStep | null {
  const { action, reasoning, governance } = event;
  if (reasoning !== undefined)
    return hasRefused(reasoning.finish) ? { turns: 1, refusals: 1 } : { turns: 1 };
  if (governance?.change === 'session.opened') return { sessions: 1 };
  if (action === undefined) return null;
  if (ours) return NOTHING;
  if (action.decision === 'deny') return { denials: 1 };
  if (action.outcome === 'error') return { calls: 1, failures: 1 };
  return action.phase === 'decision' ? NOTHING : { calls: 1 };
}

/** By how much the meters of the task moved with this event. */
function meteredBy(
  levels: ServiceLevels,
  tasks: Tasks,
  task: Task | null,
  fact: EventFact,
  evicted: Evicted,
): Partial<Record<Meter, number>> {
  const { metric } = fact.event;
  if (metric === undefined || task === null) return NOTHING;
  if (metric.value !== undefined && isBeyond(metric.value)) {
    const isMetered = METER_NAMES.some((meter) => levels.meters[meter].includes(metric.name));
    if (isMetered)
      evicted(
        'service-levels',
        'a reading larger than any can be: dropped',
        fact.event.time.eventMs,
      );
    return NOTHING;
  }
  let moved: Partial<Record<Meter, number>> = NOTHING;
  for (const meter of METER_NAMES) {
    const by = readMeter(task, meter, levels.meters[meter], metric);
    if (by === null) continue;
    moved = { ...moved, [meter]: by };
    tasks.touch(fact);
  }
  return moved;
}

function hasRefused(finish: readonly string[] | undefined): boolean {
  return finish?.some((reason) => REFUSED.has(reason.toLowerCase())) ?? false;
}

function isWithin({ scope }: Objective, fact: EventFact, task: Task | null): boolean {
  if (scope.role !== undefined && scope.role !== fact.role) return false;
  if (scope.agent !== undefined && scope.agent !== fact.agent) return false;
  return scope.workflow === undefined || scope.workflow === task?.workflow;
}

/** Does this event count for the objective, and how? */
function judge(
  { name, indicator }: Objective,
  tasks: Tasks,
  task: Task | null,
  fact: EventFact,
  metered: Partial<Record<Meter, number>>,
): Verdict | null {
  const { action, reasoning } = fact.event;
  switch (indicator.of) {
    case 'turns':
      return reasoning === undefined ? null : hasRefused(reasoning.finish) ? BAD : GOOD;
    case 'calls':
    case 'latency': {
      if (action === undefined || fact.ours || action.decision !== 'allow') return null;
      if (indicator.of === 'calls') return ofOutcome(action.outcome);
      const { durationMs } = action;
      return durationMs === undefined ? null : durationMs <= indicator.atMostMs ? GOOD : BAD;
    }
    default: {
      if (task === null || metered[indicator.of] === undefined) return null;
      const isGood = (task.readings[indicator.of]?.total ?? 0) <= indicator.atMost;
      const before = task.counted[name];
      // A session counts once: as good until its total says otherwise, then as bad for ever.
      if (before === 0 || (before === 1 && isGood)) return null;
      task.counted[name] = isGood ? 1 : 0;
      tasks.touch(fact);
      return before === undefined ? (isGood ? GOOD : BAD) : SPOILT;
    }
  }
}

function ofOutcome(outcome: 'ok' | 'error' | 'unknown'): Verdict | null {
  return outcome === 'unknown' ? null : outcome === 'ok' ? GOOD : BAD;
}

/** Counts of objectives by tenant and hour, until they are taken. */
class Counts {
  readonly #counts = new Map<string, Count>();
  /** By objective: the count that was added to last, which is the next one too as a rule. */
  readonly #newest = new Map<Objective, Count>();

  add(objective: Objective, fact: EventFact, { good, bad }: Verdict): void {
    const hourMs = Math.floor(fact.event.time.eventMs / HOUR_MS) * HOUR_MS;
    const { tenant } = fact;
    let own = this.#newest.get(objective);
    if (own === undefined || own.hourMs !== hourMs || own.tenant !== tenant) {
      own = this.#of(objective.name, tenant, hourMs);
      this.#newest.set(objective, own);
    }
    own.good += good;
    own.bad += bad;
  }

  #of(objective: string, tenant: string, hourMs: number): Count {
    const key = JSON.stringify([objective, tenant, hourMs]);
    let own = this.#counts.get(key);
    if (own === undefined) {
      own = { objective, tenant, hourMs, good: 0, bad: 0 };
      this.#counts.set(key, own);
    }
    return own;
  }

  /** All of them, ordered by their key; begins anew. */
  take(): ObjectiveCount[] {
    const taken = [...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, count]) => count);
    this.#counts.clear();
    this.#newest.clear();
    return taken;
  }
}

type Count = { -readonly [Name in keyof ObjectiveCount]: ObjectiveCount[Name] };

const burningKey = naming((tenant, objective) => `${tenant.length}:${tenant}:${objective}`);

/** Enters the event and says what began to burn with it. */
function burn(
  slots: Slots,
  objective: Objective,
  fact: EventFact,
  { good, bad }: Verdict,
  evicted: Evicted,
): readonly BurnFact[] {
  const ms = fact.event.time.eventMs;
  const key = burningKey(fact.tenant, objective.name);
  let own = slots.get<Burning>(SPACE, key);
  if (own === undefined) {
    if (slots.count(SPACE) >= BURNING_MAX) forgetStalest(slots, ms, evicted);
    own = { ...createBurnCounts(), newestMs: ms, since: {} };
    slots.put(SPACE, key, own);
  }
  own.newestMs = Math.max(own.newestMs, ms);
  addBurn(own, ms, good, bad, own.newestMs, (resolution, bucket) =>
    slots.touchPart(SPACE, key, resolution, bucket),
  );
  slots.touch(SPACE, key);
  // Nothing begins to burn with a good event, and nothing that burnt may be over.
  if (bad === 0 && own.since.fast === undefined && own.since.slow === undefined) return NONE;
  const found: BurnFact[] = [];
  const isBurning: Partial<Record<Pace, boolean>> = {};
  for (const pair of PAIRS) {
    // Nothing begins to burn with a good event, but a burn may be over.
    if (bad === 0 && own.since[pair.pace] === undefined) continue;
    const long = countWithin(own, own.newestMs, pair.longMs);
    const short = countWithin(own, own.newestMs, pair.shortMs);
    const rates = [burnRate(long, objective.target), burnRate(short, objective.target)] as const;
    if (rates[0] < pair.factor || rates[1] < pair.factor) continue;
    isBurning[pair.pace] = true;
    if (own.since[pair.pace] !== undefined || long.bad < objective.leastBad) continue;
    own.since[pair.pace] = ms;
    // Whoever was told of the fast burn need not be told that it is also a slow one.
    if (pair.pace === 'slow' && own.since.fast !== undefined) continue;
    const left = budgetLeft(countWithin(own, own.newestMs, objective.windowMs), objective.target);
    found.push(factOf(objective, fact, pair, { long, short, rates, left }));
  }
  for (const pace of ['fast', 'slow'] as const)
    if (own.since[pace] !== undefined && isBurning[pace] !== true) delete own.since[pace];
  return found;
}

/** Of some the one that counted nothing for longest. */
function forgetStalest(slots: Slots, ms: number, evicted: Evicted): void {
  let stalest: [string, Burning] | undefined;
  for (const each of slots.sample<Burning>(SPACE, 16))
    if (stalest === undefined || each[1].newestMs < stalest[1].newestMs) stalest = each;
  if (stalest === undefined) return;
  slots.remove(SPACE, stalest[0]);
  evicted('service-levels', 'counts of an objective evicted: too many tenants', ms);
}

interface Measured {
  readonly long: Verdict;
  readonly short: Verdict;
  readonly rates: readonly [long: number, short: number];
  readonly left: number;
}

function factOf(
  objective: Objective,
  fact: EventFact,
  pair: Pair,
  { long, short, rates, left }: Measured,
): BurnFact {
  return {
    type: 'burn',
    tenant: fact.tenant,
    objective: objective.name,
    title: objective.title,
    role: objective.scope.role ?? null,
    target: objective.target,
    windowMs: objective.windowMs,
    pace: pair.pace,
    factor: pair.factor,
    long: { ...long, windowMs: pair.longMs, rate: rates[0] },
    short: { ...short, windowMs: pair.shortMs, rate: rates[1] },
    budgetLeft: left,
    witness: eventWitness(fact),
    decidedMs: fact.event.time.eventMs,
    late: fact.late,
  };
}
