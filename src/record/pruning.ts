/** Pruning: lets go of entries up to a signed checkpoint, and signs that it did. */
import { OperatingError } from '../model/errors.ts';
import type { Database } from '../model/ports.ts';
import { readCheckpoint } from './checkpoint.ts';
import { type Signature, signPruning, type Taking } from './checkpoints.ts';
import { numberOf, textOf } from './row.ts';

/** What pruning would let go of, or did. */
export interface Pruned {
  /** The checkpoint behind which entries remain. */
  readonly upTo: number;
  /** When that was taken, ms. */
  readonly atMs: number;
  readonly entries: number;
  /** The signed record of it; null where it was only looked at, or nothing was left to sign. */
  readonly record: number | null;
}

const BEHIND = `select n, at_ms, body from journal_checkpoint
  where at_ms <= $1 order by n desc limit 1`;
// Chains have no gap: their ends say how many there are.
const COUNT = `select coalesce(sum(greatest(0, cut.n + 1 -
    (select min(j.n) from journal j where j.lane = cut.lane))), 0)::bigint as entries
  from unnest($1::int[], $2::bigint[]) as cut (lane, n)`;
const CUT = `insert into journal_pruned (lane, n, hash, checkpoint)
  select lane, n, hash, $4 from unnest($1::int[], $2::bigint[], $3::text[]) as cut (lane, n, hash)
  order by lane
  on conflict (lane) do update set n = excluded.n, hash = excluded.hash,
    checkpoint = excluded.checkpoint where excluded.n > journal_pruned.n
  returning lane`;
// In batches: one long delete would hold what the lane's commits wait for.
const REMOVE = `delete from journal where ctid in (
  select j.ctid from journal j join journal_pruned p on p.lane = j.lane and j.n <= p.n limit 10000)
  returning 1`;

/** What would be let go of, were everything pruned that was signed before a time; null: nothing. */
export async function prunable(
  db: Pick<Database, 'query'>,
  beforeMs: number,
): Promise<Pruned | null> {
  const [row] = await db.query(BEHIND, [beforeMs]);
  if (row === undefined) return null;
  const lanes = readCheckpoint(textOf(row, 'body'))?.lanes ?? [];
  const places = [lanes.map(({ lane }) => lane), lanes.map(({ n }) => n)];
  const [count] = await db.query(COUNT, places);
  const entries = count === undefined ? 0 : numberOf(count, 'entries');
  if (entries === 0) return null;
  return { upTo: numberOf(row, 'n'), atMs: numberOf(row, 'at_ms'), entries, record: null };
}

/**
 * Lets go of every entry up to the last checkpoint that was taken before `beforeMs`: first the signed
 * record of it, then, in batches, the entries. Broken off in between, the next round ends it. Rejects
 * with JOURNAL_KEY where the key is not in force.
 */
export async function prune(
  db: Database,
  taking: Taking,
  beforeMs: number,
  signature: Signature,
): Promise<Pruned | null> {
  const asked = await prunable(db, beforeMs);
  if (asked === null) return null;
  const record = await db
    .transaction(async (query) => {
      const [row] = await query(BEHIND, [beforeMs]);
      const checkpoint = row === undefined ? null : readCheckpoint(textOf(row, 'body'));
      if (checkpoint === null) throw unreadable(asked.upTo);
      const { lanes } = checkpoint;
      const pruning = { upTo: checkpoint.n, lanes };
      const signed = await signPruning(query, taking, pruning, signature);
      const moved = await query(CUT, [
        lanes.map(({ lane }) => lane),
        lanes.map(({ n }) => n),
        lanes.map(({ hash }) => hash),
        signed.n,
      ]);
      // Everything was cut before, and only the removal is left: no second record of it.
      if (moved.length === 0) throw new NothingNew();
      return signed.n;
    })
    .catch((cause: unknown) => {
      if (cause instanceof NothingNew) return null;
      throw cause;
    });
  return { ...asked, record, entries: await removeCut(db) };
}

/** Rolls the signing back. */
class NothingNew extends Error {}

async function removeCut(db: Database): Promise<number> {
  let removed = 0;
  for (;;) {
    const rows = await db.query(REMOVE);
    removed += rows.length;
    if (rows.length < 10_000) return removed;
  }
}

function unreadable(n: number): OperatingError {
  const message = `checkpoint ${n} cannot be read: \`journal verify\` says more; nothing was removed`;
  return new OperatingError('JOURNAL_KEY', message, { retryable: false });
}
