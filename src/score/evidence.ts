/** Evidence: each agent's accumulators, one tick per closed unit, and the session lane. */
import { assert } from '../model/errors.ts';
import { KINDS } from '../model/event.ts';
import type { Entity } from '../state/slot.ts';
import type { Slots } from '../state/slots.ts';
import type { Guard } from '../stats/dependence.ts';
import { TABLES } from '../stats/e-value.ts';
import { accumulate, EMPTY } from '../stats/shiryaev-roberts.ts';
import type { Threshold } from './budget.ts';
import { excessOf, gatherTick, newRun, type Run } from './explain.ts';
import { accumulated, type Firing, type Standard, type UnitKey } from './firing.ts';
import { type Judged, judge, type Readings } from './judge.ts';
import { sessionLane } from './session-lane.ts';

/** A snapshot of an agent's day, for e-BH over the fleet. */
export interface DayEvidence {
  /** Days since 1970, UTC. */
  readonly day: number;
  readonly ticks: number;
  /** R / ticks: an e-value at a fixed time; 1 where nothing ticked yet. */
  readonly e: number;
}

/** What the close of a unit brought. */
export interface Closed {
  readonly firings: readonly Firing[];
  /** Marginal E of the tick, for the role's accumulator; null inside an unfinished block. */
  readonly evidence: number | null;
}

/** The evidence stage. */
export interface Evidence {
  /** Looks at an open unit; every firing names a threshold that this unit had not fired yet. */
  running(key: UnitKey, readings: Readings, standard: Standard): Firing[];
  /** Closes a unit: one tick, never to be scored again. */
  close(key: UnitKey, readings: Readings, standard: Standard): Closed;
  /** The agent's day so far; null for an agent nobody heard of. */
  day(agent: string): DayEvidence | null;
  /** ln R of one accumulator, nats; EMPTY for an agent nobody heard of. */
  level(agent: string, name: string): number;
}

interface Accumulator extends Run {
  /** ln R, nats. */
  r: number;
}

/** One agent's evidence: plain JSON, about 60 numbers, half a kilobyte. */
interface AgentEvidence extends Entity {
  ticks: number;
  lastMs: number;
  rungs: Record<string, Accumulator>;
  /** ln R of each source alone, in the order of KINDS: for the two-source gate. */
  sources: number[];
  /** Day, ln R, ticks. */
  day: [day: number, r: number, ticks: number];
  /** Open units that were looked at, with what they fired. */
  open: Record<string, string[]>;
  /** Sums over the units of an unfinished block: E per table, then mean e per source. */
  block: { units: number; sums: number[] } | null;
}

const SPACE = 'E';
const OPEN_MAX = 32;
const AGENTS_MAX = 200_000;
const DAY_MS = 86_400_000;
const GATE_R = Math.log(20);
const MARGINAL = TABLES.indexOf('marginal');
const CERTIFIED = TABLES.indexOf('certified');
const WILSON = TABLES.indexOf('wilson');

/**
 * Accumulators of all agents in `slots`. `evicted` is told of agents forgotten because there were too
 * many. Deterministic: the same units in the same order give the same firings, also after a restore.
 */
export function createEvidence(
  slots: Slots,
  evicted: (subject: string, detail: string, ms: number) => void = () => undefined,
): Evidence {
  const entityOf = (agent: string, ms: number): AgentEvidence => {
    const known = slots.get<AgentEvidence>(SPACE, agent);
    if (known !== undefined) return known;
    if (slots.count(SPACE) >= AGENTS_MAX) forgetLeast(slots, ms, evicted);
    const entity = newAgent(ms);
    slots.put(SPACE, agent, entity);
    return entity;
  };
  return {
    running(key, readings, standard) {
      const entity = entityOf(key.agent, readings.ms);
      const name = openName(key);
      let fired = entity.open[name];
      if (fired === undefined) {
        // A unit too many is judged at its close only.
        if (Object.keys(entity.open).length >= OPEN_MAX) return [];
        fired = [];
        entity.open[name] = fired;
        slots.touch(SPACE, key.agent);
      }
      const found = look(entity, key, readings, standard, fired);
      if (found.length > 0) slots.touch(SPACE, key.agent);
      return found;
    },
    close(key, readings, standard) {
      const entity = entityOf(key.agent, readings.ms);
      const name = openName(key);
      const fired = entity.open[name] ?? [];
      delete entity.open[name];
      slots.touch(SPACE, key.agent);
      return tick(entity, key, readings, standard, fired);
    },
    day(agent) {
      const entity = slots.get<AgentEvidence>(SPACE, agent);
      if (entity === undefined) return null;
      const [day, r, ticks] = entity.day;
      return { day, ticks, e: ticks === 0 ? 1 : Math.exp(r) / ticks };
    },
    level: (agent, name) => slots.get<AgentEvidence>(SPACE, agent)?.rungs[name]?.r ?? EMPTY,
  };
}

