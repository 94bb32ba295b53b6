/** Store: opens the configured database or starts the embedded one; migrates where it may. */
import { randomBytes } from 'node:crypto';
import { pid } from 'node:process';
import { systemClock } from '../adapters/clock.ts';
import { openDatabase } from '../adapters/postgres.ts';
import type { Config } from '../model/config.ts';
import { OperatingError } from '../model/errors.ts';
import type { Database, Log } from '../model/ports.ts';
import { migrate, pendingMigrations, readMigrations } from '../record/migrate.ts';
import { patiently } from '../record/patience.ts';
import { settingOf } from '../record/setting.ts';
import { type Environment, secretOf } from './config.ts';
import { joinEmbedded } from './embedded.ts';

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
  const applicationName = `${config.instance ?? 'plumbline'}-${pid}`;
  const reach = { poolMax: options.poolMax ?? 8, applicationName, log };
  const patience = { clock: systemClock, log, forMs: OPEN_PATIENCE_MS };
  const embedded =
    given === undefined || given === ''
      ? await joinEmbedded(config.dataDir ?? '.plumbline', reach)
      : null;
  // Where nobody answers, whoever typed the address is told at once; a connection that breaks is a
  // server that restarts, and no reason to give up.
  const db =
    embedded?.db ??
    (await patiently(() => openDatabase({ ...reach, url: given ?? '' }), {
      ...patience,
      worth: ({ code }) => code === 'DATABASE_TRANSIENT',
    }));
  const close = () => (embedded === null ? db.close() : embedded.leave(options.stopEmbedded));
  try {
    if (embedded !== null || options.migrate === true) await migrate(db, { version: VERSION });
    else await patiently(() => refusePending(db), patience);
    const proposed = randomBytes(32).toString('hex');
    const digestKey = await patiently(() => settingOf(db, 'digest-key', proposed), patience);
    const provider = embedded === null ? 'DATABASE_URL' : `embedded ${embedded.version}`;
    return { db, digestKey, provider, close };
  } catch (cause) {
    await close();
    throw cause;
  }
}

/** A database that somebody else runs is changed when they say so, and not read before. */
async function refusePending(db: Database): Promise<void> {
  const pending = await pendingMigrations(db, await readMigrations());
  if (pending.length === 0) return;
  const message = `the database lacks ${pending.length} migrations (${pending.join(', ')}): run "plumbline migrate" with rights to create tables`;
  throw new OperatingError('MIGRATION_MISMATCH', message, { retryable: false });
}
