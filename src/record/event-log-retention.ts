/** Event log retention: the oldest records go, and none that a group still needs. */
import type { Database } from '../model/ports.ts';
import { numberOf, onlyRow, textOf } from './row.ts';

/** What is kept. */
export interface LogRetention {
  /** Records older than this go, ms. */
  readonly keepMs: number;
  /** The oldest records go while all of them have more bytes than this. */
  readonly keepBytes: number;
  /** True: what is due goes although a group has not read it; that group records a gap. */
  readonly dropsUnread: boolean;
}

/** What a round let go of. */
export interface LogSwept {
  readonly records: number;
  readonly bytes: number;
  /** Among them, those that a group had not read. */
  readonly unread: number;
  readonly receipts: number;
  /** Bytes that are due and stay, because a group has not read them. */
  readonly heldBytes: number;
}

/** Answers to an Idempotency-Key are remembered so long, ms. */
export const RECEIPTS_KEPT_MS = 24 * 3_600_000;

const BATCH = 5_000;

/**
 * Place up to which records are due: the higher of what is too old and of what is too much. Records are
 * in order of their coming, so that the first that stays ends the search.
 */
const DUE = `select greatest(
    coalesce((select append_no from event_log where received_ms >= $1 order by append_no limit 1),
      (select next_offset from event_log_head where topic = '' and partition = 0)),
    coalesce((select append_no from event_log
      where bytes_before >= (select bytes from event_log_head where topic = '' and partition = 0) - $2
      order by append_no limit 1), 0)) as due`;
/** Place of the oldest record that some group needs; all that was ever claimed by a group counts. */
const NEEDED = `select min(e.append_no) as needed from progress p
  cross join lateral (select append_no from event_log
    where topic = p.topic and partition = 0 and "offset" >= p.low_offset
    order by "offset" limit 1) e`;
// As every writer does it: topics are locked behind the row that counts appends, or two would wait for
// each other.
const LOCK = `select next_offset from event_log_head where topic = '' and partition = 0 for update`;
const DELETE = `with gone as (
    delete from event_log where append_no in
      (select append_no from event_log where append_no < $1 order by append_no limit $2)
    returning topic, "offset", octet_length(value) as size),
  starts as (
    update event_log_head h set log_start = greatest(h.log_start, g.upto)
    from (select topic, max("offset") + 1 as upto from gone group by topic) g
    where h.topic = g.topic and h.partition = 0
    returning h.topic)
  select (select count(*) from gone) as records, (select coalesce(sum(size), 0) from gone) as bytes,
    (select count(*) from gone g where exists (select 1 from progress p
      where p.topic = g.topic and p.partition = 0 and p.next_offset <= g."offset")) as unread,
    (select count(*) from starts) as topics`;
const HELD = `select coalesce(sum(octet_length(value)), 0) as held
  from event_log where append_no >= $1 and append_no < $2`;
const OLD_RECEIPTS = `delete from event_log_receipt where ctid in (
  select ctid from event_log_receipt where received_ms < $1 limit $2) returning 1`;

/** One round. Safe beside writers and readers, and twice at once. */
export async function sweepEventLog(
  db: Pick<Database, 'query' | 'transaction'>,
  retention: LogRetention,
  nowMs: number,
): Promise<LogSwept> {
  const { keepMs, keepBytes, dropsUnread } = retention;
  const due = numberOf(onlyRow(await db.query(DUE, [nowMs - keepMs, keepBytes])), 'due');
  const needed = onlyRow(await db.query(NEEDED, []))['needed'];
  const holds = typeof needed === 'string' && !dropsUnread;
  const upTo = holds ? Math.min(due, Number(needed)) : due;
  let [records, bytes, unread] = [0, 0, 0];
  for (;;) {
    const row = await db.transaction(async (query) => {
      await query(LOCK, []);
      return onlyRow(await query(DELETE, [upTo, BATCH]));
    });
    const count = numberOf(row, 'records');
    records += count;
    bytes += numberOf(row, 'bytes');
    unread += numberOf(row, 'unread');
    if (count < BATCH) break;
  }
  const held = upTo < due ? onlyRow(await db.query(HELD, [upTo, due])) : null;
  return {
    ...{ records, bytes, unread },
    receipts: await removeReceipts(db, nowMs - RECEIPTS_KEPT_MS),
    heldBytes: held === null ? 0 : numberOf(held, 'held'),
  };
}

async function removeReceipts(db: Pick<Database, 'query'>, beforeMs: number): Promise<number> {
  let removed = 0;
  for (;;) {
    const rows = await db.query(OLD_RECEIPTS, [beforeMs, BATCH]);
    removed += rows.length;
    if (rows.length < BATCH) return removed;
  }
}

const SIZES = `select h.topic, h.next_offset - h.log_start as records, h.bytes
  from event_log_head h where h.topic <> '' order by h.topic`;

/** Topics of the log: records that are held, and bytes that were ever appended. */
export async function readLogSizes(
  db: Pick<Database, 'query'>,
): Promise<
  readonly { readonly topic: string; readonly records: number; readonly bytes: number }[]
> {
  return (await db.query(SIZES)).map((row) => ({
    topic: textOf(row, 'topic'),
    records: numberOf(row, 'records'),
    bytes: numberOf(row, 'bytes'),
  }));
}
