/** `doctor` as people type it: real PostgreSQL, real Kafka, and all that can be wrong with them. */
import assert from 'node:assert/strict';
import { appendFile, chmod, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createKafkaPublisher } from '../../src/adapters/kafka.ts';
import { ensureTopics } from '../../src/adapters/kafka-topics.ts';
import type { Look } from '../../src/commands/doctor-text.ts';
import type { Config } from '../../src/model/config.ts';
import { encodeEvent } from '../../src/source/canonical.ts';
import { freePort } from './kafka-probe.ts';
import type { KafkaProvided } from './kafka-provided.ts';
import { type Launched, launch, type, untilTrue } from './plumbline.ts';
import {
  type FreshDatabase,
  freshDatabase,
  type ProvidedPostgres,
  providePostgres,
  silentLog,
} from './postgres.ts';
import { provideKafka } from './provider.ts';
import { registers, storySources, tell, uses, writeConfig } from './story.ts';

const prefix = `plt-${process.pid}-doctor-`;
let kafka: KafkaProvided;
let postgres: ProvidedPostgres;
const databases: FreshDatabase[] = [];
const folders: string[] = [];
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

const home = async (): Promise<string> => {
  const cwd = await mkdtemp(join(tmpdir(), 'plt-doctor-'));
  await chmod(cwd, 0o755);
  folders.push(cwd);
  return cwd;
};
const database = async (empty = false): Promise<FreshDatabase> => {
  const made = await freshDatabase(postgres, { empty });
  databases.push(made);
  return made;
};

interface Examined {
  readonly code: number | null;
  readonly looks: readonly Look[];
  readonly text: string;
}
const examine = async (
  cwd: string,
  more: Partial<Config> | null,
  env: Readonly<Record<string, string>> = {},
): Promise<Examined> => {
  const file = more === null ? null : await writeConfig(cwd, more);
  const args = ['doctor', ...(file === null ? [] : ['--config', file])];
  const { code, stdout, stderr } = await type([...args, '--json'], { cwd, env });
  const { looks } = JSON.parse(stdout) as { looks: readonly Look[] };
  const plain = await type(args, { cwd, env });
  assert.equal(plain.code, code, 'for people and for programs the same');
  return { code, looks, text: plain.stdout + stderr };
};
const failing = ({ looks }: Examined) => looks.filter(({ verdict }) => verdict === 'fail');
const says = (examined: Examined, verdict: Look['verdict'], area: string, what: RegExp) => {
  const found = examined.looks.find(
    (look) => look.area === area && look.verdict === verdict && what.test(look.says),
  );
  assert.ok(found, `${verdict} ${area} ${what} in\n${examined.text}`);
  if (verdict !== 'ok') assert.ok((found.advice ?? '').length > 10, `${found.says}: no advice`);
};

test('where there is nothing it says so, makes nothing, and nothing fails', async () => {
  const cwd = await home();
  const found = await examine(cwd, null);
  assert.equal(found.code, 0);
  says(found, 'warn', 'config', /no plumbline\.yaml/);
  says(found, 'ok', 'database', /none yet/);
});

test('a mistake in the configuration ends it with 2, and with what to write instead', async () => {
  const cwd = await home();
  const found = await examine(cwd, { jsonl: { path: cwd }, sinks: { a: { type: 'slak' } } });
  assert.equal(found.code, 2);
  says(found, 'fail', 'config', /did you mean slack/);
});

test('a database that lacks its tables, one that is away, and one that fits', async () => {
  const cwd = await home();
  const { url: empty } = await database(true);
  const bare = await examine(cwd, { jsonl: { path: cwd } }, { DATABASE_URL: empty });
  assert.equal(bare.code, 1);
  says(bare, 'fail', 'schema', /migrations? to apply/);
  const nowhere = `postgres://someone:CANARY-PW@127.0.0.1:${await freePort()}/x`;
  const away = await examine(cwd, { jsonl: { path: cwd } }, { DATABASE_URL: nowhere });
  assert.equal(away.code, 1);
  says(away, 'fail', 'database', /cannot reach the database/);
  assert.ok(!away.text.includes('CANARY-PW') && !JSON.stringify(away.looks).includes('CANARY-PW'));
  const { url } = await database();
  await tell(cwd, registers('agent-a', Date.now()));
  const fits = await examine(cwd, { jsonl: { path: cwd } }, { DATABASE_URL: url });
  assert.deepEqual(failing(fits), []);
  assert.equal(fits.code, 0);
  says(fits, 'ok', 'schema', /all migrations are applied/);
  says(fits, 'ok', 'database', /^PostgreSQL 1[5-8]/);
  says(fits, 'ok', 'clock', /its clock is/);
  says(fits, 'warn', 'lane', /no daemon has worked/);
  says(fits, 'ok', 'sources', /governance was written/);
  says(fits, 'warn', 'sources', /gateway: no gateway\.jsonl/);
});

