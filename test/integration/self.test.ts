/** Self-observation end to end: probes and metrics of real daemons, a database that goes and comes. */
import assert from 'node:assert/strict';
import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createHttp } from '../../src/adapters/control-http.ts';
import { startEmbeddedPostgres } from '../../src/adapters/embedded-postgres.ts';
import { createKafkaPublisher } from '../../src/adapters/kafka.ts';
import { ensureTopics } from '../../src/adapters/kafka-topics.ts';
import { newToken, tokenDigest } from '../../src/commands/token.ts';
import type { Config } from '../../src/model/config.ts';
import { KINDS } from '../../src/model/event.ts';
import { COUNTED_AS, METRICS } from '../../src/model/metrics.ts';
import { encodeEvent } from '../../src/source/canonical.ts';
import { type Family, scraped } from '../counterparts/prometheus-text.ts';
import { startReceiver } from '../counterparts/receiver.ts';
import { CANARIES } from '../counterparts/sinks.ts';
import { freePort } from './kafka-probe.ts';
import { ask, type Launched, launch, until, untilTrue } from './plumbline.ts';
import { freshDatabase, open, providePostgres, silentLog } from './postgres.ts';
import { provideKafka } from './provider.ts';
import { FORBIDDEN, registers, storySources, type Told, tell, uses, writeConfig } from './story.ts';

