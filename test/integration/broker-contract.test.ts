/** The event log over a real server, a real Kafka, and files keep the promises of every broker. */
import { randomBytes } from 'node:crypto';
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import kafkajs from 'kafkajs';
import { systemClock } from '../../src/adapters/clock.ts';
import { createJsonlBroker } from '../../src/adapters/jsonl.ts';
import { createKafkaBroker, createKafkaPublisher } from '../../src/adapters/kafka.ts';
import { ensureTopics } from '../../src/adapters/kafka-topics.ts';
import type { Broker, Publisher } from '../../src/model/ports.ts';
import { createEventLogBroker } from '../../src/record/event-log-broker.ts';
import { createBell, createEventLogWriter } from '../../src/record/event-log-writer.ts';
import { type BrokerHarness, brokerContract } from '../conformance/broker.ts';
import { quietLog } from './kafka-lane-recorder.ts';
import type { KafkaProvided } from './kafka-provided.ts';
import {
  type FreshDatabase,
  freshDatabase,
  type ProvidedPostgres,
  providePostgres,
} from './postgres.ts';
import { provideKafka } from './provider.ts';

const prefix = `plt-contract-${randomBytes(4).toString('hex')}-`;
const open: Broker[] = [];
let made = 0;
let postgres: ProvidedPostgres;
let kafka: KafkaProvided;
let database: FreshDatabase;
let publisher: Publisher;
let folder: string;
let eventLog: BrokerHarness;
let topics: BrokerHarness;
let files: BrokerHarness;

const named = () => {
  made += 1;
  return `${prefix}${made}`;
};
const kept = (broker: Broker): Broker => {
  open.push(broker);
  return broker;
};

before(async () => {
  postgres = await providePostgres();
  database = await freshDatabase(postgres);
  eventLog = eventLogWorld(database);
  kafka = await provideKafka();
  publisher = createKafkaPublisher({ brokers: kafka.brokers, clientId: 'plt', log: quietLog });
  topics = kafkaWorld();
  folder = await mkdtemp(join(tmpdir(), 'plt-contract-'));
  files = fileWorld();
});
after(async () => {
  for (const broker of open) await broker.stop(1000);
  await publisher.close();
  await database.drop();
  await postgres.stop();
  await kafka.stop();
  await rm(folder, { recursive: true, force: true });
});

function eventLogWorld({ db }: FreshDatabase): BrokerHarness {
  const bell = createBell(systemClock);
  const writer = createEventLogWriter(db, bell, systemClock);
  return {
    isDense: true,
    topic: async () => named(),
    append: async (topic, values) => {
      const receivedMs = systemClock.nowMs();
      const told = { receivedMs, headers: {}, accepted: 1, rejected: 0, idempotency: null };
      await Promise.all(values.map((value) => writer.append({ topic, values: [value], ...told })));
    },
    broker: (wanted, onGap) =>
      kept(
        createEventLogBroker(db, {
          ...{ topics: wanted, bell, clock: systemClock, log: quietLog },
          ...(onGap === undefined ? {} : { onGap }),
        }),
      ),
    truncate: async (topic, n) => {
      await db.query('delete from event_log where topic = $1 and "offset" < $2', [topic, n]);
      await db.query('update event_log_head set log_start = $2 where topic = $1', [topic, n]);
    },
  };
}

function kafkaWorld(): BrokerHarness {
  const connection = { brokers: kafka.brokers, clientId: 'plt', log: quietLog };
  return {
    isDense: true,
    topic: async () => {
      const topic = named();
      await ensureTopics(connection, [{ topic, partitions: 1 }]);
      return topic;
    },
    append: async (topic, values) =>
      await publisher.publish(values.map((value) => ({ topic, key: null, value }))),
    broker: (wanted, onGap) =>
      kept(
        createKafkaBroker({
          ...{ ...connection, topics: wanted, group: named(), sessionTimeoutMs: 6_000 },
          ...(onGap === undefined ? {} : { onGap }),
        }),
      ),
    truncate: async (topic, n) => {
      const client = new kafkajs.Kafka({
        ...{ brokers: [...kafka.brokers], logLevel: kafkajs.logLevel.NOTHING },
      });
      const admin = client.admin();
      await admin.connect();
      await admin.fetchTopicOffsets(topic); // loads what kafkajs must know of the topic
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: String(n) }] });
      await admin.disconnect();
    },
  };
}

function fileWorld(): BrokerHarness {
  return {
    isDense: false,
    topic: async () => {
      const topic = named();
      await writeFile(join(folder, `${topic}.jsonl`), '');
      return topic;
    },
    append: async (topic, values) =>
      await appendFile(join(folder, `${topic}.jsonl`), `${values.join('\n')}\n`),
    broker: (wanted) =>
      kept(
        createJsonlBroker({
          ...{ path: folder, topics: wanted, follow: true, log: quietLog, clock: systemClock },
        }),
      ),
  };
}

brokerContract('event log', () => eventLog);
brokerContract('Kafka', () => topics);
brokerContract('files', () => files);
