/** Needs a broker of its own: Kafka is killed and restarted under load, and nothing is lost. */
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createKafkaBroker, createKafkaPublisher } from '../../src/adapters/kafka.ts';
import { ensureTopics } from '../../src/adapters/kafka-topics.ts';
import { OperatingError } from '../../src/model/errors.ts';
import { quietLog, Recorder, until } from './kafka-lane-recorder.ts';
import type { KafkaProvided } from './kafka-provided.ts';
import { provideKafka } from './provider.ts';

const topic = `plt-${process.pid}-restart`;
let kafka: KafkaProvided;

before(async () => {
  kafka = await provideKafka({ own: true });
});

after(async () => {
  await kafka.stop();
});

it('survives a kill and restart of the broker under load: all that was acknowledged arrives', async () => {
  const { kill, restart } = kafka;
  assert.ok(kill !== undefined && restart !== undefined, `${kafka.source} cannot restart a broker`);
  const connection = { brokers: kafka.brokers, clientId: 'plt', log: quietLog };
  await ensureTopics(connection, [{ topic, partitions: 2 }]);
  const lane = new Recorder();
  const broker = createKafkaBroker({
    ...connection,
    group: `${topic}-group`,
    topics: [topic],
    sessionTimeoutMs: 6_000,
  });
  await broker.start(lane);
  const publisher = createKafkaPublisher(connection);
  const acknowledged: string[] = [];
  let isSending = true;
  let refused = 0;
  const sending = (async () => {
    for (let n = 0; isSending; n++) {
      const value = String(n);
      try {
        await publisher.publish([{ topic, key: value, value }]);
        acknowledged.push(value);
      } catch (cause) {
        assert.ok(
          cause instanceof OperatingError && cause.code === 'BROKER_UNREACHABLE',
          String(cause),
        );
        refused += 1;
      }
      await sleep(5);
    }
  })();
  await until('records flow', () => lane.applied.length > 100);
  await kill();
  await sleep(2_000);
  await restart();
  const then = lane.applied.length;
  await until('records flow again', () => lane.applied.length > then + 100, 40_000);
  isSending = false;
  await sending;
  const arrived = () => new Set(lane.applied.map((record) => String(record.value)));
  await until('all arrived', () => acknowledged.every((value) => arrived().has(value)));
  await broker.stop(10_000);
  await publisher.close();
  lane.finish();
  assert.deepEqual(lane.failures, []);
  assert.ok(acknowledged.length > 200, `${acknowledged.length} acknowledged, ${refused} refused`);
});
