/** Event log relay: with Kafka, what arrives over HTTP goes to the source's topic instead. */
import type { Appended, LogEntry } from '../model/ingest.ts';
import type { Database, OutRecord, Publisher, Query } from '../model/ports.ts';
import { bytesOf, numberOf } from './row.ts';

/** Appends to topics of Kafka. */
export interface EventLogRelay {
  /**
   * Resolves once all replicas that are in sync have it. A key is noted after that: a process that dies
   * between the two publishes again what is sent again, and identity absorbs it.
   */
  append(entry: LogEntry): Promise<Appended>;
  waitingBytes(): number;
  waitingSinceMs(): number | null;
}

const KNOWN = `select body_hash, accepted, rejected from event_log_receipt
  where topic = $1 and key_hash = $2`;
const NOTE = `insert into event_log_receipt
    (topic, key_hash, body_hash, first_offset, accepted, rejected, received_ms)
  values ($1, $2, $3, null, $4, $5, $6) on conflict (topic, key_hash) do nothing`;

/** Makes a relay. Kafka does not say at which offset a record came to lie: none is told. */
export function createEventLogRelay(
  publisher: Pick<Publisher, 'publish'>,
  db: Pick<Database, 'query'>,
): EventLogRelay {
  // In the order in which they came: the first is the oldest.
  const waiting = new Map<LogEntry, number>();
  const together = grouping(publisher);
  const publish = async (entry: LogEntry): Promise<Appended> => {
    const { topic, values, headers, receivedMs, accepted, rejected, idempotency } = entry;
    const known = idempotency === null ? null : await knownOf(db.query, topic, idempotency);
    if (known !== null) return known;
    await together(
      values.map((value) => ({ topic, key: null, value, headers, timestampMs: receivedMs })),
    );
    if (idempotency !== null) {
      const { keyHash, bodyHash } = idempotency;
      await db.query(NOTE, [topic, keyHash, bodyHash, accepted, rejected, receivedMs]);
    }
    return { type: 'appended', firstOffset: null, accepted, rejected };
  };
  return {
    async append(entry) {
      waiting.set(
        entry,
        entry.values.reduce((sum, { length }) => sum + length, 0),
      );
      try {
        return await publish(entry);
      } finally {
        waiting.delete(entry);
      }
    },
    waitingBytes: () => [...waiting.values()].reduce((sum, bytes) => sum + bytes, 0),
    waitingSinceMs: () => {
      const [oldest] = waiting.keys();
      return oldest === undefined ? null : oldest.receivedMs;
    },
  };
}

/** A record above this is published by itself: what Kafka refuses for its size must not take others along. */
const ALONE_BYTES = 256 * 1024;
const GROUP_MAX = 500;

/** Publishes; what comes while a request is under way goes together with the next one. */
function grouping(
  publisher: Pick<Publisher, 'publish'>,
): (records: readonly OutRecord[]) => Promise<void> {
  let waiting: { records: readonly OutRecord[]; settle: PromiseWithResolvers<void> }[] = [];
  let isAtWork = false;
  const work = async (): Promise<void> => {
    isAtWork = true;
    while (waiting.length > 0) {
      const group = waiting.slice(0, GROUP_MAX);
      waiting = waiting.slice(GROUP_MAX);
      try {
        await publisher.publish(group.flatMap(({ records }) => records));
        for (const { settle } of group) settle.resolve();
      } catch (cause) {
        for (const { settle } of group) settle.reject(cause);
      }
    }
    isAtWork = false;
  };
  return async (records) => {
    if (records.some(({ value }) => value.length > ALONE_BYTES))
      return await publisher.publish(records);
    const settle = Promise.withResolvers<void>();
    waiting.push({ records, settle });
    if (!isAtWork) void work();
    return await settle.promise;
  };
}

async function knownOf(
  query: Query,
  topic: string,
  { keyHash, bodyHash }: NonNullable<LogEntry['idempotency']>,
): Promise<Appended | null> {
  const [row] = await query(KNOWN, [topic, keyHash]);
  if (row === undefined) return null;
  if (!bytesOf(row, 'body_hash').equals(bodyHash)) return { type: 'conflict' };
  const [accepted, rejected] = [numberOf(row, 'accepted'), numberOf(row, 'rejected')];
  return { type: 'known', firstOffset: null, accepted, rejected };
}
