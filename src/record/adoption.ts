/** Reads what a person must see before a role is given another mode, and what it rests on. */
import type { Rung, VerdictValue } from '../model/decision.ts';
import type { Database } from '../model/ports.ts';
import { numberOf, textOf, textOrNull } from './row.ts';

type Reads = Pick<Database, 'query'>;

/** How long and how much of a role was seen. */
export interface RoleExposure {
  readonly role: string;
  /** Days of event time on which it did anything. */
  readonly days: number;
  /** Sum over those days of the agents that did. */
  readonly agentDays: number;
  readonly agents: number;
  readonly sessions: number;
}

const EXPOSURE = `select role, count(distinct day_ms) as days, count(distinct (tenant, agent)) as agents,
    count(distinct (day_ms, tenant, agent)) as agent_days, sum(sessions)::bigint as sessions
  from usage_day where day_ms >= $1 group by role order by role`;

/** Every role that did anything since the day of `sinceMs`. */
export async function roleExposure(db: Reads, sinceMs: number): Promise<readonly RoleExposure[]> {
  const rows = await db.query(EXPOSURE, [sinceMs]);
  return rows.map((row) => ({
    role: textOf(row, 'role'),
    days: numberOf(row, 'days'),
    agentDays: numberOf(row, 'agent_days'),
    agents: numberOf(row, 'agents'),
    sessions: numberOf(row, 'sessions'),
  }));
}

/** A case that was told, or in which something was done or would have been, by rung. */
export interface RungCase {
  readonly role: string;
  /** alert: people were told of it. */
  readonly rung: Rung;
  readonly caseId: string;
  readonly agent: string;
  /** Detectors that asked for it. */
  readonly detectors: string;
  /** Event time of the first, ms. */
  readonly timeMs: number;
  /** False where anybody said so of any of it; null: nobody said anything. */
  readonly verdict: VerdictValue | null;
}

// A shadow tells nobody and acts on nothing, whatever the mode: it is no part of what a step changes.
const RUNG_CASES = `with said as (
    select detection_id, bool_or(verdict = 'false_positive') as wrong,
      bool_or(verdict = 'true_positive') as right_, true as judged
    from verdict_current group by detection_id),
  heard as (
    select d.body -> 'entity' ->> 'role' as role, c.case_id, d.agent, d.detector, d.decided_ms,
      c.asked, c.would_act, s.wrong, s.right_, s.judged
    from detection d join decision c on c.detection_id = d.id
      left join said s on s.detection_id = d.id
    where d.decided_ms >= $1 and d.maturity <> 'shadow' and d.exception is null and not d.retracted
      and c.case_id <> ''),
  by_rung as (
    select role, 'alert' as rung, case_id, agent, detector, decided_ms, wrong, right_, judged from heard
    union all
    select role, asked, case_id, agent, detector, decided_ms, wrong, right_, judged from heard
    where would_act and asked not in ('observe', 'alert'))
  select coalesce(role, '') as role, rung, case_id, min(agent) as agent,
    string_agg(distinct detector, ', ' order by detector) as detectors, min(decided_ms) as time_ms,
    case when bool_or(wrong) then 'false_positive' when bool_or(right_) then 'true_positive'
      when bool_or(judged) then 'benign_true_positive' end as verdict
  from by_rung group by 1, 2, 3 order by min(decided_ms) desc, case_id, rung limit $2`;

/** Bound of what `rungCases` returns. */
export const RUNG_CASES_MAX = 10_000;

/** Cases since `sinceMs` by role and rung, newest first, at most 10,000. */
export async function rungCases(db: Reads, sinceMs: number): Promise<readonly RungCase[]> {
  const rows = await db.query(RUNG_CASES, [sinceMs, RUNG_CASES_MAX]);
  return rows.map((row) => ({
    role: textOf(row, 'role'),
    rung: textOf(row, 'rung') as Rung,
    caseId: textOf(row, 'case_id'),
    agent: textOf(row, 'agent'),
    detectors: textOf(row, 'detectors'),
    timeMs: numberOf(row, 'time_ms'),
    verdict: textOrNull(row, 'verdict') as VerdictValue | null,
  }));
}

/** How a driver did with what it was sent. */
export interface DriverRecord {
  readonly driver: string;
  /** Leases that were sent to it and answered for good. */
  readonly sent: number;
  readonly accepted: number;
  /** Of those accepted, what the gateway stream said afterwards. */
  readonly verified: number;
  readonly leaking: number;
  readonly unverified: number;
  /** Leases taken back before their time, and so confirmed by the target. */
  readonly undone: number;
  readonly undoFailed: number;
}

const DRIVERS = `select driver,
    count(*) filter (where state in ('accepted', 'releasing', 'released', 'expired', 'refused', 'failed')) as sent,
    count(*) filter (where accepted_ms is not null) as accepted,
    count(*) filter (where accepted_ms is not null and verification = 'verified') as verified,
    count(*) filter (where accepted_ms is not null and verification = 'leaking') as leaking,
    count(*) filter (where accepted_ms is not null and verification = 'unverified') as unverified,
    count(*) filter (where accepted_ms is not null and cause in ('undone', 'lifted')
      and state = 'released') as undone,
    count(*) filter (where accepted_ms is not null and cause in ('undone', 'lifted')
      and state in ('failed', 'refused')) as undo_failed
  from lease where issued_ms >= $1 group by driver order by driver`;

/** Every driver that was sent anything since `sinceMs`. */
export async function driverRecords(db: Reads, sinceMs: number): Promise<readonly DriverRecord[]> {
  const rows = await db.query(DRIVERS, [sinceMs]);
  return rows.map((row) => ({
    driver: textOf(row, 'driver'),
    sent: numberOf(row, 'sent'),
    accepted: numberOf(row, 'accepted'),
    verified: numberOf(row, 'verified'),
    leaking: numberOf(row, 'leaking'),
    unverified: numberOf(row, 'unverified'),
    undone: numberOf(row, 'undone'),
    undoFailed: numberOf(row, 'undo_failed'),
  }));
}
