/** Shared signals in a real PostgreSQL: the contract, and members that work side by side. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { HELD_MAX } from '../../src/model/signals.ts';
import { createSignalStore } from '../../src/record/ssf.ts';
import { signalOf, signalStoreContract, stepOf, streamOf } from '../conformance/signal-store.ts';
import { freshDatabase, type ProvidedPostgres, providePostgres } from './postgres.ts';

let provider: ProvidedPostgres;
before(async () => {
  provider = await providePostgres();
});
after(async () => {
  await provider.stop();
});

const fresh = async () => {
  const { db, drop } = await freshDatabase(provider);
  return { db, store: createSignalStore(db), close: drop };
};

signalStoreContract(fresh);

test('two members never get the same signal, nor two of one subject', async () => {
  const { store, close } = await fresh();
  try {
    await store.addStream(streamOf('s'));
    const signals = Array.from({ length: 60 }, (_, at) =>
      signalOf('s', `j${at}`, { subjectKey: `subject-${at % 20}` }),
    );
    await store.enqueue(signals, 1_000);
    const takes = await Promise.all(
      Array.from({ length: 8 }, async () => await store.take('s', 2_000, 10, 60_000)),
    );
    const taken = takes.flat();
    assert.equal(new Set(taken.map(({ jti }) => jti)).size, taken.length);
    assert.equal(new Set(taken.map(({ subjectKey }) => subjectKey)).size, taken.length);
    assert.ok(taken.length <= 20 && taken.length > 0);
  } finally {
    await close();
  }
});

test('leases of one agent take turns: of two at once, the later one sees the earlier', async () => {
  const { store, close } = await fresh();
  try {
    await store.addStream(streamOf('s'));
    const counts: number[] = [];
    await Promise.all(
      ['L1', 'L2', 'L3', 'L4'].map(async (lease) =>
        store.wish(
          stepOf(lease),
          ({ others }) => {
            counts.push(others.length);
            return [signalOf('s', lease, { key: lease, leaseId: lease })];
          },
          1_000,
        ),
      ),
    );
    assert.deepEqual(counts.sort(), [0, 1, 2, 3]);
  } finally {
    await close();
  }
});

test('a stream holds so much and no more; the rest is dropped and counted', async () => {
  const { db, store, close } = await fresh();
  try {
    await store.addStream(streamOf('s'));
    await db.query(
      `insert into signal (stream_id, jti, subject_key, claims)
       select 's', 'old-' || n, 'a', '{}'::jsonb from generate_series(1, $1::int) n`,
      [HELD_MAX - 1],
    );
    await store.enqueue([signalOf('s', 'last'), signalOf('s', 'one too many')], 1_000);
    const states = (await store.ofKey('k')).map(({ jti, state }) => [jti, state]);
    assert.deepEqual(states, [
      ['last', 'waiting'],
      ['one too many', 'dropped'],
    ]);
    assert.equal((await store.streams())[0]?.dropped, 1);
  } finally {
    await close();
  }
});
