/** The event log over a real server: no gaps, shared commits, keys, retention, and what is held back. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, beforeEach, it } from 'node:test';
import { systemClock } from '../../src/adapters/clock.ts';
import { openDatabase } from '../../src/adapters/postgres.ts';
import type { LogEntry } from '../../src/model/ingest.ts';
import type { Database } from '../../src/model/ports.ts';
import { backlogBytes, firstUnread, readHeads, readLog } from '../../src/record/event-log.ts';
import { createEventLogBroker } from '../../src/record/event-log-broker.ts';
import { RECEIPTS_KEPT_MS, sweepEventLog } from '../../src/record/event-log-retention.ts';
import { createBell, createEventLogWriter } from '../../src/record/event-log-writer.ts';
import { claimLane, commitLane } from '../../src/record/lane.ts';
import { quietLog, Recorder, until } from './kafka-lane-recorder.ts';
import {
  type FreshDatabase,
  freshDatabase,
  type ProvidedPostgres,
  providePostgres,
  silentLog,
} from './postgres.ts';
import { commit } from './samples.ts';

const NOW = 1_800_000_000_000;
const HOUR = 3_600_000;
const MOST = { records: 10_000, bytes: 1 << 30 };
let postgres: ProvidedPostgres;
let database: FreshDatabase;
let db: Database;

before(async () => {
  postgres = await providePostgres();
});
beforeEach(async () => {
  await database?.drop();
  database = await freshDatabase(postgres);
  db = database.db;
});
after(async () => {
  await database?.drop();
  await postgres.stop();
});

const sha256 = (text: string) => createHash('sha256').update(text).digest();
const keyed = (key: string, body: string) => ({ keyHash: sha256(key), bodyHash: sha256(body) });

function entry(topic: string, values: readonly string[], more: Partial<LogEntry> = {}): LogEntry {
  return {
    ...{ topic, values: values.map((one) => Buffer.from(one)), headers: {}, receivedMs: NOW },
    ...{ accepted: values.length, rejected: 0, idempotency: null },
    ...more,
  };
}

/** A writer, and how many transactions it has begun. */
function writerOn(on: Database) {
  const counted = { transactions: 0 };
  const transaction: Database['transaction'] = async (work) => {
    counted.transactions += 1;
    return await on.transaction(work);
  };
  return {
    counted,
    ...createEventLogWriter({ transaction }, createBell(systemClock), systemClock),
  };
}

const at = (topic: string, offset = 0) => ({ topic, partition: 0, offset });

it('gives numbers without gaps to four writers at once, in the order in which they become visible', async () => {
  const others = await Promise.all(
    [1, 2, 3].map((n) =>
      openDatabase({
        ...{ url: database.url, poolMax: 2, applicationName: `writer-${n}`, log: silentLog },
      }),
    ),
  );
  // A reader looks on: once it has seen a number it must never see a lower one appear.
  const seen: number[] = [];
  const looking = { isOver: false };
  const reader = (async () => {
    while (!looking.isOver) {
      const records = await readLog(db, [at('a'), at('b')], (seen.at(-1) ?? -1) + 1, MOST);
      seen.push(...records.map(({ appendNo }) => appendNo));
      await systemClock.sleep(1);
    }
  })();
  const writers = [db, ...others].map(writerOn);
  await Promise.all(
    writers.flatMap((writer, n) =>
      Array.from({ length: 250 }, async (_, i) => {
        await systemClock.sleep(i % 40);
        await writer.append(entry(i % 2 === 0 ? 'a' : 'b', [`${n}/${i}`]));
      }),
    ),
  );
  await until('the reader has seen all', () => seen.length >= 1000);
  looking.isOver = true;
  await reader;
  assert.deepEqual(
    seen,
    Array.from({ length: 1000 }, (_, i) => i),
  );
  const heads = await readHeads(db, ['a', 'b', 'nowhere']);
  assert.deepEqual(
    heads.map(({ topic, low, end }) => [topic, low, end]),
    [
      ['a', 0, 500],
      ['b', 0, 500],
      ['nowhere', 0, 0],
    ],
  );
  const rows = await db.query(
    'select topic, count(distinct "offset")::int as n from event_log group by 1 order by 1',
  );
  assert.deepEqual(
    rows.map(({ topic, n }) => [topic, n]),
    [
      ['a', 500],
      ['b', 500],
    ],
  );
  // What came at one time shared commits.
  const transactions = writers.reduce((sum, { counted }) => sum + counted.transactions, 0);
  assert.ok(transactions < 500, `${transactions} transactions for 1000 requests`);
  await Promise.all(others.map((other) => other.close()));
});

