/** Event log: bodies that came over HTTP, in PostgreSQL: appended without gaps, in order. */
import type { Appended, LogEntry } from '../model/ingest.ts';
import type { Database, PartitionLag, Query, StartPosition } from '../model/ports.ts';
import { bytesOf, jsonOf, numberOf, numberOrNull, onlyRow, textOf } from './row.ts';
import { storableJson } from './text.ts';

type Reads = Pick<Database, 'query'>;

const LOCK = `select next_offset from event_log_head where topic = '' and partition = 0 for update`;
const KNOWN = `select topic, key_hash, body_hash, first_offset, accepted, rejected
  from event_log_receipt r
  join unnest($1::text[], $2::bytea[]) as k (t, h) on r.topic = k.t and r.key_hash = k.h`;
const TAKE = `update event_log_head set next_offset = next_offset + $1, bytes = bytes + $2
  where topic = '' and partition = 0 returning next_offset - $1 as first, bytes - $2 as before`;
const NEW_TOPICS = `insert into event_log_head (topic, partition) select t, 0
  from unnest($1::text[]) as n (t) order by t on conflict do nothing`;
const TAKE_TOPICS = `update event_log_head h
  set next_offset = h.next_offset + n.records, bytes = h.bytes + n.size
  from unnest($1::text[], $2::bigint[], $3::bigint[]) as n (t, records, size)
  where h.topic = n.t and h.partition = 0
  returning h.topic, h.next_offset - n.records as first`;
const INSERT_MANY = `insert into event_log
    (append_no, topic, partition, "offset", received_ms, headers, value, bytes_before)
  select n, t, 0, o, ms, h, v, b from unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[],
    $5::jsonb[], $6::bytea[], $7::bigint[]) as r (n, t, o, ms, h, v, b)`;
const INSERT_ONE = `insert into event_log
    (append_no, topic, partition, "offset", received_ms, headers, value, bytes_before)
  values ($1, $2, 0, $3, $4, $5, $6, $7)`;
const NOTE = `insert into event_log_receipt
    (topic, key_hash, body_hash, first_offset, accepted, rejected, received_ms)
  select t, k, b, f, a, r, ms from unnest($1::text[], $2::bytea[], $3::bytea[], $4::bigint[],
    $5::int[], $6::int[], $7::bigint[]) as n (t, k, b, f, a, r, ms)`;

/** A value above this travels by itself: in an array it would be written out as text, twice as long. */
const ALONE_BYTES = 256 * 1024;

/**
 * Appends entries in one transaction, in their order: when it resolves they are durable. Numbers are
 * given under row locks that are held to the commit, so that no reader steps over one that is not yet
 * visible. Safe beside other writers of the same log.
 */
export async function appendToLog(
  db: Pick<Database, 'transaction'>,
  entries: readonly LogEntry[],
): Promise<readonly Appended[]> {
  return await db.transaction(async (query) => {
    const made: (Appended | null)[] = await knownOf(query, entries);
    const fresh = entries.filter((entry, at) => {
      if (made[at] !== null) return false;
      // The same key twice at once: the second is answered as the first.
      return entry.idempotency === null || entries.findIndex((one) => isSameKey(entry, one)) === at;
    });
    const firsts = await insert(query, fresh);
    await noteReceipts(query, fresh, firsts);
    const placeOf = new Map(fresh.map((entry, at) => [entry, at]));
    return entries.map((entry, at): Appended => {
      const known = made[at];
      if (known !== null && known !== undefined) return known;
      const own = placeOf.get(entry);
      const { accepted, rejected } = entry;
      if (own !== undefined)
        return { type: 'appended', firstOffset: firsts[own] ?? null, accepted, rejected };
      const twin = fresh.findIndex((other) => isSameKey(entry, other));
      return repeated(entry, fresh[twin] as LogEntry, firsts[twin] ?? null);
    });
  });
}

function isSameKey(one: LogEntry, other: LogEntry): boolean {
  const [a, b] = [one.idempotency, other.idempotency];
  return a !== null && b !== null && one.topic === other.topic && a.keyHash.equals(b.keyHash);
}

function repeated(entry: LogEntry, first: LogEntry, firstOffset: number | null): Appended {
  const [a, b] = [entry.idempotency, first.idempotency];
  if (a === null || b === null || !a.bodyHash.equals(b.bodyHash)) return { type: 'conflict' };
  return {
    ...{ type: 'known', firstOffset },
    ...{ accepted: first.accepted, rejected: first.rejected },
  };
}

