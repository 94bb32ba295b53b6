/** The daemon tells people: real processes, real Kafka, a kill between sending and recording. */
import assert from 'node:assert/strict';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import kafkajs from 'kafkajs';
import { ensureTopics } from '../../src/adapters/kafka-topics.ts';
import type { Config } from '../../src/model/config.ts';
import type { ListedAlert, SinkStatus } from '../../src/record/alert-read.ts';
import { ocsfFinding } from '../conformance/published.ts';
import { startAlertmanager } from '../counterparts/alertmanager.ts';
import { startPagerduty } from '../counterparts/pagerduty.ts';
import { startReceiver } from '../counterparts/receiver.ts';
import { CANARIES } from '../counterparts/sinks.ts';
import { startSlack } from '../counterparts/slack.ts';
import type { KafkaProvided } from './kafka-provided.ts';
import { ask, type Launched, launch, type, untilTrue } from './plumbline.ts';
import {
  type FreshDatabase,
  freshDatabase,
  type ProvidedPostgres,
  providePostgres,
  silentLog,
} from './postgres.ts';
import { provideKafka } from './provider.ts';
import { FORBIDDEN, registers, tell, uses, writeConfig } from './story.ts';

const prefix = `plt-${process.pid}-alerts-`;
const FINDINGS = `${prefix}findings`;

let kafka: KafkaProvided;
let postgres: ProvidedPostgres;
let database: FreshDatabase;
let cwd: string;
const running: Launched[] = [];

before(async () => {
  kafka = await provideKafka();
  postgres = await providePostgres();
  database = await freshDatabase(postgres);
  cwd = await mkdtemp(join(tmpdir(), 'plt-alerts-'));
  await chmod(cwd, 0o755);
});
after(async () => {
  for (const one of running) if (one.child.exitCode === null) await one.end('SIGKILL');
  await database.drop();
  await rm(cwd, { recursive: true, force: true });
  await postgres.stop();
  await kafka.stop();
});

/** A record with its headers, as any consumer sees it. */
interface Consumed {
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly event: Readonly<Record<string, unknown>>;
}

const consume = async (topic: string): Promise<{ all: Consumed[]; close(): Promise<void> }> => {
  const client = new kafkajs.Kafka({
    ...{ brokers: [...kafka.brokers], clientId: `${prefix}reader` },
    logLevel: kafkajs.logLevel.NOTHING,
  });
  const consumer = client.consumer({ groupId: `${prefix}${topic}` });
  const all: Consumed[] = [];
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message }) => {
      all.push({
        key: String(message.key),
        headers: Object.fromEntries(
          Object.entries(message.headers ?? {}).map(([name, value]) => [name, String(value)]),
        ),
        event: JSON.parse(String(message.value)) as Consumed['event'],
      });
    },
  });
  return { all, close: () => consumer.disconnect() };
};

const breach = async (name: string): Promise<void> => {
  const atMs = Date.now() - 5_000;
  await tell(cwd, [
    ...registers(`agent-${name}`, atMs - 600_000, `clerk-${name}`),
    ...uses(FORBIDDEN, `agent-${name}`, `session-${name}`, atMs, `clerk-${name}`),
  ]);
};

