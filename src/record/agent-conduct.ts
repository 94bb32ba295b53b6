/** What an agent did and what was done about it, as of a moment. */
import { LEVELS, type Level } from '../model/detection.ts';
import type { Database } from '../model/ports.ts';
import { numberOf, numberOrNull, textOf, textOrNull, textsOf } from './row.ts';
import { cleanKey } from './text.ts';

type Reads = Pick<Database, 'query'>;

/** How far back behaviour, cases and actions are told of, ms. */
export const BACK_MS = 7 * 86_400_000;

/** A lease as it stood. */
export interface LeaseAt {
  readonly id: string;
  readonly caseId: string;
  readonly verb: string;
  readonly session: string | null;
  readonly tools: readonly string[];
  readonly reason: string;
  readonly issuedMs: number;
  readonly acceptedMs: number | null;
  readonly endedMs: number | null;
  /** As it stands now: it may have been renewed since. */
  readonly expiresMs: number | null;
  readonly cause: string | null;
  /** What the gateway had shown by then. */
  readonly verifiedMs: number | null;
  /** standing · asked: not accepted yet · over: ended within the days before. */
  readonly stood: 'standing' | 'asked' | 'over';
}

/** A case as it stood. */
export interface CaseAt {
  readonly id: string;
  readonly title: string;
  readonly openedMs: number;
  /** Detections of it that were decided by then, and the highest level among them. */
  readonly detections: number;
  readonly level: Level;
  readonly lastMs: number;
  /** What people were last told of it by then; null: nothing. */
  readonly lastTold: string | null;
}

/** What was in force as a baseline. */
export interface BaselineAt {
  readonly level: 'agent' | 'role' | 'fleet';
  readonly subject: string;
  readonly hash: string;
  readonly fromMs: number;
  readonly toMs: number | null;
  readonly approvedBy: readonly string[];
}

/** What it used in a day. */
export interface UsageAt {
  readonly dayMs: number;
  readonly sessions: number;
  readonly turns: number;
  readonly calls: number;
  readonly failures: number;
  readonly denials: number;
  readonly tokens: number;
  readonly cost: number;
}

/** What it did in the days before. */
export interface ConductAt {
  /** By detector. */
  readonly detections: readonly {
    readonly detector: string;
    readonly maturity: string;
    readonly count: number;
  }[];
  readonly usage: readonly UsageAt[];
  /** Calls of it that the gateway showed while a lease stood. */
  readonly underLease: { readonly allowed: number; readonly refused: number };
}

const BASELINES = `select f.level, f.subject, f.hash, f.from_ms, f.to_ms, v.approved_by
  from baseline_in_force f join baseline_version v on v.hash = f.hash
  where f.from_ms <= $1 and (f.to_ms is null or f.to_ms > $1)
    and ((f.level = 'agent' and f.subject = $2) or (f.level = 'role' and f.subject = $3)
      or f.level = 'fleet')
  order by f.level, f.ord`;

/** Baselines in force for it. */
export async function baselinesAt(
  db: Reads,
  agent: string,
  role: string | null,
  atMs: number,
): Promise<readonly BaselineAt[]> {
  const rows = await db.query(BASELINES, [atMs, cleanKey(agent), cleanKey(role ?? '')]);
  return rows.map((row) => ({
    level: textOf(row, 'level') as BaselineAt['level'],
    subject: textOf(row, 'subject'),
    hash: textOf(row, 'hash'),
    fromMs: numberOf(row, 'from_ms'),
    toMs: numberOrNull(row, 'to_ms'),
    approvedBy: textsOf(row, 'approved_by'),
  }));
}

const LEASES = `select id, case_id, verb, session, tools, reason, issued_ms, accepted_ms, ended_ms,
    expires_ms, cause, verified_ms from lease
  where agent = $1 and tenant = $2 and issued_ms <= $3
    and (ended_ms is null or ended_ms > $3 - $4) and (ended_ms is not null or expires_ms is null
      or expires_ms > $3 - $4)
  order by issued_ms desc, id limit 100`;