/** What was answered before under the keys of these entries. Locks the log where there are any. */
async function knownOf(query: Query, entries: readonly LogEntry[]): Promise<(Appended | null)[]> {
  const keyed = entries.filter(({ idempotency }) => idempotency !== null);
  if (keyed.length === 0) return entries.map(() => null);
  await query(LOCK, []);
  const rows = await query(KNOWN, [
    keyed.map(({ topic }) => topic),
    keyed.map(({ idempotency }) => idempotency?.keyHash),
  ]);
  return entries.map(({ topic, idempotency }) => {
    const row = rows.find(
      (one) =>
        idempotency !== null &&
        textOf(one, 'topic') === topic &&
        bytesOf(one, 'key_hash').equals(idempotency.keyHash),
    );
    if (row === undefined || idempotency === null) return null;
    if (!bytesOf(row, 'body_hash').equals(idempotency.bodyHash)) return { type: 'conflict' };
    return {
      ...{ type: 'known' as const, firstOffset: numberOrNull(row, 'first_offset') },
      ...{ accepted: numberOf(row, 'accepted'), rejected: numberOf(row, 'rejected') },
    };
  });
}

interface LogRow {
  readonly entry: LogEntry;
  readonly value: Buffer;
  readonly offset: number;
  readonly appendNo: number;
  readonly before: number;
}

/** Offset of the first record of each entry; null where it has none. */
async function insert(
  query: Query,
  entries: readonly LogEntry[],
): Promise<readonly (number | null)[]> {
  const totals = new Map<string, { records: number; bytes: number }>();
  let [records, bytes] = [0, 0];
  for (const { topic, values } of entries) {
    const total = totals.get(topic) ?? { records: 0, bytes: 0 };
    const size = values.reduce((sum, value) => sum + value.length, 0);
    totals.set(topic, { records: total.records + values.length, bytes: total.bytes + size });
    records += values.length;
    bytes += size;
  }
  if (records === 0) return entries.map(() => null);
  const taken = onlyRow(await query(TAKE, [records, bytes]));
  const next = await takeTopics(query, totals);
  let appendNo = numberOf(taken, 'first');
  let before = numberOf(taken, 'before');
  const rows: LogRow[] = [];
  const firsts = entries.map((entry) => {
    const first = next.get(entry.topic) ?? 0;
    for (const value of entry.values) {
      const offset = next.get(entry.topic) ?? 0;
      rows.push({ entry, value, offset, appendNo, before });
      next.set(entry.topic, offset + 1);
      appendNo += 1;
      before += value.length;
    }
    return entry.values.length === 0 ? null : first;
  });
  await insertRows(query, rows);
  return firsts;
}

async function takeTopics(
  query: Query,
  totals: ReadonlyMap<string, { readonly records: number; readonly bytes: number }>,
): Promise<Map<string, number>> {
  const topics = [...totals.keys()];
  const take = async () =>
    await query(TAKE_TOPICS, [
      topics,
      topics.map((topic) => totals.get(topic)?.records ?? 0),
      topics.map((topic) => totals.get(topic)?.bytes ?? 0),
    ]);
  const known = await query('select topic from event_log_head where topic = any ($1::text[])', [
    topics,
  ]);
  if (known.length < topics.length) await query(NEW_TOPICS, [topics]);
  return new Map((await take()).map((row) => [textOf(row, 'topic'), numberOf(row, 'first')]));
}

async function insertRows(query: Query, rows: readonly LogRow[]): Promise<void> {
  const headersOf = ({ entry }: LogRow) => storableJson(entry.headers);
  for (const row of rows) {
    if (row.value.length <= ALONE_BYTES) continue;
    const { entry, appendNo, offset, value, before } = row;
    const place = [appendNo, entry.topic, offset, entry.receivedMs];
    await query(INSERT_ONE, [...place, headersOf(row), value, before]);
  }
  const small = rows.filter(({ value }) => value.length <= ALONE_BYTES);
  if (small.length === 0) return;
  await query(INSERT_MANY, [
    small.map(({ appendNo }) => appendNo),
    small.map(({ entry }) => entry.topic),
    small.map(({ offset }) => offset),
    small.map(({ entry }) => entry.receivedMs),
    small.map(headersOf),
    small.map(({ value }) => value),
    small.map(({ before }) => before),
  ]);
}

