/** Where a lane stands: by PostgreSQL, whose word counts, and by Kafka, which is told later. */
import kafkajs from 'kafkajs';
import { calmRequestQueue } from '../../../src/adapters/kafka-client.ts';
import type { Database } from '../../../src/model/ports.ts';

/** Positions at one moment. */
export interface Standing {
  /** Records whose effects are committed, and how many of them recovery reads again. */
  readonly records: number;
  readonly again: number;
  /** Partitions in which PostgreSQL is ahead of what Kafka was told, and by how many records. */
  readonly ahead: { readonly partitions: number; readonly records: number };
  /** Requests that are out or were when the process died: their outcome is not recorded. */
  readonly sending: readonly string[];
}

/** Looks at a lane from outside. */
export interface Watcher {
  look(db: Database): Promise<Standing>;
  close(): Promise<void>;
}

/** A watcher over a consumer group. */
export async function createWatcher(
  brokers: readonly string[],
  groupId: string,
  topics: readonly string[],
): Promise<Watcher> {
  calmRequestQueue();
  const kafka = new kafkajs.Kafka({
    clientId: 'plt-crash-watch',
    brokers: [...brokers],
    logLevel: kafkajs.logLevel.NOTHING,
  });
  const admin = kafka.admin();
  await admin.connect();
  return {
    look: async (db) => {
      const told = new Map<string, number>();
      for (const { topic, partitions } of await admin.fetchOffsets({
        groupId,
        topics: [...topics],
      }))
        for (const { partition, offset } of partitions)
          told.set(`${topic}/${partition}`, Math.max(0, Number(offset)));
      const rows = await db.query('select topic, partition, low_offset, next_offset from progress');
      let records = 0;
      let again = 0;
      const ahead = { partitions: 0, records: 0 };
      for (const row of rows) {
        const next = Number(row['next_offset']);
        records += next;
        again += next - Number(row['low_offset']);
        const more = next - (told.get(`${row['topic']}/${row['partition']}`) ?? 0);
        if (more <= 0) continue;
        ahead.partitions += 1;
        ahead.records += more;
      }
      const sent = await db.query(`select key from outbox where state = 'sending'`);
      return { records, again, ahead, sending: sent.map((row) => String(row['key'])) };
    },
    close: () => admin.disconnect(),
  };
}
