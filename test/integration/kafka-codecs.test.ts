/** Packed batches of Java's client on a real Kafka, and one that unpacks to more than it may. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import kafkajs from 'kafkajs';
import { createKafkaBroker } from '../../src/adapters/kafka.ts';
import { registerCodecs } from '../../src/adapters/kafka-client.ts';
import { type Codec, PACKINGS, type Packing } from '../../src/adapters/kafka-codecs.ts';
import type { KafkaBrokerOptions, OffsetGap } from '../../src/adapters/kafka-face.ts';
import { ensureTopics } from '../../src/adapters/kafka-topics.ts';
import { OperatingError } from '../../src/model/errors.ts';
import type { Broker } from '../../src/model/ports.ts';
import { findKafkaJars } from './kafka-jars.ts';
import { quietLog, Recorder, type RecorderOptions, until } from './kafka-lane-recorder.ts';
import type { KafkaProvided } from './kafka-provided.ts';
import { provideKafka } from './provider.ts';

const PRODUCER = fileURLToPath(new URL('./kafka/Packed.java', import.meta.url));
const ALL = Object.keys(PACKINGS) as Packing[];
const STOP_MS = 10_000;
const prefix = `plt-codecs-${randomBytes(4).toString('hex')}-`;
let kafka: KafkaProvided;
const stillOpen: Broker[] = [];

const connection = () => ({ brokers: kafka.brokers, clientId: 'plt-codecs', log: quietLog });

before(async () => {
  kafka = await provideKafka();
});
after(async () => {
  for (const broker of stillOpen) await broker.stop(STOP_MS);
  await kafka.stop();
});

async function reading(
  topics: readonly string[],
  more: Partial<KafkaBrokerOptions> & RecorderOptions = {},
): Promise<{ broker: Broker; lane: Recorder }> {
  const group = `${prefix}${stillOpen.length}`;
  const broker = createKafkaBroker({
    ...{ ...connection(), topics, group, sessionTimeoutMs: 6_000 },
    ...more,
  });
  stillOpen.push(broker);
  const lane = new Recorder(more);
  await broker.start(lane);
  return { broker, lane };
}

/** Lines to every topic, by a Java client that was compiled for it (a JDK does it by itself). */
async function writeByJava(topics: readonly (readonly [string, Packing])[], lines: string[]) {
  const { classPath } = await findKafkaJars();
  await new Promise<void>((resolve, reject) => {
    const args = ['-Xmx256m', '-XX:TieredStopAtLevel=1', '-cp', classPath, PRODUCER];
    const child = execFile(
      'java',
      [...args, kafka.brokers.join(','), ...topics.flat()],
      (cause, _stdout, stderr) => {
        if (cause === null) resolve();
        else reject(new Error(`the Java producer failed; it needs a JDK\n${stderr}`, { cause }));
      },
    );
    child.stdin?.end(lines.join('\n'));
  });
}

/** Counts what kafkajs has unpacked from now on, by packing. */
function countUnpacked(): Map<Packing, number> {
  const counts = new Map<Packing, number>();
  const table = kafkajs.CompressionCodecs as Record<number, () => Codec>;
  for (const packing of ALL) {
    const codec = (table[PACKINGS[packing]] as () => Codec)();
    table[PACKINGS[packing]] = () => ({
      compress: codec.compress,
      decompress: (packed) => {
        counts.set(packing, (counts.get(packing) ?? 0) + 1);
        return codec.decompress(packed);
      },
    });
  }
  return counts;
}

test('what a Java client packed is read as it was written, in each of the four codecs', async () => {
  const topics = ALL.map((packing) => [`${prefix}${packing}`, packing] as const);
  await ensureTopics(
    connection(),
    topics.map(([topic]) => ({ topic, partitions: 1 })),
  );
  registerCodecs();
  const counts = countUnpacked();
  // Some of it repeats and some does not: every block holds literals and copies.
  const lines = Array.from({ length: 3_000 }, (_, i) =>
    JSON.stringify({ i, text: 'grüße '.repeat(i % 40), noise: randomBytes(48).toString('base64') }),
  );
  await writeByJava(topics, lines);
  const { broker, lane } = await reading(topics.map(([topic]) => topic));
  await until('all were read', () => lane.applied.length >= lines.length * topics.length, 60_000);
  for (const [topic, packing] of topics) {
    assert.deepEqual(lane.values({ topic, partition: 0 }), lines, packing);
    assert.ok((counts.get(packing) ?? 0) > 0, `no batch was packed with ${packing}`);
  }
  await broker.stop(STOP_MS);
  assert.deepEqual(lane.failures, []);
  lane.finish();
});

test('a batch that unpacks to more than it may ends reading in front of it, by name', async () => {
  const topic = `${prefix}bomb`;
  await ensureTopics(connection(), [{ topic, partitions: 1 }]);
  const client = new kafkajs.Kafka({
    ...{ brokers: [...kafka.brokers], clientId: 'plt-bomb', logLevel: kafkajs.logLevel.NOTHING },
  });
  const producer = client.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await producer.connect();
  const send = (values: (string | Buffer)[], compression = kafkajs.CompressionTypes.None) =>
    producer.send({ topic, compression, messages: values.map((value) => ({ value })) });
  await send(['a', 'b', 'c']);
  await send([Buffer.alloc(65 * 1_048_576)], kafkajs.CompressionTypes.GZIP);
  await send(['d']);
  await producer.disconnect();

  const { broker, lane } = await reading([topic]);
  await until('it ended', () => lane.failures.length > 0);
  assert.deepEqual(lane.values({ topic, partition: 0 }), ['a', 'b', 'c']);
  const [cause] = lane.failures;
  assert.ok(cause instanceof OperatingError, String(cause));
  assert.equal(cause.code, 'SOURCE_UNREADABLE');
  assert.ok(cause.message.includes(`topic ${topic}, partition 0, offset 3:`), cause.message);
  assert.match(cause.message, /packed with gzip .*more than 67108864 bytes.* including offset 3 /);
  await broker.stop(STOP_MS);

  // What the message advises: reading goes on behind it, and the gap is told.
  const admin = client.admin();
  await admin.connect();
  await admin.fetchTopicOffsets(topic);
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '4' }] });
  await admin.disconnect();
  const gaps: OffsetGap[] = [];
  const { positions } = lane;
  const { broker: next, lane: behind } = await reading([topic], {
    ...{ positions, onGap: (gap) => gaps.push(gap) },
  });
  await until('the rest was read', () => behind.applied.length > 0);
  assert.deepEqual(behind.values({ topic, partition: 0 }), ['d']);
  assert.deepEqual(gaps, [{ topic, partition: 0, from: 3, to: 4 }]);
  await next.stop(STOP_MS);
});