async function noteReceipts(
  query: Query,
  entries: readonly LogEntry[],
  firsts: readonly (number | null)[],
): Promise<void> {
  const keyed = entries.flatMap((entry, at) =>
    entry.idempotency === null ? [] : [{ ...entry, ...entry.idempotency, first: firsts[at] }],
  );
  if (keyed.length === 0) return;
  await query(NOTE, [
    keyed.map(({ topic }) => topic),
    keyed.map(({ keyHash }) => keyHash),
    keyed.map(({ bodyHash }) => bodyHash),
    keyed.map(({ first }) => first ?? null),
    keyed.map(({ accepted }) => accepted),
    keyed.map(({ rejected }) => rejected),
    keyed.map(({ receivedMs }) => receivedMs),
  ]);
}

/** A record of the log, with its place among all topics. */
export interface LogRecord {
  readonly appendNo: number;
  readonly topic: string;
  readonly offset: number;
  readonly receivedMs: number;
  /** As they were appended. */
  readonly headers: Readonly<Record<string, string>>;
  readonly value: Buffer;
}

const HEADS = `select topic, next_offset, log_start from event_log_head
  where topic = any ($1::text[]) and partition = 0`;

/** Begin and end of each topic; those that nothing was ever appended to are empty. */
export async function readHeads(
  db: Reads,
  topics: readonly string[],
): Promise<readonly PartitionLag[]> {
  const rows = await db.query(HEADS, [topics]);
  const found = new Map(rows.map((row) => [textOf(row, 'topic'), row]));
  return topics.map((topic) => {
    const row = found.get(topic);
    const low = row === undefined ? 0 : numberOf(row, 'log_start');
    const end = row === undefined ? 0 : numberOf(row, 'next_offset');
    return { topic, partition: 0, next: low, end, low };
  });
}

const FIRST_UNREAD = `select min(e.append_no) as append_no
  from unnest($1::text[], $2::bigint[]) as p (t, next)
  cross join lateral (select append_no from event_log
    where topic = p.t and partition = 0 and "offset" >= p.next order by "offset" limit 1) e`;

/** Place of the oldest record at or behind these positions; null where there is none. */
export async function firstUnread(
  db: Reads,
  positions: readonly StartPosition[],
): Promise<number | null> {
  const rows = await db.query(FIRST_UNREAD, [
    positions.map(({ topic }) => topic),
    positions.map(({ offset }) => offset),
  ]);
  return numberOrNull(onlyRow(rows), 'append_no');
}

// The sizes are looked at without reading the values: only what is returned is fetched.
const READ = `select append_no, topic, "offset", received_ms, headers, value from (
    select e.append_no, e.topic, e."offset", e.received_ms, e.value,
      coalesce(e.headers, '{}'::jsonb) as headers,
      row_number() over w as place, sum(octet_length(e.value)) over w as upto
    from event_log e
    join unnest($1::text[], $2::bigint[]) as p (t, next)
      on e.topic = p.t and e.partition = 0 and e."offset" >= p.next
    where e.append_no >= $3
    window w as (order by e.append_no)
    order by e.append_no limit $4) r
  where r.place = 1 or r.upto <= $5 order by append_no`;

/**
 * Records from `appendNo` on, of these topics and at or behind these positions, in the order they were
 * appended: so many, and so many bytes of values, but one at the least.
 */
export async function readLog(
  db: Reads,
  positions: readonly StartPosition[],
  appendNo: number,
  most: { readonly records: number; readonly bytes: number },
): Promise<readonly LogRecord[]> {
  const rows = await db.query(READ, [
    positions.map(({ topic }) => topic),
    positions.map(({ offset }) => offset),
    ...[appendNo, most.records, most.bytes],
  ]);
  return rows.map((row) => ({
    appendNo: numberOf(row, 'append_no'),
    topic: textOf(row, 'topic'),
    offset: numberOf(row, 'offset'),
    receivedMs: numberOf(row, 'received_ms'),
    headers: jsonOf(row, 'headers'),
    value: bytesOf(row, 'value'),
  }));
}

const BACKLOG = `select h.bytes - min(e.bytes_before) as behind
  from event_log_head h, unnest($2::text[]) as t (topic)
  left join progress p on p.consumer_group = $1 and p.topic = t.topic and p.partition = 0
  cross join lateral (select bytes_before from event_log
    where topic = t.topic and partition = 0 and "offset" >= coalesce(p.next_offset, 0)
    order by "offset" limit 1) e
  where h.topic = '' and h.partition = 0
  group by h.bytes`;

/** Bytes appended since the oldest record that this group has not read; 0 where it has read all. */
export async function backlogBytes(
  db: Reads,
  group: string,
  topics: readonly string[],
): Promise<number> {
  const [row] = await db.query(BACKLOG, [group, topics]);
  return row === undefined ? 0 : numberOf(row, 'behind');
}
