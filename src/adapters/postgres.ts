/** PostgreSQL through pg: the only file that knows the driver. */
import { hash } from 'node:crypto';
import {
  Client,
  type ClientConfig,
  Query as PgQuery,
  Pool,
  type PoolClient,
  type QueryResult,
} from 'pg';
import { OperatingError } from '../model/errors.ts';
import type { Copy, Database, Log, Query, Row } from '../model/ports.ts';
import { copiedRows } from './postgres-copy.ts';
import { databaseError } from './postgres-errors.ts';

/** How to reach a database. */
export interface DatabaseOptions {
  /** postgres://user:password@host:port/database; never logged. */
  readonly url: string;
  /** Connections at most: concurrent slices + 3. */
  readonly poolMax: number;
  /** As pg_stat_activity shows it. */
  readonly applicationName: string;
  readonly log: Log;
}

const SERVER_MIN = 150_000;
const STATEMENTS_MAX = 500;
const LOCK_HEARTBEAT_MS = 5000;

/** Host, port and database of a URL; what may be shown. */
const placeOf = (url: string): string => {
  if (!URL.canParse(url)) {
    // The text itself is not shown: it may hold a password.
    const message =
      'the database URL cannot be read: write postgres://user:password@host:port/database, ' +
      'with special characters of the password percent-encoded';
    throw new OperatingError('DATABASE_REFUSED', message, { retryable: false });
  }
  const { hostname, port, pathname } = new URL(url);
  return `${hostname}:${port === '' ? '5432' : port}${pathname}`;
};

const configOf = (options: DatabaseOptions): ClientConfig => ({
  connectionString: options.url,
  application_name: options.applicationName,
  connectionTimeoutMillis: 5000,
  statement_timeout: 10_000,
  lock_timeout: 2000,
  idle_in_transaction_session_timeout: 15_000,
  keepAlive: true,
});

/** Runs one statement on a pool, a checked-out client or a client of its own. */
type Runner = Pick<Client, 'query'>;

/** Names parameterised statements, so that each connection plans a statement once. */
const statementNames = (): ((sql: string) => string | undefined) => {
  const names = new Map<string, string>();
  return (sql) => {
    const known = names.get(sql);
    // Statements are constants of the program; the bound is for whoever builds them one day.
    if (known !== undefined || names.size >= STATEMENTS_MAX) return known;
    const name = `plt_${hash('sha256', sql, 'hex').slice(0, 16)}`;
    names.set(sql, name);
    return name;
  };
};

const queryOf = (
  runner: Runner,
  nameOf: (sql: string) => string | undefined,
  place: string,
): Query => {
  return async (sql, params) => {
    try {
      if (params === undefined) {
        // Several statements of one text give a list of results, whatever the types say.
        const result: QueryResult | QueryResult[] = await runner.query(sql);
        return Array.isArray(result) ? [] : result.rows;
      }
      const name = nameOf(sql);
      const values = [...params];
      const result = await runner.query<Row>(
        name === undefined ? { text: sql, values } : { name, text: sql, values },
      );
      return result.rows;
    } catch (cause) {
      throw databaseError(cause, place);
    }
  };
};

const copyOf = (client: PoolClient, place: string): Copy => {
  return async (sql) => {
    const chunks: Buffer[] = [];
    const done = Promise.withResolvers<void>();
    const query = new PgQuery(sql, (error) => (error ? done.reject(error) : done.resolve()));
    // What the driver throws away, and has no other way to be asked for.
    Object.assign(query, {
      // A copy: the driver uses its buffer again.
      handleCopyData: ({ chunk }: { readonly chunk: Buffer }) => chunks.push(Buffer.from(chunk)),
    });
    try {
      client.query(query);
      await done.promise;
    } catch (cause) {
      throw databaseError(cause, place);
    }
    return copiedRows(Buffer.concat(chunks));
  };
};

const transactionOn = async <T>(
  client: PoolClient,
  query: Query,
  copy: Copy,
  work: (query: Query, copy: Copy) => Promise<T>,
): Promise<T> => {
  // A checked-out client has no listener of the pool: its error would end the process.
  let broken: Error | undefined;
  const onError = (cause: Error): void => {
    broken = cause;
  };
  client.on('error', onError);
  try {
    await query('begin isolation level read committed');
    const result = await work(query, copy);
    await query('commit');
    return result;
  } catch (cause) {
    try {
      await query('rollback');
    } catch (rollbackCause) {
      // The first error is the one to report; this one says that the connection is unusable.
      broken ??= rollbackCause instanceof Error ? rollbackCause : new Error('rollback failed');
    }
    throw cause;
  } finally {
    client.removeListener('error', onError);
    client.release(broken);
  }
};

