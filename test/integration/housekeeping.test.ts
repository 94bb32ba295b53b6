/** Housekeeping on a real database: old dead letters go, young ones and the journal stay. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { KEPT_MS, sweep } from '../../src/record/housekeeping.ts';
import { freshDatabase, providePostgres } from './postgres.ts';

const provider = await providePostgres();
let fresh: Awaited<ReturnType<typeof freshDatabase>>;

before(async () => {
  fresh = await freshDatabase(provider);
});
after(async () => {
  await fresh.drop();
  await provider.stop();
});

const LETTER = `insert into dead_letter (topic, partition, record_offset, index, source, format,
  reason, detail, size, raw, received_ms)
  select 't', 0, n, 0, 's', 'f', 'json-syntax', 'd', 1, ''::bytea, $2 from generate_series($1::int, $3::int) n`;

test('what is older than thirty days goes, in batches; the rest stays', async () => {
  const nowMs = 1_800_000_000_000;
  await fresh.db.query(LETTER, [1, nowMs - KEPT_MS - 1, 10_500]);
  await fresh.db.query(LETTER, [20_001, nowMs - KEPT_MS + 1, 20_003]);
  const swept = await sweep(fresh.db, nowMs);
  assert.deepEqual(swept, { deadLetters: 10_500, leaseActivity: 0 });
  const [row] = await fresh.db.query('select count(*)::int as n from dead_letter');
  assert.equal(row?.['n'], 3);
  assert.deepEqual(await sweep(fresh.db, nowMs), { deadLetters: 0, leaseActivity: 0 });
});
