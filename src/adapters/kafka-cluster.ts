/** A cluster as it says it is: its id, its brokers, its topics with their settings. */
import { type ClientAdmin, isClientError, TOPIC_SETTINGS, withAdmin } from './kafka-client.ts';
import type { KafkaOptions, OffsetRange } from './kafka-face.ts';
import { safeOffset } from './kafka-shapes.ts';

/** A cluster as it says it is. */
export interface ClusterSeen {
  readonly brokers: number;
  readonly topics: ReadonlyMap<string, TopicSeen>;
  /** State of our group; null: it never read here. */
  readonly group: { readonly state: string; readonly members: number } | null;
}

/** A topic that exists. */
export interface TopicSeen {
  readonly partitions: readonly OffsetRange[];
  /** Kafka's own names: retention.ms, max.message.bytes. Empty where we may not read them. */
  readonly settings: ReadonlyMap<string, string>;
  /** Partitions whose leader is not known. */
  readonly leaderless: number;
  /** Partitions with a record that was written at or after the time asked about. */
  readonly fresh: number;
}

const SETTINGS = [
  'message.timestamp.type',
  'max.message.bytes',
  'retention.ms',
  'cleanup.policy',
  'compression.type',
];

/** Id of the cluster; null where the broker names none. Rejects with BROKER_UNREACHABLE. */
export async function readClusterId(options: KafkaOptions): Promise<string | null> {
  return await withAdmin(options, 'asking for the id of the cluster', async (admin) => {
    return (await admin.describeCluster()).clusterId || null;
  });
}

/** Looks at a cluster and changes nothing. Topics that do not exist are not in the answer. */
export async function examineCluster(
  options: KafkaOptions,
  { topics, group, sinceMs }: { topics: readonly string[]; group: string; sinceMs: number },
): Promise<ClusterSeen> {
  return await withAdmin(options, 'looking at the cluster', async (admin) => {
    const { brokers } = await admin.describeCluster();
    const existing = new Set(await admin.listTopics());
    const found = new Map<string, TopicSeen>();
    for (const topic of topics)
      if (existing.has(topic)) found.set(topic, await examineTopic(admin, topic, sinceMs));
    const [described] = (await admin.describeGroups([group])).groups;
    const isThere = described !== undefined && described.state !== 'Dead';
    return {
      ...{ brokers: brokers.length, topics: found },
      group: isThere ? { state: described.state, members: described.members.length } : null,
    };
  });
}

async function examineTopic(
  admin: ClientAdmin,
  topic: string,
  sinceMs: number,
): Promise<TopicSeen> {
  const [metadata] = (await admin.fetchTopicMetadata({ topics: [topic] })).topics;
  const offsets = await admin.fetchTopicOffsets(topic);
  const since = await admin.fetchTopicOffsetsByTimestamp(topic, sinceMs);
  const sinceOf = new Map(since.map(({ partition, offset }) => [partition, offset]));
  const partitions = offsets.map(({ partition, low, high }) => ({
    ...{ topic, partition },
    low: safeOffset(low, { topic, partition }),
    end: safeOffset(high, { topic, partition }),
  }));
  const fresh = offsets.filter(({ partition, high }) => (sinceOf.get(partition) ?? high) !== high);
  const leaderless = metadata?.partitions.filter(({ leader }) => leader < 0).length ?? 0;
  return {
    ...{ partitions, leaderless, fresh: fresh.length },
    settings: await settingsOf(admin, topic),
  };
}

/** Whoever may read a topic need not be allowed to read its settings. */
async function settingsOf(admin: ClientAdmin, topic: string): Promise<ReadonlyMap<string, string>> {
  try {
    const { resources } = await admin.describeConfigs({
      resources: [{ type: TOPIC_SETTINGS, name: topic, configNames: SETTINGS }],
      includeSynonyms: false,
    });
    const entries = resources[0]?.configEntries ?? [];
    return new Map(entries.map(({ configName, configValue }) => [configName, configValue]));
  } catch (cause) {
    if (isClientError(cause)) return new Map();
    throw cause;
  }
}
