/** Broker of a daemon: Kafka, the event log or a folder, as the configuration has it. */
import { listFolder } from '../adapters/files.ts';
import { createJsonlBroker } from '../adapters/jsonl.ts';
import { createKafkaBroker } from '../adapters/kafka.ts';
import { readClusterId } from '../adapters/kafka-cluster.ts';
import type { KafkaAccess } from '../adapters/kafka-face.ts';
import type { Config } from '../model/config.ts';
import { durationMs } from '../model/duration.ts';
import type { Broker, Clock, Database, Log } from '../model/ports.ts';
import type { MissingRecords } from '../observer.ts';
import { createEventLogBroker } from '../record/event-log-broker.ts';
import { checkCluster } from './cluster.ts';
import type { OpenIngest } from './ingest.ts';

/** What records come from. */
export interface BrokerParts {
  readonly config: Config;
  /** Null where no Kafka is configured. */
  readonly kafka: KafkaAccess | null;
  readonly db: Database;
  readonly clock: Clock;
  readonly log: Log;
  /** Null: nobody may send records here. */
  readonly ingest: OpenIngest | null;
}

/** How they are read. */
export interface BrokerOptions {
  readonly group: string;
  readonly untilCaughtUp: boolean;
  /** Batches that cannot be unpacked are skipped, whatever the configuration says. */
  readonly skipUndecodable: boolean;
  /** Records that were to be read next are gone from the log. */
  readonly onGap: (gap: MissingRecords) => void;
  /** Positions were told to the broker, which is a courtesy. */
  readonly onCommitted?: () => void;
}

/** Makes the broker. `finished`, where the records have an end and it is asked for: all of them were read. */
export function brokerOf(
  { config, kafka, clock, log, db, ingest }: BrokerParts,
  { group, untilCaughtUp, skipUndecodable, onGap, onCommitted }: BrokerOptions,
): { broker: Broker; finished: Promise<void> | null } {
  const topics = config.sources.map(({ topic }) => topic);
  if (config.kafka !== undefined && kafka !== null) {
    const broker = createKafkaBroker({
      ...kafka,
      clientId: clientIdOf(config),
      group,
      topics,
      whole: true,
      fetch: untilCaughtUp ? 'at-once' : 'gathered',
      sessionTimeoutMs: durationMs(config.kafka.sessionTimeout ?? '45s'),
      log,
      onGap,
      undecodable: skipUndecodable ? 'skip' : (config.kafka.undecodable ?? 'stop'),
      ...(onCommitted === undefined ? {} : { onStep: onCommitted }),
    });
    return { broker, finished: null };
  }
  if (ingest !== null && config.jsonl === undefined) {
    const { bell } = ingest;
    const broker = createEventLogBroker(db, { topics, bell, clock, log, onGap });
    return { broker, finished: null };
  }
  const { path = '.', follow = true } = config.jsonl ?? {};
  const reads = follow && !untilCaughtUp;
  const broker = createJsonlBroker({ path, topics, follow: reads, log, clock });
  return { broker, finished: untilCaughtUp ? broker.finished : null };
}

/** Positions of another cluster would swallow the records of this one: rejects where it is another. */
export async function askForCluster(
  { config, kafka, db, log }: Pick<BrokerParts, 'config' | 'kafka' | 'db' | 'log'>,
  group: string,
  isAccepted: boolean,
): Promise<void> {
  if (kafka === null) return;
  const read = () => readClusterId({ ...kafka, clientId: clientIdOf(config), log });
  await checkCluster({ db, group, log, isAccepted, read });
}

/** Warns of each file that no source reads: that is a misspelt name more often than not. */
export async function sayUnread({
  config,
  log,
}: Pick<BrokerParts, 'config' | 'log'>): Promise<void> {
  if (config.jsonl === undefined) return;
  const topics = new Set(config.sources.map(({ topic }) => topic));
  for (const name of await listFolder(config.jsonl.path)) {
    const stem = /^(.+)\.jsonl(?:\.gz)?$/.exec(name)?.[1];
    if (stem !== undefined && !topics.has(stem))
      log.warn(
        { file: name, topics: [...topics] },
        'this file is not read: no source has its topic',
      );
  }
}

const clientIdOf = ({ instance }: Config) => `plumbline-${instance ?? 'plumbline'}`;
