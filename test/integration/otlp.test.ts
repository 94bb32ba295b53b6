/** OTLP through real Kafka: batches without keys, as a Collector writes them, become the right cases. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import kafkajs from 'kafkajs';
import { calmRequestQueue } from '../../src/adapters/kafka-client.ts';
import { ensureTopics } from '../../src/adapters/kafka-topics.ts';
import type { Config } from '../../src/model/config.ts';
import type { ListedCase } from '../../src/record/read.ts';
import type { RecordStatus } from '../../src/record/status.ts';
import {
  MINUTE_SOURCES,
  MINUTE_TOPICS,
  minutesByOpenTelemetry,
} from '../source/formats/otlp-minutes.ts';
import type { KafkaProvided } from './kafka-provided.ts';
import { ask, type Launched, launch, untilTrue } from './plumbline.ts';
import { freshDatabase, type ProvidedPostgres, providePostgres, silentLog } from './postgres.ts';
import { provideKafka } from './provider.ts';
import { writeConfig } from './story.ts';

let kafka: KafkaProvided;
let postgres: ProvidedPostgres;

before(async () => {
  kafka = await provideKafka();
  postgres = await providePostgres();
});
after(async () => {
  await postgres.stop();
  await kafka.stop();
});

interface Shown {
  readonly status: RecordStatus;
  readonly deadLetters: readonly {
    readonly reason: string;
    readonly position: { readonly index: number };
  }[];
}

test('requests that OpenTelemetry serialised, gzip and nil keys, become the two cases they deserve', async () => {
  const cwd = await mkdtemp(join(tmpdir(), 'plt-otlp-'));
  const database = await freshDatabase(postgres);
  const prefix = `plt-otlp-${randomBytes(4).toString('hex')}-`;
  let daemon: Launched | null = null;
  try {
    const brokers = [...kafka.brokers];
    const sources = MINUTE_SOURCES.map((source) => ({
      ...source,
      ...{ kinds: [...source.kinds], topic: `${prefix}${source.topic}` },
      ...{ lateness: '1s', idleAfter: '1s' },
    }));
    const config = await writeConfig(cwd, {
      kafka: { brokers, group: `${prefix}group`, sessionTimeout: '10s' },
      sources: sources as Config['sources'],
    });
    const where = { cwd, env: { DATABASE_URL: database.url } };
    await ensureTopics(
      { brokers, clientId: 'plt-otlp', log: silentLog },
      MINUTE_TOPICS.map((topic) => ({ topic: `${prefix}${topic}`, partitions: 1 })),
    );
    const honest = (n: number) => ({ stated: { id: n }, got: { id: n } });
    const made = minutesByOpenTelemetry(
      [
        honest(0),
        { stated: { id: 1 }, got: { id: 99 } },
        { stated: null, got: { id: 2 } },
        honest(3),
      ],
      Date.now() - 120_000,
    );
    calmRequestQueue();
    const client = new kafkajs.Kafka({
      brokers,
      clientId: 'plt-otlp',
      logLevel: kafkajs.logLevel.NOTHING,
    });
    const producer = client.producer({
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    });
    await producer.connect();
    for (const topic of MINUTE_TOPICS)
      await producer.send({
        topic: `${prefix}${topic}`,
        compression: kafkajs.CompressionTypes.GZIP,
        // Behind the whole one a request that breaks off: named, and nothing else is lost.
        messages: [
          { key: null, value: made[topic] },
          { key: null, value: made[topic].subarray(0, made[topic].length - 3) },
        ],
      });
    await producer.disconnect();
    daemon = launch(['run', '--config', config], where);
    const titles = async () => {
      const cases = await ask<ListedCase[]>(['cases', '--config', config], where);
      return cases.map(({ case: one }) => [one.entity.session, one.title.split(':')[0]]).sort();
    };
    await untilTrue('two cases', async () => (await titles()).length >= 2, daemon);
    assert.deepEqual(await titles(), [
      ['conv-1', 'argument-mismatch'],
      ['conv-2', 'unstated-action'],
    ]);
    const { status, deadLetters } = await ask<Shown>(['status', '--config', config], where);
    const [lane] = status.lanes;
    assert.equal(lane?.counters['records'], 6);
    assert.equal(deadLetters.length, lane?.counters['dead-letters']);
    assert.ok(
      deadLetters.every(({ reason }) => reason === 'protobuf-truncated' || reason === 'partial'),
    );
    const { code, stderr } = await daemon.end();
    daemon = null;
    assert.equal(code, 0, stderr);
  } finally {
    if (daemon !== null) await daemon.end('SIGKILL');
    await database.drop();
    await rm(cwd, { recursive: true, force: true });
  }
});
