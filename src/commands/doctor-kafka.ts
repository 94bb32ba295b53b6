/** Doctor on Kafka and files: whether what sources name is there, fresh and kept. */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { systemClock } from '../adapters/clock.ts';
import { exists } from '../adapters/files.ts';
import { type ClusterSeen, examineCluster, type TopicSeen } from '../adapters/kafka-cluster.ts';
import { createLog } from '../adapters/log.ts';
import type { SourceConfig } from '../model/config/source.ts';
import type { Config } from '../model/config.ts';
import { durationMs } from '../model/duration.ts';
import { OperatingError } from '../model/errors.ts';
import type { Database } from '../model/ports.ts';
import { readStatus } from '../record/status.ts';
import { RECORD_BYTES_MAX } from '../source/json.ts';
import type { Environment } from './config.ts';
import { fail, type Look, ok, warn } from './doctor-text.ts';
import { kafkaAccess } from './kafka-access.ts';
import { count, lengthOf } from './output.ts';

/** A source that was heard within this is not called silent here, ms. */
const FRESH_MS = 3_600_000;
const KEPT_WARN_MS = 86_400_000;

/** The cluster, its topics, and how far our group is. `db`: where positions stand; null: not there. */
export async function lookAtKafka(
  config: Config,
  environment: Environment,
  db: Database | null,
): Promise<Look[]> {
  const { kafka, sources } = config;
  if (kafka === undefined) return [];
  const group = kafka.group ?? 'plumbline';
  const topics = sources.map(({ topic }) => topic);
  const log = createLog('silent', 'doctor');
  let seen: ClusterSeen;
  try {
    const access = await kafkaAccess(kafka, environment);
    const options = { ...access, clientId: 'plumbline-doctor', log };
    const sinceMs = systemClock.nowMs() - FRESH_MS;
    seen = await examineCluster(options, { topics, group, sinceMs });
  } catch (cause) {
    if (!(cause instanceof OperatingError)) throw cause;
    return [fail('kafka', cause.message, adviceOn(cause))];
  }
  const members =
    seen.group === null
      ? 'has not joined here'
      : `${seen.group.state}, ${count(seen.group.members, 'member')}`;
  return [
    ok('kafka', `${count(seen.brokers, 'broker')}; group ${group}: ${members}`),
    ...sources.flatMap((source) => lookAtTopic(source, seen.topics.get(source.topic))),
    ...lookAtPartitions(seen),
    ...(db === null ? [] : await lookAtPositions(db, group, seen)),
  ];
}

function adviceOn({ code }: OperatingError): string {
  if (code === 'BROKER_REFUSED') return 'correct kafka.sasl, or let this user read there';
  return code === 'CONFIG_INVALID'
    ? 'correct it'
    : 'start it, or correct kafka.brokers and kafka.tls';
}

function lookAtTopic(source: SourceConfig, topic: TopicSeen | undefined): Look[] {
  const at = `${source.name}: topic ${source.topic}`;
  if (topic === undefined)
    return [
      fail(
        'kafka',
        `${at} does not exist`,
        'create it (the observer never does), or correct its name under `sources`',
      ),
    ];
  const { partitions, settings, leaderless, fresh } = topic;
  const stamps = settings.get('message.timestamp.type') ?? 'unknown';
  const bytes = Number(settings.get('max.message.bytes') ?? 0);
  const packed = settings.get('compression.type') ?? 'unknown';
  const says = `${at}: ${count(partitions.length, 'partition')}, times ${stamps}, packing ${packed}`;
  const looks = [ok('kafka', says)];
  if (leaderless > 0)
    looks.push(
      fail(
        'kafka',
        `${at}: ${count(leaderless, 'partition')} without a leader`,
        'nothing can be read of them until their brokers are back',
      ),
    );
  if (bytes > RECORD_BYTES_MAX)
    looks.push(
      warn(
        'kafka',
        `${at} takes records of ${bytes.toLocaleString('en')} bytes; above ${RECORD_BYTES_MAX.toLocaleString('en')} they are dead letters`,
        'lower max.message.bytes, or send less in one record',
      ),
    );
  looks.push(...lookAtRetention(source, at, settings));
  if (fresh > 0) looks.push(ok('sources', `${source.name} was heard within the hour`));
  else
    looks.push(
      warn(
        'sources',
        `${source.name} wrote nothing for an hour`,
        'is its producer running, and writing to this topic?',
      ),
    );
  return looks;
}

