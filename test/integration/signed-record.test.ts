/** The signed record on a real database: checkpoints, keys, pruning, and files that leave it. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import type { Database } from '../../src/model/ports.ts';
import { auditRecord } from '../../src/record/audit-live.ts';
import {
  beginAnew,
  lastCheckpoint,
  readCheckpoints,
  rotateKey,
  signPruning,
  type Taking,
  takeCheckpoint,
} from '../../src/record/checkpoints.ts';
import {
  appendJournal,
  type JournalEntry,
  journalHash,
  readJournal,
  verifyJournal,
} from '../../src/record/journal.ts';
import { prunable, prune } from '../../src/record/pruning.ts';
import { newSigningKey, pemOf, type Signer, signerOf } from '../../src/record/signing-key.ts';
import { verifyByTheBook } from '../record/verifier-by-the-book.ts';
import { launch, type, untilTrue } from './plumbline.ts';
import { type FreshDatabase, freshDatabase, providePostgres } from './postgres.ts';

const provider = await providePostgres();
let folder = '';
const opened: FreshDatabase[] = [];
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plt-signed-'));
});
after(async () => {
  for (const fresh of opened) await fresh.drop();
  await provider.stop();
  await rm(folder, { recursive: true, force: true });
});

const fresh = async (): Promise<FreshDatabase> => {
  const made = await freshDatabase(provider);
  opened.push(made);
  return made;
};

const many = (from: number, count: number): JournalEntry[] =>
  Array.from({ length: count }, (_, at) => ({
    kind: 'detection',
    atMs: 1_700_000_000_000 + from + at,
    body: { n: from + at, text: 'ünïcode' },
  }));

const add = async (db: Database, lane: number, from: number, count: number): Promise<void> =>
  await db.transaction((query) => appendJournal(query, lane, many(from, count)));

const signer = (): Signer => signerOf(newSigningKey(), 'test');
const takingBy = (by: Signer, nowMs: number): Taking => ({ signer: by, instance: 'test', nowMs });

test('what was signed is found to be changed even where chain and head were rewritten alike', async () => {
  const { db } = await fresh();
  const key = signer();
  await add(db, 0, 1, 1500);
  await add(db, 1, 1, 10);
  const first = await takeCheckpoint(db, takingBy(key, 1000));
  assert.deepEqual(
    first.lanes.map(({ lane, n }) => [lane, n]),
    [
      [0, 1500],
      [1, 10],
    ],
  );
  await add(db, 0, 1501, 30);
  const whole = await auditRecord(db, [key]);
  assert.deepEqual([whole.ok, whole.entries, whole.unsigned], [true, 1540, 30]);

  const rollback = new Error('rolled back');
  await assert.rejects(
    db.transaction(async (query, copy) => {
      await query('alter table journal disable trigger user');
      const rows = [];
      for await (const row of readJournal({ query }, 0, 1489)) rows.push(row);
      let prev = rows[0]?.prev ?? '';
      for (const row of rows) {
        const body = row.n === 1490 ? '{"forged":true}' : row.body;
        const hash = journalHash({ ...row, body, prev });
        await query(
          'update journal set body = $2, prev = $3, hash = $4 where lane = 0 and n = $1',
          [row.n, body, prev, hash],
        );
        prev = hash;
      }
      await query('update journal_head set hash = $1 where lane = 0', [prev]);
      // The chain alone does not see it …
      assert.equal((await verifyJournal({ query }, 0)).ok, true);
      // … and the checkpoint does.
      const nested = {
        ...db,
        transaction: async <T>(work: (q: typeof query, c: typeof copy) => Promise<T>) =>
          await work(
            async (sql, params) =>
              sql.startsWith('set transaction') ? [] : await query(sql, params),
            copy,
          ),
      };
      const found = await auditRecord(nested, [key]);
      assert.deepEqual(found.fault, {
        at: 'lane 0, entry 1500',
        why: 'checkpoint 1 was signed over another entry',
        entry: 1500,
      });
      throw rollback;
    }),
    (cause) => cause === rollback,
  );
});

test('checkpoints cannot be changed or removed, and many at once make one chain', async () => {
  const { db } = await fresh();
  const key = signer();
  await add(db, 0, 1, 5);
  await Promise.all(Array.from({ length: 4 }, (_, at) => takeCheckpoint(db, takingBy(key, at))));
  const found = await auditRecord(db, [key]);
  assert.deepEqual([found.ok, found.checkpoints], [true, 4]);
  for (const sql of [
    'update journal_checkpoint set at_ms = 0',
    'delete from journal_checkpoint',
    'truncate journal_checkpoint cascade',
  ])
    await assert.rejects(db.query(sql), /SQLSTATE 23001/);
});

test('a key is followed through rotations; one that nobody introduced signs nothing', async () => {
  const { db } = await fresh();
  const [first, second, stranger] = [signer(), signer(), signer()];
  await add(db, 0, 1, 5);
  await takeCheckpoint(db, takingBy(first, 1));
  await rotateKey(db, takingBy(first, 2), second, { by: 'ann', reason: 'due' });
  await assert.rejects(takeCheckpoint(db, takingBy(first, 3)), /the one at hand is/);
  await assert.rejects(takeCheckpoint(db, takingBy(stranger, 3)), /the one at hand is/);
  await takeCheckpoint(db, takingBy(second, 3));
  assert.equal((await auditRecord(db, [first])).ok, true);
  // Lost: the break is seen by who holds the first key, and goes with both.
  await beginAnew(db, takingBy(stranger, 4), { by: 'ann', reason: 'disk lost' });
  assert.match((await auditRecord(db, [first])).fault?.why ?? '', /begins anew/);
  assert.equal((await auditRecord(db, [first, stranger])).ok, true);
});

test('only what a signed record covers can be removed; what remains verifies and says from where', async () => {
  const { db } = await fresh();
  const key = signer();
  await add(db, 0, 1, 12_000);
  await add(db, 1, 1, 3);
  await takeCheckpoint(db, takingBy(key, 1000));
  await add(db, 0, 12_001, 50);
  await takeCheckpoint(db, takingBy(key, 2000));
  await add(db, 0, 12_051, 7);
  await assert.rejects(db.query('delete from journal where n < 10'), /SQLSTATE 23001/);

  assert.equal(await prunable(db, 999), null);
  assert.equal((await prunable(db, 1500))?.entries, 12_003);
  const why = { by: 'ann', reason: 'older than the law asks for' };
  const gone = await prune(db, takingBy(key, 3000), 1500, why);
  assert.deepEqual([gone?.entries, gone?.upTo, gone?.record], [12_003, 1, 3]);
  assert.equal(await prune(db, takingBy(key, 3001), 1500, why), null);

  const found = await auditRecord(db, [key]);
  assert.deepEqual([found.ok, found.entries, found.unsigned], [true, 57, 0], found.fault?.why);
  assert.deepEqual(
    found.pruned.map(({ lane, n }) => [lane, n]),
    [
      [0, 12_000],
      [1, 3],
    ],
  );
  assert.deepEqual(await verifyJournal(db, 0), { ok: true, entries: 57 });
  assert.deepEqual(await verifyJournal(db, 1), { ok: true, entries: 0 });
  // What remains is as append-only as before.
  await assert.rejects(db.query('delete from journal'), /SQLSTATE 23001/);
  await add(db, 1, 4, 2);
  assert.equal((await auditRecord(db, [key])).ok, true);
});

test('a removal that broke off is ended by the next round, and meanwhile everything verifies', async () => {
  const half = await fresh();
  const key = signer();
  await add(half.db, 0, 1, 100);
  await takeCheckpoint(half.db, takingBy(key, 1000));
  await half.db.transaction(async (query) => {
    const { lanes } = JSON.parse(
      String((await query('select body from journal_checkpoint'))[0]?.['body']),
    );
    await signPruning(query, takingBy(key, 2000), { upTo: 1, lanes }, { by: 'a', reason: 'b' });
    await query('insert into journal_pruned (lane, n, hash, checkpoint) values (0, 100, $1, 2)', [
      lanes[0].hash,
    ]);
    await query('delete from journal where n <= 40');
  });
  assert.equal((await auditRecord(half.db, [key])).ok, true);
  assert.equal((await verifyJournal(half.db, 0)).ok, true);
  const rest = await prune(half.db, takingBy(key, 3000), 1500, { by: 'ann', reason: 'x' });
  assert.deepEqual([rest?.entries, rest?.record], [60, null]);
});

test('export and offline verification, typed: no database, no configuration, one public key', async () => {
  const { db, url } = await fresh();
  const dataDir = join(folder, 'data');
  const config = join(folder, 'plumbline.yaml');
  await writeFile(
    config,
    `dataDir: ${dataDir}\njsonl: { path: . }\nsources:\n  - { name: g, topic: g, decoder: canonical, trust: gateway, kinds: [gateway] }\n`,
  );
  const where = { cwd: folder, env: { DATABASE_URL: url } };
  await add(db, 0, 1, 2500);
  await add(db, 3, 1, 4);
  const made = await type(['journal', 'checkpoint'], where);
  assert.equal(made.code, 0, made.stderr);
  assert.equal((await stat(join(dataDir, 'journal-key.pem'))).mode & 0o777, 0o600);
  const key = await type(['journal', 'key'], where);
  const pem = join(folder, 'public.pem');
  await writeFile(pem, key.stdout);

  const rotated = await type(['journal', 'rotate-key', '--by', 'ann', '--reason', 'due'], where);
  assert.equal(rotated.code, 0, rotated.stderr);
  await add(db, 0, 2501, 10);
  const out = await type(['journal', 'export', '--out', 'record.jsonl.gz'], where);
  assert.equal(out.code, 0, out.stderr);

  // Elsewhere: nothing but the file and the key.
  const elsewhere = { cwd: await mkdtemp(join(folder, 'auditor-')) };
  const packed = join(folder, 'record.jsonl.gz');
  const good = await type(['journal', 'verify', packed, '--key', pem], elsewhere);
  assert.equal(good.code, 0, good.stdout + good.stderr);
  assert.match(good.stdout, /The record is whole: 2,514 entries, 3 checkpoints/);
  assert.match(good.stdout, /introduced by the key before/);
  const plain = gunzipSync(await readFile(packed));
  const keys = await type(['journal', 'key', '--json'], where);
  const [first, second] = JSON.parse(keys.stdout) as { pem: string }[];
  verifyByTheBook(plain, first?.pem ?? '');

  const forged = join(folder, 'forged.jsonl');
  await writeFile(forged, plain.toString().replace('"n\\":1200,', '"n\\":1201,'));
  const bad = await type(['journal', 'verify', forged, '--key', pem], elsewhere);
  assert.equal(bad.code, 1);
  assert.match(bad.stdout, /BROKEN at lane 0, entry 1200: its content is not what was hashed/);
  const cutOff = join(folder, 'cut.jsonl.gz');
  await writeFile(cutOff, (await readFile(packed)).subarray(0, -50));
  assert.equal((await type(['journal', 'verify', cutOff, '--key', pem], elsewhere)).code, 1);
  const wrong = join(folder, 'wrong.pem');
  await writeFile(wrong, pemOf(signer()));
  assert.equal((await type(['journal', 'verify', packed, '--key', wrong], elsewhere)).code, 1);
  const noKey = await type(['journal', 'verify', packed], elsewhere);
  assert.equal(noKey.code, 2);
  assert.match(noKey.stderr, /--key PUBLIC\.pem/);
  const own = join(dataDir, 'journal-key.pem');
  const secret = await type(['journal', 'verify', packed, '--key', own], elsewhere);
  assert.match(secret.stderr, /holds a private key/);
  assert.doesNotMatch(secret.stderr + secret.stdout, /MC4CAQ/);

  // The live record by the later key, and a key that went missing.
  await writeFile(pem, second?.pem ?? '');
  const live = await type(['journal', 'verify', '--key', pem], where);
  assert.equal(live.code, 0, live.stdout);
  await rm(own);
  const lost = await type(['journal', 'checkpoint'], where);
  assert.equal(lost.code, 1);
  assert.match(lost.stderr, /JOURNAL_KEY.*rotate-key --lost/s);
  const open = await type(['journal', 'export', '--out', 'open.jsonl', '--unsealed'], where);
  assert.equal(open.code, 0, open.stderr);
  const strict = await type(['journal', 'verify', 'open.jsonl', '--key', pem], where);
  assert.equal(strict.code, 1);
  const last = await lastCheckpoint(db);
  const noted = ['--unsealed', '--contains', last?.hash ?? ''];
  assert.equal(
    (await type(['journal', 'verify', 'open.jsonl', '--key', pem, ...noted], where)).code,
    0,
  );
});

test('pruning, typed: says what would go until it is signed by a person', async () => {
  const { db, url } = await fresh();
  const cwd = await mkdtemp(join(folder, 'prune-'));
  const where = { cwd, env: { DATABASE_URL: url } };
  await add(db, 0, 1, 20);
  assert.equal((await type(['journal', 'checkpoint'], where)).code, 0);
  const dry = await type(['journal', 'prune', '--before', '0s'], where);
  assert.match(dry.stdout, /Would let go of 20 entries/);
  assert.equal((await verifyJournal(db, 0)).entries, 20);
  const sign = ['--by', 'ann', '--reason', 'over'];
  assert.equal((await type(['journal', 'prune', '--before', '0s', ...sign], where)).code, 0);
  const verified = await type(['journal', 'verify'], where);
  assert.equal(verified.code, 0, verified.stdout);
  assert.match(verified.stdout, /Pruned by checkpoint 2, .* by ann: over/);
  assert.match(verified.stdout, /What remains of lane 0 begins behind entry 20/);
  let n = 0;
  for await (const _ of readCheckpoints(db)) n += 1;
  assert.equal(n, 2);
});

test('a daemon signs while it runs, and says that it made a key; a configured key is rotated by name', async () => {
  const { db, url } = await fresh();
  const cwd = await mkdtemp(join(folder, 'daemon-'));
  const secret = newSigningKey();
  const source =
    'sources:\n  - { name: g, topic: g, decoder: canonical, trust: gateway, kinds: [gateway] }\n';
  await writeFile(join(cwd, 'plumbline.yaml'), `jsonl: { path: . }\n${source}`);
  const where = { cwd, env: { DATABASE_URL: url } };
  const daemon = launch(['run'], where);
  await untilTrue('a checkpoint', async () => (await lastCheckpoint(db)) !== null, daemon);
  const ended = await daemon.end();
  assert.equal(ended.code, 0, ended.stderr);
  assert.match(ended.stderr + ended.stdout, /a key that signs the record was made/);
  assert.doesNotMatch(ended.stderr + ended.stdout, /PRIVATE KEY/);
  assert.equal((await lastCheckpoint(db))?.n, 2, 'one while it ran, one at its end');

  // Another database, with a key of its own from the environment.
  const other = await fresh();
  await writeFile(
    join(cwd, 'plumbline.yaml'),
    `jsonl: { path: . }\njournal: { signingKey: { env: SIGNING_KEY } }\n${source}`,
  );
  const own = { cwd, env: { DATABASE_URL: other.url, SIGNING_KEY: secret } };
  assert.equal((await type(['journal', 'checkpoint'], own)).code, 0);
  const rotate = ['journal', 'rotate-key', '--by', 'ann', '--reason', 'due'];
  const unnamed = await type(rotate, own);
  assert.equal(unnamed.code, 2);
  assert.match(unnamed.stderr, /--next NEXT\.pem/);
  const next = newSigningKey();
  await writeFile(join(cwd, 'next.pem'), next);
  const rotated = await type([...rotate, '--next', 'next.pem'], own);
  assert.equal(rotated.code, 0, rotated.stderr);
  const stale = await type(['journal', 'checkpoint'], own);
  assert.equal(stale.code, 1);
  assert.match(stale.stderr, /JOURNAL_KEY/);
  const fresher = { cwd, env: { ...own.env, SIGNING_KEY: next } };
  assert.equal((await type(['journal', 'checkpoint'], fresher)).code, 0);
  assert.equal((await auditRecord(other.db, [signerOf(secret, 'test')])).ok, true);
  const wrong = { cwd, env: { ...own.env, SIGNING_KEY: 'not a key at all' } };
  const refused = await type(['journal', 'checkpoint'], wrong);
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /journal\.signingKey holds no private key/);
  assert.doesNotMatch(refused.stderr, /not a key at all/);
  const started = await type(['run', '--until-caught-up'], wrong);
  assert.equal(started.code, 2, 'refused at the start');
  assert.match(started.stderr, /journal\.signingKey holds no private key/);
  const status = await type(['status'], fresher);
  assert.match(status.stdout, /^Journal: signed up to .*, checkpoint 3$/m);
});