it('keeps values as they came, large and small, in one transaction', async () => {
  const large = Buffer.alloc(3_000_000, 'plumbline ');
  const odd = Buffer.from([0, 255, 0x5c, 0x78, 10, 0]);
  const writer = writerOn(db);
  const appended = await Promise.all([
    writer.append(entry('a', ['one', 'two'])),
    writer.append({ ...entry('a', []), values: [odd, large] }),
    writer.append(entry('b', ['three'], { headers: { 'content-type': 'a\u0000b' } })),
  ]);
  assert.deepEqual(
    appended.map((one) => one.type === 'appended' && one.firstOffset),
    [0, 2, 0],
  );
  const records = await readLog(db, [at('a'), at('b')], 0, MOST);
  assert.deepEqual(
    records.map(({ topic, offset }) => `${topic}${offset}`),
    ['a0', 'a1', 'a2', 'a3', 'b0'],
  );
  assert.ok(records[2]?.value.equals(odd));
  assert.ok(records[3]?.value.equals(large));
  assert.equal(writer.waitingBytes(), 0);
});

it('reads in bounded pieces, and one record at the least', async () => {
  const writer = writerOn(db);
  for (let n = 0; n < 5; n += 1) await writer.append(entry('a', ['x'.repeat(1000)]));
  const read = async (bytes: number, records = 100) =>
    (await readLog(db, [at('a')], 0, { records, bytes })).length;
  assert.deepEqual(
    [await read(10), await read(2500), await read(5000), await read(5000, 3)],
    [1, 2, 5, 3],
  );
  assert.equal(await firstUnread(db, [at('a', 3)]), 3);
  assert.equal(await firstUnread(db, [at('a', 5)]), null);
});

it('answers the same key the same way for the same body, and refuses it for another', async () => {
  const writer = writerOn(db);
  const first = await writer.append(entry('a', ['x', 'y'], { idempotency: keyed('k', 'body') }));
  const again = await writer.append(entry('a', ['x', 'y'], { idempotency: keyed('k', 'body') }));
  const other = await writer.append(entry('a', ['z'], { idempotency: keyed('k', 'other') }));
  const elsewhere = await writer.append(entry('b', ['z'], { idempotency: keyed('k', 'other') }));
  const told = { firstOffset: 0, accepted: 2, rejected: 0 };
  assert.deepEqual(first, { type: 'appended', ...told });
  assert.deepEqual(again, { type: 'known', ...told });
  assert.deepEqual(other, { type: 'conflict' });
  assert.equal(elsewhere.type, 'appended');
  // Twice in one breath, and from two processes.
  const second = writerOn(db);
  const twice = await Promise.all(
    [writer, writer, second].map((one) =>
      one.append(entry('a', ['w'], { idempotency: keyed('k2', 'w') })),
    ),
  );
  assert.deepEqual(twice.map(({ type }) => type).sort(), ['appended', 'known', 'known']);
  assert.equal((await readHeads(db, ['a']))[0]?.end, 3);
});

