/** The journal against a real server: append-only, and every tampering is found. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Database, Query } from '../../src/model/ports.ts';
import {
  appendJournal,
  type JournalEntry,
  journalHash,
  journalTail,
  readJournal,
  verifyJournal,
} from '../../src/record/journal.ts';
import {
  type FreshDatabase,
  freshDatabase,
  type ProvidedPostgres,
  providePostgres,
} from './postgres.ts';

let provider: ProvidedPostgres;
let fresh: FreshDatabase;
let db: Database;
before(async () => {
  provider = await providePostgres();
  fresh = await freshDatabase(provider);
  db = fresh.db;
});
after(async () => {
  await fresh.drop();
  await provider.stop();
});

const entry = (n: number): JournalEntry => ({
  kind: n % 2 === 0 ? 'detection' : 'decision',
  atMs: 1_700_000_000_000 + n,
  body: { n, text: `line ${n}`, nested: { b: 1, a: [n, null] } },
});

const append = async (lane: number, entries: readonly JournalEntry[]): Promise<void> =>
  await db.transaction((query) => appendJournal(query, lane, entries));

const many = (from: number, count: number): JournalEntry[] =>
  Array.from({ length: count }, (_, at) => entry(from + at));

test('an empty chain is whole, and so is one of many batches, while it grows', async () => {
  assert.deepEqual(await verifyJournal(db, 1), { ok: true, entries: 0 });
  await append(1, many(1, 2500));
  assert.deepEqual(await verifyJournal(db, 1), { ok: true, entries: 2500 });
  const growing = (async () => {
    for (let n = 0; n < 20; n += 1) await append(1, many(2501 + n * 10, 10));
  })();
  for (let n = 0; n < 3; n += 1) assert.equal((await verifyJournal(db, 1)).ok, true);
  await growing;
  assert.deepEqual(await verifyJournal(db, 1), { ok: true, entries: 2700 });
  const tail = await journalTail(db, 1, 2);
  assert.deepEqual(
    tail.map((row) => row.n),
    [2699, 2700],
  );
});

test('writers at once make one chain without a gap', async () => {
  await Promise.all(Array.from({ length: 12 }, (_, n) => append(2, many(n * 5, 5))));
  assert.deepEqual(await verifyJournal(db, 2), { ok: true, entries: 60 });
});

test('a rolled back transaction leaves the chain as it was', async () => {
  await append(3, many(1, 3));
  await assert.rejects(
    db.transaction(async (query) => {
      await appendJournal(query, 3, many(4, 3));
      throw new Error('changed my mind');
    }),
    /changed my mind/,
  );
  await append(3, many(4, 1));
  assert.deepEqual(await verifyJournal(db, 3), { ok: true, entries: 4 });
});

test('the table refuses change, removal and emptying', async () => {
  await append(4, many(1, 3));
  for (const sql of ['update journal set body = body', 'delete from journal', 'truncate journal']) {
    await assert.rejects(db.query(sql), /SQLSTATE 23001/);
  }
  assert.deepEqual(await verifyJournal(db, 4), { ok: true, entries: 3 });
});

/** Small seeded generator: the same tamperings at each run. */
const generator = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
};

const LENGTH = 60;
type Tampering = (query: Query, at: number, other: number, random: number) => Promise<unknown>;

const rewriteFrom = async (query: Query, start: number): Promise<void> => {
  // What somebody does who knows the rule: recompute every later hash, but not the head's.
  const rows = [];
  for await (const row of readJournal({ query }, 5)) rows.push(row);
  let prev = rows[start - 2]?.hash ?? '0'.repeat(64);
  for (const row of rows.slice(start - 1)) {
    const body = row.n === start ? '{"forged":true}' : row.body;
    const hash = journalHash({ ...row, body, prev });
    await query('update journal set body = $2, prev = $3, hash = $4 where lane = 5 and n = $1', [
      row.n,
      body,
      prev,
      hash,
    ]);
    prev = hash;
  }
};

