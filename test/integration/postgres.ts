/** Provides a real PostgreSQL to integration tests, and a fresh database to each file. */
import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedPostgres } from '../../src/adapters/embedded-postgres.ts';
import { openDatabase } from '../../src/adapters/postgres.ts';
import { idOf } from '../../src/model/ids.ts';
import type { Database, Log } from '../../src/model/ports.ts';
import { migrate, readMigrations } from '../../src/record/migrate.ts';

/** A server tests may make databases on. */
export interface ProvidedPostgres {
  /** Of a database that exists, as a user who may create others. */
  readonly url: string;
  readonly version: string;
  readonly source: 'env' | 'compose' | 'embedded';
  /** Stops what was started for the tests; a server that was given stays. */
  stop(): Promise<void>;
}

/** A database of one test file. */
export interface FreshDatabase {
  readonly url: string;
  readonly db: Database;
  /** Closes and drops it. */
  drop(): Promise<void>;
}

/** Says nothing. */
export const silentLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** Opens a database for tests. */
export async function open(url: string, poolMax = 4, log: Log = silentLog): Promise<Database> {
  return await openDatabase({ url, poolMax, applicationName: 'plumbline-test', log });
}

const provideGiven = async (
  url: string,
  source: ProvidedPostgres['source'],
): Promise<ProvidedPostgres> => {
  const db = await open(url, 1);
  const [row] = await db.query("select current_setting('server_version') as version");
  await db.close();
  return { url, version: String(row?.['version']), source, stop: async () => undefined };
};

const provideEmbedded = async (): Promise<ProvidedPostgres> => {
  const folder = await mkdtemp(join(tmpdir(), 'plt-postgres-'));
  // As root the server runs as another user, who must be able to enter.
  await chmod(folder, 0o755);
  const server = await startEmbeddedPostgres({ dataDir: folder, log: silentLog });
  const stop = async (): Promise<void> => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  };
  return { url: server.url, version: server.version, source: 'embedded', stop };
};

/**
 * The server of this run: PLUMBLINE_TEST_DATABASE (set by the runner, whose
 * PLUMBLINE_TEST_DATABASE_SOURCE says where it came from), DATABASE_URL, or a real embedded server in
 * a temporary folder. One that was named and does not answer is an error, never a reason to go on.
 */
export async function providePostgres(): Promise<ProvidedPostgres> {
  // biome-ignore lint/style/noProcessEnv: the runner hands its server over by environment
  const environment = process.env;
  const given = environment['PLUMBLINE_TEST_DATABASE'];
  if (given !== undefined && given !== '') {
    const source = environment['PLUMBLINE_TEST_DATABASE_SOURCE'];
    return await provideGiven(
      given,
      source === 'compose' || source === 'embedded' ? source : 'env',
    );
  }
  const url = environment['DATABASE_URL'];
  if (url !== undefined && url !== '') return await provideGiven(url, 'env');
  return await provideEmbedded();
}

const withDatabase = (url: string, name: string): string => {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  return changed.href;
};

/** Makes the migrated template once per server and set of migrations, whoever comes first. */
const provideTemplate = async (admin: Database, url: string): Promise<string> => {
  const migrations = await readMigrations();
  const name = `plt_template_${idOf(...migrations.map((one) => one.sha256)).slice(0, 16)}`;
  for (;;) {
    const lock = await admin.tryLock(name, () => undefined);
    if (lock === null) {
      await new Promise((done) => setTimeout(done, 50));
      continue;
    }
    try {
      const known = await admin.query('select 1 from pg_database where datname = $1', [name]);
      if (known.length > 0) return name;
      // Migrated under another name, renamed when whole: a crash leaves no half template.
      const making = `${name}_${randomBytes(4).toString('hex')}`;
      await admin.query(`create database ${making} template template0 encoding 'UTF8'`);
      const db = await open(withDatabase(url, making), 1);
      await migrate(db, { version: 'test' });
      await db.close();
      await admin.query(`alter database ${making} rename to ${name}`);
      return name;
    } finally {
      await lock.release();
    }
  }
};

/** A database of its own, migrated unless `empty`, with a pool of `poolMax`. */
export async function freshDatabase(
  provider: ProvidedPostgres,
  options: { readonly empty?: boolean; readonly poolMax?: number } = {},
): Promise<FreshDatabase> {
  const admin = await open(provider.url, 1);
  const name = `plt_${randomBytes(6).toString('hex')}`;
  const template =
    options.empty === true ? 'template0' : await provideTemplate(admin, provider.url);
  await admin.query('set statement_timeout = 0');
  await admin.query(`create database ${name} template ${template}`);
  const url = withDatabase(provider.url, name);
  const db = await open(url, options.poolMax ?? 4);
  const drop = async (): Promise<void> => {
    await db.close();
    // Both end with a checkpoint, which takes as long as a disk that others write to.
    await admin.query('set statement_timeout = 0');
    await admin.query(`drop database ${name} with (force)`);
    await admin.close();
  };
  return { url, db, drop };
}
