/** Operating the daemon: databases that go away, standby, wrong starts, and every other command. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startEmbeddedPostgres } from '../../src/adapters/embedded-postgres.ts';
import { ensureTopics } from '../../src/adapters/kafka-topics.ts';
import { COMMANDS } from '../../src/commands/commands.ts';
import { KINDS } from '../../src/model/event.ts';
import type { Database } from '../../src/model/ports.ts';
import type { StoredDetection } from '../../src/record/read.ts';
import { exportDetections, listCases } from '../../src/record/read.ts';
import type { RecordStatus } from '../../src/record/status.ts';
import { freePort } from './kafka-probe.ts';
import type { KafkaProvided } from './kafka-provided.ts';
import {
  ask,
  type Launched,
  launch,
  type Surroundings,
  type,
  until,
  untilTrue,
} from './plumbline.ts';
import {
  type FreshDatabase,
  freshDatabase,
  open,
  type ProvidedPostgres,
  providePostgres,
  silentLog,
} from './postgres.ts';
import { provideKafka } from './provider.ts';
import { FORBIDDEN, registers, storySources, tell, uses, writeConfig } from './story.ts';

let kafka: KafkaProvided;
let postgres: ProvidedPostgres;
const folders: string[] = [];
const databases: FreshDatabase[] = [];
const running: Launched[] = [];

before(async () => {
  kafka = await provideKafka();
  postgres = await providePostgres();
});
after(async () => {
  for (const one of running) if (one.child.exitCode === null) await one.end('SIGKILL');
  for (const { drop } of databases) await drop();
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
  await postgres.stop();
  await kafka.stop();
});

const freshFolder = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'plt-operations-'));
  await chmod(folder, 0o755);
  folders.push(folder);
  return folder;
};

const fresh = async (options: { readonly empty?: boolean } = {}): Promise<FreshDatabase> => {
  const database = await freshDatabase(postgres, options);
  databases.push(database);
  return database;
};

const start = (args: readonly string[], where: Surroundings): Launched => {
  const daemon = launch(args, where);
  running.push(daemon);
  return daemon;
};

/** What a detection says, free of ids that hang on a deployment's own key. */
const factsOf = async (db: Database): Promise<string[]> => {
  const facts: string[] = [];
  for await (const { detection } of exportDetections(db) as AsyncIterable<StoredDetection>) {
    const { detector, entity, seq, timeMs } = detection;
    facts.push(`${entity.session ?? entity.agent} ${detector} ${seq ?? '-'} ${timeMs}`);
  }
  return facts.sort();
};

const breaches = async (folder: string, names: readonly string[], atMs: number): Promise<void> => {
  await tell(
    folder,
    names.flatMap((name, at) => [
      ...registers(`agent-${name}`, atMs - 600_000, `clerk ${name}`),
      ...uses(FORBIDDEN, `agent-${name}`, `session-${name}`, atMs + at * 10, `clerk ${name}`),
    ]),
  );
};

const sessionsIn = async (db: Database): Promise<string[]> =>
  (await listCases(db, { limit: 1000 })).map(({ case: one }) => one.entity.session ?? '').sort();

