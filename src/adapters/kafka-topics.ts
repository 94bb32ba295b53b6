/** Topics that are missing, made and waited for until their leaders know of them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type ClientAdmin, isClientError, withAdmin } from './kafka-client.ts';
import type { KafkaOptions } from './kafka-face.ts';

const LEADER_LOOKS = 100;
const LEADER_LOOK_MS = 100;

/** A topic to be made. Settings are Kafka's own names, for example `max.message.bytes`. */
export interface TopicWanted {
  readonly topic: string;
  readonly partitions: number;
  readonly settings?: Readonly<Record<string, string>>;
}

/**
 * Creates the topics that are missing, with the broker's default replication. Others stay as they
 * are; returns their names.
 */
export async function ensureTopics(
  options: KafkaOptions,
  topics: readonly TopicWanted[],
): Promise<readonly string[]> {
  const doing = `creating topics ${topics.map((t) => t.topic).join(', ')}`;
  return await withAdmin(options, doing, async (admin) => {
    const existing = new Set(await admin.listTopics());
    const missing = topics.filter(({ topic }) => !existing.has(topic));
    if (missing.length > 0) await create(admin, missing);
    return topics.flatMap(({ topic }) => (existing.has(topic) ? topic : []));
  });
}

async function create(admin: ClientAdmin, missing: readonly TopicWanted[]): Promise<void> {
  await admin.createTopics({
    // Waited for below: the client's own wait gives up where a broker has not heard of them yet.
    waitForLeaders: false,
    topics: missing.map(({ topic, partitions, settings }) => ({
      topic,
      numPartitions: partitions,
      configEntries: Object.entries(settings ?? {}).map(([name, value]) => ({ name, value })),
    })),
  });
  await leadersOf(
    admin,
    missing.map(({ topic }) => topic),
  );
}

/** Waits until every partition of topics that were just made has a leader that knows it; ten seconds at most. */
async function leadersOf(admin: ClientAdmin, topics: readonly string[]): Promise<void> {
  for (let look = 1; ; look += 1) {
    try {
      // The metadata name a leader before it knows that it is one: only asking it for something tells.
      for (const topic of topics) await admin.fetchTopicOffsets(topic);
      return;
    } catch (cause) {
      const isSoon = isClientError(cause) && cause.retriable;
      if (!isSoon || look >= LEADER_LOOKS) throw cause;
    }
    await sleep(LEADER_LOOK_MS);
  }
}