test('killed between sending and recording: everybody hears everything, under the same uid', async (t) => {
  const am = await startAlertmanager(Date.now);
  const pager = await startPagerduty(CANARIES.pagerKey);
  const slack = await startSlack(CANARIES.slackToken, 'C0123');
  const receiver = await startReceiver(CANARIES.secret, Date.now);
  const counterparts = [am, pager, slack, receiver];
  await ensureTopics({ brokers: kafka.brokers, clientId: prefix, log: silentLog }, [
    { topic: FINDINGS, partitions: 2 },
  ]);
  const findings = await consume(FINDINGS);
  await writeFile(join(cwd, 'pager-key'), `${CANARIES.pagerKey}\n`);
  const sinks = {
    am: { type: 'alertmanager', url: am.url },
    pager: {
      type: 'pagerduty',
      url: `${pager.url}/v2/enqueue`,
      routingKey: { file: join(cwd, 'pager-key') },
    },
    chat: {
      ...{ type: 'slack', url: `${slack.url}/api/chat.postMessage`, channel: 'C0123' },
      token: { env: 'SLACK' },
    },
    hook: { type: 'webhook', url: `${receiver.url}/alerts`, secret: { env: 'HOOK' } },
    log: {
      ...{ type: 'kafka', topic: FINDINGS, brokers: [...kafka.brokers] },
    },
  };
  const config = await writeConfig(cwd, {
    ...{ jsonl: { path: cwd }, sinks, alerts: { group: '0s' } },
    routes: [{ when: { severity: ['high', 'critical'] }, to: Object.keys(sinks) }, { to: ['log'] }],
  });
  const where = {
    cwd,
    env: {
      ...{ DATABASE_URL: database.url, SLACK: CANARIES.slackToken, HOOK: CANARIES.secret },
    },
  };
  const args = ['run', '--config', config];

  receiver.mood = 'hangs';
  await pager.down();
  await breach('a');
  const first = launch(args, where);
  running.push(first);
  await untilTrue('the webhook is taken, and not answered', () => receiver.events.size > 0, first);
  await untilTrue(
    'the others have it',
    () => slack.messages.length > 0 && am.alerts().length > 0,
    first,
  );
  await first.end('SIGKILL');

  receiver.mood = 'works';
  await breach('b');
  const second = launch(args, where);
  running.push(second);
  const listed = () =>
    ask<readonly ListedAlert[]>(['alerts', 'list', '--limit', '100', '--config', config], where);
  await untilTrue(
    'all but the pager, which is away',
    async () => {
      const open = (await listed()).filter(
        ({ state, sink }) => state !== 'sent' && sink !== 'pager',
      );
      return receiver.events.size >= 2 && open.length === 0;
    },
    second,
  );
  const away = await ask<{ sinks: readonly SinkStatus[] }>(['status', '--config', config], where);
  const failing = away.sinks.find(({ sink }) => sink === 'pager');
  assert.ok((failing?.depth ?? 0) >= 2 && failing?.failingSinceMs !== null);
  await pager.up();
  await untilTrue(
    'the pager has it all',
    async () =>
      pager.incidents.size >= 2 && (await listed()).every(({ state }) => state === 'sent'),
    second,
  );
  await second.end('SIGTERM');

  const alerts = await listed();
  const uidsOf = (sink: string) =>
    alerts
      .filter((one) => one.sink === sink)
      .map(({ uid }) => uid)
      .sort();
  const unique = (list: readonly string[]) => [...new Set(list)].sort();
  t.diagnostic(`${alerts.length} alerts to ${Object.keys(sinks).length} sinks`);
  assert.deepEqual([...receiver.events.keys()].sort(), uidsOf('hook'));
  assert.deepEqual(unique(slack.messages.map(({ uid }) => uid)), uidsOf('chat'));
  assert.deepEqual(
    unique([...pager.incidents.values()].flatMap(({ seen }) => seen)),
    uidsOf('pager'),
  );
  assert.equal(am.alerts().filter(({ active }) => active).length, 2);
  await untilTrue('Kafka has it', () => findings.all.length >= uidsOf('log').length);
  assert.deepEqual(
    unique(findings.all.map(({ headers }) => headers['ce_id'] ?? '')),
    uidsOf('log'),
  );
  const fits = ocsfFinding('1.8.0');
  for (const { key, headers, event } of findings.all) {
    assert.deepEqual(fits(event), { ok: true, why: '' });
    assert.match(key, /^agent-[ab]$/);
    assert.match(headers['ce_type'] ?? '', /^plumbline\.finding\.(created|updated)\.v1$/);
    assert.equal(headers['content-type'], 'application/json');
  }
  for (const { refused } of counterparts) assert.deepEqual(refused, []);
  assert.deepEqual(slack.rendered, []);

  const said = [first, second].map((one) => one.stdout() + one.stderr()).join('');
  const told = JSON.stringify([
    alerts,
    away,
    await database.db.query('select body from journal'),
    await database.db.query('select * from alert'),
  ]);
  for (const secret of Object.values(CANARIES))
    for (const [place, text] of [
      ['log', said],
      ['record', told],
    ] as const)
      assert.ok(!text.includes(secret), `a secret stands in the ${place}`);
  await findings.close();
  for (const one of counterparts) await one.close();
});

