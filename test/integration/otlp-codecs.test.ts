/** What OpenTelemetry's SDK sends is the same cases over HTTP and through Kafka in each of four codecs. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { PACKINGS, type Packing } from '../../src/adapters/kafka-codecs.ts';
import { ensureTopics } from '../../src/adapters/kafka-topics.ts';
import type { Config } from '../../src/model/config.ts';
import type { ListedCase } from '../../src/record/read.ts';
import { post, withDaemon } from './ingest-world.ts';
import { findKafkaJars } from './kafka-jars.ts';
import type { KafkaProvided } from './kafka-provided.ts';
import { ask, launch, untilTrue } from './plumbline.ts';
import { freshDatabase, type ProvidedPostgres, providePostgres, silentLog } from './postgres.ts';
import { provideKafka } from './provider.ts';
import { DESERVED, live, MINUTES, type Sent, STREAMS, sourcesOf } from './sdk-fleet.ts';
import { writeConfig } from './story.ts';

const PRODUCER = fileURLToPath(new URL('./kafka/PackedBytes.java', import.meta.url));
const prefix = `plt-sdk-${randomBytes(4).toString('hex')}-`;
let kafka: KafkaProvided;
let postgres: ProvidedPostgres;
let sent: Sent;
let overHttp: readonly string[];

before(async () => {
  postgres = await providePostgres();
  kafka = await provideKafka();
  sent = await live(MINUTES, Date.now() - 120_000, null);
});
after(async () => {
  await kafka.stop();
  await postgres.stop();
});

/** Case, session and detector of each case, sorted. */
async function casesOf(config: string, where: Parameters<typeof ask>[1]) {
  const cases = await ask<ListedCase[]>(['cases', '--config', config], where);
  return cases
    .map(({ case: one }) => `${one.entity.session} ${one.title.split(':')[0]} ${one.id}`)
    .sort();
}

/** Records to topics by Java's client, in batches packed like this. */
async function writeByJava(packing: Packing, records: readonly (readonly [string, Buffer])[]) {
  const { classPath } = await findKafkaJars();
  await new Promise<void>((resolve, reject) => {
    const args = ['-Xmx256m', '-XX:TieredStopAtLevel=1', '-cp', classPath, PRODUCER];
    const child = execFile(
      'java',
      [...args, kafka.brokers.join(','), packing],
      (cause, _stdout, stderr) => {
        if (cause === null) resolve();
        else reject(new Error(`the Java producer failed; it needs a JDK\n${stderr}`, { cause }));
      },
    );
    const lines = records.map(([topic, value]) => `${topic} ${value.toString('base64')}`);
    child.stdin?.end(lines.join('\n'));
  });
}

test('over HTTP, into the event log', async () => {
  await withDaemon(postgres, sourcesOf(), {}, async (world) => {
    for (const stream of STREAMS) {
      const path = stream === 'gw_logs' ? '/v1/logs' : '/v1/traces';
      const type = { 'content-type': 'application/x-protobuf' };
      assert.equal((await post(world, path, stream, sent[stream], type)).status, 200);
    }
    const { config, where } = world;
    const look = () => casesOf(config, where);
    await untilTrue('the cases', async () => (await look()).length >= 2, world.daemon);
    overHttp = await look();
    assert.deepEqual(
      overHttp.map((line) => line.split(' ').slice(0, 2)),
      DESERVED,
    );
  });
});

for (const packing of Object.keys(PACKINGS) as Packing[])
  test(`through Kafka, in batches of Java's client packed with ${packing}`, async () => {
    const cwd = await mkdtemp(join(tmpdir(), 'plt-sdk-'));
    const database = await freshDatabase(postgres);
    const own = `${prefix}${packing}-`;
    const brokers = [...kafka.brokers];
    const sources = sourcesOf(own) as Config['sources'];
    const config = await writeConfig(cwd, {
      kafka: { brokers, group: `${own}group`, sessionTimeout: '10s' },
      sources,
    });
    const where = { cwd, env: { DATABASE_URL: database.url } };
    await ensureTopics(
      { brokers, clientId: 'plt-sdk', log: silentLog },
      sources.map(({ topic }) => ({ topic, partitions: 1 })),
    );
    await writeByJava(
      packing,
      STREAMS.map((stream) => [`${own}${stream}`, sent[stream]]),
    );
    const daemon = launch(['run', '--config', config], where);
    try {
      const look = () => casesOf(config, where);
      await untilTrue('the cases', async () => (await look()).length >= 2, daemon);
      assert.deepEqual(await look(), overHttp);
      const { code, stderr } = await daemon.end();
      assert.equal(code, 0, stderr);
    } finally {
      if (daemon.child.exitCode === null) await daemon.end('SIGKILL');
      await database.drop();
      await rm(cwd, { recursive: true, force: true });
    }
  });
