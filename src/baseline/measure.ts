/** Measuring a window: what its exit criteria and its review need to know of its sessions. */
import type { UnitRecord } from '../model/unit.ts';
import { lagSpearman } from '../stats/dependence.ts';
import { unseenMass } from '../stats/good-turing.ts';
import { type Counts, permutationP } from '../stats/jensen-shannon.ts';
import type { Measured } from './criteria.ts';
import type { Dimension } from './dimension.ts';

const DAY_MS = 86_400_000;
const TOP = 20;

/** A session's share of all calls, or a day's. */
export interface Share {
  readonly id: string;
  readonly share: number;
}

/**
 * What sessions say of themselves: days, sessions, unseen tools, whether the first half is like the
 * second (Bonferroni over the dimensions given), and the correlation of consecutive scores of one
 * agent where scores are given, by session. What only the learner knows is left out.
 */
export function measureUnits(
  units: readonly UnitRecord[],
  dimensions: readonly Dimension[],
  uniform: () => number,
  scores: ReadonlyMap<string, number> = new Map(),
): Pick<Measured, 'days' | 'sessions' | 'unseenTools' | 'halvesP' | 'lag1'> {
  const sessions = bySession(units);
  const tools = new Map<string, number>();
  for (const session of sessions)
    for (const tool of new Set(session.flatMap(toolsOf)))
      tools.set(tool, (tools.get(tool) ?? 0) + 1);
  const middle = Math.floor(sessions.length / 2);
  const [first, second] = [sessions.slice(0, middle), sessions.slice(middle)];
  const ps = dimensions.map((one) => permutation(one, first.flat(), second.flat(), uniform));
  return {
    days: new Set(sessions.map(dayOf)).size,
    sessions: sessions.length,
    unseenTools: unseenMass(tools.values()),
    halvesP: ps.length === 0 ? null : Math.min(1, ps.length * Math.min(...ps)),
    lag1: scores.size === 0 ? null : lagSpearman(seriesOf(sessions, scores)),
  };
}

/**
 * p that two sets of units behave alike in one dimension, permuting whole sessions; 999 rounds. In
 * (0, 1].
 */
export function permutation(
  dimension: Dimension,
  before: readonly UnitRecord[],
  after: readonly UnitRecord[],
  uniform: () => number,
): number {
  const of = (units: readonly UnitRecord[]): Counts[] =>
    bySession(units).map((session) => dimension.symbols(dimension.learn(session)));
  return permutationP(of(before), of(after), uniform);
}

/** The largest shares of all calls by session and by UTC day. */
export function influenceOf(units: readonly UnitRecord[]): {
  readonly sessions: readonly Share[];
  readonly days: readonly Share[];
} {
  const bySessions = new Map<string, number>();
  const byDays = new Map<string, number>();
  let total = 0;
  for (const session of bySession(units)) {
    const calls = session.flatMap(toolsOf).length;
    const name = session[0]?.head.session ?? '';
    const day = String(dayOf(session));
    bySessions.set(name, (bySessions.get(name) ?? 0) + calls);
    byDays.set(day, (byDays.get(day) ?? 0) + calls);
    total += calls;
  }
  const top = (counts: ReadonlyMap<string, number>): Share[] =>
    [...counts]
      .map(([id, n]) => ({ id, share: total === 0 ? 0 : n / total }))
      .sort((a, b) => b.share - a.share || (a.id < b.id ? -1 : 1))
      .slice(0, TOP);
  return { sessions: top(bySessions), days: top(byDays) };
}

/** Units by session, sessions in the order they began; chunks of a session are one session. */
function bySession(units: readonly UnitRecord[]): readonly (readonly UnitRecord[])[] {
  const sessions = new Map<string, UnitRecord[]>();
  for (const unit of units) {
    const key = JSON.stringify([unit.head.tenant, unit.head.session]);
    const chunks = sessions.get(key);
    if (chunks === undefined) sessions.set(key, [unit]);
    else chunks.push(unit);
  }
  return [...sessions]
    .map(([key, chunks]) => ({ key, chunks, ms: beganMs(chunks) }))
    .sort((a, b) => a.ms - b.ms || (a.key < b.key ? -1 : 1))
    .map(({ chunks }) => chunks);
}

function beganMs(session: readonly UnitRecord[]): number {
  return Math.min(
    ...session.map(({ head, items, lastMs }) => head.openedMs ?? items[0]?.ms ?? lastMs),
  );
}

/** UTC day, counted since 1970. */
function dayOf(session: readonly UnitRecord[]): number {
  return Math.floor(beganMs(session) / DAY_MS);
}

function toolsOf({ items }: UnitRecord): string[] {
  return items.flatMap((item) => (item.type === 'call' && !item.ours ? [item.tool] : []));
}

/** Scores of each agent's sessions in order. */
function seriesOf(
  sessions: readonly (readonly UnitRecord[])[],
  scores: ReadonlyMap<string, number>,
): readonly (readonly number[])[] {
  const series = new Map<string, number[]>();
  for (const [unit] of sessions) {
    const score = unit === undefined ? undefined : scores.get(unit.head.session);
    if (unit === undefined || score === undefined) continue;
    const own = series.get(unit.head.agent);
    if (own === undefined) series.set(unit.head.agent, [score]);
    else own.push(score);
  }
  return [...series.values()];
}
