/** The record in the database: judged as a whole, and read as a whole for a file. */
import type { Database, Query } from '../model/ports.ts';
import { type Audit, Auditor } from './audit.ts';
import { type LaneHead, readCheckpoint, type SignedCheckpoint } from './checkpoint.ts';
import { readCheckpoints } from './checkpoints.ts';
import { type JournalRow, readJournal } from './journal.ts';
import { numberOf, textOf } from './row.ts';
import type { PublicKey } from './signing-key.ts';

const LANES = 'select lane, n, hash from journal_head order by lane';
const PRUNED = 'select lane, n from journal_pruned';
// One snapshot for all that is read: a daemon appends, and housekeeping prunes, meanwhile.
const SNAPSHOT = 'set transaction isolation level repeatable read, read only';

/**
 * Judges every checkpoint and entry of the database by the public keys given, and the recorded ends of
 * the chains. The daemon may keep writing meanwhile. `onEntry` hears of progress.
 */
export async function auditRecord(
  db: Database,
  keys: readonly PublicKey[],
  onEntry: (entries: number) => void = () => undefined,
): Promise<Audit> {
  return await db.transaction(async (query) => {
    await query(SNAPSHOT);
    const auditor = new Auditor(keys);
    for await (const signed of readCheckpoints({ query })) auditor.checkpoint(signed);
    const heads = (await query(LANES)).map(headOf);
    const pruned = await prunedOf(query);
    let entries = 0;
    for (const head of heads) {
      let last = { n: pruned.get(head.lane) ?? 0, hash: '' };
      for await (const entry of readJournal({ query }, head.lane, pruned.get(head.lane) ?? null)) {
        auditor.entry(entry);
        last = entry;
        entries += 1;
        onEntry(entries);
        if (auditor.isBroken) break;
      }
      const isEmpty = last.hash === '' && last.n === head.n;
      if (!isEmpty && (last.n !== head.n || last.hash !== head.hash))
        auditor.fail(
          `lane ${head.lane}, entry ${Math.min(last.n, head.n) + 1}`,
          `the chain ends at entry ${last.n}, and its recorded end is ${head.n}`,
          Math.min(last.n, head.n) + 1,
        );
    }
    return auditor.finish();
  });
}

const LAST = 'select body from journal_checkpoint order by n desc limit 1';

/**
 * All of the record as one snapshot, for as long as `work` reads it; where `signed` is set, without the
 * entries that no checkpoint covers yet.
 */
export async function withRecord<T>(
  db: Database,
  signed: boolean,
  work: (record: {
    readonly checkpoints: AsyncIterable<SignedCheckpoint>;
    readonly entries: AsyncIterable<JournalRow>;
    /** How many entries there are. */
    readonly count: number;
  }) => Promise<T>,
): Promise<T> {
  return await db.transaction(async (query) => {
    await query(SNAPSHOT);
    const [last] = signed ? await query(LAST) : [];
    const ends = last === undefined ? null : readCheckpoint(textOf(last, 'body'));
    const heads = ends?.lanes ?? (await query(LANES)).map(headOf);
    const pruned = await prunedOf(query);
    const rest = heads.map(({ lane, n }) => Math.max(0, n - (pruned.get(lane) ?? 0)));
    return await work({
      checkpoints: readCheckpoints({ query }),
      entries: entriesOf(query, heads, pruned),
      count: rest.reduce((sum, n) => sum + n, 0),
    });
  });
}

async function* entriesOf(
  query: Query,
  heads: readonly LaneHead[],
  pruned: ReadonlyMap<number, number>,
): AsyncGenerator<JournalRow, void> {
  for (const { lane, n } of heads)
    for await (const entry of readJournal({ query }, lane, pruned.get(lane) ?? null)) {
      if (entry.n > n) break;
      yield entry;
    }
}

async function prunedOf(query: Query): Promise<ReadonlyMap<number, number>> {
  const rows = await query(PRUNED);
  return new Map(rows.map((row) => [numberOf(row, 'lane'), numberOf(row, 'n')]));
}

function headOf(row: Readonly<Record<string, unknown>>): LaneHead {
  return { lane: numberOf(row, 'lane'), n: numberOf(row, 'n'), hash: textOf(row, 'hash') };
}
