/** Kafka through kafkajs: the one file that imports it. Broker, publisher, topics, offsets. */
import { setTimeout as sleep } from 'node:timers/promises';
import type {
  Admin,
  Consumer,
  EachBatchPayload,
  LogEntry,
  PartitionAssigner,
  Producer,
} from 'kafkajs';
import kafkajs from 'kafkajs';
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js';
import type { Broker, Log, Publisher, Rec, StartPosition, TopicPartition } from '../model/ports.ts';
import { coPartitioned, type Sharing, spread, whole } from './kafka-assigner.ts';
import { KafkaBroker } from './kafka-broker.ts';
import { KafkaCodecs } from './kafka-codecs.ts';
import { isMissingTopic, missingTopic, operatingError } from './kafka-errors.ts';
import type {
  ConsumerEvents,
  FetchedBatch,
  GroupConsumer,
  KafkaBrokerOptions,
  KafkaOptions,
  OffsetRange,
  OffsetReader,
} from './kafka-face.ts';
import { withHeaders } from './kafka-headers.ts';
import { byTopic, cutChunks, grouped, safeOffset } from './kafka-shapes.ts';
import { CUT, createSockets, type Sockets } from './kafka-sockets.ts';

const CONSUMER_RETRY = { initialRetryTime: 300, multiplier: 2, retries: 8, maxRetryTime: 5_000 };
// Questions are asked again by whoever asks; a start must fail within seconds.
const PROBE_RETRY = { initialRetryTime: 300, multiplier: 2, retries: 2, maxRetryTime: 2_000 };
const PUBLISH_RETRY = { initialRetryTime: 300, multiplier: 2, retries: 5, maxRetryTime: 5_000 };
const REQUEST_TIMEOUT_MS = 30_000;
const PROBE_TIMEOUT_MS = 5_000;
const LATE_TIMER_MIN_MS = 10;

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
  const make = (): Producer =>
    createClient(options, sockets, REQUEST_TIMEOUT_MS, PUBLISH_RETRY).producer({
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
      allowAutoTopicCreation: false,
      idempotent: true,
      maxInFlightRequests: 1,
      retry: PUBLISH_RETRY,
    });
  let connected: Promise<Producer> | null = null;
  const connect = async (): Promise<Producer> => {
    const producer = make();
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
  let present: readonly string[] = [];
  await withAdmin(
    options,
    `creating topics ${topics.map((t) => t.topic).join(', ')}`,
    async (admin) => {
      const existing = new Set(await admin.listTopics());
      present = topics.flatMap(({ topic }) => (existing.has(topic) ? topic : []));
      const missing = topics.filter(({ topic }) => !existing.has(topic));
      if (missing.length === 0) return;
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
    },
  );
  return present;
}

const LEADER_LOOKS = 100;
const LEADER_LOOK_MS = 100;

/** Waits until every partition of topics that were just made has a leader that knows it; ten seconds at most. */
async function leadersOf(admin: Admin, topics: readonly string[]): Promise<void> {
  for (let look = 1; ; look += 1) {
    try {
      // The metadata name a leader before it knows that it is one: only asking it for something tells.
      for (const topic of topics) await admin.fetchTopicOffsets(topic);
      return;
    } catch (cause) {
      const isSoon = cause instanceof kafkajs.KafkaJSError && cause.retriable;
      if (!isSoon || look >= LEADER_LOOKS) throw cause;
    }
    await sleep(LEADER_LOOK_MS);
  }
}

/** First and one-past-last offset of every partition of the topics. Rejects as `OffsetReader` does. */
export async function readOffsets(
  options: KafkaOptions,
  topics: readonly string[],
): Promise<readonly OffsetRange[]> {
  const reader = openOffsets(options);
  try {
    return await reader.ranges(topics);
  } finally {
    await reader.close();
  }
}

/** Id of the cluster; null where the broker names none. Rejects with BROKER_UNREACHABLE. */
export async function readClusterId(options: KafkaOptions): Promise<string | null> {
  let id: string | null = null;
  await withAdmin(options, 'asking for the id of the cluster', async (admin) => {
    id = (await admin.describeCluster()).clusterId || null;
  });
  return id;
}

/**
 * Offset of the first record of each partition that was written at or after `ms`; the end of the log
 * where there is none. Times are the broker's, not those in the records.
 */
export async function readOffsetsAt(
  options: KafkaOptions,
  topics: readonly string[],
  ms: number,
): Promise<readonly StartPosition[]> {
  const found: StartPosition[] = [];
  await withAdmin(options, `looking for ${new Date(ms).toISOString()}`, async (admin) => {
    for (const topic of topics)
      for (const { partition, offset } of await admin.fetchTopicOffsetsByTimestamp(topic, ms))
        found.push({ topic, partition, offset: safeOffset(offset, { topic, partition }) });
  });
  return found;
}

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

