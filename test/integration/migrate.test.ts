/** Migrations against a real server: from nothing, twice at once, and every refusal. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { OperatingError } from '../../src/model/errors.ts';
import {
  type Migration,
  migrate,
  pendingMigrations,
  readMigrations,
} from '../../src/record/migrate.ts';
import { freshDatabase, open, type ProvidedPostgres, providePostgres } from './postgres.ts';

let provider: ProvidedPostgres;
before(async () => {
  provider = await providePostgres();
});
after(async () => {
  await provider.stop();
});

const made = (number: number, sql: string, sha256 = `sha-${number}`): Migration => ({
  number,
  name: `${String(number).padStart(4, '0')}-test`,
  sha256,
  sql,
});
const THREE = [
  made(1, 'create table one (a int); create table two (a int);'),
  made(2, 'insert into one values (1); alter table one add column b text;'),
  made(3, 'create table three (a int)'),
];

const mismatch = (pattern: RegExp) => (cause: unknown) =>
  cause instanceof OperatingError &&
  cause.code === 'MIGRATION_MISMATCH' &&
  !cause.retryable &&
  pattern.test(cause.message);

test('an empty database gets everything, once', async () => {
  const fresh = await freshDatabase(provider, { empty: true });
  const all = await readMigrations();
  const names = all.map((one) => one.name);
  assert.ok(names.length > 0);
  assert.deepEqual(await pendingMigrations(fresh.db, all), names);
  assert.deepEqual(await migrate(fresh.db, { version: '1' }), {
    applied: names,
    total: all.length,
  });
  assert.deepEqual(await migrate(fresh.db, { version: '1' }), { applied: [], total: all.length });
  assert.deepEqual(await pendingMigrations(fresh.db, all), []);
  await fresh.drop();
});

test('two at once: each migration is applied once', async () => {
  const fresh = await freshDatabase(provider, { empty: true });
  const other = await open(fresh.url);
  const slow = [made(1, 'select pg_sleep(0.3); create table one (a int);'), ...THREE.slice(1)];
  const results = await Promise.all(
    [fresh.db, other, fresh.db].map((db) => migrate(db, { version: '1', migrations: slow })),
  );
  const applied = results.flatMap((result) => result.applied);
  assert.deepEqual([...applied].sort(), ['0001-test', '0002-test', '0003-test']);
  await other.close();
  await fresh.drop();
});

test('a failing migration leaves nothing of itself', async () => {
  const fresh = await freshDatabase(provider, { empty: true });
  const bad = [THREE[0] as Migration, made(2, 'create table half (a int); select 1/0;')];
  await assert.rejects(
    migrate(fresh.db, { version: '1', migrations: bad }),
    (cause: unknown) => cause instanceof OperatingError && cause.code === 'DATABASE_REFUSED',
  );
  const rows = await fresh.db.query(
    "select to_regclass('one') is not null as one, to_regclass('half') is not null as half",
  );
  assert.deepEqual(rows, [{ one: true, half: false }]);
  await fresh.drop();
});

test('a changed file, a renamed file, a hole and a newer database are refused', async () => {
  const fresh = await freshDatabase(provider, { empty: true });
  const { db } = fresh;
  await migrate(db, { version: '1', migrations: THREE.slice(0, 2) });
  const changed = [THREE[0] as Migration, made(2, 'select 1', 'other')];
  const cases: readonly [readonly Migration[], RegExp][] = [
    [changed, /0002-test: the file changed/],
    [[{ ...(THREE[0] as Migration), name: '0001-other' }, ...THREE.slice(1)], /now 0001-other/],
    [THREE.slice(0, 1), /0002-test: applied by a newer version/],
    [[THREE[0] as Migration, THREE[2] as Migration], /0003-test: number 2 was expected/],
  ];
  for (const [migrations, pattern] of cases) {
    await assert.rejects(migrate(db, { version: '1', migrations }), mismatch(pattern));
    await assert.rejects(pendingMigrations(db, migrations), mismatch(pattern));
  }
  await db.query('delete from schema_migration where number = 1');
  await assert.rejects(
    migrate(db, { version: '1', migrations: THREE }),
    mismatch(/number 1 before/),
  );
  const [row] = await db.query("select to_regclass('three') is null as untouched");
  assert.equal(row?.['untouched'], true);
  await fresh.drop();
});
