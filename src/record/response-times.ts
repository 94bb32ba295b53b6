/** Response times: how long detecting, acting and verified containment took, and what leaked. */
import type { Database } from '../model/ports.ts';
import { numberOf, numberOrNull, onlyRow } from './row.ts';

/** Half of all took at most the first, 99 in 100 at most the second, ms; null where there is none. */
export interface Percentiles {
  readonly p50: number | null;
  readonly p99: number | null;
}

/** What was done since a moment, by the clocks of the database and the executor. */
export interface ResponseTimes {
  /** Leases recorded. */
  readonly leases: number;
  readonly verified: number;
  /** Event → recorded. Holds the lateness that sources may have. */
  readonly toDetect: Percentiles;
  /** Recorded → the target said yes. */
  readonly toAct: Percentiles;
  /** The target's yes → an independent witness said so. Of the verified. */
  readonly toVerified: Percentiles;
  /** Calls that went through after the grace, and within it. */
  readonly leakedCalls: number;
  readonly latencyCalls: number;
}

const TIMES = `with l as (
    select verification, leaked_calls, latency_calls, recorded_ms - evidence_ms as detect,
      accepted_ms - recorded_ms as act,
      case when verification = 'verified' then verified_ms - accepted_ms end as verify
    from lease where recorded_ms >= $1)
  select count(*) as leases, count(*) filter (where verification = 'verified') as verified,
    coalesce(sum(leaked_calls), 0)::bigint as leaked,
    coalesce(sum(latency_calls), 0)::bigint as latency,
    percentile_cont(0.5) within group (order by detect) as detect_p50,
    percentile_cont(0.99) within group (order by detect) as detect_p99,
    percentile_cont(0.5) within group (order by act) as act_p50,
    percentile_cont(0.99) within group (order by act) as act_p99,
    percentile_cont(0.5) within group (order by verify) as verify_p50,
    percentile_cont(0.99) within group (order by verify) as verify_p99
  from l`;

/** Times of leases recorded at or after `sinceMs`. An aggregate skips what has not happened yet. */
export async function responseTimes(
  db: Pick<Database, 'query'>,
  sinceMs: number,
): Promise<ResponseTimes> {
  const row = onlyRow(await db.query(TIMES, [sinceMs]));
  const of = (name: string): Percentiles => ({
    p50: numberOrNull(row, `${name}_p50`),
    p99: numberOrNull(row, `${name}_p99`),
  });
  return {
    leases: numberOf(row, 'leases'),
    verified: numberOf(row, 'verified'),
    toDetect: of('detect'),
    toAct: of('act'),
    toVerified: of('verify'),
    leakedCalls: numberOf(row, 'leaked'),
    latencyCalls: numberOf(row, 'latency'),
  };
}
