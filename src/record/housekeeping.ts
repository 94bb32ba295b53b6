/** Housekeeping: lets go of what has served its time; findings and the journal are kept. */
import type { Database } from '../model/ports.ts';

/** What one round removed. */
export interface Swept {
  readonly deadLetters: number;
  readonly leaseActivity: number;
  /** Days of usage, hours of objectives, and evidence levels of agents that are long gone. */
  readonly serviceLevels: number;
  /** Changes and sessions of agents beyond the newest of each. */
  readonly agentHistory: number;
  /** Who polled, what was fetched by whom, and work that was fetched. */
  readonly polls: number;
  /** What people were told, or could not be, and what sinks remember of closed cases. */
  readonly alerts: number;
}

/** Dead letters and what the gateway showed of ended leases are kept so long, ms: 30 days. */
export const KEPT_MS = 30 * 86_400_000;

// In batches: a long delete would hold locks that the lane's commits wait for.
const BATCH = 10_000;
const OLD_LETTERS = `delete from dead_letter where ctid in (
  select ctid from dead_letter where received_ms < $1 limit $2) returning 1`;
const OLD_ACTIVITY = `delete from lease_activity where ctid in (
  select a.ctid from lease_activity a join lease l on l.id = a.lease_id
  where l.ended_ms < $1 limit $2) returning 1`;

const OLD_FETCHES = `delete from posture_fetch where ctid in (
  select f.ctid from posture_fetch f left join lease l on l.id = f.lease_id
  where coalesce(l.ended_ms, f.at_ms) < $1 limit $2) returning 1`;
const OLD_POLLERS = `delete from posture_consumer where ctid in (
  select ctid from posture_consumer where last_ms < $1 limit $2) returning 1`;
const OLD_OFFERS = `delete from pull_offer where ctid in (
  select ctid from pull_offer where coalesce(ended_ms, greatest(expires_ms, offered_ms)) < $1
  limit $2) returning 1`;

const OLD_USAGE = `delete from usage_day where ctid in (
  select ctid from usage_day where day_ms < (select max(day_ms) from usage_day) - $1 limit $2) returning 1`;
const OLD_HOURS = `delete from objective_hour where ctid in (
  select ctid from objective_hour
  where hour_ms < (select max(hour_ms) from objective_hour) - $1 limit $2) returning 1`;
const OLD_EVIDENCE = `delete from evidence_level where ctid in (
  select ctid from evidence_level
  where hour_ms < (select max(hour_ms) from evidence_level) - $1 limit $2) returning 1`;
/**
 * Usage and counts of objectives are kept for so long before the newest of them, ms: a year and a month,
 * to compare a month with itself. Their times are those of events: an old log replayed stays.
 */
export const LEVELS_KEPT_MS = 400 * 86_400_000;

/** Changes and sessions that are kept of each agent; what goes is noted, so that nobody takes it for never. */
export const HISTORY_KEPT = { changes: 2000, sessions: 10_000 } as const;

const CUT_CHANGES = `with gone as (delete from agent_change where ctid in (
    select ctid from (select ctid, row_number() over (partition by agent, tenant
      order by time_ms desc, ord desc) as place from agent_change) c
    where place > $1 limit $2) returning tenant, agent, time_ms),
  noted as (insert into agent_history_cut (key, tenant, agent, before_ms, dropped)
    select encode(sha256(convert_to(length(tenant) || ':' || tenant || agent, 'UTF8')), 'hex'),
      tenant, agent, max(time_ms) + 1, count(*) from gone group by tenant, agent order by 1
    on conflict (key) do update set dropped = agent_history_cut.dropped + excluded.dropped,
      before_ms = greatest(agent_history_cut.before_ms, excluded.before_ms))
  select 1 from gone`;
const CUT_SESSIONS = `with gone as (delete from agent_session where ctid in (
    select ctid from (select ctid, row_number() over (partition by agent, tenant
      order by opened_ms desc, key) as place from agent_session) c
    where place > $1 limit $2) returning tenant, agent, opened_ms),
  noted as (insert into agent_history_cut (key, tenant, agent, before_ms, dropped)
    select encode(sha256(convert_to(length(tenant) || ':' || tenant || agent, 'UTF8')), 'hex'),
      tenant, agent, max(opened_ms) + 1, count(*) from gone group by tenant, agent order by 1
    on conflict (key) do update set dropped = agent_history_cut.dropped + excluded.dropped,
      before_ms = greatest(agent_history_cut.before_ms, excluded.before_ms))
  select 1 from gone`;
const OLD_ALERTS = `delete from alert where ctid in (
  select ctid from alert where state in ('sent', 'silenced', 'dead') and settled_ms < $1
  limit $2) returning 1`;
const OLD_TOLD = `delete from alert_told where ctid in (
  select ctid from alert_told where closed and refreshed_ms < $1 limit $2) returning 1`;

/** Removes what is older than `KEPT_MS` at `nowMs`. Safe beside a running lane, and twice at once. */
export async function sweep(db: Pick<Database, 'query'>, nowMs: number): Promise<Swept> {
  const before = nowMs - KEPT_MS;
  return {
    deadLetters: await removeAll(db, OLD_LETTERS, before),
    leaseActivity: await removeAll(db, OLD_ACTIVITY, before),
    serviceLevels:
      (await removeAll(db, OLD_USAGE, LEVELS_KEPT_MS)) +
      (await removeAll(db, OLD_HOURS, LEVELS_KEPT_MS)) +
      (await removeAll(db, OLD_EVIDENCE, KEPT_MS)),
    agentHistory:
      (await removeAll(db, CUT_CHANGES, HISTORY_KEPT.changes)) +
      (await removeAll(db, CUT_SESSIONS, HISTORY_KEPT.sessions)),
    polls:
      (await removeAll(db, OLD_FETCHES, before)) +
      (await removeAll(db, OLD_POLLERS, before)) +
      (await removeAll(db, OLD_OFFERS, before)),
    alerts: (await removeAll(db, OLD_ALERTS, before)) + (await removeAll(db, OLD_TOLD, before)),
  };
}

async function removeAll(db: Pick<Database, 'query'>, sql: string, bound: number): Promise<number> {
  let removed = 0;
  for (;;) {
    const rows = await db.query(sql, [bound, BATCH]);
    removed += rows.length;
    if (rows.length < BATCH) return removed;
  }
}