test('every connection is cut again and again: the same is found as without, nothing twice', async (t) => {
  const cwd = await freshFolder();
  const simulated = await type(
    [
      'simulate',
      '--to',
      'files',
      '--dir',
      cwd,
      '--fast',
      '--events',
      '30000',
      '--bad-share',
      '0.1',
    ],
    { cwd },
  );
  assert.equal(simulated.code, 0, simulated.stderr);
  const config = await writeConfig(cwd, { jsonl: { path: cwd, follow: false } });
  const [calm, cut] = [await fresh(), await fresh()];
  const run = ['run', '--quiet', '--until-caught-up', '--config', config];
  const undisturbed = await type(run, { cwd, env: { DATABASE_URL: calm.url } });
  assert.equal(undisturbed.code, 0, undisturbed.stderr);

  const daemon = start(run, { cwd, env: { DATABASE_URL: cut.url } });
  let rounds = 0;
  let killed = 0;
  // Fast at first, so that what is done once at the start is hit as well as the work; slower where it had to
  // start anew, for it does so three times, and how long a start takes is the machine's business.
  const pauseMs = () => {
    const anew = daemon.stderr().split('starting anew').length - 1;
    if (anew > 0) return anew === 1 ? 400 : 4_000;
    return rounds < 30 ? 30 : 400;
  };
  while (daemon.child.exitCode === null && rounds < 40) {
    const rows = await cut.db.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name like 'plumbline-%'
          and application_name <> 'plumbline-test'`,
    );
    killed += rows.length;
    if (rows.length > 0) rounds += 1;
    await new Promise((done) => setTimeout(done, pauseMs()));
  }
  const { code, stderr } = await daemon.finished;
  t.diagnostic(`${killed} connections cut in ${rounds} rounds`);
  assert.ok(rounds > 0, 'it ended before anything was cut');
  assert.equal(code, 0, stderr);
  const [expected, found] = [await factsOf(calm.db), await factsOf(cut.db)];
  t.diagnostic(`${expected.length} detections`);
  assert.ok(expected.length > 20);
  assert.deepEqual(found, expected);
  const verify = ['journal', 'verify', '--config', config];
  assert.equal((await type(verify, { cwd, env: { DATABASE_URL: cut.url } })).code, 0);
});

test('the database is stopped and started in mid-run: the daemon waits and goes on', async () => {
  const cwd = await freshFolder();
  const options = { dataDir: join(cwd, 'server'), log: silentLog };
  let server = await startEmbeddedPostgres(options);
  try {
    const where = { cwd, env: { DATABASE_URL: server.url } };
    const config = await writeConfig(cwd, { jsonl: { path: cwd, follow: true } });
    await breaches(cwd, ['a', 'b'], Date.now() - 60_000);
    const daemon = start(['run', '--migrate', '--config', config], where);
    const { url } = server;
    const sessions = async () => {
      const db = await open(url, 1);
      try {
        return await sessionsIn(db);
      } finally {
        await db.close();
      }
    };
    await untilTrue('two cases', () => daemon.stderr().includes('lane claimed'), daemon);
    await untilTrue('two cases', async () => (await sessions()).length === 2, daemon);
    await server.stop();
    await breaches(cwd, ['c'], Date.now());
    await untilTrue('the daemon to notice', () => daemon.stderr().includes('is away'), daemon);
    server = await startEmbeddedPostgres(options);
    assert.equal(server.url, url, 'the port is kept');
    await untilTrue('the third case', async () => (await sessions()).length === 3, daemon);
    await breaches(cwd, ['d'], Date.now());
    await untilTrue('a fourth case', async () => (await sessions()).length === 4, daemon);
    assert.deepEqual(await sessions(), ['session-a', 'session-b', 'session-c', 'session-d']);
    const db = await open(url, 1);
    try {
      assert.equal((await factsOf(db)).length, 4);
    } finally {
      await db.close();
    }
    const { code, stderr } = await daemon.end();
    assert.equal(code, 0, stderr);
  } finally {
    await server.stop();
  }
});

test('a second daemon of the group stands by and takes over after a SIGKILL of the first', async () => {
  const cwd = await freshFolder();
  const database = await fresh();
  const where = { cwd, env: { DATABASE_URL: database.url } };
  const prefix = `plt-standby-${randomBytes(4).toString('hex')}-`;
  const brokers = [...kafka.brokers];
  const config = await writeConfig(cwd, {
    kafka: { brokers, group: `${prefix}group`, sessionTimeout: '6s' },
    sources: storySources(prefix),
  });
  await ensureTopics(
    { brokers, clientId: 'plt-operations', log: silentLog },
    KINDS.map((kind) => ({ topic: `${prefix}${kind}`, partitions: 2 })),
  );
  const produce = async (name: string, atMs: number) => {
    const folder = join(cwd, name);
    await mkdir(folder);
    await breaches(folder, [name], atMs);
    const to = ['--dir', folder, '--prefix', prefix, '--brokers', brokers.join(',')];
    return await ask<{ sent: number; shiftMs: number }>(['produce', ...to], where);
  };
  assert.equal((await produce('first', Date.now() - 60_000)).sent, 5);
  const leader = start(['run', '--config', config], where);
  await untilTrue('a first case', async () => (await sessionsIn(database.db)).length === 1, leader);
  const standby = start(['run', '--config', config], where);
  const waits = 'waiting as standby';
  await untilTrue('the second to wait', () => standby.stderr().includes(waits), standby);
  assert.doesNotMatch(standby.stderr(), /lane claimed/);
  await leader.end('SIGKILL');
  await untilTrue('the takeover', () => standby.stderr().includes('lane claimed'), standby);
  await produce('second', Date.now());
  await untilTrue(
    'a second case',
    async () => (await sessionsIn(database.db)).length === 2,
    standby,
  );
  assert.deepEqual(await sessionsIn(database.db), ['session-first', 'session-second']);
  assert.equal((await factsOf(database.db)).length, 2);
  const { code, stderr } = await standby.end();
  assert.equal(code, 0, stderr);
});

test('a wrong start says what is wrong, where, and what to do, and how bad it is', async () => {
  const cwd = await freshFolder();
  const nobody = await freePort();
  const database = await fresh();
  const empty = await fresh({ empty: true });
  const password = 'correct-horse';
  const from = async (name: string, more: Parameters<typeof writeConfig>[1]): Promise<string> => {
    const folder = join(cwd, name);
    await mkdir(folder);
    return await writeConfig(folder, more);
  };
  const files = await from('files', { jsonl: { path: cwd, follow: false } });
  await breaches(cwd, ['a'], Date.now() - 60_000);
  const brokers = [...kafka.brokers];
  const wrong: readonly [string, string[], Record<string, string>, number, RegExp][] = [
    ['no configuration', [], {}, 2, /no configuration: name one with --config FILE/],
    ['a forgotten --config', [files], {}, 2, /is one word too many; options begin with --/],
    [
      'a missing file',
      ['--config', 'none.yaml'],
      {},
      2,
      /none\.yaml: cannot be read: there is no such file or folder \(ENOENT\)/,
    ],
    [
      'an unreachable broker',
      ['--config', await from('broker', { kafka: { brokers: [`127.0.0.1:${nobody}`] } })],
      { DATABASE_URL: database.url },
      1,
      new RegExp(
        `BROKER_UNREACHABLE: .*127\\.0\\.0\\.1:${nobody}.*check the addresses and that Kafka runs`,
      ),
    ],
    [
      'a missing topic',
      [
        '--config',
        await from('topic', {
          kafka: { brokers, group: `plt-${randomBytes(4).toString('hex')}` },
          sources: storySources('plt-nowhere-'),
        }),
      ],
      { DATABASE_URL: database.url },
      1,
      /BROKER_TOPIC_MISSING: topic plt-nowhere-\w+ does not exist on this cluster: create it/,
    ],
    [
      'an unreachable database',
      ['--config', files],
      { DATABASE_URL: `postgres://someone:${password}@127.0.0.1:${nobody}/plumbline` },
      1,
      new RegExp(`DATABASE_UNREACHABLE: .*127\\.0\\.0\\.1:${nobody}.*is it running`),
    ],
    [
      'a database without tables',
      ['--config', files],
      { DATABASE_URL: empty.url },
      2,
      /MIGRATION_MISMATCH: the database lacks \d+ migrations .*run "plumbline migrate"/,
    ],
    [
      'no file to read',
      ['--until-caught-up', '--config', await from('none', { jsonl: { path: join(cwd, 'void') } })],
      { DATABASE_URL: database.url },
      1,
      /SOURCE_UNREADABLE: .*void holds no file for governance, .*: expected <topic>\.jsonl/,
    ],
    [
      'a secret that is not set',
      [
        '--config',
        await from('secret', {
          jsonl: { path: cwd },
          control: {
            drivers: {
              hook: { type: 'webhook', url: 'http://127.0.0.1:1/', secret: { env: 'NOT_SET' } },
            },
          },
        }),
      ],
      { DATABASE_URL: database.url },
      2,
      /control\.drivers\.hook\.secret: the environment variable NOT_SET is not set/,
    ],
  ];
  for (const [what, args, env, code, message] of wrong) {
    const ended = await type(['run', ...args], { cwd, env });
    const last = ended.stderr.trim().split('\nplumbline: ').at(-1) ?? '';
    assert.equal(ended.code, code, `${what}: ${ended.stderr}`);
    assert.match(last.replace(/^plumbline: /, ''), message, what);
    assert.doesNotMatch(ended.stderr, new RegExp(password), what);
    assert.doesNotMatch(ended.stderr, /^ +at .*\.ts:\d+/m, `${what}: a stack trace is no advice`);
  }
  const where = { cwd, env: { DATABASE_URL: empty.url } };
  assert.equal((await type(['migrate', '--config', files], where)).code, 0);
  const after = await type(['run', '--until-caught-up', '--quiet', '--config', files], where);
  assert.equal(after.code, 0, after.stderr);
  assert.deepEqual(await sessionsIn(empty.db), ['session-a']);
});

