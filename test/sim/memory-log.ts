/** A log in memory: topics with partitions, as a broker would hold them. */
import type { PartitionLag, Rec, TopicPartition } from '../../src/model/ports.ts';

/** A record on its way into the log. */
export interface Appended extends TopicPartition {
  readonly value: string;
  /** When the log got it, ms since 1970. */
  readonly timestampMs: number;
  readonly key?: string;
}

/** Partitions come into being with their first record; offsets are dense. */
export interface MemoryLog {
  /** Adds a record at the end of its partition and returns it as a reader gets it. */
  append(record: Appended): Rec;
  /** Every partition with its ends; `next` is its beginning. In the order of topic and partition. */
  partitions(): PartitionLag[];
  /** Up to `most` records from an offset. */
  read(at: TopicPartition, offset: number, most: number): Rec[];
  /** Offset one past the last record; 0 where there is no such partition. */
  end(at: TopicPartition): number;
}

/** An empty log. `begins`: offset of the first record of a partition; what came before is gone. */
export function createMemoryLog(begins: (at: TopicPartition) => number = () => 0): MemoryLog {
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
        offset: begins(at) + known.records.length,
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
        const low = begins(at);
        return { ...at, next: low, low, end: low + records.length };
      }),
    read: (at, offset, most) => {
      const from = offset - begins(at);
      return recordsOf(at).slice(from, from + most);
    },
    end: (at) => begins(at) + recordsOf(at).length,
  };
}
