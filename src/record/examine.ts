/** What a database says of itself: version, durability, room, clock; and what was unreadable. */
import type { Database } from '../model/ports.ts';
import { booleanOf, numberOf, onlyRow, textOf } from './row.ts';

/** The server and our place in it. */
export interface DatabaseSeen {
  /** For example 180004. */
  readonly versionNumber: number;
  readonly version: string;
  readonly fsync: boolean;
  readonly fullPageWrites: boolean;
  readonly synchronousCommit: string;
  readonly readOnly: boolean;
  readonly superuser: boolean;
  /** Connections that are left for roles like ours. */
  readonly connectionsFree: number;
  readonly bytes: number;
  /** The server's clock minus ours, ms, give or take half of what asking took. */
  readonly skewMs: number;
}

/** Dead letters of one source since a moment, by the reason that is most frequent. */
export interface Unreadable {
  readonly source: string;
  readonly count: number;
  readonly reason: string;
}

type Reads = Pick<Database, 'query'>;

const SERVER = `select current_setting('server_version_num')::int as number,
    current_setting('server_version') as version,
    current_setting('fsync')::bool as fsync,
    current_setting('full_page_writes')::bool as full_pages,
    current_setting('synchronous_commit') as synchronous,
    (pg_is_in_recovery() or current_setting('default_transaction_read_only')::bool) as read_only,
    coalesce((select rolsuper from pg_roles where rolname = current_user), false) as superuser,
    greatest(0, current_setting('max_connections')::int
      - current_setting('superuser_reserved_connections')::int
      - (select count(*)::int from pg_stat_activity where backend_type = 'client backend')) as free,
    pg_database_size(current_database())::bigint as bytes`;
const CLOCK = `select (extract(epoch from clock_timestamp()) * 1000)::bigint as ms`;
const UNREADABLE = `select source, sum(n)::bigint as count,
    (array_agg(reason order by n desc, reason))[1] as reason
  from (select source, reason, count(*) as n from dead_letter where received_ms >= $1
    group by source, reason) d
  group by source order by 2 desc, source limit 100`;

/** Looks at the server. `nowMs` is asked around the server's own clock. */
export async function examineDatabase(db: Reads, nowMs: () => number): Promise<DatabaseSeen> {
  const row = onlyRow(await db.query(SERVER));
  const before = nowMs();
  const theirs = numberOf(onlyRow(await db.query(CLOCK)), 'ms');
  const skewMs = theirs - (before + nowMs()) / 2;
  return {
    versionNumber: numberOf(row, 'number'),
    version: textOf(row, 'version'),
    fsync: booleanOf(row, 'fsync'),
    fullPageWrites: booleanOf(row, 'full_pages'),
    synchronousCommit: textOf(row, 'synchronous'),
    readOnly: booleanOf(row, 'read_only'),
    superuser: booleanOf(row, 'superuser'),
    connectionsFree: numberOf(row, 'free'),
    bytes: numberOf(row, 'bytes'),
    skewMs,
  };
}

/** What could not be read since then, by source, most first. */
export async function unreadableSince(db: Reads, sinceMs: number): Promise<readonly Unreadable[]> {
  return (await db.query(UNREADABLE, [sinceMs])).map((row) => ({
    source: textOf(row, 'source'),
    count: numberOf(row, 'count'),
    reason: textOf(row, 'reason'),
  }));
}
