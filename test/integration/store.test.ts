/** The lane's store against a real server: claim, commit, fence, restore, poison. */
import assert from 'node:assert/strict';
import { hash, randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { systemClock } from '../../src/adapters/clock.ts';
import { openWindow } from '../../src/baseline/window.ts';
import type { Effects, LaneCommit, StoredParts } from '../../src/model/effects.ts';
import { OperatingError } from '../../src/model/errors.ts';
import type { Database } from '../../src/model/ports.ts';
import { journalledDigests } from '../../src/record/decided.ts';
import { verifyJournal } from '../../src/record/journal.ts';
import { claimLane, commitLane, isClaimed } from '../../src/record/lane.ts';
import {
  insertOperatorRequest,
  isTakenUp,
  pendingOperatorRequests,
} from '../../src/record/operator.ts';
import { patiently } from '../../src/record/patience.ts';
import { shareForwarded, sharePauses } from '../../src/record/pauses.ts';
import { storableJson } from '../../src/record/text.ts';
import { listWindows } from '../../src/record/windows.ts';
import {
  freshDatabase,
  open,
  type ProvidedPostgres,
  providePostgres,
  silentLog,
} from './postgres.ts';
import { relay } from './relay.ts';
import {
  caseOf,
  claim,
  commit,
  decision,
  detection,
  effects,
  entity,
  intention,
  START_MS,
} from './samples.ts';

let provider: ProvidedPostgres;
before(async () => {
  provider = await providePostgres();
});
after(async () => {
  await provider.stop();
});

const withDatabase = async (work: (db: Database, url: string) => Promise<void>): Promise<void> => {
  const fresh = await freshDatabase(provider);
  try {
    await work(fresh.db, fresh.url);
  } finally {
    await fresh.drop();
  }
};

const TABLES =
  'lane progress state_page state_delta detection case_record decision lease outbox ' +
  'lease_activity coverage_gap notice notice_total dead_letter operator_request_done journal';

/** Everything in the database as text, to see that nothing changed. */
const dump = async (db: Database): Promise<string> => {
  const parts: string[] = [];
  for (const table of TABLES.split(' ')) {
    const rows = await db.query(`select row_to_json(t)::text as row from ${table} t order by 1`);
    parts.push(table, ...rows.map((row) => String(row['row'])));
  }
  return parts.join('\n');
};

const move = (from: number, next: number, low = next): LaneCommit['moves'][number] => ({
  from,
  to: { topic: 'gateway', partition: 0, low, next },
});

const everything = (): Effects =>
  effects({
    detections: [detection(1), detection(2)],
    amendments: [
      { type: 'blind', tenant: 'acme', session: 'session-1', source: 'reasoning' },
      { type: 'retracted', detectionId: detection(2).id, reason: 'a late record' },
    ],
    cases: [caseOf(1), caseOf(2)],
    decisions: [decision(1), decision(2)],
    intentions: [intention(1), intention(2)],
    coverage: [
      {
        ...{ id: 'gap', source: 'gateway', kind: 'gateway', fromMs: START_MS, toMs: null },
        ...{ reason: 'silent', sessions: 3 },
      },
    ],
    notices: [
      { code: 'event.late', subject: 'gateway', detail: 'first', timeMs: START_MS },
      { code: 'event.late', subject: 'gateway', detail: 'second', timeMs: START_MS + 1 },
    ],
    deadLetters: [
      {
        position: { topic: 'gateway', partition: 0, offset: 7, index: 0 },
        ...{ source: 'gw', format: 'canonical', reason: 'json-syntax', detail: 'at 3' },
        ...{ size: 4, raw: Buffer.from([0, 255, 92, 39]), receivedMs: START_MS },
      },
    ],
    activity: [
      {
        ...{ leaseId: intention(1).leaseId, eventId: 'e1', timeMs: START_MS },
        ...{ allowed: false, tool: 'send_money' },
      },
    ],
  });

test('a new lane starts at 0 with nothing; what is committed comes back at the next claim', async () => {
  await withDatabase(async (db) => {
    const first = await claim(db);
    assert.equal(first.epoch, 1);
    assert.equal(first.watermarkMs, null);
    assert.deepEqual(first.state, {
      positions: [{ topic: 'gateway', partition: 0, low: 0, next: 0 }],
      pages: [],
      deltas: [],
      seq: 0,
    });
    const step = commit({
      moves: [move(0, 500, 480)],
      delta: Buffer.from([1, 2, 3]),
      watermarkMs: START_MS + 5,
      counters: { records: 500 },
    });
    assert.equal(await commitLane(db, first.claim, step), 'done');
    const again = await claim(db, 'second');
    assert.equal(again.epoch, 2);
    assert.equal(again.watermarkMs, START_MS + 5);
    assert.deepEqual(again.counters, { records: 500 });
    assert.deepEqual(again.state, {
      positions: [{ topic: 'gateway', partition: 0, low: 480, next: 500 }],
      pages: [],
      deltas: [{ seq: 1, bytes: Buffer.from([1, 2, 3]) }],
      seq: 1,
    });
  });
});

test('an earlier owner is fenced, with moves and without, and writes nothing', async () => {
  await withDatabase(async (db) => {
    const zombie = await claim(db, 'zombie');
    assert.equal(await commitLane(db, zombie.claim, commit({ moves: [move(0, 10)] })), 'done');
    const owner = await claim(db, 'owner');
    const before = await dump(db);
    const full = { effects: everything(), delta: Buffer.from([9]) };
    const step = commit({ ...full, moves: [move(10, 20)] });
    assert.equal(await commitLane(db, zombie.claim, step), 'fenced');
    assert.equal(await commitLane(db, zombie.claim, commit(full)), 'fenced');
    assert.equal(await dump(db), before);
    assert.equal(await commitLane(db, owner.claim, step), 'done');
  });
});

test('a position that is not where the caller believes is fenced', async () => {
  await withDatabase(async (db) => {
    const { claim: token } = await claim(db);
    const before = await dump(db);
    const step = commit({ moves: [move(5, 10)], effects: everything() });
    assert.equal(await commitLane(db, token, step), 'fenced');
    assert.equal(await dump(db), before);
    assert.equal(await commitLane(db, token, commit({ moves: [move(0, 10)] })), 'done');
  });
});

test('the same commit sent again after a lost reply is fenced, not applied twice', async () => {
  await withDatabase(async (db) => {
    const { claim: token } = await claim(db);
    const replay = { ...token };
    const step = commit({ effects: everything() });
    assert.equal(await commitLane(db, token, step), 'done');
    const before = await dump(db);
    assert.equal(await commitLane(db, replay, step), 'fenced');
    assert.equal(await dump(db), before);
  });
});

test('the same effects again under a later commit add only what counts occurrences', async () => {
  await withDatabase(async (db) => {
    const { claim: token } = await claim(db);
    const step = commit({ effects: { ...everything(), notices: [], amendments: [] } });
    assert.equal(await commitLane(db, token, step), 'done');
    const [first] = await db.query("select count(*) as n from journal where kind <> 'dead-letter'");
    assert.equal(await commitLane(db, token, step), 'done');
    const [second] = await db.query(
      "select count(*) as n from journal where kind <> 'dead-letter'",
    );
    assert.deepEqual(second, first);
    const [rows] = await db.query(
      `select (select count(*) from detection) as detections, (select count(*) from lease) as leases,
         (select count(*) from outbox) as outbox, (select count(*) from dead_letter) as letters`,
    );
    assert.deepEqual(rows, { detections: '2', leases: '2', outbox: '2', letters: '1' });
  });
});

test('what was provisional gives way to what the fold says; the journal holds both', async () => {
  await withDatabase(async (db) => {
    const { claim: token } = await claim(db);
    const provisional = true as const;
    const early = (n: number) => ({
      detection: detection(n, { provisional, maturity: 'enforce' }),
      decision: decision(n, { provisional }),
      inputs: { v: 1, n },
    });
    const first = effects({
      early: [early(1), early(2)],
      intentions: [intention(1), intention(2)],
    });
    assert.equal(await commitLane(db, token, commit({ effects: first })), 'done');
    const settled = (n: number, outcome: 'confirmed' | 'withdrawn') => ({
      ...{ leaseId: intention(n).leaseId, detectionId: detection(n).id, outcome },
      ...{ reason: 'its turn came', timeMs: START_MS },
    });
    const second = effects({
      detections: [detection(1)],
      decisions: [decision(1)],
      decisionInputs: [{ decisionId: decision(1).id, inputs: { v: 1, final: true } }],
      settled: [settled(1, 'confirmed'), settled(2, 'withdrawn')],
      amendments: [{ type: 'retracted', detectionId: detection(2).id, reason: 'it did not' }],
      intentions: [intention(2, { step: 'release' })],
    });
    assert.equal(await commitLane(db, token, commit({ effects: second })), 'done');
    // Said again, it changes nothing: the final word is the last.
    const again = effects({ early: [early(1)], detections: [detection(1)] });
    assert.equal(await commitLane(db, token, commit({ effects: again })), 'done');
    const isProvisional = async (table: string) =>
      (await db.query(`select body ? 'provisional' as p from ${table} order by time_ms, id`)).map(
        (row) => row['p'],
      );
    assert.deepEqual(await isProvisional('detection'), [false, true]);
    assert.deepEqual(await isProvisional('decision'), [false, true]);
    const [inputs] = await db.query('select inputs from decision where id = $1', [decision(1).id]);
    assert.match(String(inputs?.['inputs']), /"final":true/);
    const entries = await db.query(
      `select kind, body::jsonb ->> 'provisional' as p, body::jsonb ->> 'outcome' as outcome
       from journal where kind in ('detection', 'early') order by n`,
    );
    assert.deepEqual(
      entries.map(({ kind, p, outcome }) => [kind, p, outcome]),
      [
        ['detection', 'true', null],
        ['detection', 'true', null],
        ['early', null, 'confirmed'],
        ['early', null, 'withdrawn'],
        ['detection', null, null],
      ],
    );
    const replayed = await journalledDigests(db, decision(1));
    const kept = hash('sha256', storableJson(decision(1)), 'hex');
    assert.equal(replayed.decision, kept, 'what is judged again is the final one');
    const [lease] = await db.query('select state from lease where id = $1', [intention(2).leaseId]);
    assert.equal(lease?.['state'], 'releasing');
    assert.equal((await verifyJournal(db, 0)).ok, true);
  });
});

test('claims at once: one epoch each, and only the last may write', async () => {
  await withDatabase(async (db) => {
    const claims = await Promise.all([claim(db, 'a'), claim(db, 'b'), claim(db, 'c')]);
    assert.deepEqual(claims.map((one) => one.epoch).sort(), [1, 2, 3]);
    const answers = new Map<number, string>();
    for (const one of claims) {
      answers.set(one.epoch, await commitLane(db, one.claim, commit({ moves: [move(0, 10)] })));
    }
    assert.deepEqual(
      [answers.get(1), answers.get(2), answers.get(3)],
      ['fenced', 'fenced', 'done'],
    );
  });
});

test('a claim waits for a commit in flight and sees its position', async () => {
  await withDatabase(async (db) => {
    const { claim: token } = await claim(db);
    let locked = (): void => undefined;
    const hasLock = new Promise<void>((done) => {
      locked = done;
    });
    const slow: Database = {
      ...db,
      transaction: (work) =>
        db.transaction((query, copy) =>
          work(async (sql, params) => {
            const rows = await query(sql, params);
            if (sql.startsWith('update lane')) {
              locked();
              await query('select pg_sleep(0.3)');
            }
            return rows;
          }, copy),
        ),
    };
    const committing = commitLane(slow, token, commit({ moves: [move(0, 10)] }));
    await hasLock;
    const next = await claim(db, 'second');
    assert.equal(next.state.positions[0]?.next, 10);
    assert.equal(next.state.seq, 1);
    assert.equal(await committing, 'done');
    assert.equal(await commitLane(db, token, commit()), 'fenced');
  });
});

test('lanes of one group stand apart: positions, epochs and commits', async () => {
  await withDatabase(async (db) => {
    const topicPartitions = [{ topic: 'gateway', partition: 0 }];
    const layout = { lanes: 3, topic: 'events', key: 'tenant' };
    const take = (lane: number) =>
      claimLane(db, { group: 'many', lane, owner: 'x', topicPartitions, pages: 4, layout });
    const [one, other] = [await take(0), await take(2)];
    const moved = { topic: 'gateway', partition: 0, low: 3, next: 5 };
    const step = { ...commit(), moves: [{ from: 0, to: moved }] };
    assert.equal(await commitLane(db, one.claim, step), 'done');
    assert.equal(await isClaimed(db, one.claim), true);
    assert.equal(await isClaimed(db, other.claim), true);
    assert.deepEqual((await take(2)).state.positions[0]?.next, 0);
    assert.equal(await isClaimed(db, other.claim), false, 'it was taken over');
    assert.deepEqual((await take(0)).state.positions, [moved]);
    assert.equal(await isClaimed(db, one.claim), false);
  });
});

test('a group that was cut into lanes in one way is refused in another', async () => {
  await withDatabase(async (db) => {
    await claim(db);
    const topicPartitions = [{ topic: 'gateway', partition: 0 }];
    const request = { group: 'plumbline', lane: 0, owner: 'x', topicPartitions, pages: 4 };
    for (const layout of [
      { lanes: 2, topic: 'events', key: 'tenant' },
      { lanes: 1, topic: 'events', key: 'tenant' },
    ])
      await assert.rejects(
        claimLane(db, { ...request, layout }),
        (cause: unknown) =>
          cause instanceof OperatingError &&
          cause.code === 'BROKER_LAYOUT' &&
          /recorded as one lane, and configured as/.test(cause.message),
      );
    await claimLane(db, request);
  });
});

test('members tell each other what is to wait, and which source partition is slowest', async () => {
  await withDatabase(async (db) => {
    const at = (partition: number) => ({ topic: 'gateway', partition });
    assert.deepEqual(await sharePauses(db, 'g', 'one', [at(0), at(1), at(0)]), []);
    assert.deepEqual(await sharePauses(db, 'g', 'two', [at(2)]), [at(0), at(1)]);
    assert.deepEqual(await sharePauses(db, 'g', 'one', []), [at(2)]);
    assert.deepEqual(await sharePauses(db, 'g', 'two', []), []);
    assert.deepEqual(await sharePauses(db, 'other', 'two', []), []);
    const told = (
      partition: number,
      newestMs: number | null,
      isAtEnd: boolean,
      heardMs: number | null = null,
    ) => ({ ...at(partition), newestMs, heardMs, isAtEnd, next: 10 });
    const share = (...forwarded: readonly ReturnType<typeof told>[]) =>
      shareForwarded(db, 'g', forwarded, []);
    assert.equal(await share(told(0, null, false)), null);
    const both = [told(0, 50, false), told(1, 70, false)];
    assert.equal(await share(...both), null, 'it knows of its own');
    assert.equal(await share(), 50);
    assert.equal(await share(told(0, null, true)), 70, 'one at its end waits for nobody');
    assert.equal(await share(told(0, null, false)), 50, 'what was told before holds');
    assert.equal(await share(told(0, null, false, 10)), 50, 'and goes before what was heard since');
    assert.equal(await shareForwarded(db, 'other', [], []), null);
    await share(told(0, null, true), told(1, null, true));
    const ends = (end: number) => [
      { ...at(0), end },
      { ...at(1), end: 10 },
    ];
    assert.equal(await shareForwarded(db, 'g', [], ends(10)), null, 'both are at their ends');
    assert.equal(
      await shareForwarded(db, 'g', [], ends(11)),
      50,
      'its log grew since somebody said that it is at its end',
    );
  });
});

test('a partition of which nothing was read is waited for where its member, or the slowest, began', async () => {
  await withDatabase(async (db) => {
    const told = (
      partition: number,
      newestMs: number | null,
      heardMs: number | null = null,
      isAtEnd = false,
    ) => ({ topic: 'gateway', partition, newestMs, heardMs, isAtEnd, next: 0 });
    const share = (...forwarded: readonly ReturnType<typeof told>[]) =>
      shareForwarded(db, 'g', forwarded, []);
    const row = async (partition: number) =>
      (
        await db.query('select newest_ms from lane_forwarded where partition = $1', [partition])
      )[0]?.['newest_ms'];
    assert.equal(await share(told(0, 900), told(1, null, 400)), 400, 'its member began there');
    assert.equal(await share(told(0, 990), told(1, null, 950)), 400, 'it still stands there');
    assert.equal(await share(told(2, null)), 400);
    assert.equal(await share(told(1, 970)), 400, 'nobody heard of it: the slowest was there');
    assert.equal(await share(told(2, 980)), 970, 'once it is read, that counts');
    assert.equal(await share(told(3, null, null, true)), 970);
    assert.equal(await row(3), null, 'at its end it stands nowhere');
    assert.equal(await share(...[0, 1, 2].map((one) => told(one, 2000, null, true))), null);
    assert.equal(await share(told(3, null)), null, 'none is on its way whose place it could take');
    await db.query(`update lane_forwarded set told_at = now() - interval '1 hour', at_end = false`);
    assert.equal(await share(told(4, null)), null, 'what was not told for long counts no more');
  });
});

test('an operator is answered once every lane has taken the request up', async () => {
  await withDatabase(async (db) => {
    const topicPartitions = [{ topic: 'gateway', partition: 0 }];
    const layout = { lanes: 2, topic: 'events', key: 'tenant' };
    const request = { type: 'pause', scope: 'fleet', target: '', by: 'op', reason: 'r' } as const;
    await insertOperatorRequest(db, { ...request, id: 'q', atMs: START_MS });
    assert.equal(await isTakenUp(db, 'q'), false, 'no lane ever worked');
    for (const lane of [0, 1]) {
      const { claim: token } = await claimLane(db, {
        ...{ group: 'g', lane, owner: 'x', topicPartitions, pages: 4, layout },
      });
      assert.equal(await isTakenUp(db, 'q'), false);
      const taking = { ...commit(), moves: [], effects: effects({ operatorRequests: ['q'] }) };
      assert.equal(await commitLane(db, token, taking), 'done');
    }
    assert.equal(await isTakenUp(db, 'q'), true);
  });
});

test('a failing statement, wherever it stands, leaves nothing', async () => {
  await withDatabase(async (db) => {
    const { claim: token } = await claim(db);
    const before = await dump(db);
    const step = commit({ moves: [move(0, 10)], delta: Buffer.from([1]), effects: everything() });
    const refusing = (match: RegExp): Database => ({
      ...db,
      transaction: (work) =>
        db.transaction((query, copy) =>
          work((sql, params) => (match.test(sql) ? query('select 1/0') : query(sql, params)), copy),
        ),
    });
    for (const table of 'detection case_record decision lease outbox dead_letter journal'.split(
      ' ',
    )) {
      const failing = refusing(new RegExp(`^insert into ${table}\\b`));
      await assert.rejects(commitLane(failing, token, step), /SQLSTATE 22012/);
    }
    await assert.rejects(commitLane(refusing(/^insert into state_delta/), token, step), /22012/);
    assert.equal(await dump(db), before);
    assert.equal(await commitLane(db, token, step), 'done');
  });
});

test('pages and deltas: what is newer than every page comes back, in order', async () => {
  await withDatabase(async (db) => {
    const { claim: token } = await claim(db);
    const page = (n: number) => ({ page: n, bytes: Buffer.alloc(3000, n) });
    await commitLane(db, token, commit({ delta: Buffer.from('d1') }));
    await commitLane(db, token, commit({ delta: Buffer.from('d2'), pages: [page(0), page(1)] }));
    await commitLane(db, token, commit({ delta: null }));
    await commitLane(db, token, commit({ delta: Buffer.from('d4'), pages: [page(2)] }));
    const partial = (await claim(db, 'partial')).state;
    assert.deepEqual(
      partial.deltas.map((one) => [one.seq, one.bytes.toString()]),
      [
        [1, 'd1'],
        [2, 'd2'],
        [4, 'd4'],
      ],
    );
    const { claim: second } = await claim(db, 'second');
    await commitLane(db, second, commit({ delta: Buffer.from('d5'), pages: [page(3)] }));
    await commitLane(db, second, commit({ delta: Buffer.from('d6') }));
    const { state } = await claim(db, 'third');
    assert.equal(state.seq, 6);
    assert.deepEqual(
      state.pages.map((one) => [one.page, one.uptoSeq, one.bytes.length, one.bytes[0]]),
      [
        [0, 2, 3000, 0],
        [1, 2, 3000, 1],
        [2, 4, 3000, 2],
        [3, 5, 3000, 3],
      ],
    );
    assert.deepEqual(
      state.deltas.map((one) => one.seq),
      [4, 5, 6],
    );
    const [left] = await db.query('select min(seq) as seq from state_delta');
    assert.equal(left?.['seq'], '4');
  });
});

test('many pages and deltas are read in batches without losing one', async () => {
  await withDatabase(async (db) => {
    const topicPartitions = [{ topic: 'gateway', partition: 0 }];
    const request = { group: 'g', lane: 0, owner: 'x', topicPartitions, pages: 40 };
    const { claim: token } = await claimLane(db, request);
    const pages = Array.from({ length: 39 }, (_, page) => ({ page, bytes: Buffer.from([page]) }));
    for (let n = 0; n < 140; n += 1) {
      const step = commit({ delta: Buffer.from([n]), pages: n === 0 ? pages : [] });
      assert.equal(await commitLane(db, token, step), 'done');
    }
    const { state } = await claimLane(db, request);
    assert.deepEqual(
      state.pages.map((one) => one.bytes[0]),
      [...Array(39).keys()],
    );
    assert.deepEqual(
      state.deltas.map((one) => one.bytes[0]),
      [...Array(140).keys()],
    );
  });
});

test('what is read is handed over in order, as it comes, and is not in the answer', async () => {
  await withDatabase(async (db) => {
    const topicPartitions = [{ topic: 'gateway', partition: 0 }];
    const request = { group: "o'g", lane: 0, owner: 'x', topicPartitions, pages: 40 };
    const { claim: token } = await claimLane(db, request);
    const pages = Array.from({ length: 40 }, (_, page) => ({ page, bytes: Buffer.from([page]) }));
    for (let n = 0; n < 70; n += 1) {
      // Where nothing changed there is no delta: their numbers have gaps.
      const delta = n % 7 === 3 ? null : Buffer.from([n]);
      const step = commit({ delta, pages: n === 0 ? pages : n === 30 ? pages.slice(0, 20) : [] });
      assert.equal(await commitLane(db, token, step), 'done');
    }
    const taken: string[] = [];
    const take = async (parts: StoredParts) => {
      await new Promise((done) => setImmediate(done));
      for (const { page, uptoSeq, bytes } of parts.pages)
        taken.push(`page ${page} ${uptoSeq} ${bytes[0]}`);
      for (const { seq, bytes } of parts.deltas) taken.push(`delta ${seq} ${bytes[0]}`);
    };
    const { state } = await claimLane(db, { ...request, take });
    assert.deepEqual([state.pages, state.deltas], [[], []]);
    assert.deepEqual(taken, [
      ...pages.map(({ page }) => `page ${page} ${page < 20 ? 31 : 1} ${page}`),
      ...Array.from({ length: 70 }, (_, n) => n)
        .filter((n) => n > 0 && n % 7 !== 3)
        .map((n) => `delta ${n + 1} ${n}`),
    ]);
    const kept = await claimLane(db, request);
    assert.equal(kept.state.pages.length + kept.state.deltas.length, taken.length);
    assert.deepEqual((await claimLane(db, { ...request, group: 'other' })).state.pages, []);
  });
});

test('a claim whose rows cannot be taken, or are damaged, fails and fences nobody', async () => {
  await withDatabase(async (db) => {
    const topicPartitions = [{ topic: 'gateway', partition: 0 }];
    const request = { group: 'g', lane: 0, owner: 'x', topicPartitions, pages: 40 };
    const { claim: token } = await claimLane(db, request);
    const pages = Array.from({ length: 40 }, (_, page) => ({ page, bytes: Buffer.from([page]) }));
    assert.equal(await commitLane(db, token, commit({ delta: Buffer.from([1]), pages })), 'done');
    const mine = new Error('mine');
    const refusing = claimLane(db, { ...request, take: () => Promise.reject(mine) });
    await assert.rejects(refusing, (cause) => cause === mine);
    assert.equal(await commitLane(db, token, commit({ delta: Buffer.from([2]) })), 'done');
    await db.query('update state_page set bytes = substr(bytes, 1, 6) where page = 33');
    let taken = 0;
    const take = async () => {
      taken += 1;
    };
    await assert.rejects(claimLane(db, { ...request, take }));
    assert.equal(taken, 33);
    assert.equal(await commitLane(db, token, commit({ delta: Buffer.from([3]) })), 'done');
  });
});

test('whoever is frozen while it reads a lane lets go of it in a while', async () => {
  await withDatabase(async (db, url) => {
    const topicPartitions = [{ topic: 'gateway', partition: 0 }];
    const request = { group: 'g', lane: 0, owner: 'x', topicPartitions, pages: 40 };
    const { claim: token } = await claimLane(db, request);
    for (let page = 0; page < 40; page += 1) {
      // More than all buffers between the two hold, and it does not pack.
      const pages = [{ page, bytes: randomBytes(2_000_000) }];
      assert.equal(await commitLane(db, token, commit({ pages })), 'done');
    }
    const through = await relay(url);
    const far = await open(through.url, 1);
    through.freezeBehind(10_000_000);
    const frozen = claimLane(far, { ...request, owner: 'frozen' });
    frozen.catch(() => undefined);
    for (let state = ''; state !== 'ClientWrite'; ) {
      const [row] = await db.query(
        `select wait_event from pg_stat_activity where datname = current_database() and query like '%copy%'
           and pid <> pg_backend_pid()`,
      );
      state = String(row?.['wait_event']);
    }
    const forMs = 60_000;
    const patience = { clock: systemClock, log: silentLog, forMs };
    const { epoch } = await patiently(() => claimLane(db, request), patience);
    assert.equal(epoch, token.epoch + 1, 'what it had claimed was undone');
    through.close();
    await assert.rejects(frozen, { code: 'DATABASE_TRANSIENT' });
    await far.close();
  });
});

test('every effect is stored and journalled', async () => {
  await withDatabase(async (db) => {
    const { claim: token } = await claim(db);
    await insertOperatorRequest(db, {
      ...{ type: 'pause', id: 'req-1', scope: 'fleet', target: '', by: 'ann', reason: 'drill' },
      atMs: START_MS,
    });
    assert.equal((await pendingOperatorRequests(db, 0)).length, 1);
    const all = { ...everything(), operatorRequests: ['req-1', 'unknown'] };
    assert.equal(await commitLane(db, token, commit({ effects: all })), 'done');
    assert.deepEqual(await pendingOperatorRequests(db, 0), []);
    assert.equal((await pendingOperatorRequests(db, 1)).length, 1);
    const found = await db.query(
      'select seq, blind, retracted, retracted_reason from detection order by seq',
    );
    assert.deepEqual(found, [
      { seq: 1, blind: ['reasoning'], retracted: false, retracted_reason: null },
      { seq: 2, blind: [], retracted: true, retracted_reason: 'a late record' },
    ]);
    const [letter] = await db.query('select raw, record_offset from dead_letter');
    assert.deepEqual(letter, { raw: Buffer.from([0, 255, 92, 39]), record_offset: '7' });
    const [notice] = await db.query('select count, detail from notice');
    assert.deepEqual(notice, { count: '2', detail: 'second' });
    const kinds = await db.query('select kind, count(*)::int as n from journal group by kind');
    assert.deepEqual(Object.fromEntries(kinds.map((row) => [row['kind'], row['n']])), {
      ...{ detection: 2, amendment: 2, decision: 2, intention: 2, coverage: 1 },
      ...{ notice: 1, 'dead-letter': 1, 'operator-request': 1 },
    });
    assert.deepEqual(await verifyJournal(db, 0), { ok: true, entries: 12 });
  });
});

test('a window that governance opened is written with the record that did, and once, with others or alone', async () => {
  await withDatabase(async (db) => {
    const { claim: token } = await claim(db);
    const windowOf = (change: string) => {
      const opened = openWindow({
        ...{ scope: { level: 'role', subject: 'clerk' }, change, rule: null },
        ...{ dimensions: ['mix'], tools: null, opensMs: START_MS, openedBy: 'carla' },
        ...{ beneficiary: null, reason: 'prompt.changed' },
      });
      assert.ok(opened.ok);
      return opened.window;
    };
    const [window, second] = [windowOf('gov-1'), windowOf('gov-2')];
    for (const given of [
      [window, window],
      [second, window],
    ]) {
      const windows = effects({ windows: given });
      assert.equal(await commitLane(db, token, commit({ effects: windows })), 'done');
    }
    const listed = await listWindows(db, { open: true, limit: 9 });
    assert.deepEqual(
      listed,
      [window, second].sort((a, b) => (a.id < b.id ? -1 : 1)),
    );
    const [journal] = await db.query(
      "select count(*)::int as n from journal where kind = 'window'",
    );
    assert.deepEqual(journal, { n: 2 });
    assert.deepEqual(await verifyJournal(db, 0), { ok: true, entries: 2 });
  });
});

test('a gap that changes is journalled, one that does not is not', async () => {
  await withDatabase(async (db) => {
    const { claim: token } = await claim(db);
    const gap = everything().coverage[0];
    assert.ok(gap);
    for (const coverage of [[gap], [gap], [{ ...gap, toMs: START_MS + 9 }, gap]]) {
      assert.equal(await commitLane(db, token, commit({ effects: effects({ coverage }) })), 'done');
    }
    // The last of two states of one gap in a commit counts: here the one that is stored already.
    const rows = await db.query('select to_ms from coverage_gap');
    assert.deepEqual(rows, [{ to_ms: null }]);
    const closed = effects({ coverage: [{ ...gap, toMs: START_MS + 9 }] });
    assert.equal(await commitLane(db, token, commit({ effects: closed })), 'done');
    const [journal] = await db.query('select count(*)::int as n from journal');
    assert.equal(journal?.['n'], 2);
  });
});

test('notices keep 1,000 rows and every count', async () => {
  await withDatabase(async (db) => {
    const { claim: token } = await claim(db);
    const notices = Array.from({ length: 1500 }, (_, n) => {
      return { code: 'state.evicted', subject: `s${n}`, detail: '', timeMs: START_MS + n } as const;
    });
    await commitLane(db, token, commit({ effects: effects({ notices }) }));
    const rows = await db.query(
      'select (select count(*) from notice)::int as kept, count::int from notice_total',
    );
    assert.deepEqual(rows, [{ kept: 1000, count: 1500 }]);
  });
});

// Does not compress, three bytes a character: the worst a key of 512 may be for an index.
const WIDE = Array.from({ length: 512 }, (_, n) =>
  String.fromCharCode(0x4e00 + ((n * 7919) % 20_000)),
).join('');
const POISON = [
  WIDE,
  'a\u0000b',
  '\ud800',
  'x\udfff\ud800y',
  '\u0000',
  'é'.repeat(3_000_000),
  '\u{1F4A9}'.repeat(20_000),
  "'); drop table journal; --",
  '{"$1":"\\u0000"}',
  '\\',
  '__proto__',
  '',
];

test('poison in any text never fails a slice', async () => {
  await withDatabase(async (db) => {
    const { claim: token } = await claim(db);
    for (const [at, text] of POISON.entries()) {
      const who = { tenant: text, agent: text, role: text, session: text };
      const subject = { tenant: text, agent: text, session: text, tools: [text, text] };
      const activity = {
        leaseId: text,
        eventId: text,
        timeMs: Number.NaN,
        allowed: true,
        tool: text,
      };
      const all = effects({
        detections: [
          detection(at, { entity: who, tool: text, explanation: text, tags: [text], seq: 1e300 }),
          detection(at, { id: text, detector: text, timeMs: 8.64e15 + 0.5, decidedMs: Number.NaN }),
        ],
        amendments: [
          { type: 'blind', tenant: text, session: text, source: 'metrics' },
          { type: 'retracted', detectionId: text, reason: text },
        ],
        cases: [caseOf(at, { entity: who, title: text, detections: [text] })],
        decisions: [decision(at, { entity: who, caseId: text })],
        intentions: [intention(at, { subject, reason: text, driver: text, caseId: text })],
        coverage: [
          {
            ...{ id: text, source: text, kind: 'metrics', fromMs: -1e300, toMs: 1e300 },
            ...{ reason: text, sessions: 0 },
          },
        ],
        notices: [{ code: 'event.late', subject: text, detail: text, timeMs: Number.NaN }],
        deadLetters: [
          {
            position: { topic: text, partition: 0, offset: at, index: 0 },
            ...{ source: text, format: text, reason: 'not-utf8', detail: text },
            ...{ size: 1, raw: Buffer.from(text.slice(0, 100), 'utf16le'), receivedMs: 0 },
          },
        ],
        activity: [activity],
        operatorRequests: [text],
      });
      const step = commit({ effects: all, watermarkMs: Number.NEGATIVE_INFINITY });
      assert.equal(await commitLane(db, token, step), 'done', `text ${at}`);
    }
    const [row] = await db.query('select count(*)::int as n from case_record');
    assert.equal(row?.['n'], POISON.length);
    assert.equal((await verifyJournal(db, 0)).ok, true);
    const [blind] = await db.query('select count(*)::int as n from detection where blind <> $1', [
      [],
    ]);
    assert.equal(blind?.['n'], POISON.length);
    const [gone] = await db.query('select count(*)::int as n from detection where retracted');
    assert.equal(gone?.['n'], POISON.length);
  });
});

test('a value nested 50,000 deep, and keys that differ only in what is replaced, are stored', async () => {
  await withDatabase(async (db) => {
    const { claim: token } = await claim(db);
    let deep: unknown = 'end';
    for (let n = 0; n < 50_000; n += 1) deep = { deep };
    // Not reachable through the types; a witness written by a careless decoder would look so.
    const odd = { ...detection(1), witnesses: [{ ...detection(1).witnesses[0], says: deep }] };
    const twins = ['s\u0000', 's\uFFFD'].map((session, n) =>
      detection(10 + n, { entity: { ...entity(1), session } }),
    );
    const all = effects({ detections: [odd as ReturnType<typeof detection>, ...twins] });
    assert.equal(await commitLane(db, token, commit({ effects: all })), 'done');
    const [row] = await db.query('select count(distinct session)::int as n from detection');
    assert.equal(row?.['n'], 3);
  });
});

test('a slice of 500 records with 50 findings is a dozen statements', async () => {
  await withDatabase(async (db) => {
    const { claim: token } = await claim(db);
    let statements = 0;
    const counting: Database = {
      ...db,
      transaction: (work) =>
        db.transaction((query, copy) =>
          work((sql, params) => {
            statements += 1;
            return query(sql, params);
          }, copy),
        ),
    };
    const many = [...Array(50).keys()];
    const all = effects({
      detections: many.map((n) => detection(n)),
      cases: many.map((n) => caseOf(n)),
      decisions: many.map((n) => decision(n)),
    });
    const step = commit({ moves: [move(0, 500)], delta: Buffer.alloc(50_000), effects: all });
    assert.equal(await commitLane(counting, token, step), 'done');
    assert.ok(statements <= 12, `${statements} statements`);
  });
});