const http = createHttp();
const folders: string[] = [];
const running: Launched[] = [];
after(async () => {
  for (const one of running) if (one.child.exitCode === null) await one.end('SIGKILL');
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

interface Answer {
  readonly status: number;
  readonly body: string;
}
const get = async (port: number, path: string, token?: string): Promise<Answer | null> => {
  const headers: Record<string, string> =
    token === undefined ? {} : { authorization: `Bearer ${token}` };
  const url = `http://127.0.0.1:${port}${path}`;
  const replyBytesMax = 4_000_000;
  try {
    return await http({ method: 'GET', url, headers, timeoutMs: 5_000, replyBytesMax });
  } catch {
    return null;
  }
};
const figure = (
  families: ReadonlyMap<string, Family>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined =>
  families
    .get(name)
    ?.samples.find((one) =>
      Object.entries(labels).every(([key, value]) => one.labels[key] === value),
    )?.value;
const home = async (): Promise<string> => {
  const cwd = await mkdtemp(join(tmpdir(), 'plt-self-'));
  folders.push(cwd);
  return cwd;
};

test('a daemon says how it does, through a database that goes and comes back', async (t) => {
  const cwd = await home();
  const options = { dataDir: join(cwd, 'server'), log: silentLog };
  let server = await startEmbeddedPostgres(options);
  const [port, standbyPort] = [await freePort(), await freePort()];
  const token = newToken();
  const prometheus = { sha256: tokenDigest(token), scopes: ['metrics.read'] as const };
  const listening = (at: number): Partial<Config> => ({
    jsonl: { path: cwd, follow: true },
    telemetry: {
      listener: {
        port: at,
        consumers: { prometheus: { ...prometheus, scopes: ['metrics.read'] } },
      },
    },
  });
  const where = { cwd, env: { DATABASE_URL: server.url } };
  const config = await writeConfig(cwd, listening(port));
  await tell(cwd, registers('agent-a', Date.now() - 2_000));
  await tell(cwd, uses(FORBIDDEN, 'agent-a', 'session-a', Date.now()));
  await appendFile(join(cwd, 'gateway.jsonl'), 'this is no record\n');
  const daemon = launch(['run', '--migrate', '--config', config], where);
  running.push(daemon);
  const ready = async (at = port) => (await get(at, '/readyz'))?.status;
  try {
    await untilTrue('it is ready', async () => (await ready()) === 200, daemon);
    assert.equal((await get(port, '/startupz'))?.status, 200);
    assert.equal((await get(port, '/livez'))?.status, 200);

    // Who may read: nobody without a token, and no token opens anything else.
    assert.equal((await get(port, '/metrics'))?.status, 401);
    assert.equal((await get(port, '/metrics', newToken()))?.status, 401);
    const scrape = async (at = port) => {
      const answer = await get(at, '/metrics', token);
      assert.equal(answer?.status, 200);
      return scraped(answer?.body ?? '');
    };
    const families = await until('the detection is counted', async () => {
      const found = await scrape();
      return figure(found, 'plumbline_detections_total', { detector: 'ungranted-action' }) === 1
        ? found
        : null;
    });
    for (const [name, { type }] of families)
      assert.equal(type, (METRICS as Readonly<Record<string, { type: string }>>)[name]?.type, name);
    const records = ['reasoning', 'gateway', 'governance'].map((source) =>
      figure(families, 'plumbline_records_total', { source }),
    );
    assert.deepEqual(records, [1, 2, 3]);
    assert.equal(figure(families, 'plumbline_events_total'), 5);
    const lost = { source: 'gateway', reason: 'json-syntax' };
    assert.equal(figure(families, 'plumbline_dead_letters_total', lost), 1);
    assert.equal(figure(families, 'plumbline_partition_lag_records', { source: 'gateway' }), 0);
    assert.equal(figure(families, 'plumbline_lane_state', { state: 'working' }), 1);
    assert.equal(figure(families, 'plumbline_watchdog'), 1);
    assert.ok((figure(families, 'plumbline_commits_total', { outcome: 'done' }) ?? 0) >= 1);
    t.diagnostic(`${families.size} families with samples`);

    // Another process waits: it may take over at once, and says that it does nothing yet.
    const second = await writeConfig(await home(), listening(standbyPort));
    const standby = launch(['run', '--config', second], where);
    running.push(standby);
    const waits = await until('the other is standby', async () => {
      const answer = await get(standbyPort, '/readyz');
      return answer?.status === 200 ? (JSON.parse(answer.body) as { status: string }) : null;
    });
    assert.equal(waits.status, 'standby');
    assert.equal(
      figure(await scrape(standbyPort), 'plumbline_lane_state', { state: 'standby' }),
      1,
    );
    await standby.end('SIGTERM');

    await server.stop();
    await untilTrue('it is not ready', async () => (await ready()) === 503, daemon);
    const said = JSON.parse((await get(port, '/readyz'))?.body ?? '{}') as {
      components: { database: { status: string; since: string; detail: string } };
    };
    assert.equal(said.components.database.status, 'failing');
    assert.match(said.components.database.detail, /^it does not answer \(DATABASE_/);
    assert.ok(!Number.isNaN(Date.parse(said.components.database.since)));
    assert.equal((await get(port, '/livez'))?.status, 200);
    // A scrape does not fail for what it is there to show.
    const away = await scrape();
    assert.equal(figure(away, 'plumbline_database_up'), 0);
    assert.equal(figure(away, 'plumbline_ready'), 0);
    assert.equal(away.get('plumbline_journal_entries')?.samples.length ?? 0, 0);

    server = await startEmbeddedPostgres(options);
    await untilTrue('it is ready again', async () => (await ready()) === 200, daemon);
    assert.equal(figure(await scrape(), 'plumbline_database_up'), 1);
    const { code } = await daemon.end('SIGTERM');
    assert.equal(code, 0);
  } finally {
    await server.stop();
  }
});

test('on Kafka it shows every partition, and counts what status counts', async () => {
  const cwd = await home();
  const kafka = await provideKafka();
  const postgres = await providePostgres();
  const { url, drop } = await freshDatabase(postgres);
  const prefix = `plt-${process.pid}-self-`;
  const options = { brokers: kafka.brokers, clientId: 'plt-self', log: silentLog };
  try {
    const topics = KINDS.map((kind) => ({ topic: `${prefix}${kind}`, partitions: 2 }));
    await ensureTopics(options, topics);
    const publisher = createKafkaPublisher(options);
    const told = [
      ...registers('agent-a', Date.now()),
      ...uses(FORBIDDEN, 'agent-a', 's', Date.now()),
    ];
    await publisher.publish(
      told.map(({ topic, event }) => ({
        ...{ topic: `${prefix}${topic}`, key: 'agent-a', value: encodeEvent(event) },
      })),
    );
    await publisher.close();
    const port = await freePort();
    const config = await writeConfig(cwd, {
      kafka: { brokers: [...kafka.brokers], group: `${prefix}g` },
      sources: storySources(prefix),
      telemetry: { listener: { port, metrics: 'open' } },
    });
    const where = { cwd, env: { DATABASE_URL: url } };
    const daemon = launch(['run', '--config', config], where);
    running.push(daemon);
    await untilTrue(
      'it detects',
      async () => {
        const answer = await get(port, '/metrics');
        return answer?.body.includes('detector="ungranted-action"') === true;
      },
      daemon,
    );
    assert.equal((await get(port, '/readyz'))?.status, 200);
    const families = scraped((await get(port, '/metrics'))?.body ?? '');
    const lags = families.get('plumbline_partition_lag_records')?.samples ?? [];
    assert.equal(lags.length, 8);
    assert.ok(lags.every(({ value }) => value === 0));
    assert.equal(figure(families, 'plumbline_lane_claims_total'), 1);
    assert.equal(figure(families, 'plumbline_paused_partitions') ?? 0, 0);
    const { status } = await ask<{
      status: { lanes: readonly { counters: Readonly<Record<string, number>> }[] };
    }>(['status', '--config', config], where);
    // Every counter of the core is somewhere in the text, with the same figure.
    const sum = (name: string) =>
      (families.get(name)?.samples ?? []).reduce((total, { value }) => total + value, 0);
    const shown = (name: string, value: number): number | undefined => {
      const own = COUNTED_AS.get(name);
      if (own !== undefined) return figure(families, own);
      if (name === 'records') return sum('plumbline_records_total');
      if (name === 'dead-letters') return sum('plumbline_dead_letters_total');
      if (name === 'detections' || name === 'shadow-detections')
        return sum('plumbline_detections_total') >= value ? value : undefined;
      return figure(families, 'plumbline_counts_total', { count: name });
    };
    const counters = Object.entries(status.lanes[0]?.counters ?? {});
    assert.ok(counters.length >= 6, String(counters.length));
    for (const [name, value] of counters) assert.equal(shown(name, value), value, name);
    assert.equal((await daemon.end('SIGTERM')).code, 0);
  } finally {
    await drop();
    await postgres.stop();
    await kafka.stop();
  }
});

test('a member that shares lanes shows each of them, and is ready once all of them are loaded', async () => {
  const cwd = await home();
  const kafka = await provideKafka();
  const postgres = await providePostgres();
  const { url, drop } = await freshDatabase(postgres);
  const prefix = `plt-${process.pid}-selflanes-`;
  const options = { brokers: kafka.brokers, clientId: 'plt-self', log: silentLog };
  try {
    const topics = KINDS.map((kind) => ({ topic: `${prefix}${kind}`, partitions: 2 }));
    await ensureTopics(options, topics);
    const publisher = createKafkaPublisher(options);
    const told = [
      ...registers('agent-a', Date.now()),
      ...uses(FORBIDDEN, 'agent-a', 's', Date.now()),
    ];
    await publisher.publish(
      told.map(({ topic, event }) => ({
        ...{ topic: `${prefix}${topic}`, key: null, value: encodeEvent(event) },
      })),
    );
    await publisher.close();
    const port = await freePort();
    const lanes = { count: 3, topic: `${prefix}events` };
    const config = await writeConfig(cwd, {
      kafka: { brokers: [...kafka.brokers], group: `${prefix}g`, lanes },
      sources: storySources(prefix),
      telemetry: { listener: { port, metrics: 'open' } },
    });
    const where = { cwd, env: { DATABASE_URL: url } };
    const daemon = launch(['run', '--config', config], where);
    running.push(daemon);
    const families = await until('it detects', async () => {
      const text = (await get(port, '/metrics'))?.body ?? '';
      return text.includes('detector="ungranted-action"') ? scraped(text) : null;
    });
    assert.equal(figure(families, 'plumbline_lane_state', { state: 'working' }), 1);
    const buffered = families.get('plumbline_buffered_events')?.samples ?? [];
    assert.deepEqual(buffered.map(({ labels }) => labels['lane']).sort(), ['0', '1', '2']);
    assert.ok((figure(families, 'plumbline_lane_claims_total') ?? 0) >= 3);
    assert.ok((figure(families, 'plumbline_forwarded_records_total') ?? 0) >= told.length);
    const bundles = figure(families, 'plumbline_forwarded_bundles_total') ?? 0;
    assert.ok(bundles >= 1, 'what was forwarded came in bundles');
    assert.ok((figure(families, 'plumbline_forwarded_bytes_total') ?? 0) > bundles);
    await untilTrue(
      'it is ready',
      async () => (await get(port, '/readyz'))?.status === 200,
      daemon,
    );
    assert.equal((await daemon.end('SIGTERM')).code, 0);
  } finally {
    await drop();
    await postgres.stop();
    await kafka.stop();
  }
});

test('secrets and the words of agents are in no log, metric, probe, error or journal', async () => {
  const cwd = await home();
  const server = await startEmbeddedPostgres({ dataDir: join(cwd, 'server'), log: silentLog });
  const port = await freePort();
  const receiver = await startReceiver(CANARIES.secret, Date.now);
  const token = newToken();
  const words = 'CANARY-WORDS-OF-AN-AGENT';
  const keyOfHook = `CANARY-KEY-${'k'.repeat(20)}`;
  try {
    const config = await writeConfig(cwd, {
      jsonl: { path: cwd, follow: true },
      telemetry: {
        listener: {
          port,
          consumers: { prometheus: { sha256: tokenDigest(token), scopes: ['metrics.read'] } },
        },
        heartbeat: '30s',
      },
      sinks: { hook: { type: 'webhook', url: `${receiver.url}/alerts`, secret: { env: 'HOOK' } } },
      alerts: { group: '0s' },
    });
    const where = {
      cwd,
      env: { DATABASE_URL: server.url, HOOK: CANARIES.secret, UNUSED: keyOfHook },
    };
    await tell(cwd, registers('agent-a', Date.now() - 2_000));
    const acts = JSON.stringify(uses(FORBIDDEN, 'agent-a', 'session-a', Date.now()));
    const spoken = acts.replaceAll('{"scope":"session-a"}', `{"note":"${words}"}`);
    assert.notEqual(spoken, acts);
    await tell(cwd, JSON.parse(spoken) as Told[]);
    await appendFile(join(cwd, 'gateway.jsonl'), `{"broken": "${words}\n`);
    const daemon = launch(['run', '--migrate', '--config', config], where);
    running.push(daemon);
    const bodies: string[] = [];
    await untilTrue(
      'somebody is told',
      async () => {
        for (const path of ['/livez', '/readyz', '/startupz', '/nowhere', `/metrics?x=${words}`]) {
          const answer = await get(port, path, token);
          if (answer !== null) bodies.push(answer.body);
        }
        // The heartbeat and the case: both were told, and neither says what nobody may hear.
        return receiver.events.size > 1;
      },
      daemon,
    );
    await get(port, '/metrics', `${words}-token`);
    bodies.push((await get(port, '/metrics', token))?.body ?? '');
    const status = await ask<object>(['status', '--config', config], where);
    const doctor = launch(['doctor', '--json', '--config', config], where);
    const examined = await doctor.finished;
    const db = await open(server.url, 1);
    const journal = await db.query('select body from journal');
    await server.stop();
    const { stdout, stderr } = await daemon.end('SIGTERM');
    await db.close();
    assert.ok(bodies.some((body) => body.includes('plumbline_watchdog 1')));
    const beats = [...receiver.events.values()].filter(({ verdict }) => verdict === 'Test');
    assert.equal(beats.length, 1);
    assert.match(JSON.stringify(beats[0]), /The observer does its work/);
    const places = {
      sinks: JSON.stringify([...receiver.events.values()]),
      log: stdout + stderr,
      answers: bodies.join('\n'),
      status: JSON.stringify(status),
      doctor: examined.stdout + examined.stderr,
      journal: JSON.stringify(journal),
    };
    const password = new URL(server.url).password;
    for (const [place, text] of Object.entries(places)) {
      assert.ok(text.length > 100, `${place} is empty`);
      for (const secret of [...Object.values(CANARIES), token, words, keyOfHook, password])
        assert.ok(!text.includes(secret), `${secret.slice(0, 12)}… stands in ${place}`);
    }
  } finally {
    await server.stop();
    await receiver.close();
  }
});