/** Unit ids come from agents: a prefix keeps `__proto__` from being more than a name. */
function openName(key: UnitKey): string {
  return `u:${key.unit}`;
}

function newAgent(ms: number): AgentEvidence {
  return {
    ticks: 0,
    lastMs: ms,
    rungs: {},
    sources: KINDS.map(() => EMPTY),
    day: [Math.floor(ms / DAY_MS), EMPTY, 0],
    open: {},
    block: null,
  };
}

/**
 * Before the close: the session lane, and the accumulators with evidence that can only grow until the
 * close. R is shared among the open units, for each of them could be the one that crosses.
 */
function look(
  entity: AgentEvidence,
  key: UnitKey,
  readings: Readings,
  standard: Standard,
  fired: string[],
): Firing[] {
  const judging = () => judge(readings, standard.tables, standard.weights, true);
  const found = sessionLane(key, readings, standard, judging, fired, {
    tick: entity.ticks + 1,
    early: true,
  });
  if (standard.guard.block > 1) return found;
  const judged = judging();
  let open = Number.NaN;
  for (const threshold of standard.thresholds) {
    if (threshold.a === null) continue;
    const e = judged.evidence[tableOf(threshold, standard.guard)] as number;
    const held = entity.rungs[threshold.name]?.r ?? EMPTY;
    // Nearly always (R + 1)·E <= 2·max(R, 1)·E is far from A, and nothing else needs to be known. Where
    // R <= 1 that takes no logarithm: a third instead of a half of A is beyond all rounding.
    if (held <= 0 && e > 0 && 3 * e < threshold.a) continue;
    const lnE = lnOf(e);
    const lnA = Math.log(threshold.a);
    if (Math.max(held, 0) + Math.LN2 + lnE < lnA) continue;
    if (Number.isNaN(open)) open = Math.log(Math.max(1, Object.keys(entity.open).length));
    if (fired.includes(accumulatorOf(threshold))) continue;
    const r = accumulate(held - open, lnE);
    if (r < lnA || !standsApart(threshold, apartAfter(entity, judged, open))) continue;
    const state = rungOf(entity, threshold);
    const { gap, tick: since, ms, shares } = state;
    const run: Run = { gap, tick: since, ms, shares: { ...shares } };
    const excess = () => excessOf(judged.parts(), judged.joint);
    gatherTick(run, lnE, excess, entity.ticks + 1, readings.ms);
    found.push(
      accumulated(
        key,
        readings,
        standard,
        threshold,
        { judged, r, run, before: state.r - open },
        true,
      ),
    );
    // The unit's evidence is spent here: at its close this accumulator passes it by.
    entity.rungs[threshold.name] = { r: EMPTY, ...newRun(), tick: entity.ticks + 1 };
    fired.push(accumulatorOf(threshold));
  }
  return found;
}

function tick(
  entity: AgentEvidence,
  key: UnitKey,
  readings: Readings,
  standard: Standard,
  fired: string[],
): Closed {
  const unit = judge(readings, standard.tables, standard.weights, false);
  const found = sessionLane(key, readings, standard, () => unit, fired, {
    tick: entity.ticks + 1,
    early: false,
  });
  const judged = standard.guard.block > 1 ? joinBlock(entity, unit, standard.guard.block) : unit;
  if (judged === null) return { firings: found, evidence: null };
  entity.ticks += 1;
  entity.lastMs = Math.max(entity.lastMs, readings.ms);
  entity.sources = apartAfter(entity, judged, 0);
  const evidence = logOf(judged.evidence);
  tickDay(entity, readings.ms, evidence[0] as number);
  // Made only where a rung gathers: on most ticks E is below one and none does.
  let excess: ReadonlyMap<string, number> | null = null;
  const shared = () => {
    excess ??= excessOf(judged.parts(), judged.joint);
    return excess;
  };
  for (const threshold of standard.thresholds) {
    if (threshold.a === null) continue;
    if (fired.length > 0 && fired.includes(accumulatorOf(threshold))) continue;
    const state = rungOf(entity, threshold);
    const before = state.r;
    const lnE = evidence[tableOf(threshold, standard.guard)] as number;
    state.r = accumulate(before, lnE);
    gatherTick(state, lnE, shared, entity.ticks, readings.ms);
    if (state.r < Math.log(threshold.a) || !standsApart(threshold, entity.sources)) continue;
    const whole = { judged, r: state.r, run: state, before };
    found.push(accumulated(key, readings, standard, threshold, whole, false));
    entity.rungs[threshold.name] = { r: EMPTY, ...newRun(), tick: entity.ticks + 1 };
  }
  return { firings: found, evidence: judged.evidence[0] ?? 1 };
}

