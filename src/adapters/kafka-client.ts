/** kafkajs, in the one file that imports it: clients mended, bounded, and cut when they end. */
import type {
  Admin,
  Consumer,
  EachBatchPayload,
  LogEntry,
  PartitionAssigner,
  Producer,
  SASLOptions,
} from 'kafkajs';
import kafkajs from 'kafkajs';
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js';
import type { Log } from '../model/ports.ts';
import type { Sharing } from './kafka-assigner.ts';
import { KafkaCodecs } from './kafka-codecs.ts';
import { operatingError } from './kafka-errors.ts';
import type { KafkaBrokerOptions, KafkaOptions } from './kafka-face.ts';
import { CUT, createSockets, type Sockets } from './kafka-sockets.ts';

const CONSUMER_RETRY = { initialRetryTime: 300, multiplier: 2, retries: 8, maxRetryTime: 5_000 };
// Questions are asked again by whoever asks; a start must fail within seconds.
const PROBE_RETRY = { initialRetryTime: 300, multiplier: 2, retries: 2, maxRetryTime: 2_000 };
const PUBLISH_RETRY = { initialRetryTime: 300, multiplier: 2, retries: 5, maxRetryTime: 5_000 };
/**
 * Answered at once, a stream of some thousand events a second is hundreds of fetches with one or two records
 * of each partition, each of them a slice.
 */
const FETCH = {
  'at-once': { minBytes: 1, maxWaitTimeInMs: 250 },
  gathered: { minBytes: 65_536, maxWaitTimeInMs: 25 },
} as const;
const REQUEST_TIMEOUT_MS = 30_000;
const PROBE_TIMEOUT_MS = 5_000;
const LATE_TIMER_MIN_MS = 10;

// What is made here, by names for the other files of this family: they speak to it and import nothing.
/** A member of a group as kafkajs has it. */
export type ClientConsumer = Consumer;
/** A batch as kafkajs hands it over. */
export type ClientBatch = EachBatchPayload;
/** A connection for records to be sent over. */
export type ClientProducer = Producer;
/** A connection for questions and for topics. */
export type ClientAdmin = Admin;

/** Kafka's number for settings that are a topic's. */
export const TOPIC_SETTINGS = kafkajs.ConfigResourceTypes.TOPIC;

/** Whether kafkajs, or a broker through it, says so; `retriable`: asked again it may be otherwise. */
export function isClientError(cause: unknown): cause is Error & { readonly retriable: boolean } {
  return cause instanceof kafkajs.KafkaJSError;
}

/** A consumer for one membership; it joins and fetches nothing before it is told to. */
export function createConsumer(
  options: KafkaBrokerOptions,
  sharing: Sharing,
  sockets: Sockets,
): ClientConsumer {
  return createClient(options, sockets, REQUEST_TIMEOUT_MS, CONSUMER_RETRY).consumer({
    groupId: options.group,
    sessionTimeout: options.sessionTimeoutMs,
    heartbeatInterval: Math.min(3_000, Math.floor(options.sessionTimeoutMs / 3)),
    rebalanceTimeout: 60_000,
    ...FETCH[options.fetch ?? 'at-once'],
    maxBytes: 10_485_760,
    maxBytesPerPartition: 524_288,
    metadataMaxAge: options.watch?.metadataMs ?? 60_000,
    allowAutoTopicCreation: false,
    readUncommitted: false,
    partitionAssigners: [assigner(sharing)],
    retry: { ...CONSUMER_RETRY, restartOnFailure: async () => !sockets.isClosed() },
  });
}

/** A producer whose records are in the log once, in order, whatever it tries again by itself. */
export function createProducer(options: KafkaOptions, sockets: Sockets): ClientProducer {
  return createClient(options, sockets, REQUEST_TIMEOUT_MS, PUBLISH_RETRY).producer({
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    allowAutoTopicCreation: false,
    idempotent: true,
    maxInFlightRequests: 1,
    retry: PUBLISH_RETRY,
  });
}

/** An admin that answers, or fails, within seconds: for questions that are asked all the time. */
export function createProbe(options: KafkaOptions, sockets: Sockets): ClientAdmin {
  return createClient(options, sockets, PROBE_TIMEOUT_MS, PROBE_RETRY).admin();
}

/**
 * Connects, does one thing, and cuts the connections. Rejects with BROKER_UNREACHABLE or
 * BROKER_TOPIC_MISSING, saying what was being done.
 */
export async function withAdmin<T>(
  options: KafkaOptions,
  doing: string,
  work: (admin: ClientAdmin) => Promise<T>,
): Promise<T> {
  const sockets = createSockets();
  const admin = createClient(options, sockets, REQUEST_TIMEOUT_MS, PROBE_RETRY).admin();
  try {
    await admin.connect();
    return await work(admin);
  } catch (cause) {
    throw operatingError(cause, doing, options.brokers);
  } finally {
    await disconnect(admin, options.log);
    sockets.close();
  }
}

/** Ends a client that is given up, as well as it lets itself be ended. Never rejects. */
export async function disconnect(client: { disconnect(): Promise<void> }, log: Log): Promise<void> {
  try {
    await client.disconnect();
  } catch (cause) {
    log.debug({ error: String(cause) }, 'disconnecting failed; its connections are cut');
  }
}

function createClient(
  options: KafkaOptions,
  sockets: Sockets,
  requestTimeout: number,
  retry: typeof CONSUMER_RETRY,
): InstanceType<typeof kafkajs.Kafka> {
  calmRequestQueue();
  registerCodecs();
  const { tls = null, sasl } = options;
  return new kafkajs.Kafka({
    brokers: [...options.brokers],
    clientId: options.clientId,
    // What it says is not asked: connections are made by our sockets.
    ssl: tls !== null,
    ...(sasl === undefined ? {} : { sasl: sasl as SASLOptions }),
    connectionTimeout: 5_000,
    requestTimeout,
    retry,
    socketFactory: (at) => sockets.open(at, tls),
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

/** The codecs of this process: what they cannot unpack they tell of. */
export const codecs = new KafkaCodecs();
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
