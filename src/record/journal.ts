/** The journal: append-only, one hash chain per lane, verifiable without trusting us. */
import { idOf } from '../model/ids.ts';
import type { Database, Query } from '../model/ports.ts';
import { GENESIS } from './checkpoint.ts';
import { numberOf, textOf } from './row.ts';
import { storableJson, whole } from './text.ts';

/** Every kind of entry. */
export const JOURNAL_KINDS = [
  'detection',
  'amendment',
  'decision',
  'intention',
  'outcome',
  'verification',
  'lease',
  'coverage',
  'notice',
  'dead-letter',
  'operator-request',
  'window',
  'baseline',
  'announcement',
  'verdict',
  'demotion',
  'reload',
  'agent',
  'settings',
  'alert',
  'approval',
  'early',
] as const;
/** One of JOURNAL_KINDS. */
export type JournalKind = (typeof JOURNAL_KINDS)[number];

/** Something to be journalled: ids and facts, no payload text. */
export interface JournalEntry {
  readonly kind: JournalKind;
  /** Event time for what a lane does, the executor's clock for what it does, ms. */
  readonly atMs: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** An entry as it stands in the chain. */
export interface JournalRow {
  readonly lane: number;
  /** 1, 2, 3, … without a gap. */
  readonly n: number;
  readonly atMs: number;
  readonly kind: string;
  /** Canonical JSON. */
  readonly body: string;
  /** Hash of the entry before; 64 zeros for the first. */
  readonly prev: string;
  /** `journalHash` of this entry. */
  readonly hash: string;
}

/** Answer of `verifyJournal`. */
export interface JournalVerdict {
  readonly ok: boolean;
  /** Entries found whole before the end or the first fault. */
  readonly entries: number;
  /** `n` at which the chain is broken. */
  readonly brokenAt?: number;
  readonly why?: string;
}

const BATCH = 1000;

/** Hash of an entry over everything it says, its place and its predecessor included; sha256 hex. */
export function journalHash(entry: Omit<JournalRow, 'hash'>): string {
  return idOf(entry.prev, entry.lane, entry.n, entry.atMs, entry.kind, entry.body);
}

const LOCK_HEAD = `select n, hash from journal_head where lane = $1 for update`;
const NEW_HEAD = `insert into journal_head (lane, n, hash) values ($1, 0, $2)
  on conflict (lane) do nothing`;
const APPEND = `insert into journal (lane, n, at_ms, kind, body, prev, hash)
  select $1, n, at_ms, kind, body, prev, hash
  from unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[])
    as entry (n, at_ms, kind, body, prev, hash)
  order by n`;
const MOVE_HEAD = `update journal_head set n = $2, hash = $3 where lane = $1`;

const lockHead = async (query: Query, lane: number): Promise<{ n: number; hash: string }> => {
  const [head] = await query(LOCK_HEAD, [lane]);
  if (head !== undefined) return { n: numberOf(head, 'n'), hash: textOf(head, 'hash') };
  await query(NEW_HEAD, [lane, GENESIS]);
  return await lockHead(query, lane);
};

/**
 * Appends entries to a lane's chain within the caller's transaction. The head stays locked until
 * it ends, so this comes last: whoever else writes to the lane's journal waits.
 */
export async function appendJournal(
  query: Query,
  lane: number,
  entries: readonly JournalEntry[],
): Promise<void> {
  if (entries.length === 0) return;
  const head = await lockHead(query, lane);
  let { n, hash: prev } = head;
  const rows: JournalRow[] = [];
  for (const entry of entries) {
    n += 1;
    const { kind } = entry;
    const row = { lane, n, atMs: whole(entry.atMs), kind, body: storableJson(entry.body), prev };
    const hash = journalHash(row);
    rows.push({ ...row, hash });
    prev = hash;
  }
  await query(APPEND, [
    lane,
    rows.map((row) => row.n),
    rows.map((row) => row.atMs),
    rows.map((row) => row.kind),
    rows.map((row) => row.body),
    rows.map((row) => row.prev),
    rows.map((row) => row.hash),
  ]);
  await query(MOVE_HEAD, [lane, n, prev]);
}

const FIRST = `select lane, n, at_ms, kind, body, prev, hash from journal
  where lane = $1 order by n limit $2`;
const AFTER = `select lane, n, at_ms, kind, body, prev, hash from journal
  where lane = $1 and n > $3 order by n limit $2`;
const TAIL = `select lane, n, at_ms, kind, body, prev, hash from journal
  where lane = $1 order by n desc limit $2`;
const PRUNED = 'select n, hash from journal_pruned where lane = $1';
// One statement, one snapshot: the daemon may be appending while we look.
const ENDS = `select
  (select n from journal_head where lane = $1) as head_n,
  (select hash from journal_head where lane = $1) as head_hash,
  (select max(n) from journal where lane = $1) as last_n`;

const rowOf = (row: Readonly<Record<string, unknown>>): JournalRow => ({
  lane: numberOf(row, 'lane'),
  n: numberOf(row, 'n'),
  atMs: numberOf(row, 'at_ms'),
  kind: textOf(row, 'kind'),
  body: textOf(row, 'body'),
  prev: textOf(row, 'prev'),
  hash: textOf(row, 'hash'),
});

/** Lanes that have a journal, and the number of the last entry of each. */
export async function journalHeads(
  db: Pick<Database, 'query'>,
): Promise<readonly { readonly lane: number; readonly n: number }[]> {
  const rows = await db.query('select lane, n from journal_head order by lane');
  return rows.map((row) => ({ lane: numberOf(row, 'lane'), n: numberOf(row, 'n') }));
}

const TAIL_OF_ALL = `select lane, n, at_ms, kind, body, prev, hash from journal
  order by at_ms desc, lane desc, n desc limit $1`;

/** The last `limit` entries of a lane, or for null of all, oldest first. */
export async function journalTail(
  db: Pick<Database, 'query'>,
  lane: number | null,
  limit: number,
): Promise<readonly JournalRow[]> {
  if (lane === null) return (await db.query(TAIL_OF_ALL, [limit])).map(rowOf).reverse();
  return (await db.query(TAIL, [lane, limit])).map(rowOf).reverse();
}

/** Every entry of a lane in order, read in batches. */
export async function* readJournal(
  db: Pick<Database, 'query'>,
  lane: number,
  afterN: number | null = null,
): AsyncGenerator<JournalRow, void> {
  let last = afterN;
  for (;;) {
    const rows =
      last === null
        ? await db.query(FIRST, [lane, BATCH])
        : await db.query(AFTER, [lane, BATCH, last]);
    for (const row of rows) {
      const entry = rowOf(row);
      last = entry.n;
      yield entry;
    }
    if (rows.length < BATCH) return;
  }
}

/** What is wrong with an entry, given the one before; null when nothing is. */
export function entryFault(
  entry: JournalRow,
  before: Pick<JournalRow, 'n' | 'hash'> | null,
): string | null {
  const n = (before?.n ?? 0) + 1;
  if (entry.n > n) return `entry ${n} is missing`;
  if (entry.n < n) return `entry ${entry.n} stands before the first`;
  if (entry.prev !== (before?.hash ?? GENESIS)) return 'it does not follow from the entry before';
  if (entry.hash !== journalHash(entry)) return 'its content is not what was hashed';
  return null;
}

/** The last entry of a lane that was let go of; null where none was. */
export async function prunedTo(
  db: Pick<Database, 'query'>,
  lane: number,
): Promise<{ readonly n: number; readonly hash: string } | null> {
  const [row] = await db.query(PRUNED, [lane]);
  return row === undefined ? null : { n: numberOf(row, 'n'), hash: textOf(row, 'hash') };
}

/**
 * Walks the chain of a lane and says whether it is whole: finds entries changed, removed, inserted
 * or reordered, and a tail cut off or added beside the head. Begins behind what was pruned. Who
 * rewrites chain and head alike is found by the checkpoints (`auditRecord`). The daemon may keep
 * writing meanwhile.
 */
export async function verifyJournal(
  db: Pick<Database, 'query'>,
  lane: number,
): Promise<JournalVerdict> {
  let before: Pick<JournalRow, 'n' | 'hash'> | null = await prunedTo(db, lane);
  const pruned = before?.n ?? 0;
  let entries = 0;
  const broken = (brokenAt: number, why: string): JournalVerdict => {
    return { ok: false, entries, brokenAt, why };
  };
  for (;;) {
    const after: number | null = before === null ? null : before.n;
    for await (const entry of readJournal(db, lane, after)) {
      const fault = entryFault(entry, before);
      if (fault !== null) return broken(entry.n, fault);
      before = entry;
      entries += 1;
    }
    const [ends] = await db.query(ENDS, [lane]);
    const last = before === null ? 0 : before.n;
    const headN = Number(ends?.['head_n'] ?? 0);
    // Where all was pruned, the last entry is one that is gone.
    const lastN = Math.max(Number(ends?.['last_n'] ?? 0), pruned);
    if (headN > lastN) return broken(lastN + 1, `the last ${headN - lastN} entries are missing`);
    if (headN < lastN) return broken(headN + 1, 'entries stand behind the recorded end');
    if (lastN > last) continue;
    const headHash = ends?.['head_hash'] ?? GENESIS;
    if (headHash !== (before?.hash ?? GENESIS)) {
      return broken(last, 'the recorded end has another hash');
    }
    return { ok: true, entries };
  }
}
