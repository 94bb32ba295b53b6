/** The Database port on a real server: errors, recovery, transactions, advisory locks. */
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { after, before, test } from 'node:test';
import { type ErrorCode, OperatingError } from '../../src/model/errors.ts';
import type { Database, Log } from '../../src/model/ports.ts';
import {
  type FreshDatabase,
  freshDatabase,
  open,
  type ProvidedPostgres,
  providePostgres,
  silentLog,
} from './postgres.ts';
import { relay } from './relay.ts';

let provider: ProvidedPostgres;
let fresh: FreshDatabase;
let db: Database;
before(async () => {
  provider = await providePostgres();
  fresh = await freshDatabase(provider, { empty: true });
  db = fresh.db;
});
after(async () => {
  await fresh.drop();
  await provider.stop();
});

const is =
  (code: ErrorCode, retryable: boolean, pattern = /./) =>
  (cause: unknown) => {
    assert.ok(cause instanceof OperatingError, String(cause));
    assert.equal(cause.code, code, cause.message);
    assert.equal(cause.retryable, retryable);
    assert.match(cause.message, pattern);
    return true;
  };

const pidOf = async (query: Database['query']): Promise<number> => {
  const [row] = await query('select pg_backend_pid() as pid');
  return Number(row?.['pid']);
};

const terminate = async (pid: number): Promise<void> => {
  const other = await open(fresh.url, 1);
  await other.query('select pg_terminate_backend($1)', [pid]);
  for (;;) {
    const rows = await other.query('select 1 from pg_stat_activity where pid = $1', [pid]);
    if (rows.length === 0) break;
  }
  await other.close();
};

test('values come back as the port promises', async () => {
  const [row] = await db.query(
    `select $1::bigint as big, $2::int as small, $3::bytea as bytes, $4::text[] as texts,
       $5::jsonb as json, $6::boolean as yes, null as nothing`,
    ['9007199254740993', 7, Buffer.from([0, 1]), ['a', 'b"\\'], '{"a":[1]}', true],
  );
  assert.deepEqual(row, {
    big: '9007199254740993',
    small: 7,
    bytes: Buffer.from([0, 1]),
    texts: ['a', 'b"\\'],
    json: { a: [1] },
    yes: true,
    nothing: null,
  });
});

test('a transaction is whole or nothing, and gives back what the work threw', async () => {
  await db.query('create table t (a int primary key)');
  const mine = new Error('mine');
  await assert.rejects(
    db.transaction(async (query) => {
      await query('insert into t values ($1)', [1]);
      throw mine;
    }),
    (cause) => cause === mine,
  );
  assert.deepEqual(await db.query('select a from t'), []);
  const answer = await db.transaction(async (query) => {
    await query('insert into t values ($1)', [2]);
    return 'kept';
  });
  assert.equal(answer, 'kept');
  assert.deepEqual(await db.query('select a from t'), [{ a: 2 }]);
});

test('bytes are copied as they are, and a copy that is refused leaves the connection sound', async () => {
  const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  const many = Buffer.alloc(300_000, all);
  await db.query('create table copied (a int primary key, b bytea)');
  await db.query('insert into copied values (1, $1), (2, null), (3, $2), (4, $3)', [
    ...[all, many, Buffer.alloc(0)],
  ]);
  const mine = new Error('mine');
  await db.transaction(async (query, copy) => {
    const sql = 'copy (select a, b from copied order by a) to stdout (format binary)';
    const rows = await copy(sql);
    assert.deepEqual(
      rows.map(([a, b]) => [a?.readInt32BE(), b]),
      [
        [1, all],
        [2, null],
        [3, many],
        [4, Buffer.alloc(0)],
      ],
    );
    // It goes on where other statements left off, and sees what they did.
    await query('insert into copied values (5, null)');
    assert.equal((await copy(`select 1; ${sql}`)).length, 5);
    assert.deepEqual(await copy('copy (select where false) to stdout (format binary)'), []);
  });
  const copying = (sql: string) => db.transaction(async (_, copy) => await copy(sql));
  await assert.rejects(
    copying('copy (select 1/a from (values (0)) as v (a)) to stdout (format binary)'),
    is('DATABASE_REFUSED', false, /SQLSTATE 22012/),
  );
  await assert.rejects(copying('copy copied to stdout'), is('DATABASE_REFUSED', false));
  await assert.rejects(copying('select 1'), is('DATABASE_REFUSED', false));
  await assert.rejects(
    db.transaction(async () => await Promise.reject(mine)),
    (cause) => cause === mine,
  );
  assert.equal((await db.query('select a from copied')).length, 5);
});