test('a mistake in a sink is said with key and reason before anything is opened', async () => {
  const where = { cwd, env: { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' } };
  const refused = async (sinks: object, routes?: object): Promise<string> => {
    const config = await writeConfig(cwd, {
      ...{ jsonl: { path: cwd }, sinks: sinks as Config['sinks'] },
      ...(routes === undefined ? {} : { routes: routes as NonNullable<Config['routes']> }),
    } as Partial<Config>);
    const checked = await type(['check', '--config', config], where);
    const { code, stderr, stdout } = await type(['run', '--config', config], where);
    assert.equal(code, 2, stderr);
    assert.equal(stdout, '');
    // `check` reads no secret: it says the same wherever none is missing.
    return `${stderr}\n--- check ${checked.code} ---\n${checked.stdout}`;
  };
  const hook = { type: 'webhook', url: 'https://ops.example/alerts', secret: { env: 'NOT_SET' } };
  const both = /check 2/;
  for (const [sinks, routes, message] of [
    [
      { x: { type: 'pagerdutty' } },
      undefined,
      /sinks\.x\.type: no such type of sink: "pagerdutty"; did you mean pagerduty\?/,
    ],
    [
      { x: { ...hook, secrets: 1 } },
      undefined,
      /sinks\.x\.secrets: unknown key; .*did you mean secret\?/,
    ],
    [{ x: { ...hook, secret: 'whsec_inline' } }, undefined, /sinks\.x\.secret: must be an object/],
    [
      { x: { ...hook, url: 'http://169.254.169.254/latest' } },
      undefined,
      /sinks\.x\.url: it points at 169\.254\.169\.254/,
    ],
    [
      { x: { ...hook, url: 'https://user:canary@ops.example/' } },
      undefined,
      /sinks\.x\.url: it contains credentials/,
    ],
    [{ x: { type: 'kafka' } }, undefined, /sinks\.x\.brokers: no Kafka is configured/],
    [{ x: hook }, [{ to: ['y'] }], /routes\.0\.to\.0: no such sink: "y"; there are: x/],
    [
      { x: hook },
      [{ to: ['x'] }, { when: { role: ['a'] }, to: ['x'] }],
      /routes\.0: it fits everything/,
    ],
  ] as const) {
    const said = await refused(sinks, routes);
    assert.match(said, message);
    assert.match(said, both);
    assert.ok(!said.includes('whsec_inline') && !said.includes('canary'), said);
  }
  assert.match(
    await refused({ x: hook }),
    /sinks\.x\.secret: the environment variable NOT_SET is not set/,
  );
});

test('a sink is tested by one command, without daemon and store', async () => {
  const receiver = await startReceiver(CANARIES.secret, Date.now);
  const sinks = {
    hook: { type: 'webhook', url: `${receiver.url}/alerts`, secret: { env: 'HOOK' } },
  };
  const config = await writeConfig(cwd, { jsonl: { path: cwd }, sinks });
  const where = { cwd, env: { HOOK: CANARIES.secret } };
  const done = await ask<{ uid: string; outcome: string }>(
    ['alerts', 'test', 'hook', '--config', config],
    where,
  );
  assert.equal(done.outcome, 'sent');
  const event = receiver.events.get(done.uid);
  assert.deepEqual(ocsfFinding('1.8.0')(event), { ok: true, why: '' });
  assert.deepEqual([event?.['verdict'], event?.['severity']], ['Test', 'Informational']);
  await receiver.down();
  const failed = await type(['alerts', 'test', 'hook', '--config', config], where);
  assert.equal(failed.code, 1);
  assert.match(failed.stdout, /did not take it: retry, not sent: ECONNREFUSED/);
  const unknown = await type(['alerts', 'test', 'hok', '--config', config], where);
  assert.equal(unknown.code, 2);
  assert.match(unknown.stderr, /did you mean hook\?/);
  assert.ok(!(await readFile(config, 'utf8')).includes(CANARIES.secret));
});