it('lets go of what is old or too much, never of what a group has not read, unless told to', async () => {
  const writer = writerOn(db);
  for (let n = 0; n < 10; n += 1)
    await writer.append(
      entry(n % 2 === 0 ? 'a' : 'b', ['x'.repeat(100)], {
        receivedMs: NOW - (10 - n) * HOUR,
        ...(n === 0 ? { idempotency: keyed('old', 'x') } : {}),
      }),
    );
  // A group that has read all of a, and of b the first two records.
  const topicPartitions = [
    { topic: 'a', partition: 0 },
    { topic: 'b', partition: 0 },
  ];
  const { claim } = await claimLane(db, {
    ...{ group: 'g', lane: 0, owner: 'test', topicPartitions, pages: 256 },
  });
  const moved = (topic: string, next: number) => ({
    from: 0,
    to: { topic, partition: 0, low: next, next },
  });
  const moves = [moved('a', 5), moved('b', 2)];
  assert.equal(await commitLane(db, claim, commit({ moves })), 'done');
  assert.equal(await backlogBytes(db, 'g', ['a', 'b']), 500);
  assert.equal(await backlogBytes(db, 'nobody', ['a', 'b']), 1000);
  const keep = { keepMs: 7 * HOUR + 1, keepBytes: 1 << 30, dropsUnread: false };
  const aged = await sweepEventLog(db, keep, NOW);
  assert.deepEqual([aged.records, aged.bytes, aged.heldBytes], [3, 300, 0]);
  const starts = async () =>
    (await readHeads(db, ['a', 'b'])).map(({ topic, low }) => `${topic}${low}`);
  assert.deepEqual(await starts(), ['a2', 'b1']);
  // 200 bytes are to stay; the third record of b, at place 5, is unread and holds everything from there on.
  const sized = await sweepEventLog(db, { ...keep, keepBytes: 200 }, NOW);
  assert.deepEqual([sized.records, sized.unread, sized.heldBytes], [2, 0, 300]);
  assert.deepEqual(await starts(), ['a3', 'b2']);
  const hard = await sweepEventLog(db, { ...keep, keepBytes: 200, dropsUnread: true }, NOW);
  assert.deepEqual([hard.records, hard.unread, hard.heldBytes], [3, 2, 0]);
  assert.deepEqual(await starts(), ['a4', 'b4']);
  // The group is told what it never saw.
  const gaps: unknown[] = [];
  const broker = createEventLogBroker(db, {
    ...{ topics: ['a', 'b'], bell: createBell(systemClock), clock: systemClock, log: quietLog },
    onGap: (gap) => gaps.push(gap),
  });
  const lane = new Recorder({
    positions: new Map([
      ['a/0', 5],
      ['b/0', 2],
    ]),
  });
  await broker.start(lane);
  await until('the rest came', () => lane.applied.length === 1);
  assert.deepEqual(gaps, [{ topic: 'b', partition: 0, from: 2, to: 4 }]);
  // And while it runs, too.
  await writer.append(entry('b', ['new']));
  await until('that came', () => lane.applied.length === 2);
  await broker.stop(1000);
  assert.equal((await sweepEventLog(db, keep, NOW + RECEIPTS_KEPT_MS)).receipts, 1);
});

it('waits while the database is away, and goes on where it was', async () => {
  const flaky = await openDatabase({
    ...{ url: database.url, poolMax: 2, applicationName: 'flaky', log: silentLog },
  });
  const writer = writerOn(db);
  await writer.append(entry('a', ['1', '2']));
  const broker = createEventLogBroker(flaky, {
    ...{ topics: ['a'], bell: createBell(systemClock), clock: systemClock, log: quietLog },
  });
  const lane = new Recorder();
  await broker.start(lane);
  await until('two came', () => lane.applied.length === 2);
  for (let n = 0; n < 5; n += 1) {
    await db.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'flaky'`,
    );
    await writer.append(entry('a', [String(n + 3)]));
  }
  await until('the rest came', () => lane.applied.length === 7);
  assert.deepEqual(lane.values({ topic: 'a', partition: 0 }), ['1', '2', '3', '4', '5', '6', '7']);
  assert.deepEqual(lane.failures, []);
  await broker.stop(1000);
  await flaky.close();
  lane.finish();
});