test('refusals name the SQLSTATE and the constraint, never the content', async () => {
  await db.query('create table secrets (a text primary key, b int)');
  await db.query('insert into secrets values ($1, 1)', ['hunter2']);
  const secretless = (code: RegExp) => (cause: unknown) => {
    is('DATABASE_REFUSED', false, code)(cause);
    assert.ok(cause instanceof OperatingError);
    const { stack, message } = cause;
    assert.doesNotMatch(`${stack}${message}${String(cause.cause)}`, /hunter2/);
    assert.equal(cause.cause, undefined);
    return true;
  };
  const insert = db.query('insert into secrets values ($1, 1)', ['hunter2']);
  await assert.rejects(
    insert,
    secretless(/SQLSTATE 23505 \(table secrets, constraint secrets_pkey\)/),
  );
  await assert.rejects(db.query('select $1::int', ['hunter2']), secretless(/SQLSTATE 22P02/));
  await assert.rejects(
    db.query('select $1::text', ['hunter2\u0000']),
    secretless(/SQLSTATE 22021/),
  );
  await assert.rejects(db.query('select * from nowhere'), is('DATABASE_REFUSED', false, /42P01/));
});

test('unreachable, wrong password, missing database, unreadable address', async () => {
  const closed = await new Promise<number>((done) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => done(typeof address === 'object' ? (address?.port ?? 0) : 0));
    });
  });
  const nobody = open(`postgres://u:hunter2@127.0.0.1:${closed}/x`);
  await assert.rejects(nobody, (cause) => {
    is('DATABASE_UNREACHABLE', true, /127\.0\.0\.1:[0-9]+\/x/)(cause);
    assert.doesNotMatch(String(cause), /hunter2/);
    return true;
  });
  const url = new URL(fresh.url);
  url.pathname = '/plt_nowhere';
  await assert.rejects(open(url.href), is('DATABASE_REFUSED', false, /SQLSTATE 3D000/));
  const unreadable = open('postgres://u:hunter2 with/slashes@[/x');
  await assert.rejects(unreadable, (cause) => {
    is('DATABASE_REFUSED', false, /percent-encoded/)(cause);
    assert.doesNotMatch(String(cause), /hunter2/);
    return true;
  });
});

test('a terminated backend is a retryable error, and the pool recovers', async () => {
  const small = await open(fresh.url, 1);
  const pid = await pidOf(small.query);
  await assert.rejects(
    small.transaction(async (query) => {
      await query('insert into t values (3)');
      await terminate(pid);
      await query('insert into t values (4)');
    }),
    is('DATABASE_TRANSIENT', true),
  );
  assert.notEqual(await pidOf(small.query), pid);
  assert.deepEqual(await small.query('select a from t where a > 2'), []);
  const sleeping = small.query('select pg_sleep(60)');
  const refused = assert.rejects(sleeping, is('DATABASE_TRANSIENT', true, /57P01|broke/));
  await terminate(await sleeperPid());
  await refused;
  assert.equal((await small.query('select 1 as a')).length, 1);
  await small.close();
});

const sleeperPid = async (): Promise<number> => {
  for (;;) {
    const rows = await db.query(
      "select pid from pg_stat_activity where query = 'select pg_sleep(60)' and state = 'active'",
    );
    if (rows.length === 1) return Number(rows[0]?.['pid']);
  }
};

