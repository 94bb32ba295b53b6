/** Waits until a Kafka broker really works: a record goes in and comes out through a group. */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import { calmRequestQueue } from '../../src/adapters/kafka-client.ts';

const RETRY_MS = 250;

/** Resolves once a record made the round trip; rejects after `deadlineMs` with the last failure. */
export async function probeKafka(address: string, deadlineMs: number): Promise<void> {
  const deadline = Date.now() + deadlineMs;
  calmRequestQueue();
  const topic = `plt-probe-${randomUUID()}`;
  const kafka = new kafkajs.Kafka({
    clientId: 'plumbline-probe',
    brokers: [address],
    connectionTimeout: 1_000,
    retry: { retries: 0 },
    logLevel: kafkajs.logLevel.NOTHING,
  });
  for (;;) {
    try {
      await roundTrip(kafka, topic);
      return;
    } catch (cause) {
      if (Date.now() > deadline) {
        throw new Error(`Kafka at ${address} is not ready after ${deadlineMs} ms`, { cause });
      }
      await sleep(RETRY_MS);
    }
  }
}

// An open port proves little: the coordinator of groups appears about half a second later.
async function roundTrip(kafka: InstanceType<typeof kafkajs.Kafka>, topic: string): Promise<void> {
  const admin = kafka.admin();
  const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  const consumer = kafka.consumer({ groupId: topic, maxWaitTimeInMs: 100 });
  try {
    await admin.connect();
    const cluster = await admin.describeCluster();
    if (cluster.brokers.length === 0 || cluster.controller === null)
      throw new Error('no controller');
    await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true });
    await admin.fetchOffsets({ groupId: topic, topics: [topic] });
    await producer.connect();
    await producer.send({ topic, messages: [{ value: 'probe' }] });
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    const arrived = Promise.withResolvers<void>();
    await consumer.run({ eachMessage: async () => arrived.resolve() });
    await arrived.promise;
    await consumer.disconnect();
    await admin.deleteTopics({ topics: [topic] });
    await admin.deleteGroups([topic]);
  } finally {
    await Promise.allSettled([consumer.disconnect(), producer.disconnect(), admin.disconnect()]);
  }
}

/** A port of 127.0.0.1 that nobody uses now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const at = server.address();
      const port = at !== null && typeof at === 'object' ? at.port : 0;
      server.close(() => resolve(port));
    });
  });
}