/** Looks at a cluster and changes nothing. Topics that do not exist are not in the answer. */
export async function examineCluster(
  options: KafkaOptions,
  { topics, group, sinceMs }: { topics: readonly string[]; group: string; sinceMs: number },
): Promise<ClusterSeen> {
  const found = new Map<string, TopicSeen>();
  let seen: ClusterSeen = { brokers: 0, topics: found, group: null };
  await withAdmin(options, 'looking at the cluster', async (admin) => {
    const { brokers } = await admin.describeCluster();
    const existing = new Set(await admin.listTopics());
    for (const topic of topics)
      if (existing.has(topic)) found.set(topic, await examineTopic(admin, topic, sinceMs));
    const [described] = (await admin.describeGroups([group])).groups;
    const isThere = described !== undefined && described.state !== 'Dead';
    seen = {
      ...{ brokers: brokers.length, topics: found },
      group: isThere ? { state: described.state, members: described.members.length } : null,
    };
  });
  return seen;
}

async function examineTopic(admin: Admin, topic: string, sinceMs: number): Promise<TopicSeen> {
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
async function settingsOf(admin: Admin, topic: string): Promise<ReadonlyMap<string, string>> {
  try {
    const type = kafkajs.ConfigResourceTypes.TOPIC;
    const { resources } = await admin.describeConfigs({
      resources: [{ type, name: topic, configNames: SETTINGS }],
      includeSynonyms: false,
    });
    const entries = resources[0]?.configEntries ?? [];
    return new Map(entries.map(({ configName, configValue }) => [configName, configValue]));
  } catch (cause) {
    if (cause instanceof kafkajs.KafkaJSError) return new Map();
    throw cause;
  }
}

/**
 * How far a group is by Kafka's own account, for the partitions of `topics` that it ever committed.
 * Rejects with BROKER_UNREACHABLE.
 */
export async function readCommitted(
  options: KafkaOptions,
  group: string,
  topics: readonly string[],
): Promise<readonly StartPosition[]> {
  const found: StartPosition[] = [];
  await withAdmin(options, `reading offsets of group ${group}`, async (admin) => {
    const answers = await admin.fetchOffsets({ groupId: group, topics: [...topics] });
    for (const { topic, partitions } of answers)
      for (const { partition, offset } of partitions)
        if (Number(offset) >= 0)
          found.push({ topic, partition, offset: safeOffset(offset, { topic, partition }) });
  });
  return found;
}

/** Deletes a group that has no member any more. One that is not there is no mistake. */
export async function forgetGroup(options: KafkaOptions, group: string): Promise<void> {
  await withAdmin(options, `deleting group ${group}`, async (admin) => {
    const { groups } = await admin.listGroups();
    if (groups.some(({ groupId }) => groupId === group)) await admin.deleteGroups([group]);
  });
}

function createClient(
  options: KafkaOptions,
  sockets: Sockets,
  requestTimeout: number,
  retry: typeof CONSUMER_RETRY,
): InstanceType<typeof kafkajs.Kafka> {
  calmRequestQueue();
  registerCodecs();
  return new kafkajs.Kafka({
    brokers: [...options.brokers],
    clientId: options.clientId,
    connectionTimeout: 5_000,
    requestTimeout,
    retry,
    socketFactory: sockets.open,
    logLevel: kafkajs.logLevel.INFO,
    logCreator: () => (entry) => passOn(options.log, entry),
  });
}

let isCalm = false;

/**
 * Mends the request queue of kafkajs, once for the whole process. After every response it arms a
 * timer with a negative delay, which fires and re-arms at once: 800 to 2,600 timers a second while
 * idle (#1751). Armed only while something waits, nothing else changes: a response itself sends
 * what is pending. Every client made here calls it; tests that use kafkajs directly must too.
 */
export function calmRequestQueue(): void {
  if (isCalm) return;
  isCalm = true;
  RequestQueue.prototype.scheduleCheckPendingRequests = function schedule(this: RequestQueue) {
    if (this.throttleCheckTimeoutId !== null || this.pending.length === 0) return;
    const restMs = Math.max(this.throttledUntil - Date.now(), LATE_TIMER_MIN_MS);
    this.throttleCheckTimeoutId = setTimeout(() => {
      this.throttleCheckTimeoutId = null;
      this.checkPendingRequests();
    }, restMs);
  };
}

const codecs = new KafkaCodecs();
let isRegistered = false;

/**
 * Bounded codecs for kafkajs, once for the whole process. Every client made here calls it; tests
 * that use kafkajs directly may too.
 */
export function registerCodecs(): void {
  if (isRegistered) return;
  isRegistered = true;
  codecs.register(kafkajs.CompressionCodecs as Record<number, unknown>);
}

// What kafkajs calls an error is mostly something it then retries: one level lower for us.
function passOn(log: Log, entry: LogEntry): void {
  const { message, broker, topic, partition, error, groupId } = entry.log;
  const fields = { namespace: entry.namespace, broker, topic, partition, error, groupId };
  // Our own doing at the end of a client's life, and no news to anybody.
  if (message.endsWith(CUT)) log.debug(fields, message);
  else if (entry.level === kafkajs.logLevel.ERROR) log.warn(fields, message);
  else if (entry.level === kafkajs.logLevel.WARN) log.info(fields, message);
  else log.debug(fields, message);
}

function createGroupConsumer(options: KafkaBrokerOptions, events: ConsumerEvents): GroupConsumer {
  const sockets = createSockets();
  let held: readonly TopicPartition[] = [];
  const consumer = createClient(options, sockets, REQUEST_TIMEOUT_MS, CONSUMER_RETRY).consumer({
    groupId: options.group,
    sessionTimeout: options.sessionTimeoutMs,
    heartbeatInterval: Math.min(3_000, Math.floor(options.sessionTimeoutMs / 3)),
    rebalanceTimeout: 60_000,
    minBytes: 1,
    maxBytes: 10_485_760,
    maxBytesPerPartition: 524_288,
    maxWaitTimeInMs: 250,
    metadataMaxAge: options.watch?.metadataMs ?? 60_000,
    allowAutoTopicCreation: false,
    readUncommitted: false,
    partitionAssigners: [assigner(sharingOf(options, () => held))],
    retry: { ...CONSUMER_RETRY, restartOnFailure: async () => !sockets.isClosed() },
  });
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
  consumer: Consumer,
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

function fetchedBatch({ batch, ...payload }: EachBatchPayload): FetchedBatch {
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

function assigner(sharing: Sharing): PartitionAssigner {
  const { MemberMetadata, MemberAssignment } = kafkajs.AssignerProtocol;
  const { name } = sharing;
  return ({ cluster }) => ({
    name,
    version: 0,
    protocol: ({ topics }) => {
      const userData = sharing.say();
      return { name, metadata: MemberMetadata.encode({ version: 0, topics, userData }) };
    },
    assign: async ({ members, topics }) => {
      const counts = new Map(
        topics.map((topic) => [topic, cluster.findTopicPartitionMetadata(topic).length]),
      );
      const said = members.map(({ memberId: id, memberMetadata }) => {
        return { id, said: MemberMetadata.decode(memberMetadata)?.userData ?? Buffer.alloc(0) };
      });
      return [...sharing.share(counts, said)].map(([memberId, share]) => {
        const assignment = { version: 0, assignment: { ...share }, userData: Buffer.alloc(0) };
        return { memberId, memberAssignment: MemberAssignment.encode(assignment) };
      });
    },
  });
}

/** Answers questions about logs until it is closed. Nothing is connected before the first. */
export function openOffsets(options: KafkaOptions): OffsetReader {
  let current: { admin: Admin; sockets: Sockets; connected: Promise<void> } | null = null;
  let isClosed = false;
  const open = () => {
    const sockets = createSockets();
    const admin = createClient(options, sockets, PROBE_TIMEOUT_MS, PROBE_RETRY).admin();
    return { admin, sockets, connected: admin.connect() };
  };
  const drop = async (): Promise<void> => {
    const old = current;
    current = null;
    if (old === null) return;
    await disconnect(old.admin, options.log);
    old.sockets.close();
  };
  return {
    ranges: async (topics) => {
      if (isClosed) throw operatingError(new Error('closed'), 'reading log ends', options.brokers);
      current ??= open();
      const { admin, connected } = current;
      try {
        await connected;
        const ranges = await Promise.all(topics.map((topic) => rangesOf(admin, topic)));
        return ranges.flat();
      } catch (cause) {
        // An admin client keeps asking for a topic that it once did not find: begin anew.
        await drop();
        throw operatingError(cause, `reading log ends of ${topics.join(', ')}`, options.brokers);
      }
    },
    close: async () => {
      isClosed = true;
      await drop();
    },
  };
}

async function rangesOf(admin: Admin, topic: string): Promise<OffsetRange[]> {
  try {
    const offsets = await admin.fetchTopicOffsets(topic);
    return offsets.map(({ partition, low, high }) => ({
      topic,
      partition,
      low: safeOffset(low, { topic, partition }),
      end: safeOffset(high, { topic, partition }),
    }));
  } catch (cause) {
    if (!isMissingTopic(cause)) throw cause;
    throw missingTopic(topic, cause);
  }
}

async function withAdmin(
  options: KafkaOptions,
  doing: string,
  work: (admin: Admin) => Promise<void>,
): Promise<void> {
  const sockets = createSockets();
  const admin = createClient(options, sockets, REQUEST_TIMEOUT_MS, PROBE_RETRY).admin();
  try {
    await admin.connect();
    await work(admin);
  } catch (cause) {
    throw operatingError(cause, doing, options.brokers);
  } finally {
    await disconnect(admin, options.log);
    sockets.close();
  }
}

async function disconnect(client: { disconnect(): Promise<void> }, log: Log): Promise<void> {
  try {
    await client.disconnect();
  } catch (cause) {
    log.debug({ error: String(cause) }, 'disconnecting failed; its connections are cut');
  }
}
