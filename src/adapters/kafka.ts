/** Kafka behind our ports: a broker that reads as a member of a group, and a publisher. */
import type { Broker, Publisher } from '../model/ports.ts';
import { KafkaBroker } from './kafka-broker.ts';
import { type ClientProducer, createProducer, disconnect } from './kafka-client.ts';
import { createGroupConsumer } from './kafka-consumer.ts';
import { operatingError } from './kafka-errors.ts';
import type { KafkaBrokerOptions, KafkaOptions } from './kafka-face.ts';
import { openOffsets } from './kafka-offsets.ts';
import { byTopic, cutChunks } from './kafka-shapes.ts';
import { createSockets } from './kafka-sockets.ts';

/**
 * A broker that reads `topics` as a member of `group`. Kafka's committed offsets are a courtesy:
 * reading starts where the handler says. Nothing is connected before `start`.
 */
export function createKafkaBroker(options: KafkaBrokerOptions): Broker {
  return new KafkaBroker(options, {
    consumer: (events) => createGroupConsumer(options, events),
    offsets: () => openOffsets(options),
  });
}

/**
 * A publisher with acks from all replicas and one request in flight, partitioned like Java's
 * clients (murmur2 of the key). Connects at the first `publish`. What it tries again by itself is
 * in the log once (idempotent). Rejections are OperatingErrors BROKER_UNREACHABLE or
 * BROKER_TOPIC_MISSING; records may then be in the log or not.
 */
export function createKafkaPublisher(options: KafkaOptions): Publisher {
  const sockets = createSockets();
  let connected: Promise<ClientProducer> | null = null;
  const connect = async (): Promise<ClientProducer> => {
    const producer = createProducer(options, sockets);
    await producer.connect();
    return producer;
  };
  /** Whose last batch may or may not be in the log: its numbers must not be used for another one. */
  const giveUp = async (): Promise<void> => {
    const failed = connected;
    connected = null;
    const producer = await failed?.catch(() => null);
    if (producer !== null && producer !== undefined) await disconnect(producer, options.log);
  };
  return {
    publish: async (records) => {
      for (const chunk of cutChunks(records)) {
        try {
          connected ??= connect();
          const producer = await connected;
          await producer.sendBatch({ acks: -1, topicMessages: byTopic(chunk) });
        } catch (cause) {
          await giveUp();
          throw operatingError(cause, `publishing ${chunk.length} records`, options.brokers);
        }
      }
    },
    close: async () => {
      await giveUp();
      sockets.close();
    },
  };
}