test('an idle connection that is lost is logged and does not end the process', async () => {
  const lines: unknown[] = [];
  let heard = (): void => undefined;
  const logged = new Promise<void>((done) => {
    heard = done;
  });
  const warn: Log['warn'] = (fields, message) => {
    lines.push([fields, message]);
    heard();
  };
  const idle = await open(fresh.url, 1, { ...silentLog, warn });
  await terminate(await pidOf(idle.query));
  await logged;
  assert.doesNotMatch(JSON.stringify(lines), /:[^/]*@/);
  assert.equal((await idle.query('select 1 as a')).length, 1);
  await idle.close();
});

test('a lock that is waited for too long, and a deadlock, are retryable', async () => {
  await db.query('insert into t values (10), (11)');
  const lock = 'select a from t where a = $1 for update';
  let locked = (): void => undefined;
  const isLocked = new Promise<void>((done) => {
    locked = done;
  });
  let finish = (): void => undefined;
  const finished = new Promise<void>((done) => {
    finish = done;
  });
  const holding = db.transaction(async (query) => {
    await query(lock, [10]);
    locked();
    await finished;
  });
  await isLocked;
  await assert.rejects(db.query('update t set a = a where a = 10'), is('DATABASE_TRANSIENT', true));
  finish();
  await holding;
  const cross = (first: number, second: number) =>
    db.transaction(async (query) => {
      await query("set local lock_timeout = '9s'");
      await query(lock, [first]);
      await query('select pg_sleep(0.2)');
      await query(lock, [second]);
    });
  const results = await Promise.allSettled([cross(10, 11), cross(11, 10)]);
  const failures = results.filter((one) => one.status === 'rejected');
  assert.equal(failures.length, 1);
  is('DATABASE_TRANSIENT', true, /SQLSTATE 40P01/)(failures[0]?.reason);
});

test('an advisory lock has one holder, until it is released', async () => {
  const lost = (cause: Error) => assert.fail(cause);
  const first = await db.tryLock('group', lost);
  assert.ok(first);
  assert.equal(await db.tryLock('group', lost), null);
  const other = await db.tryLock('another', lost);
  assert.ok(other);
  await first.release();
  await first.release();
  const second = await db.tryLock('group', lost);
  assert.ok(second);
  await second.release();
  await other.release();
});

const lockPid = async (): Promise<number> => {
  const [row] = await db.query(
    `select pid from pg_locks where locktype = 'advisory' and granted
       and ((classid::bigint << 32) | objid::bigint) = hashtextextended($1, 0)`,
    ['watched'],
  );
  return Number(row?.['pid']);
};

test('the holder hears once when its connection is gone, and another may have the lock', async () => {
  let times = 0;
  let heard = (_cause: Error): void => undefined;
  const lost = new Promise<Error>((done) => {
    heard = done;
  });
  const handle = await db.tryLock('watched', (cause) => {
    times += 1;
    heard(cause);
  });
  assert.ok(handle);
  await terminate(await lockPid());
  is('DATABASE_TRANSIENT', true)(await lost);
  const next = await db.tryLock('watched', (cause) => assert.fail(cause));
  assert.ok(next);
  await next.release();
  await handle.release();
  assert.equal(times, 1);
});

test('the holder hears of a peer that vanished without a word', async () => {
  const through = await relay(fresh.url);
  const far = await open(through.url, 1);
  let heard = (_cause: Error): void => undefined;
  const lost = new Promise<Error>((done) => {
    heard = done;
  });
  const handle = await far.tryLock('silent', (cause) => heard(cause));
  assert.ok(handle);
  through.mute();
  // The heartbeat is unref'd: in a test nothing else keeps the process alive meanwhile.
  const awake = setInterval(() => undefined, 1000);
  is('DATABASE_TRANSIENT', true)(await lost);
  clearInterval(awake);
  through.close();
  await far.close();
});