const connect = async (pool: Pool, place: string): Promise<PoolClient> => {
  try {
    return await pool.connect();
  } catch (cause) {
    throw databaseError(cause, place);
  }
};

const endQuietly = async (client: Client, log: Log): Promise<void> => {
  try {
    await client.end();
  } catch (cause) {
    log.debug({ code: databaseError(cause, 'it').name }, 'a database connection ended badly');
  }
};

type LockHandle = { release(): Promise<void> };

/** Watches the connection that holds a lock; says once when it is gone. */
const watchLock = (
  client: Client,
  place: string,
  lost: (cause: Error) => void,
  log: Log,
): LockHandle => {
  let over = false;
  const finish = (): boolean => {
    if (over) return false;
    over = true;
    clearInterval(timer);
    return true;
  };
  const gone = (cause: unknown): void => {
    if (!finish()) return;
    void endQuietly(client, log);
    lost(databaseError(cause ?? new Error('it was closed'), place));
  };
  client.on('error', gone);
  client.on('end', () => gone(undefined));
  // A peer that vanished without a word is noticed by asking.
  const timer = setInterval(() => {
    client.query('select 1').catch(gone);
  }, LOCK_HEARTBEAT_MS);
  timer.unref();
  return {
    release: async () => {
      if (finish()) await endQuietly(client, log);
    },
  };
};

const tryLock = async (
  options: DatabaseOptions,
  place: string,
  name: string,
  lost: (cause: Error) => void,
): Promise<LockHandle | null> => {
  const client = new Client({ ...configOf(options), query_timeout: LOCK_HEARTBEAT_MS });
  // Until the lock is held, errors reach us as rejections; the event alone must not end the process.
  const ignore = (): void => undefined;
  client.on('error', ignore);
  try {
    await client.connect();
    const { rows } = await client.query<{ locked: boolean }>(
      'select pg_try_advisory_lock(hashtextextended($1, 0)) as locked',
      [name],
    );
    if (rows[0]?.locked !== true) {
      await endQuietly(client, options.log);
      return null;
    }
  } catch (cause) {
    await endQuietly(client, options.log);
    throw databaseError(cause, place);
  }
  const handle = watchLock(client, place, lost, options.log);
  client.removeListener('error', ignore);
  return handle;
};

const checkServer = async (query: Query, place: string): Promise<void> => {
  const [row] = await query(
    `select current_setting('server_version_num')::int as version,
       current_setting('server_version') as words, current_setting('server_encoding') as encoding`,
  );
  if (Number(row?.['version']) < SERVER_MIN) {
    throw new OperatingError(
      'DATABASE_REFUSED',
      `the server at ${place} is PostgreSQL ${String(row?.['words'])}; 15 or newer is needed`,
      { retryable: false },
    );
  }
  if (row?.['encoding'] !== 'UTF8') {
    throw new OperatingError(
      'DATABASE_REFUSED',
      `the database at ${place} has encoding ${String(row?.['encoding'])}; create it with UTF8`,
      { retryable: false },
    );
  }
};

/**
 * Opens a pool and makes sure that the server answers, is 15 or newer and speaks UTF-8. Rejects with
 * DATABASE_UNREACHABLE (retryable) or DATABASE_REFUSED. Every rejection of the result is an
 * OperatingError, or what the caller's own work threw.
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const place = placeOf(options.url);
  const pool = new Pool({ ...configOf(options), max: options.poolMax });
  // Without a listener the error of an idle connection ends the process.
  pool.on('error', (cause) => {
    const error = databaseError(cause, place);
    const code = error instanceof OperatingError ? error.code : error.name;
    options.log.warn({ code, database: place }, 'an idle database connection was lost');
  });
  // A server may say "ready" and "shutting down" in one breath: the second is an event before whoever
  // waits for the first can listen. What it means for a query, the query says.
  pool.on('connect', (client) => client.on('error', () => undefined));
  const nameOf = statementNames();
  const query = queryOf(pool, nameOf, place);
  let closed: Promise<void> | null = null;
  const database: Database = {
    query,
    transaction: async (work) => {
      const client = await connect(pool, place);
      const query = queryOf(client, nameOf, place);
      return await transactionOn(client, query, copyOf(client, place), work);
    },
    script: async (on, sql) => {
      await on(sql);
    },
    tryLock: (name, lost) => tryLock(options, place, name, lost),
    close: async () => {
      closed ??= pool.end();
      await closed;
    },
  };
  try {
    await checkServer(query, place);
  } catch (cause) {
    await database.close();
    throw cause;
  }
  return database;
}
