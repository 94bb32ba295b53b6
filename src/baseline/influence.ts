/** Bounded influence: no session and no day decides a count alone (handbook 9.3). */
import type { UnitRecord } from '../model/unit.ts';

const DAY_MS = 86_400_000;
/** Sessions and days a symbol needs to count as known, or as many as there are. */
const SESSIONS_KNOWN = 3;
const DAYS_KNOWN = 2;

/** A counter after capping, with what stands behind it. */
export interface Support {
  /** Capped count, whole, >= 1. */
  readonly n: number;
  readonly sessions: number;
  readonly days: number;
}

/** Counters of a window. */
export interface Tally {
  readonly counters: ReadonlyMap<string, Support>;
  /** Sessions in the window, whether they counted anything or not. */
  readonly sessions: number;
  /** Distinct UTC days in the window. */
  readonly days: number;
}

interface Counter {
  total: number;
  days: Map<number, number>;
  sessions: number;
  n: number;
}

/**
 * Counts a window so that a session contributes at most max(1, total/√sessions) to a counter and a
 * day at most max(1, total/√days); chunks of a session are one session, on the day it began.
 * The result does not depend on the order of the units.
 * `count` names what a unit adds; with `once` a session counts at most once.
 */
export function tallied(
  units: readonly UnitRecord[],
  count: (unit: UnitRecord, add: (key: string, n?: number) => void) => void,
  { once = false }: { readonly once?: boolean } = {},
): Tally {
  const sessions = bySession(units);
  const seen = new Map<string, Counter>();
  const own = sessions.map((session) => {
    const counts = new Map<string, number>();
    const add = (key: string, n = 1): void => {
      if (n > 0) counts.set(key, once ? 1 : (counts.get(key) ?? 0) + n);
    };
    for (const unit of session.units) count(unit, add);
    for (const [key, n] of counts) {
      const counter = seen.get(key);
      if (counter === undefined) seen.set(key, { total: n, days: new Map(), sessions: 1, n: 0 });
      else {
        counter.total += n;
        counter.sessions += 1;
      }
    }
    return counts;
  });
  const days = new Set(sessions.map(({ day }) => day)).size;
  sessions.forEach(({ day }, at) => {
    for (const [key, n] of own[at] ?? []) {
      const counter = seen.get(key);
      if (counter === undefined) continue;
      const part = Math.min(n, capOf(counter.total, sessions.length));
      counter.days.set(day, (counter.days.get(day) ?? 0) + part);
    }
  });
  const counters = new Map<string, Support>();
  for (const [key, counter] of seen) {
    const cap = capOf(counter.total, days);
    let n = 0;
    for (const part of counter.days.values()) n += Math.min(part, cap);
    counters.set(key, { n, sessions: counter.sessions, days: counter.days.size });
  }
  return { counters, sessions: sessions.length, days };
}

/**
 * Does this stand on enough sessions and days to count as known? Three sessions on two days, or all
 * there are where the window is smaller than that.
 */
export function isKnown(support: Support, { sessions, days }: Tally): boolean {
  return (
    support.sessions >= Math.min(SESSIONS_KNOWN, sessions) &&
    support.days >= Math.min(DAYS_KNOWN, days)
  );
}

/** Names of the known counters, in sorted order. */
export function knownOf(tally: Tally): string[] {
  const known: string[] = [];
  for (const [key, support] of tally.counters) if (isKnown(support, tally)) known.push(key);
  return known.sort();
}

/** One session of a window: all its units, and the UTC day it began. */
export interface SessionUnits {
  readonly day: number;
  readonly units: readonly UnitRecord[];
}

/** Units grouped by session, each session's in order of time; sessions in order of their names. */
export function bySession(units: readonly UnitRecord[]): SessionUnits[] {
  const groups = new Map<string, UnitRecord[]>();
  for (const unit of units) {
    const key = JSON.stringify([unit.head.tenant, unit.head.session]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [unit]);
    else group.push(unit);
  }
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, group]) => {
      group.sort((a, b) => a.lastMs - b.lastMs);
      const days = group.map(({ lastMs }) => Math.floor(lastMs / DAY_MS));
      return { day: Math.min(...days), units: group };
    });
}

function capOf(total: number, groups: number): number {
  return Math.max(1, Math.floor(total / Math.sqrt(Math.max(1, groups))));
}
