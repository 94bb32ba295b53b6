/** The event log as a broker, over a table in memory: what pauses and goes on loses nothing. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { systemClock } from '../../src/adapters/clock.ts';
import type { Database, LaneHandler } from '../../src/model/ports.ts';
import { createEventLogBroker } from '../../src/record/event-log-broker.ts';
import { createBell } from '../../src/record/event-log-writer.ts';

/** So large that two of them make two slices. */
const LARGE = Buffer.alloc(600 * 1024);

/** A log that holds a record of each of these topics, in this order. */
function tableOf(...topics: string[]): Pick<Database, 'query'> {
  const ends = new Map<string, number>();
  const rows = topics.map((topic, at) => {
    const offset = ends.get(topic) ?? 0;
    ends.set(topic, offset + 1);
    return { append_no: at + 1, topic, offset, received_ms: 1, headers: {}, value: LARGE };
  });
  const query = async (sql: string, parameters: readonly unknown[] = []) => {
    if (sql.includes('event_log_head'))
      return [...ends].map(([topic, end]) => ({ topic, next_offset: end, log_start: 0 }));
    const [names, offsets, from] = parameters as [string[], number[], number | undefined];
    const next = new Map(names.map((name, at) => [name, offsets[at] as number]));
    const unread = rows.filter((row) => row.offset >= (next.get(row.topic) ?? Infinity));
    if (from !== undefined) return unread.filter((row) => row.append_no >= from);
    return [{ append_no: unread[0]?.append_no ?? null }];
  };
  return { query: query as Database['query'] };
}

describe('the event log as a broker', () => {
  it('reads again what it passed by, where a topic goes on within what was read at once', async () => {
    const silent = () => undefined;
    const broker = createEventLogBroker(tableOf('a', 'a', 'b', 'a'), {
      ...{ topics: ['a', 'b'], bell: createBell(systemClock), clock: systemClock },
      log: { debug: silent, info: silent, warn: silent, error: silent },
    });
    const read: string[] = [];
    const all = Promise.withResolvers<void>();
    const a = { topic: 'a', partition: 0 };
    const handler: LaneHandler = {
      assigned: async (partitions) =>
        partitions.map(({ topic, partition }) => ({ topic, partition, offset: 0 })),
      revoked: silent,
      slice: async (records) => {
        for (const { topic, offset } of records) read.push(`${topic}${offset}`);
        const last = read.at(-1);
        if (last === 'a0') broker.pause([a]);
        if (last === 'b0') broker.resume([a]);
        if (last === 'a2') all.resolve();
        return 'done';
      },
      progress: silent,
      failed: (cause) => all.reject(cause),
    };
    await broker.start(handler);
    await all.promise;
    await broker.stop(1000);
    assert.deepEqual(read, ['a0', 'b0', 'a1', 'a2']);
  });
});