/** Leases that stood, or had ended in the days before. */
export async function leasesAt(
  db: Reads,
  who: readonly unknown[],
  atMs: number,
): Promise<readonly LeaseAt[]> {
  return (await db.query(LEASES, [...who, atMs, BACK_MS])).map((row) => {
    const known = (column: string) => {
      const ms = numberOrNull(row, column);
      return ms !== null && ms <= atMs ? ms : null;
    };
    const expiresMs = numberOrNull(row, 'expires_ms');
    const isOver =
      known('ended_ms') !== null ||
      (numberOrNull(row, 'ended_ms') === null && expiresMs !== null && expiresMs <= atMs);
    return {
      id: textOf(row, 'id'),
      caseId: textOf(row, 'case_id'),
      verb: textOf(row, 'verb'),
      session: textOrNull(row, 'session'),
      tools: textsOf(row, 'tools'),
      reason: textOf(row, 'reason'),
      issuedMs: numberOf(row, 'issued_ms'),
      acceptedMs: known('accepted_ms'),
      endedMs: known('ended_ms'),
      expiresMs,
      cause: known('ended_ms') === null ? null : textOrNull(row, 'cause'),
      verifiedMs: known('verified_ms'),
      stood: isOver ? 'over' : known('accepted_ms') === null ? 'asked' : 'standing',
    };
  });
}

const CASES = `select c.id, c.body ->> 'title' as title, c.opened_ms, count(d.id) as detections,
    array_agg(distinct d.level) as levels, max(d.decided_ms) as last_ms,
    (select a.why from announcement a where a.case_id = c.id and a.time_ms <= $3
      order by a.time_ms desc, a.id limit 1) as told
  from case_record c join case_member m on m.case_id = c.id
    join detection d on d.id = m.detection_id and d.decided_ms <= $3
  where c.agent = $1 and c.tenant = $2 and c.opened_ms <= $3
  group by c.id, c.body, c.opened_ms having max(d.decided_ms) > $3 - $4
  order by max(d.decided_ms) desc, c.id limit 100`;

/** Cases that grew in the days before. */
export async function casesAt(
  db: Reads,
  who: readonly unknown[],
  atMs: number,
): Promise<readonly CaseAt[]> {
  return (await db.query(CASES, [...who, atMs, BACK_MS])).map((row) => {
    const levels = textsOf(row, 'levels');
    return {
      id: textOf(row, 'id'),
      title: textOrNull(row, 'title') ?? '',
      openedMs: numberOf(row, 'opened_ms'),
      detections: numberOf(row, 'detections'),
      level: LEVELS.findLast((level) => levels.includes(level)) ?? 'informational',
      lastMs: numberOf(row, 'last_ms'),
      lastTold: textOrNull(row, 'told'),
    };
  });
}

const USAGE = `select day_ms, sum(sessions)::bigint as sessions, sum(turns)::bigint as turns,
    sum(calls)::bigint as calls, sum(failures)::bigint as failures, sum(denials)::bigint as denials,
    sum(tokens)::float8 as tokens, sum(cost)::float8 as cost
  from usage_day where agent = $1 and tenant = $2 and day_ms <= $3 and day_ms > $3 - $4
  group by day_ms order by day_ms desc`;
const DETECTIONS = `select detector, maturity, count(*) as times from detection
  where agent = $1 and tenant = $2 and decided_ms <= $3 and decided_ms > $3 - $4
  group by detector, maturity order by count(*) desc, detector limit 50`;
const UNDER_LEASE = `select count(*) filter (where a.allowed) as allowed,
    count(*) filter (where not a.allowed) as refused
  from lease_activity a join lease l on l.id = a.lease_id
  where l.agent = $1 and l.tenant = $2 and a.time_ms <= $3 and a.time_ms > $3 - $4`;

/** What it used and what fired, in the days before. */
export async function behaviourAt(
  db: Reads,
  who: readonly unknown[],
  atMs: number,
): Promise<ConductAt> {
  const within = [...who, atMs, BACK_MS];
  const [under] = await db.query(UNDER_LEASE, within);
  return {
    usage: (await db.query(USAGE, within)).map((row) => ({
      dayMs: numberOf(row, 'day_ms'),
      sessions: numberOf(row, 'sessions'),
      turns: numberOf(row, 'turns'),
      calls: numberOf(row, 'calls'),
      failures: numberOf(row, 'failures'),
      denials: numberOf(row, 'denials'),
      tokens: numberOf(row, 'tokens'),
      cost: numberOf(row, 'cost'),
    })),
    detections: (await db.query(DETECTIONS, within)).map((row) => ({
      detector: textOf(row, 'detector'),
      maturity: textOf(row, 'maturity'),
      count: numberOf(row, 'times'),
    })),
    underLease: {
      allowed: under === undefined ? 0 : numberOf(under, 'allowed'),
      refused: under === undefined ? 0 : numberOf(under, 'refused'),
    },
  };
}