test('secrets that are missing, targets that are away and ports that are taken, each by its key', async () => {
  const cwd = await home();
  const { url } = await database();
  const [away, taken] = [await freePort(), await freePort()];
  const squatter = createServer();
  await new Promise<void>((done) => squatter.listen(taken, '127.0.0.1', done));
  try {
    const hook = { url: `http://127.0.0.1:${away}/x`, secret: { env: 'NOT_SET' } };
    const found = await examine(
      cwd,
      {
        jsonl: { path: cwd },
        control: { drivers: { gate: { type: 'webhook', ...hook } } },
        sinks: { pager: { type: 'webhook', ...hook, secret: { env: 'SET' } } },
        telemetry: { listener: { port: taken, metrics: 'open' } },
      },
      { DATABASE_URL: url, SET: 'CANARY-VALUE' },
    );
    assert.equal(found.code, 1);
    says(found, 'fail', 'secrets', /control\.drivers\.gate\.secret.*NOT_SET is not set/);
    says(
      found,
      'fail',
      'control',
      new RegExp(`gate \\(webhook\\): 127\\.0\\.0\\.1:${away} cannot be reached`),
    );
    says(found, 'fail', 'sinks', /pager \(webhook\).*ECONNREFUSED/);
    says(found, 'fail', 'listener', /telemetry\.listener: port \d+ is taken/);
    assert.ok(!JSON.stringify(found).includes('CANARY-VALUE'));
  } finally {
    squatter.close();
  }
});

test('Kafka: what is not there, what is kept too short, compacted, silent, and far behind', async () => {
  const cwd = await home();
  const { url } = await database();
  const options = { brokers: kafka.brokers, clientId: 'plt-doctor', log: silentLog };
  const sources = storySources(prefix);
  const topicOf = (kind: string) => `${prefix}${kind}`;
  await ensureTopics(options, [
    { topic: topicOf('gateway'), partitions: 3, settings: { 'retention.ms': '1500' } },
    { topic: topicOf('reasoning'), partitions: 2, settings: { 'cleanup.policy': 'compact' } },
    { topic: topicOf('governance'), partitions: 2, settings: { 'max.message.bytes': '33554432' } },
  ]);
  const config: Partial<Config> = {
    kafka: { brokers: [...kafka.brokers], group: `${prefix}g` },
    sources,
  };
  const env = { DATABASE_URL: url };
  const found = await examine(cwd, config, env);
  assert.equal(found.code, 1);
  says(found, 'ok', 'kafka', /^1 broker; group .* has not joined here/);
  says(found, 'fail', 'kafka', /metrics: topic .* does not exist/);
  says(found, 'fail', 'kafka', /gateway: .* keeps records for 1\.5 s, and they may be/);
  says(found, 'fail', 'kafka', /reasoning: .* is compacted/);
  says(found, 'warn', 'kafka', /governance: .* takes records of 33,554,432 bytes/);
  says(found, 'warn', 'kafka', /different numbers of partitions \(2, 3\)/);
  says(found, 'warn', 'sources', /gateway wrote nothing for an hour/);

  const publisher = createKafkaPublisher(options);
  const events = uses('read_record', 'agent-a', 'session-a', Date.now());
  await publisher.publish(
    events.map(({ topic, event }) => ({
      ...{ topic: topicOf(topic), key: 'agent-a', value: encodeEvent(event) },
    })),
  );
  await publisher.close();
  const fresh = await examine(cwd, config, env);
  says(fresh, 'ok', 'sources', /governance was heard within the hour/);

  const nowhere = await examine(
    cwd,
    { ...config, kafka: { brokers: [`127.0.0.1:${await freePort()}`] } },
    env,
  );
  assert.equal(nowhere.code, 1);
  says(nowhere, 'fail', 'kafka', /looking at the cluster failed at 127\.0\.0\.1/);
});

test('beside a daemon: it sees it, sees what could not be read, and disturbs nothing', async () => {
  const cwd = await home();
  const { url } = await database();
  const port = await freePort();
  const config: Partial<Config> = {
    jsonl: { path: cwd, follow: true },
    telemetry: { listener: { port, metrics: 'open' } },
  };
  const env = { DATABASE_URL: url };
  await tell(cwd, registers('agent-a', Date.now()));
  await tell(cwd, uses('read_record', 'agent-a', 'session-a', Date.now()));
  await appendFile(join(cwd, 'gateway.jsonl'), 'no record\nnone either\u001b[31m\n');
  const file = await writeConfig(cwd, config);
  const daemon = launch(['run', '--config', file], { cwd, env });
  running.push(daemon);
  await untilTrue('it reads', () => daemon.stderr().includes('could not be read'), daemon);
  await untilTrue('it has signed', async () => (await checkpointsOf(url)).length > 0, daemon);
  const found = await examine(cwd, config, env);
  says(found, 'ok', 'lane', /lane 0: complete up to .*; a daemon holds it/);
  says(found, 'ok', 'listener', /telemetry\.listener: port \d+ answers/);
  says(
    found,
    'fail',
    'sources',
    /gateway: 2 records of the last day could not be read, mostly json-syntax/,
  );
  says(found, 'ok', 'journal', /^signed .* ago by key/);
  assert.ok(!found.text.includes('\u001b'));
  const { code } = await daemon.end('SIGTERM');
  assert.equal(code, 0, 'it went on as if nobody had looked');
});

const checkpointsOf = async (url: string) => {
  const { db } = databases.find((one) => one.url === url) ?? assert.fail('whose is it?');
  return await db.query('select n from journal_checkpoint');
};
