/** A membership in a group: the consumer of kafkajs behind what our code needs of one. */
import type { Rec, TopicPartition } from '../model/ports.ts';
import { coPartitioned, type Sharing, spread, whole } from './kafka-assigner.ts';
import {
  type ClientBatch,
  type ClientConsumer,
  codecs,
  createConsumer,
  disconnect,
} from './kafka-client.ts';
import { operatingError } from './kafka-errors.ts';
import type {
  ConsumerEvents,
  FetchedBatch,
  GroupConsumer,
  KafkaBrokerOptions,
} from './kafka-face.ts';
import { withHeaders } from './kafka-headers.ts';
import { grouped, safeOffset } from './kafka-shapes.ts';
import { createSockets } from './kafka-sockets.ts';

/** A membership that has not begun: `run` connects and joins, and `events` is told of everything. */
export function createGroupConsumer(
  options: KafkaBrokerOptions,
  events: ConsumerEvents,
): GroupConsumer {
  const sockets = createSockets();
  let held: readonly TopicPartition[] = [];
  const consumer = createConsumer(
    options,
    sharingOf(options, () => held),
    sockets,
  );
  listen(consumer, events, (partitions) => {
    held = partitions;
  });
  const stopListening = codecs.onUnreadable((batch) => events.unreadable(batch));
  const asMember = (act: () => void): boolean => {
    try {
      act();
      return true;
    } catch (cause) {
      // Between a crash and its restart kafkajs has no group; the next join sets everything again.
      options.log.debug({ error: String(cause) }, 'not a member of the group now');
      return false;
    }
  };
  return {
    pause: (partitions) => asMember(() => consumer.pause(grouped(partitions))),
    resume: (partitions) => asMember(() => consumer.resume(grouped(partitions))),
    seek: ({ topic, partition, offset }) =>
      asMember(() => consumer.seek({ topic, partition, offset: String(offset) })),
    run: async () => {
      try {
        await consumer.connect();
        // Only where Kafka knows no position: ours are sought before anything is let through.
        await consumer.subscribe({ topics: [...options.topics], fromBeginning: true });
        await consumer.run({
          autoCommit: false,
          eachBatchAutoResolve: false,
          partitionsConsumedConcurrently: 4,
          eachBatch: (payload) => events.batch(fetchedBatch(payload)),
        });
      } catch (cause) {
        events.crashed(operatingError(cause, 'joining the group', options.brokers));
      }
    },
    close: async (deadlineMs) => {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, deadlineMs);
      });
      await Promise.race([disconnect(consumer, options.log), late]);
      clearTimeout(timer);
      stopListening();
      sockets.close();
    },
  };
}

function listen(
  consumer: ClientConsumer,
  events: ConsumerEvents,
  hold: (partitions: readonly TopicPartition[]) => void,
): void {
  const { FETCH_START, FETCH, HEARTBEAT, GROUP_JOIN, END_BATCH_PROCESS, CRASH } = consumer.events;
  consumer.on(FETCH_START, () => codecs.fetchBegins());
  consumer.on(FETCH, () => events.alive());
  consumer.on(HEARTBEAT, () => events.alive());
  // kafkajs does not await listeners: what must happen before the first fetch is synchronous.
  consumer.on(GROUP_JOIN, ({ payload }) => {
    const assigned: TopicPartition[] = [];
    for (const [topic, partitions] of Object.entries(payload.memberAssignment)) {
      for (const partition of partitions) assigned.push({ topic, partition });
    }
    hold(assigned);
    events.joined(assigned);
  });
  consumer.on(END_BATCH_PROCESS, ({ payload }) => {
    events.alive();
    if (payload.batchSize !== 0) return;
    const offset = safeOffset(payload.lastOffset, payload) + 1;
    events.skipped({ topic: payload.topic, partition: payload.partition, offset });
  });
  consumer.on(CRASH, ({ payload }) => {
    if (!payload.restart) events.crashed(payload.error);
  });
}

function fetchedBatch({ batch, ...payload }: ClientBatch): FetchedBatch {
  const { topic, partition } = batch;
  const lastOffset = safeOffset(batch.lastOffset(), batch);
  return {
    topic,
    partition,
    firstOffset: safeOffset(batch.firstOffset() ?? batch.lastOffset(), batch),
    lastOffset,
    end: safeOffset(batch.highWatermark, batch),
    records: batch.messages.map(
      ({ offset, timestamp, key, value, headers }): Rec =>
        withHeaders(
          {
            topic,
            partition,
            offset: Number(offset), // at most lastOffset, which is safe
            timestampMs: Number(timestamp),
            key,
            value,
          },
          headers,
        ),
    ),
    resolve: (offset) => payload.resolveOffset(String(offset)),
    commit: (positions) =>
      payload.commitOffsetsIfNecessary({
        topics: positions.map((at) => ({
          topic: at.topic,
          partitions: [{ partition: at.partition, offset: String(at.offset) }],
        })),
      }),
    heartbeat: () => payload.heartbeat(),
    isCurrent: () => payload.isRunning() && !payload.isStale(),
  };
}

function sharingOf(options: KafkaBrokerOptions, held: () => readonly TopicPartition[]): Sharing {
  if (options.whole === true) return whole();
  if (options.sharing === 'spread') return spread(held);
  return coPartitioned(() => [...new Set(held().map((at) => at.partition))]);
}