test('check names every problem at once with file, line and key; wrong words exit with 2', async () => {
  const cwd = await freshFolder();
  const lines = [
    'instance: [one, two]',
    'kafka:',
    '  brokers: [nowhere]',
    'sources:',
    '  - name: gateway',
    '    topic: gateway',
    '    decoder: canonical',
    '    trust: everybody',
    '    kinds: [gateway, gossip]',
    '    lateness: soon',
    'roles: { default: { mode: reckless } }',
    'guardrails: { coolDown: 5 }',
    'surprise: 1',
  ];
  await writeFile(join(cwd, 'bad.yaml'), `${lines.join('\n')}\n`);
  const where = { cwd };
  const checked = await type(['check', '--config', 'bad.yaml'], where);
  assert.equal(checked.code, 2);
  const expected = [
    'bad.yaml:1: instance:',
    'bad.yaml:3: kafka.brokers.0:',
    'bad.yaml:8: sources.0.trust:',
    'bad.yaml:9: sources.0.kinds.1:',
    'bad.yaml:10: sources.0.lateness:',
    'bad.yaml:11: roles.default.mode:',
    'bad.yaml:12: guardrails.coolDown:',
    'bad.yaml:13: surprise:',
    '8 problems',
  ];
  const said = checked.stdout.trim().split('\n');
  for (const [at, start] of expected.entries()) assert.ok(said[at]?.startsWith(start), said[at]);
  assert.equal(said.length, expected.length);
  const asJson = await type(['check', '--config', 'bad.yaml', '--json'], where);
  assert.equal(asJson.code, 2);
  assert.equal((JSON.parse(asJson.stdout) as { problems: unknown[] }).problems.length, 8);
  const ran = await type(['run', '--config', 'bad.yaml'], where);
  assert.equal(ran.code, 2);
  assert.equal(ran.stderr.match(/bad\.yaml:\d+/g)?.length, 8);

  const unknown = [
    [['frobnicate'], /unknown command "frobnicate"/],
    [['cases', '--frobnicate'], /Unknown option '--frobnicate'.*--agent/s],
    [['status', 'extra'], /"extra" is one word too many/],
    [['cases', 'extra'], /no such verb: "extra"; there are list and export/],
    [['cases', '--limit', 'many'], /--limit takes a whole number of at least 1/],
    [['cases', '--level', 'loud'], /--level is one of informational, low/],
    [['explain'], /name a case by the first characters of its id/],
    [['leases', 'unmake'], /no such verb: "unmake"/],
    [['leases', 'undo', 'abc'], /say who you are and why/],
    [['pause', '--scope', 'world'], /--scope is one of fleet, role/],
    [['start', '--for', 'ever'], /a length of time is written 30s/],
    [['simulate'], /say where to/],
    [['replay'], /replay needs --score DIR and --out FILE/],
    [['produce'], /produce needs --dir DIR/],
    [['journal', 'burn'], /no such verb: "burn"/],
  ] as const;
  for (const [args, message] of unknown) {
    const { code, stderr, stdout } = await type(args, where);
    assert.equal(code, 2, args.join(' '));
    assert.match(stderr, message);
    assert.equal(stdout, '');
  }
  for (const { name } of COMMANDS) {
    const { code, stdout } = await type([name, '--help'], where);
    assert.equal(code, 0);
    assert.ok(stdout.startsWith(`plumbline ${name}`), stdout);
  }
});

