/** Housekeeping: lets go of what has served its time; findings and the journal are kept. */
import type { Database } from '../model/ports.ts';

/** What one round removed. */
export interface Swept {
  readonly deadLetters: number;
  readonly leaseActivity: number;
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

/** Removes what is older than `KEPT_MS` at `nowMs`. Safe beside a running lane, and twice at once. */
export async function sweep(db: Pick<Database, 'query'>, nowMs: number): Promise<Swept> {
  const before = nowMs - KEPT_MS;
  return {
    deadLetters: await removeAll(db, OLD_LETTERS, before),
    leaseActivity: await removeAll(db, OLD_ACTIVITY, before),
  };
}

async function removeAll(
  db: Pick<Database, 'query'>,
  sql: string,
  before: number,
): Promise<number> {
  let removed = 0;
  for (;;) {
    const rows = await db.query(sql, [before, BATCH]);
    removed += rows.length;
    if (rows.length < BATCH) return removed;
  }
}
