/** B of the end-to-end benchmark: a bare kafkajs consumer that parses each record, and no more. */
import kafkajs from 'kafkajs';
import { calmRequestQueue } from '../src/adapters/kafka-client.ts';
import { answer, cpuUs, input } from './child.ts';

/** What to read. */
export interface DrainInput {
  readonly brokers: readonly string[];
  readonly topics: readonly string[];
  readonly group: string;
  readonly events: number;
}

const { brokers, topics, group, events } = input<DrainInput>();
calmRequestQueue();
const client = new kafkajs.Kafka({
  brokers: [...brokers],
  clientId: 'bench-bare',
  logLevel: kafkajs.logLevel.NOTHING,
});
// The same settings as src/adapters/kafka-client.ts.
const consumer = client.consumer({
  groupId: group,
  sessionTimeout: 45_000,
  heartbeatInterval: 3000,
  rebalanceTimeout: 60_000,
  minBytes: 1,
  maxBytes: 10_485_760,
  maxBytesPerPartition: 524_288,
  maxWaitTimeInMs: 250,
  metadataMaxAge: 60_000,
  allowAutoTopicCreation: false,
  readUncommitted: false,
});
const done = Promise.withResolvers<void>();
let read = 0;
let bytes = 0;
let kinds = 0;
let firstMs = 0;
const startMs = performance.now();
const startCpu = cpuUs();
await consumer.connect();
await consumer.subscribe({ topics: [...topics], fromBeginning: true });
await consumer.run({
  autoCommit: false,
  eachBatchAutoResolve: false,
  partitionsConsumedConcurrently: 4,
  eachBatch: async ({ batch, resolveOffset }) => {
    if (firstMs === 0) firstMs = performance.now();
    for (const { value, offset } of batch.messages) {
      if (value === null) continue;
      const parsed = JSON.parse(value.toString()) as { readonly kind: string };
      if (parsed.kind !== '') kinds += 1;
      bytes += value.length;
      read += 1;
      resolveOffset(offset);
    }
    if (read >= events) done.resolve();
  },
});
await done.promise;
const result = {
  records: read,
  kinds,
  bytes,
  cpuMs: (cpuUs() - startCpu) / 1000,
  wallMs: performance.now() - startMs,
  drainMs: performance.now() - firstMs,
};
await consumer.disconnect();
answer(result);
