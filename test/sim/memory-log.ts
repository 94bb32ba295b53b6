/** A log in memory: topics with partitions, as a broker would hold them. */
import type { PartitionLag, Rec, TopicPartition } from '../../src/model/ports.ts';

/** A record on its way into the log. */
export interface Appended extends TopicPartition {
  readonly value: string;
  /** When the log got it, ms since 1970. */
  readonly timestampMs: number;
  readonly key?: string;
}

/** Partitions come into being with their first record; offsets are dense and start at 0. */
export interface MemoryLog {
  /** Adds a record at the end of its partition and returns it as a reader gets it. */
  append(record: Appended): Rec;
  /** Every partition with its ends; `next` is 0. In the order of topic and partition. */
  partitions(): PartitionLag[];
  /** Up to `most` records from an offset. */
  read(at: TopicPartition, offset: number, most: number): Rec[];
  /** Offset one past the last record; 0 where there is no such partition. */
  end(at: TopicPartition): number;
}

/** An empty log. */
export function createMemoryLog(): MemoryLog {
  const partitions = new Map<string, { readonly at: TopicPartition; readonly records: Rec[] }>();
  const keyOf = ({ topic, partition }: TopicPartition) => `${topic}/${partition}`;
  const recordsOf = (at: TopicPartition) => partitions.get(keyOf(at))?.records ?? [];
  return {
    append({ topic, partition, value, timestampMs, key }) {
      const at = { topic, partition };
      let known = partitions.get(keyOf(at));
      if (known === undefined) {
        known = { at, records: [] };
        partitions.set(keyOf(at), known);
      }
      const rec: Rec = {
        topic,
        partition,
        offset: known.records.length,
        timestampMs,
        key: key === undefined ? null : Buffer.from(key),
        value: Buffer.from(value),
      };
      known.records.push(rec);
      return rec;
    },
    partitions: () =>
      [...partitions.keys()].sort().map((key) => {
        const { at, records } = partitions.get(key) as { at: TopicPartition; records: Rec[] };
        return { ...at, next: 0, low: 0, end: records.length };
      }),
    read: (at, offset, most) => recordsOf(at).slice(offset, offset + most),
    end: (at) => recordsOf(at).length,
  };
}
