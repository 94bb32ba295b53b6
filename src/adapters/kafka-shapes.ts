/** Between our records and offsets and the shapes kafkajs speaks in. */
import { assert } from '../model/errors.ts';
import type { OutRecord, TopicPartition } from '../model/ports.ts';

// kafkajs puts all records for a partition into one batch; brokers refuse above 1 MiB by default.
const PUBLISH_BYTES_MAX = 786_432;
const PUBLISH_RECORDS_MAX = 1_000;

/** Cuts records, in order, into chunks that a broker takes as one batch. */
export function* cutChunks(records: readonly OutRecord[]): Generator<readonly OutRecord[]> {
  let chunk: OutRecord[] = [];
  let bytes = 0;
  for (const record of records) {
    const size = sizeOf(record);
    const isFull = chunk.length >= PUBLISH_RECORDS_MAX || bytes + size > PUBLISH_BYTES_MAX;
    if (isFull && chunk.length > 0) {
      yield chunk;
      chunk = [];
      bytes = 0;
    }
    chunk.push(record);
    bytes += size;
  }
  if (chunk.length > 0) yield chunk;
}

function sizeOf({ key, value, headers = {} }: OutRecord): number {
  let bytes = Buffer.byteLength(value) + Buffer.byteLength(key ?? '') + 100;
  for (const [name, text] of Object.entries(headers)) bytes += name.length + text.length * 3 + 10;
  return bytes;
}

/** Records grouped by topic, as kafkajs wants to send them. */
export function byTopic(records: readonly OutRecord[]) {
  const groups = Map.groupBy(records, ({ topic }) => topic);
  return [...groups].map(([topic, group]) => ({
    topic,
    messages: group.map(({ key, value, partition, timestampMs, headers }) => ({
      ...{ key, value },
      ...(partition === undefined ? {} : { partition }),
      ...(timestampMs === undefined ? {} : { timestamp: String(timestampMs) }),
      ...(headers === undefined ? {} : { headers: { ...headers } }),
    })),
  }));
}

/** Partitions grouped by topic, as kafkajs wants to be told. */
export function grouped(partitions: readonly TopicPartition[]) {
  const groups = Map.groupBy(partitions, ({ topic }) => topic);
  return [...groups].map(([topic, group]) => ({
    topic,
    partitions: group.map(({ partition }) => partition),
  }));
}

/** An offset as a number. Asserts that it is exact. */
export function safeOffset(text: string, { topic, partition }: TopicPartition): number {
  const offset = Number(text);
  assert(Number.isSafeInteger(offset), `offset ${text} of ${topic}/${partition} is not exact`);
  return offset;
}
