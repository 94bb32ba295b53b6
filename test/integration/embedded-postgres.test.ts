/** The embedded server: made, stopped, started again, adopted after a kill, and every refusal. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from '../../src/adapters/embedded-postgres.ts';
import { blockedAt, run } from '../../src/adapters/embedded-postgres-account.ts';
import { OperatingError } from '../../src/model/errors.ts';
import type { Log } from '../../src/model/ports.ts';
import { open, silentLog } from './postgres.ts';

const CHILD = fileURLToPath(new URL('./start-embedded.ts', import.meta.url));

let root = '';
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'plt-embedded-'));
  await chmod(root, 0o755);
});
after(async () => {
  for (const server of started) await server.stop();
  await rm(root, { recursive: true, force: true });
});

const started: EmbeddedPostgres[] = [];

/** Starts a server that is stopped at the end at the latest. */
const start = async (name: string, log: Log = silentLog): Promise<EmbeddedPostgres> => {
  const server = await startEmbeddedPostgres({ dataDir: join(root, name), log });
  started.push(server);
  return server;
};

const refused = (pattern: RegExp) => (cause: unknown) => {
  assert.ok(cause instanceof OperatingError, String(cause));
  assert.equal(cause.code, 'EMBEDDED_POSTGRES');
  assert.match(cause.message, pattern);
  return true;
};