const TAMPERINGS: Readonly<Record<string, Tampering>> = {
  body: (query, at, _, random) =>
    query('update journal set body = overlay(body placing $2 from $3) where lane = 5 and n = $1', [
      ...[at, '#', 1 + Math.floor(random * 20)],
    ]),
  kind: (query, at) =>
    query("update journal set kind = kind || 's' where lane = 5 and n = $1", [at]),
  time: (query, at) =>
    query('update journal set at_ms = at_ms + 1 where lane = 5 and n = $1', [at]),
  hash: (query, at) =>
    query('update journal set hash = reverse(hash) where lane = 5 and n = $1', [at]),
  prev: (query, at) =>
    query('update journal set prev = reverse(prev || $2) where lane = 5 and n = $1', [at, 'f']),
  removed: (query, at) => query('delete from journal where lane = 5 and n = $1', [at]),
  closedUp: async (query, at) => {
    await query('delete from journal where lane = 5 and n = $1', [at]);
    await query('update journal set n = -n where lane = 5 and n > $1', [at]);
    await query('update journal set n = -n - 1 where lane = 5 and n < 0');
    await query('update journal_head set n = n - 1 where lane = 5');
  },
  cutOff: (query, at) => query('delete from journal where lane = 5 and n >= $1', [at]),
  inserted: async (query, at) => {
    await query('update journal set n = -n where lane = 5 and n >= $1', [at]);
    await query('update journal set n = -n + 1 where lane = 5 and n < 0');
    await query(
      `insert into journal (lane, n, at_ms, kind, body, prev, hash)
       select lane, $1::bigint, at_ms, kind, body, prev, hash from journal
       where lane = 5 and n = $1::bigint + 1`,
      [at],
    );
    await query('update journal_head set n = n + 1 where lane = 5');
  },
  swapped: async (query, at, other) => {
    await query('update journal set n = 0 where lane = 5 and n = $1', [at]);
    await query('update journal set n = $1 where lane = 5 and n = $2', [at, other]);
    await query('update journal set n = $1 where lane = 5 and n = 0', [other]);
  },
  before: (query) =>
    query(
      `insert into journal (lane, n, at_ms, kind, body, prev, hash)
       select lane, 0, at_ms, kind, body, prev, hash from journal where lane = 5 and n = 1`,
    ),
  behind: (query) =>
    query(
      `insert into journal (lane, n, at_ms, kind, body, prev, hash)
       select lane, n + 1, at_ms, kind, body, prev, hash from journal where lane = 5
       order by n desc limit 1`,
    ),
  headHash: (query) => query('update journal_head set hash = reverse(hash) where lane = 5'),
  headGone: (query) => query('delete from journal_head where lane = 5'),
  otherLane: (query, at) => query('update journal set lane = 6 where lane = 5 and n = $1', [at]),
  rewritten: (query, at) => rewriteFrom(query, at),
};

test('200 random tamperings are all found', async () => {
  await append(5, many(1, LENGTH));
  const random = generator(4711);
  const names = Object.keys(TAMPERINGS);
  const rollback = new Error('rolled back');
  for (let n = 0; n < 208; n += 1) {
    const name = names[n % names.length] ?? '';
    const at = 1 + Math.floor(random() * LENGTH);
    const other = (at % LENGTH) + 1;
    await assert.rejects(
      db.transaction(async (query) => {
        await query('alter table journal disable trigger user');
        await TAMPERINGS[name]?.(query, at, other, random());
        const verdict = await verifyJournal({ query }, 5);
        assert.equal(verdict.ok, false, `${name} at ${at} was not found`);
        assert.equal(typeof verdict.brokenAt, 'number');
        assert.ok(verdict.why);
        if (name === 'body') assert.equal(verdict.brokenAt, at);
        throw rollback;
      }),
      (cause: unknown) => {
        if (cause !== rollback) throw cause;
        return true;
      },
    );
  }
  assert.deepEqual(await verifyJournal(db, 5), { ok: true, entries: LENGTH });
});