function lookAtRetention(
  source: SourceConfig,
  at: string,
  settings: ReadonlyMap<string, string>,
): Look[] {
  const policy = settings.get('cleanup.policy');
  if (policy?.includes('compact') === true)
    return [
      fail(
        'kafka',
        `${at} is compacted: earlier records of a key are lost`,
        'set cleanup.policy to delete',
      ),
    ];
  const keptMs = Number(settings.get('retention.ms') ?? -1);
  if (keptMs < 0 || !Number.isFinite(keptMs)) return [];
  const lateMs = durationMs(source.lateness ?? '30s');
  const says = `${at} keeps records for ${lengthOf(keptMs)}`;
  if (keptMs <= 2 * lateMs)
    return [
      fail(
        'kafka',
        `${says}, and they may be ${lengthOf(lateMs)} late`,
        'raise retention.ms: a restart could not read again what still waits',
      ),
    ];
  if (keptMs < KEPT_WARN_MS)
    return [
      warn(
        'kafka',
        says,
        'raise retention.ms to a day at least: an outage that lasts longer is a gap for ever',
      ),
    ];
  return [];
}

/** Agents are joined across topics by partition: an agent's records must lie in the same one. */
function lookAtPartitions({ topics }: ClusterSeen): Look[] {
  const counts = new Set([...topics.values()].map(({ partitions }) => partitions.length));
  if (counts.size <= 1) return [];
  return [
    warn(
      'kafka',
      `topics have different numbers of partitions (${[...counts].sort((a, b) => a - b).join(', ')})`,
      'one member reads all of it; for several, give them the same number, keyed by agent',
    ),
  ];
}

async function lookAtPositions(db: Database, group: string, seen: ClusterSeen): Promise<Look[]> {
  const { lanes } = await readStatus(db);
  const positions = lanes.filter((lane) => lane.group === group).flatMap((lane) => lane.positions);
  const looks: Look[] = [];
  let behind = 0;
  for (const { topic, partition, low, next } of positions) {
    const range = seen.topics.get(topic)?.partitions.find((one) => one.partition === partition);
    if (range === undefined) continue;
    const at = `${topic}/${partition}`;
    if (next > range.end)
      looks.push(
        fail(
          'kafka',
          `${at}: we read to ${next}, and the log ends at ${range.end}: it is another log`,
          'restore the topic, or begin with a new group name',
        ),
      );
    else if (low < range.low)
      looks.push(
        fail(
          'kafka',
          `${at}: records ${low} to ${range.low} are gone before they were used`,
          'the next start records the gap; raise retention.ms',
        ),
      );
    behind += Math.max(0, range.end - next);
  }
  if (positions.length > 0)
    looks.push(
      ok('kafka', `${count(behind, 'record')} behind the ends of the logs, by the record`),
    );
  return looks;
}

/** The folder of files, where that is what is read. */
export async function lookAtFiles(config: Config): Promise<Look[]> {
  const { jsonl, sources } = config;
  if (jsonl === undefined) return [];
  if (!(await exists(jsonl.path)))
    return [
      warn(
        'sources',
        `folder ${jsonl.path} is not there`,
        'it may appear later; else correct jsonl.path',
      ),
    ];
  const looks: Look[] = [];
  for (const { name, topic } of sources) {
    const ms = await writtenMs(jsonl.path, topic);
    if (ms === null)
      looks.push(
        warn(
          'sources',
          `${name}: no ${topic}.jsonl in ${jsonl.path}`,
          'it may appear later; else correct its topic',
        ),
      );
    else
      looks.push(
        ok('sources', `${name} was written ${lengthOf(Math.max(0, systemClock.nowMs() - ms))} ago`),
      );
  }
  return looks;
}

async function writtenMs(folder: string, topic: string): Promise<number | null> {
  for (const end of ['.jsonl', '.jsonl.gz']) {
    const file = path.join(folder, `${topic}${end}`);
    if (await exists(file)) return (await stat(file)).mtimeMs;
  }
  return null;
}
