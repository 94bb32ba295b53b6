/** Shared signals in a real PostgreSQL: the contract, and members that work side by side. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Courier, createCourier } from '../../src/act/courier.ts';
import type { Driver } from '../../src/act/driver.ts';
import { ssf } from '../../src/act/drivers/ssf.ts';
import {
  courierOptions,
  type SsfOptions,
  standingStreams,
} from '../../src/act/drivers/ssf-options.ts';
import { systemClock } from '../../src/adapters/clock.ts';
import { createHttp } from '../../src/adapters/control-http.ts';
import type { Intention } from '../../src/model/decision.ts';
import { HELD_MAX, type SignalStore } from '../../src/model/signals.ts';
import { createSignalStore } from '../../src/record/ssf.ts';
import { type Front, startFront } from '../act/counterparts/front.ts';
import { testKeys } from '../act/counterparts/signal-keys.ts';
import {
  createEnforcement,
  type Enforcement,
  examine,
} from '../act/counterparts/signal-receiver.ts';
import { intentionOf } from '../act/intentions.ts';
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

const ISSUER = 'https://plumbline.example';
const AUDIENCE = 'https://idp.example';

/** A strict receiver, and `members` transmitters over one database that push to it. */
const transmitting = async (
  members: number,
  work: (world: {
    readonly drivers: readonly Driver[];
    readonly couriers: readonly Courier[];
    readonly store: SignalStore;
    readonly front: Front;
    readonly enforcement: Enforcement;
  }) => Promise<void>,
) => {
  const { store, close } = await fresh();
  const keys = await testKeys();
  const published = await keys.publicKeys();
  const enforcement = createEnforcement();
  const front = await startFront(({ body }) => {
    const examined = examine(body, { issuer: ISSUER, audience: AUDIENCE, keys: published });
    if (!examined.ok) return { status: 400, body: { err: examined.err } };
    enforcement.take(examined);
    return { status: 202, body: '' };
  });
  const options: SsfOptions = {
    ...{ type: 'ssf', issuer: ISSUER, subjectIssuer: 'https://idp.example' },
    receivers: [
      {
        ...{ name: 'idp', audience: AUDIENCE, subject: 'complex', push: front.url },
        standing: ['session-revoked', 'risk-level-change'],
      },
    ],
  };
  const parts = { http: createHttp(), clock: systemClock };
  await standingStreams(store, options);
  const each = Array.from({ length: members }, () => {
    const made = ssf.make({
      ...{ ...parts, name: 'ssf', source: 'plumbline', options, signals: { store, keys } },
      secret: () => '',
    });
    assert.ok(made.ok);
    const courier = createCourier(
      { ...parts, store, keys },
      courierOptions(options, () => ''),
    );
    return { driver: made.driver, courier };
  });
  try {
    await work({
      drivers: each.map(({ driver }) => driver),
      couriers: each.map(({ courier }) => courier),
      ...{ store, front, enforcement },
    });
  } finally {
    await front.close();
    await close();
  }
};

const posture = (lease: string, agent: string, change: Partial<Intention> = {}) =>
  intentionOf(lease, {
    ...{ driver: 'ssf', verb: 'posture', expiresMs: systemClock.nowMs() + 600_000 },
    subject: { tenant: 't1', agent, session: 's-1', tools: [] },
    ...change,
  });

test('one intention sent by three members at once reaches the receiver once', async () => {
  await transmitting(3, async ({ drivers, front, enforcement }) => {
    const request = posture('L1', 'agent-7');
    const outcomes = await Promise.all(
      drivers.map(async (driver) => await driver.apply(request, null)),
    );
    assert.ok(
      outcomes.some(({ type }) => type === 'accepted'),
      JSON.stringify(outcomes),
    );
    for (const driver of drivers)
      assert.ok(['accepted', 'already'].includes((await driver.apply(request, null)).type));
    assert.deepEqual([front.seen.length, enforcement.effects()], [1, 1]);
    assert.equal(enforcement.stops('agent-7', 's-1'), true);
  });
});

test('a backlog of 200 signals is worked off by two members, each signal once, each agent in order', async () => {
  await transmitting(2, async ({ drivers, couriers, store, front, enforcement }) => {
    const [stream] = await store.streams();
    await store.changeStream(stream?.id ?? '', { status: 'paused' });
    const agents = Array.from({ length: 100 }, (_, at) => `agent-${at}`);
    for (const agent of agents) {
      await drivers[0]?.apply(posture(`P-${agent}`, agent), null);
      const revoke = { verb: 'revoke_session', expiresMs: null } as const;
      await drivers[0]?.apply(posture(`R-${agent}`, agent, revoke), null);
    }
    await store.changeStream(stream?.id ?? '', { status: 'enabled' });
    for (let rounds = 0; rounds < 40 && enforcement.effects() < 200; rounds += 1)
      await Promise.all(couriers.map(async (courier) => await courier.round()));
    assert.deepEqual([front.seen.length, enforcement.effects()], [200, 200]);
    for (const agent of agents) {
      const mine = front.seen
        .map(({ body }) => Buffer.from(body.split('.')[1] ?? '', 'base64url').toString('utf8'))
        .filter((claims) => claims.includes(`"${agent}"`));
      assert.match(mine[0] ?? '', /risk-level-change/);
      assert.match(mine[1] ?? '', /session-revoked/);
    }
  });
});

test('a member that dies between push and record: the same token again, and one effect', async () => {
  await transmitting(2, async ({ drivers, couriers, store, front, enforcement }) => {
    const [stream] = await store.streams();
    const request = posture('L1', 'agent-7');
    await front.lie('lose-reply');
    assert.equal((await drivers[0]?.apply(request, null))?.type, 'unknown');
    // Taken and never settled: what a crash leaves behind.
    const later = systemClock.nowMs() + 61_000;
    assert.equal((await store.take(stream?.id ?? '', later, 1, -70_000)).length, 1);
    await front.lie('honest');
    await couriers[1]?.round();
    const again = await drivers[1]?.apply(request, null);
    assert.ok(again?.type === 'accepted' || again?.type === 'already', JSON.stringify(again));
    assert.equal(enforcement.effects(), 1);
    assert.equal(new Set(front.seen.map(({ body }) => body)).size, 1);
  });
});
