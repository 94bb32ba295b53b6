/** Store: opens the configured database or starts the embedded one; migrates where it may. */
import { randomBytes } from 'node:crypto';
import { pid } from 'node:process';
import { systemClock } from '../adapters/clock.ts';
import { startEmbeddedPostgres } from '../adapters/embedded-postgres.ts';
import { openDatabase } from '../adapters/postgres.ts';
import type { Config } from '../model/config.ts';
import { OperatingError } from '../model/errors.ts';
import type { Database, Log } from '../model/ports.ts';
import { migrate, pendingMigrations, readMigrations } from '../record/migrate.ts';
import { patiently } from '../record/patience.ts';
import { settingOf } from '../record/setting.ts';
import { type Environment, secretOf } from './config.ts';

/** Version of the program, as migrations note it. */
export const VERSION = '0.1.0';

const OPEN_PATIENCE_MS = 10_000;

/** An open store. */
export interface Store {
  readonly db: Database;
  /** `embedded 18.4` or `DATABASE_URL`, for people. */
  readonly provider: string;
  /** Key of argument digests, made once per deployment. */
  readonly digestKey: string;
  /** Closes connections; stops an embedded server unless another process uses it. */
  close(): Promise<void>;
}

/**
 * Opens the store. The embedded database is migrated by itself; one that you run is not: its schema
 * changes when you say so (`plumbline migrate`), and until then this rejects with what is pending.
 */
export async function openStore(
  config: Config,
  environment: Environment,
  log: Log,
  options: {
    readonly stopEmbedded: boolean;
    readonly migrate?: boolean;
    readonly poolMax?: number;
  },
): Promise<Store> {
  const given =
    config.database?.url !== undefined
      ? await secretOf(config.database.url, 'database.url', environment)
      : environment['DATABASE_URL'];
  const embedded =
    given === undefined || given === ''
      ? await startEmbeddedPostgres({ dataDir: config.dataDir ?? '.plumbline', log })
      : null;
  const url = embedded?.url ?? given ?? '';
  const applicationName = `${config.instance ?? 'plumbline'}-${pid}`;
  const patience = { clock: systemClock, log, forMs: OPEN_PATIENCE_MS };
  // Where nobody answers, whoever typed the address is told at once; a connection that breaks is a
  // server that restarts, and no reason to give up.
  const db = await patiently(
    () => openDatabase({ url, poolMax: options.poolMax ?? 8, applicationName, log }),
    { ...patience, worth: ({ code }) => code === 'DATABASE_TRANSIENT' },
  );
  if (embedded !== null || options.migrate === true) await migrate(db, { version: VERSION });
  else {
    const migrations = await readMigrations();
    const pending = await patiently(() => pendingMigrations(db, migrations), patience);
    if (pending.length > 0) {
      await db.close();
      const message = `the database lacks ${pending.length} migrations (${pending.join(', ')}): run "plumbline migrate" with rights to create tables`;
      throw new OperatingError('MIGRATION_MISMATCH', message, { retryable: false });
    }
  }
  const proposed = randomBytes(32).toString('hex');
  const digestKey = await patiently(() => settingOf(db, 'digest-key', proposed), patience);
  return {
    db,
    digestKey,
    provider: embedded === null ? 'DATABASE_URL' : `embedded ${embedded.version}`,
    close: async () => {
      const isShared = embedded !== null && (await others(db, applicationName)) > 0;
      await db.close();
      // Started for us alone, or ours to end; but never under another process that works with it.
      const isOurs = embedded !== null && (options.stopEmbedded || !embedded.adopted);
      if (isOurs && !isShared) await embedded.stop();
    },
  };
}

const OTHERS = `select count(*)::int as others from pg_stat_activity
  where backend_type = 'client backend' and application_name <> $1`;

/** Connections of other processes. A server that no longer answers has none. */
async function others(db: Database, applicationName: string): Promise<number> {
  try {
    const [row] = await db.query(OTHERS, [applicationName]);
    return Number(row?.['others'] ?? 0);
  } catch (cause) {
    if (cause instanceof OperatingError) return 0;
    throw cause;
  }
}