function logOf(evidence: readonly number[]): number[] {
  return evidence.map(lnOf);
}

/** Asserts that evidence is above zero. */
function lnOf(e: number): number {
  // Asked before: the message would be made each time.
  if (!(e > 0)) assert(false, `evidence ${e}`);
  return Math.log(e);
}

/** ln R of each source alone after this unit, from what it holds less `open` nats. */
function apartAfter(entity: AgentEvidence, judged: Judged, open: number): number[] {
  return entity.sources.map((r, at) =>
    accumulate(r - open, Math.log(judged.sources[at] as number)),
  );
}

function rungOf(entity: AgentEvidence, threshold: Threshold): Accumulator {
  let state = entity.rungs[threshold.name];
  if (state === undefined) {
    state = { r: EMPTY, ...newRun(), tick: entity.ticks + 1 };
    entity.rungs[threshold.name] = state;
  }
  return state;
}

/** Place in TABLES. Where units depend on each other, averages over calibrations promise too much. */
function tableOf({ table }: Threshold, { strict }: Guard): number {
  if (table === 'marginal') return strict ? CERTIFIED : MARGINAL;
  return table === 'certified' ? CERTIFIED : WILSON;
}

function accumulatorOf(threshold: Threshold): string {
  return `accumulator:${threshold.name}`;
}

function standsApart(threshold: Threshold, sources: readonly number[]): boolean {
  if (threshold.sources === 1) return true;
  let count = 0;
  for (const r of sources) if (r >= GATE_R) count += 1;
  return count >= 2;
}

/** Adds to the day of the event, or to the present one where the unit came late. */
function tickDay(entity: AgentEvidence, ms: number, lnE: number): void {
  const day = Math.floor(ms / DAY_MS);
  if (day > entity.day[0]) entity.day = [day, EMPTY, 0];
  entity.day = [entity.day[0], accumulate(entity.day[1], lnE), entity.day[2] + 1];
}

/**
 * The dependence guard: the mean of the evidence of `size` consecutive units is one tick, valid
 * whatever the dependence among them. Null while the block is unfinished.
 */
function joinBlock(entity: AgentEvidence, unit: Judged, size: number): Judged | null {
  const figures = [...unit.evidence, ...unit.sources];
  const held = entity.block ?? { units: 0, sums: figures.map(() => 0) };
  held.units += 1;
  held.sums = held.sums.map((sum, at) => sum + (figures[at] as number));
  entity.block = held;
  if (held.units < size) return null;
  entity.block = null;
  const means = held.sums.map((sum) => sum / held.units);
  return {
    ...unit,
    evidence: means.slice(0, TABLES.length),
    sources: means.slice(TABLES.length),
  };
}

/** Whoever gathered something against it stays, then who was judged more often, then who was heard of last. */
function isLess(one: AgentEvidence, other: AgentEvidence): boolean {
  const gathered = ({ rungs }: AgentEvidence) =>
    Object.values(rungs).reduce((most, { r }) => Math.max(most, r), 0);
  const by = gathered(one) - gathered(other) || Math.min(one.ticks, 2) - Math.min(other.ticks, 2);
  return by === 0 ? one.lastMs < other.lastMs : by < 0;
}

function forgetLeast(
  slots: Slots,
  ms: number,
  evicted: (subject: string, detail: string, ms: number) => void,
): void {
  let least: [string, AgentEvidence] | undefined;
  for (const candidate of slots.sample<AgentEvidence>(SPACE, 32))
    if (least === undefined || isLess(candidate[1], least[1])) least = candidate;
  if (least === undefined) return;
  slots.remove(SPACE, least[0]);
  evicted('evidence', 'evidence of an agent forgotten: too many agents', ms);
}