/** Starts a child that starts the server; resolves to what it printed. */
const startInChild = async (name: string): Promise<{ child: ChildProcess; url: string }> => {
  const child = spawn(process.execPath, [CHILD, join(root, name)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const line = await new Promise<string>((done, fail) => {
    child.stdout?.once('data', (bytes) => done(String(bytes)));
    child.once('exit', (code) => fail(new Error(`the child ended with ${code}`)));
  });
  const { url } = JSON.parse(line) as { url: string };
  return { child, url };
};

const kill = async (child: ChildProcess): Promise<void> => {
  const gone = new Promise<void>((done) => child.once('exit', () => done()));
  child.kill('SIGKILL');
  await gone;
};

test('made, stopped and started again: rows, port and password are kept', async () => {
  const first = await start('kept');
  assert.equal(first.adopted, false);
  const db = await open(first.url, 1);
  await db.query('create table t (a int)');
  await db.query('insert into t values (1)');
  const [settings] = await db.query(
    `select current_setting('fsync') as fsync, current_setting('listen_addresses') as listen,
       current_setting('unix_socket_directories') as sockets,
       current_setting('server_encoding') as encoding, current_setting('server_version') as version`,
  );
  assert.deepEqual(settings, {
    ...{ fsync: 'on', listen: '127.0.0.1', sockets: '', encoding: 'UTF8' },
    version: first.version,
  });
  await db.close();
  await first.stop();
  await first.stop();
  await assert.rejects(
    open(first.url, 1),
    (cause: unknown) => cause instanceof OperatingError && cause.code === 'DATABASE_UNREACHABLE',
  );
  const second = await start('kept');
  assert.equal(second.adopted, false);
  assert.equal(second.url, first.url);
  const again = await open(second.url, 1);
  assert.deepEqual(await again.query('select a from t'), [{ a: 1 }]);
  await again.close();
  await second.stop();
});

test('only its owner can read the password, and the server wants it', async () => {
  const server = await start('secret');
  const { mode } = await stat(join(root, 'secret', 'postgres', 'password'));
  assert.equal(mode & 0o777, 0o600);
  const url = new URL(server.url);
  url.password = 'guess';
  await assert.rejects(open(url.href, 1), /SQLSTATE 28P01/);
  await server.stop();
});

test('a killed process leaves the server running, and the next start adopts it', async () => {
  const { child, url } = await startInChild('orphan');
  const db = await open(url, 1);
  await db.query('create table t (a int)');
  await kill(child);
  await db.query('insert into t values (1)');
  await db.close();
  const server = await start('orphan');
  assert.equal(server.adopted, true);
  assert.equal(server.url, url);
  const again = await open(server.url, 1);
  assert.deepEqual(await again.query('select a from t'), [{ a: 1 }]);
  await again.close();
  await server.stop();
  const third = await start('orphan');
  assert.equal(third.adopted, false);
  await third.stop();
});

test('a signal to our process group does not reach the server', async () => {
  const { child, url } = await startInChild('group');
  const [row] = await (async () => {
    const db = await open(url, 1);
    const rows = await db.query(
      "select pg_read_file('postmaster.pid', 0, 32) as pid, pg_backend_pid() as backend",
    );
    await db.close();
    return rows;
  })();
  const pid = String(row?.['pid']).split('\n')[0] ?? '';
  const session = await run('ps', ['-o', 'sid=', '-p', pid], null);
  assert.equal(session.output.trim(), pid);
  await kill(child);
  await (await start('group')).stop();
});

test('a server that was killed recovers at the next start', async () => {
  const first = await start('crash');
  const db = await open(first.url, 1);
  await db.query('create table t (a int)');
  await db.query('insert into t values (7)');
  const pid = Number((await readFile(pidFile('crash'), 'utf8')).split('\n')[0]);
  process.kill(pid, 'SIGKILL');
  await db.close();
  const second = await start('crash');
  const again = await open(second.url, 1);
  assert.deepEqual(await again.query('select a from t'), [{ a: 7 }]);
  await again.close();
  await second.stop();
});

const pidFile = (name: string): string => join(root, name, 'postgres', 'data', 'postmaster.pid');

test('starts at once make one cluster and one server', async () => {
  const all = await Promise.all([startInChild('race'), startInChild('race'), start('race')]);
  const urls = new Set(all.map((one) => one.url));
  assert.equal(urls.size, 1);
  for (const one of all) if ('child' in one) await kill(one.child);
  await all[2].stop();
  assert.deepEqual(await readdir(join(root, 'race')), ['postgres']);
});

test('a port that somebody else took is given up for another', async () => {
  const first = await start('port');
  await first.stop();
  const taken = createServer();
  await new Promise<void>((done) =>
    taken.listen(Number(new URL(first.url).port), '127.0.0.1', done),
  );
  const second = await start('port');
  assert.notEqual(second.url, first.url);
  const db = await open(second.url, 1);
  assert.equal((await db.query('select 1 as a')).length, 1);
  await db.close();
  await second.stop();
  taken.close();
});

test('postmaster.pid of a number that another process has now is not adopted', async () => {
  const first = await start('stale');
  await first.stop();
  // Of the server's own user: of a process of anybody else PostgreSQL knows by itself.
  const { uid, gid } = await stat(join(root, 'stale', 'postgres', 'data'));
  const other = spawn('sleep', ['600'], { uid, gid, stdio: 'ignore' });
  const lines = [other.pid, join(root, 'stale'), 1_700_000_000, 1, '', '', '', 'ready', ''];
  await writeFile(pidFile('stale'), lines.join('\n'));
  const warnings: string[] = [];
  const log: Log = { ...silentLog, warn: (_, message) => warnings.push(message) };
  const second = await start('stale', log);
  assert.equal(second.adopted, false);
  assert.match(warnings.join('\n'), /names a process that is no server/);
  assert.equal(other.exitCode, null);
  other.kill();
});

test('another major version, and a broken cluster, are refused with what to do', async () => {
  await (await start('version')).stop();
  const data = join(root, 'version', 'postgres', 'data');
  await writeFile(join(data, 'PG_VERSION'), '12\n');
  await assert.rejects(start('version'), refused(/made by PostgreSQL 12, and npm brought/));
  await (await start('broken')).stop();
  const settings = join(root, 'broken', 'postgres', 'data', 'postgresql.conf');
  await writeFile(settings, 'nonsense = 1\n');
  await assert.rejects(start('broken'), refused(/its log ends:[\s\S]*nonsense/));
});

test('what a kill during initdb left behind is swept', async () => {
  const gone = spawn(process.execPath, ['-e', '']);
  await new Promise((done) => gone.once('exit', done));
  await mkdir(join(root, 'swept', `postgres.init-${gone.pid}`, 'data'), { recursive: true });
  await (await start('swept')).stop();
  assert.deepEqual(await readdir(join(root, 'swept')), ['postgres']);
});

test('a folder that an account may not enter is named', async () => {
  const closed = join(root, 'closed');
  await mkdir(join(closed, 'in', 'side'), { recursive: true });
  await chmod(closed, 0o700);
  const stranger = { uid: 54_321, gid: 54_321, name: 'stranger' };
  assert.equal(await blockedAt(join(closed, 'in', 'side'), stranger), closed);
  await chmod(closed, 0o755);
  assert.equal(await blockedAt(join(closed, 'in', 'side'), stranger), null);
});
