/** What our Kafka code needs of a Kafka client, in our words: no kafkajs type crosses it. */
import type { Clock, Log, Rec, StartPosition, TopicPartition } from '../model/ports.ts';
import type { UnreadableBatch } from './kafka-codecs.ts';

/** Where a cluster is, and who we are to it. */
export interface KafkaAccess {
  /** host:port of at least one broker. */
  readonly brokers: readonly string[];
  /** Absent: connections are not encrypted. */
  readonly tls?: KafkaTls;
  /** Absent: brokers are not told who we are. */
  readonly sasl?: {
    readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
    readonly username: string;
    readonly password: string;
  };
}

/** How certificates are verified, and ours; all of it PEM. */
export interface KafkaTls {
  /** Absent: the authorities of the system. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** Name in the brokers' certificates; absent: that of the address. */
  readonly servername?: string;
}

/** How to reach a cluster. */
export interface KafkaOptions extends KafkaAccess {
  readonly clientId: string;
  readonly log: Log;
}

/** A range of offsets that will never be delivered: `from` up to but without `to`. */
export interface OffsetGap extends TopicPartition {
  readonly from: number;
  readonly to: number;
  /** Why a batch there cannot be read; absent: the records are gone. */
  readonly undecodable?: string;
}

/** Options of the broker. The callbacks run synchronously and must not throw. */
export interface KafkaBrokerOptions extends KafkaOptions {
  readonly group: string;
  readonly topics: readonly string[];
  /**
   * True: reads only while every partition of the topics is this member's. For one lane over all of
   * them: what half of the partitions say must not be taken for all there is.
   */
  readonly whole?: boolean;
  /**
   * How several members share the topics. Default 'co-partitioned': partition i of all of them goes to
   * one member. 'spread': each partition for itself.
   */
  readonly sharing?: 'co-partitioned' | 'spread';
  /**
   * When a fetch is answered. Default 'at-once': with whatever is there, for who ends at the end of the logs.
   * 'gathered': when 64 KiB are there, or after 25 ms, for who follows a stream.
   */
  readonly fetch?: 'at-once' | 'gathered';
  /** At least 6,000: a broker refuses less by default. */
  readonly sessionTimeoutMs: number;
  readonly clock?: Clock;
  /** What is done about a batch that cannot be unpacked: reading ends there (default), or goes on behind it. */
  readonly undecodable?: 'stop' | 'skip';
  /** Times of the watchdog, ms; absent: those of the handbook. */
  readonly watch?: {
    /** Silence of the client before it is replaced, at least; twice the session time-out where that is more. */
    readonly silenceMs?: number;
    /** A position below the end that does not move for so long is stuck. */
    readonly stuckMs?: number;
    /** How old what is known of topics and partitions may be. */
    readonly metadataMs?: number;
  };
  /** Told after the courtesy commit of a position to Kafka; crash tests need to know when. */
  readonly onStep?: (step: 'broker-committed', at: StartPosition) => void;
  /** Told of offsets that retention, compaction or deletion took away before they were read. */
  readonly onGap?: (gap: OffsetGap) => void;
}

/** First and one-past-last offset of a partition, as the broker says now. */
export interface OffsetRange extends TopicPartition {
  readonly low: number;
  readonly end: number;
}

/** Records of one partition as one fetch returned them. */
export interface FetchedBatch extends TopicPartition {
  /** Of everything in the batch, also what is not delivered (transaction markers). */
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly end: number;
  readonly records: readonly Rec[];
  /** Marks everything up to and including `offset` as read. */
  resolve(offset: number): void;
  /** Tells Kafka where reading would go on, in any partition. Rejections must reach the client. */
  commit(positions: readonly StartPosition[]): Promise<void>;
  /** Rejects when the group is rebalancing; rejections must reach the client. */
  heartbeat(): Promise<void>;
  /** False once the consumer stops or another position was sought. */
  isCurrent(): boolean;
}

/** What a consumer reports. `joined` runs before anything is fetched under the new assignment. */
export interface ConsumerEvents {
  joined(assigned: readonly TopicPartition[]): void;
  batch(batch: FetchedBatch): Promise<void>;
  /** A fetch held nothing to deliver (transaction markers, aborted records): it is read already. */
  skipped(at: StartPosition): void;
  /** A sign of life. */
  alive(): void;
  /** A batch of this process cannot be unpacked; reading stands still in front of it. */
  unreadable(batch: UnreadableBatch): void;
  /** The consumer ended for good. */
  crashed(cause: Error): void;
}

/** One membership in a group; used once and thrown away. The first three say false when not a member. */
export interface GroupConsumer {
  pause(partitions: readonly TopicPartition[]): boolean;
  resume(partitions: readonly TopicPartition[]): boolean;
  seek(position: StartPosition): boolean;
  /** Resolves after the first join; failures come as `crashed`. */
  run(): Promise<void>;
  /** Waits for the batch at hand and leaves; after `deadlineMs` cuts every connection. */
  close(deadlineMs: number): Promise<void>;
}

/** Answers questions about the log; reconnects by itself after a failure. */
export interface OffsetReader {
  /** Rejects with BROKER_UNREACHABLE or BROKER_TOPIC_MISSING. */
  ranges(topics: readonly string[]): Promise<readonly OffsetRange[]>;
  close(): Promise<void>;
}

/** Makes consumers and readers. */
export interface KafkaClient {
  consumer(events: ConsumerEvents): GroupConsumer;
  offsets(): OffsetReader;
}

/** The machine's own clock, for callers that hand in none. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted === true) return resolve();
      const finish = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', finish);
        resolve();
      };
      const timer = setTimeout(finish, ms);
      signal?.addEventListener('abort', finish);
    }),
};

/** Key of a partition in maps. */
export function partitionKey(at: TopicPartition): string {
  return `${at.topic}/${at.partition}`;
}