test('every command answers --json with one value; a journal that was changed is found', async () => {
  const cwd = await freshFolder();
  const database = await fresh();
  const where = { cwd, env: { DATABASE_URL: database.url } };
  const config = await writeConfig(cwd, { jsonl: { path: cwd, follow: false } });
  const look = ['--config', config];
  await breaches(cwd, ['a', 'b'], Date.now() - 60_000);
  assert.deepEqual(await ask(['migrate', ...look], where), {
    provider: 'DATABASE_URL',
    current: true,
  });
  assert.deepEqual(await ask(['run', '--until-caught-up', '--quiet', ...look], where), {
    stopped: 'caught-up',
  });
  const cases = await ask<{ case: { id: string } }[]>(['cases', ...look], where);
  assert.equal(cases.length, 2);
  const id = cases[0]?.case.id ?? '';
  assert.equal((await ask<{ case: { id: string } }>(['explain', id, ...look], where)).case.id, id);
  assert.deepEqual(await ask(['leases', ...look], where), []);
  assert.equal((await ask<{ status: RecordStatus }>(['status', ...look], where)).status.cases, 2);
  assert.ok((await ask<unknown[]>(['journal', 'tail', ...look], where)).length >= 4);
  assert.equal((await ask<{ ok: boolean }>(['check', ...look], where)).ok, true);
  const replay = ['replay', '--score', cwd, '--out', join(cwd, 'scores.jsonl'), '--quiet'];
  assert.equal((await ask<{ sessions: number }>(replay, where)).sessions, 2);
  const findings = ['findings', '--out', join(cwd, 'findings.jsonl'), ...look];
  assert.equal((await ask<{ sessions: number }>(findings, where)).sessions, 2);
  for (const file of ['scores.jsonl', 'findings.jsonl']) {
    const written = (await readFile(join(cwd, file), 'utf8')).trim().split('\n');
    assert.deepEqual(
      written.map((text) => (JSON.parse(text) as { session_id: string }).session_id),
      ['session-a', 'session-b'],
    );
  }
  // Nobody runs: it is asked and waits.
  const stop = ['--scope', 'agent', '--target', 'agent-a', '--by', 'me', '--reason', 'test'];
  assert.equal(
    (await ask<{ inForce: boolean }>(['pause', ...stop, ...look], where)).inForce,
    false,
  );
  assert.equal(
    (await ask<{ inForce: boolean }>(['resume', ...stop, ...look], where)).inForce,
    false,
  );

  const whole = await type(['journal', 'verify', ...look], where);
  assert.equal(whole.code, 0);
  assert.match(whole.stdout, /^The record is whole: \d+ entries, 1 checkpoint\.$/m);
  const superuser = await open(database.url, 1);
  try {
    await superuser.transaction(async (query) => {
      await query('alter table journal disable trigger user');
      await query(`update journal set body = body || ' ' where n = 1`);
      await query('alter table journal enable trigger user');
    });
  } finally {
    await superuser.close();
  }
  const broken = await type(['journal', 'verify', ...look], where);
  assert.equal(broken.code, 1, broken.stdout);
  assert.match(broken.stdout, /^The record is BROKEN at lane 0, entry 1: /m);
  const asJson = await type(['journal', 'verify', '--json', ...look], where);
  assert.equal(asJson.code, 1);
  assert.equal((JSON.parse(asJson.stdout) as { brokenAt: number }).brokenAt, 1);
});

