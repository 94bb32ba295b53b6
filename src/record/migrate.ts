/** Migrations: plain SQL files, forward only, each in one transaction with its own record. */
import { hash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { OperatingError } from '../model/errors.ts';
import type { Database, Query } from '../model/ports.ts';
import { numberOf, textOf } from './row.ts';

/** One file of the migrations folder. */
export interface Migration {
  readonly number: number;
  readonly name: string;
  /** Of the text with LF line ends, so that a checkout on Windows is the same migration. */
  readonly sha256: string;
  readonly sql: string;
}

/** What `migrate` did. */
export interface Migrated {
  /** Names of those applied now, in order. */
  readonly applied: readonly string[];
  /** How many are in force in all. */
  readonly total: number;
}

const FOLDER = new URL('./migrations/', import.meta.url);
const NAME = /^([0-9]{4})-([a-z0-9-]+)\.sql$/;

/** Migrations this version of the program brings, in order. `folder` is for tests. */
export async function readMigrations(folder: URL = FOLDER): Promise<readonly Migration[]> {
  const migrations: Migration[] = [];
  for (const file of (await readdir(folder)).sort()) {
    const match = NAME.exec(file);
    if (match === null) continue;
    const sql = (await readFile(new URL(file, folder), 'utf8')).replaceAll('\r\n', '\n');
    migrations.push({
      number: Number(match[1]),
      name: file.slice(0, -'.sql'.length),
      sha256: hash('sha256', sql, 'hex'),
      sql,
    });
  }
  return migrations;
}

interface Applied {
  readonly number: number;
  readonly name: string;
  readonly sha256: string;
}

const TABLE = `create table if not exists schema_migration (
  number int primary key, name text not null, sha256 text not null,
  applied_at timestamptz not null default now(), took_ms bigint not null, version text not null)`;

const readApplied = async (query: Query): Promise<readonly Applied[]> => {
  const rows = await query('select number, name, sha256 from schema_migration order by number');
  return rows.map((row) => ({
    number: numberOf(row, 'number'),
    name: textOf(row, 'name'),
    sha256: textOf(row, 'sha256'),
  }));
};

/** Every way in which files and database disagree, one line each; empty when they agree. */
const disagreements = (files: readonly Migration[], applied: readonly Applied[]): string[] => {
  const problems: string[] = [];
  files.forEach((file, at) => {
    const want = at + 1;
    if (file.number !== want) problems.push(`${file.name}: number ${want} was expected here`);
  });
  applied.forEach((row, at) => {
    if (row.number !== at + 1) {
      problems.push(`${row.name}: applied, but number ${at + 1} before it is missing`);
    }
    const file = files.find((one) => one.number === row.number);
    if (file === undefined) {
      problems.push(`${row.name}: applied by a newer version, unknown to this one`);
    } else if (file.name !== row.name) {
      problems.push(`${row.name}: applied under this name; the file is now ${file.name}`);
    } else if (file.sha256 !== row.sha256) {
      problems.push(`${row.name}: the file changed after it was applied`);
    }
  });
  return problems;
};

const refuse = (files: readonly Migration[], applied: readonly Applied[]): void => {
  const problems = disagreements(files, applied);
  if (problems.length === 0) return;
  throw new OperatingError(
    'MIGRATION_MISMATCH',
    `the database does not fit this version:\n  ${problems.join('\n  ')}\n` +
      'Run the version that wrote it, or restore the migration files; nothing was changed.',
    { retryable: false },
  );
};

/**
 * Names of migrations not yet applied. Rejects with MIGRATION_MISMATCH where files and database
 * disagree: changed checksum, hole, or a database newer than the program.
 */
export async function pendingMigrations(
  db: Database,
  migrations: readonly Migration[],
): Promise<readonly string[]> {
  const there = await db.query("select to_regclass('schema_migration') is not null as there");
  const applied = there[0]?.['there'] === true ? await readApplied(db.query) : [];
  refuse(migrations, applied);
  return migrations.slice(applied.length).map((migration) => migration.name);
}

// One transaction a file, the advisory lock inside it: a second migrator waits, then finds the row.
// A lock held by a session would not survive PgBouncer in transaction mode.
const applyNext = async (
  db: Database,
  migrations: readonly Migration[],
  version: string,
): Promise<string | null> =>
  await db.transaction(async (query) => {
    await query("set local statement_timeout = '10min'");
    await query("set local lock_timeout = '10min'");
    await query('select pg_advisory_xact_lock(7241, 1)');
    await query("set local lock_timeout = '5s'");
    await query(TABLE);
    const applied = await readApplied(query);
    refuse(migrations, applied);
    const next = migrations[applied.length];
    if (next === undefined) return null;
    await db.script(query, next.sql);
    await query(
      `insert into schema_migration (number, name, sha256, took_ms, version)
       values ($1, $2, $3, extract(epoch from clock_timestamp() - now()) * 1000, $4)`,
      [next.number, next.name, next.sha256, version],
    );
    return next.name;
  });

/**
 * Brings the database to this version and says what was done. Safe to run twice at once. Rejects
 * with MIGRATION_MISMATCH before anything is changed where files and database disagree. A table
 * that stays locked for 5 s fails the attempt with a retryable error; it is tried 5 times.
 */
export async function migrate(
  db: Database,
  options: { readonly version: string; readonly migrations?: readonly Migration[] },
): Promise<Migrated> {
  const migrations = options.migrations ?? (await readMigrations());
  const names: string[] = [];
  let failures = 0;
  for (;;) {
    try {
      const name = await applyNext(db, migrations, options.version);
      if (name === null) return { applied: names, total: migrations.length };
      names.push(name);
    } catch (cause) {
      failures += 1;
      if (!(cause instanceof OperatingError) || !cause.retryable || failures >= 5) throw cause;
    }
  }
}