test('simulate writes to files, Kafka and HTTP, the same fleet each time', async () => {
  const cwd = await freshFolder();
  const database = await fresh();
  const where = { cwd, env: { DATABASE_URL: database.url } };
  const startMs = String(Date.now() - 24 * 3_600_000);
  const fleet = ['--fast', '--events', '3000', '--bad-share', '0.2', '--start', startMs, '--quiet'];
  interface Sent {
    readonly sent: number;
    readonly misdeeds: Readonly<Record<string, number>>;
  }
  const folder = join(cwd, 'files');
  await mkdir(folder);
  const truth = join(cwd, 'truth.jsonl');
  const toFiles = ['--to', 'files', '--dir', folder, '--truth', truth];
  const files = await ask<Sent>(['simulate', ...toFiles, ...fleet], where);
  assert.equal(files.sent, 3000);
  const misdeeds = Object.values(files.misdeeds).reduce((sum, n) => sum + n, 0);
  assert.equal((await readFile(truth, 'utf8')).trim().split('\n').length, misdeeds);

  const received = new Map<string, string>();
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    request.on('end', () => {
      const stream = (request.url ?? '').replace('/ingest/', '');
      assert.equal(request.headers['content-type'], 'application/x-ndjson');
      received.set(stream, (received.get(stream) ?? '') + body);
      response.writeHead(202).end();
    });
  });
  const port = await freePort();
  await new Promise<void>((done) => server.listen(port, '127.0.0.1', done));
  try {
    const url = `http://127.0.0.1:${port}/ingest`;
    const http = await ask<Sent>(['simulate', '--to', 'http', '--url', url, ...fleet], where);
    assert.deepEqual(http, files);
  } finally {
    await new Promise((done) => server.close(done));
  }
  for (const kind of KINDS)
    assert.equal(received.get(kind), await readFile(join(folder, `${kind}.jsonl`), 'utf8'), kind);
  const refused = await type(
    ['simulate', '--to', 'http', '--url', `http://127.0.0.1:${port}/gone`, ...fleet],
    where,
  );
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /CONTROL_UNREACHABLE/);

  const prefix = `plt-simulate-${randomBytes(4).toString('hex')}-`;
  const brokers = [...kafka.brokers];
  const toKafka = ['--to', 'kafka', '--brokers', brokers.join(','), '--prefix', prefix];
  const streamed = await ask<Sent>(['simulate', ...toKafka, ...fleet], where);
  assert.deepEqual(streamed, files);
  const config = await writeConfig(cwd, {
    kafka: { brokers, group: `${prefix}group`, sessionTimeout: '10s' },
    sources: storySources(prefix),
  });
  const run = ['run', '--until-caught-up', '--quiet', '--config', config];
  const ended = await type(run, where);
  assert.equal(ended.code, 0, ended.stderr);
  const { status } = await ask<{ status: RecordStatus }>(['status', '--config', config], where);
  assert.equal(status.lanes[0]?.counters['records'], 3000);
});

test('a reader that has seen enough is no error, and SIGTERM ends a daemon on Kafka', async (t) => {
  const cwd = await freshFolder();
  const database = await fresh();
  const where = { cwd, env: { DATABASE_URL: database.url } };
  const prefix = `plt-stop-${randomBytes(4).toString('hex')}-`;
  const brokers = [...kafka.brokers];
  await ensureTopics(
    { brokers, clientId: 'plt-operations', log: silentLog },
    KINDS.map((kind) => ({ topic: `${prefix}${kind}`, partitions: 1 })),
  );
  const config = await writeConfig(cwd, {
    kafka: { brokers, group: `${prefix}group` },
    sources: storySources(prefix),
  });
  const daemon = start(['run', '--config', config], where);
  await untilTrue('the lane', () => daemon.stderr().includes('lane claimed'), daemon);
  const beforeMs = Date.now();
  const { code, stderr } = await daemon.end();
  t.diagnostic(`ended ${Date.now() - beforeMs} ms after SIGTERM`);
  assert.equal(code, 0, stderr);

  const curt = start(['help'], where);
  curt.child.stdout?.destroy();
  const told = await curt.finished;
  assert.doesNotMatch(told.stderr, /EPIPE/);
  await until('its end', () => curt.child.exitCode);
});
