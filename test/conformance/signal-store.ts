/** The contract of every signal store: order, holds, wishes, and what is dropped. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  EXCLUDED_MAX,
  POLL,
  PUSH,
  type Signal,
  type SignalStore,
  type SignalStream,
  STREAM_EVENTS,
  streamNotice,
  type WishContext,
  type WishStep,
} from '../../src/model/signals.ts';

/** A stream of a receiver; different only where a test says so. */
export function streamOf(id: string, change: Partial<SignalStream> = {}): SignalStream {
  return {
    ...{ id, receiver: `receiver-${id}`, audience: 'https://idp.example' },
    ...{ delivery: { method: POLL }, eventsRequested: ['e'], description: null },
    ...{ status: 'enabled', reason: null, excluded: [], heardMs: null, verifiedMs: null },
    ...{ lastError: null, dropped: 0 },
    ...change,
  };
}

/** A signal of a stream; different only where a test says so. */
export function signalOf(streamId: string, jti: string, change: Partial<Signal> = {}): Signal {
  return {
    ...{ jti, streamId, key: 'k', leaseId: 'L', subjectKey: 'a', expiresMs: null },
    claims: {
      ...{ iss: 'https://plumbline.example', aud: 'https://idp.example', iat: 1, jti, txn: 'c' },
      sub_id: { format: 'opaque', id: 'a' },
      events: { e: { event_timestamp: 1 } },
    },
    ...change,
  };
}

/** A step of a lease. */
export function stepOf(leaseId: string, change: Partial<WishStep> = {}): WishStep {
  const step = change.step ?? 'request';
  return {
    ...{ step, key: `${leaseId}-${step}`, leaseId, verb: 'posture', subjectKey: 'a' },
    ...{ session: null, tools: [], expiresMs: 1_000_000 },
    ...change,
  };
}

/** Runs the contract over a store; `make` gives an empty one. */
export function signalStoreContract(
  make: () => Promise<{ readonly store: SignalStore; close(): Promise<void> }>,
): void {
  const check = (claim: string, body: (store: SignalStore) => Promise<void>) =>
    test(`signal store: ${claim}`, async () => {
      const { store, close } = await make();
      try {
        await body(store);
      } finally {
        await close();
      }
    });
  streams(check);
  queues(check);
  wishes(check);
}

type Check = (claim: string, body: (store: SignalStore) => Promise<void>) => void;
const one = (jti: string, change: Partial<Signal> = {}) => signalOf('s', jti, change);
const jtis = (signals: readonly { readonly jti: string }[]) => signals.map(({ jti }) => jti);
const DONE = { state: 'delivered', detail: 'HTTP 202' } as const;

function streams(check: Check): void {
  check('a receiver has one stream, and it comes back as it was given', async (store) => {
    const stream = streamOf('s', {
      delivery: { method: PUSH, url: 'https://idp.example/ev', sealedAuthorization: 'sealed' },
      description: 'events for us',
    });
    assert.equal(await store.addStream(stream), true);
    assert.equal(await store.addStream({ ...stream, id: 'other' }), false);
    assert.deepEqual(await store.streams(), [stream]);
  });
  check('a change changes what it names, and nothing of a stream that is gone', async (store) => {
    await store.addStream(streamOf('s'));
    const excluded = Array.from({ length: EXCLUDED_MAX }, (_, at) => `k${at}`);
    const changed = await store.changeStream('s', { excluded, heardMs: 5, reason: 'x' });
    assert.deepEqual(changed, streamOf('s', { excluded, heardMs: 5, reason: 'x' }));
    assert.deepEqual(await store.streams(), [changed]);
    assert.equal(await store.changeStream('t', { reason: 'y' }), null);
  });
  check('a removed stream takes with it what it held', async (store) => {
    await store.addStream(streamOf('s'));
    await store.enqueue([one('1')], 1_000);
    await store.removeStream('s');
    assert.deepEqual(await store.streams(), []);
    assert.deepEqual(await store.ofKey('k'), []);
    await store.enqueue([one('2')], 1_000);
    assert.deepEqual(await store.ofKey('k'), []);
  });
}

function queues(check: Check): void {
  check('signals of one subject go out one after the other, others beside them', async (store) => {
    await store.addStream(streamOf('s'));
    await store.enqueue([one('1'), one('2'), one('3', { subjectKey: 'b' })], 1_000);
    assert.deepEqual(jtis(await store.take('s', 2_000, 10, 100)), ['1', '3']);
    assert.deepEqual(await store.take('s', 2_000, 10, 100), []);
    assert.equal(await store.settle('s', '1', DONE, 2_000), true);
    assert.deepEqual(jtis(await store.take('s', 2_000, 10, 100)), ['2']);
  });
  check('what was handed out and not settled is handed out again after its hold', async (store) => {
    await store.addStream(streamOf('s'));
    await store.enqueue([one('1')], 1_000);
    const [first] = await store.take('s', 2_000, 10, 100);
    assert.equal(first?.attempts, 1);
    assert.equal(await store.hasDue('s', 2_099), false);
    assert.equal(await store.hasDue('s', 2_100), true);
    const [again] = await store.take('s', 2_100, 10, 100);
    assert.deepEqual([again?.jti, again?.attempts], ['1', 2]);
    assert.deepEqual(again?.claims, one('1').claims);
  });
  check('what failed waits until it is due, except for who asks by its subject', async (store) => {
    await store.addStream(streamOf('s'));
    await store.enqueue([one('1')], 1_000);
    await store.take('s', 2_000, 10, 100);
    const failed = { state: 'waiting', detail: 'HTTP 503', dueMs: 9_000 } as const;
    await store.settle('s', '1', failed, 2_000);
    assert.deepEqual(await store.take('s', 8_999, 10, 100), []);
    const [found] = await store.take('s', 8_999, 10, 1, 'a');
    assert.deepEqual([found?.jti, found?.detail], ['1', 'HTTP 503']);
    assert.deepEqual(jtis(await store.take('s', 9_000, 10, 100)), ['1']);
  });
  check('a jti is queued once, and settled once, by its own stream', async (store) => {
    await store.addStream(streamOf('s'));
    await store.addStream(streamOf('t'));
    await store.enqueue([one('1'), one('1')], 1_000);
    assert.equal((await store.ofKey('k')).length, 1);
    assert.equal(await store.settle('t', '1', DONE, 2_000), false);
    assert.equal(await store.settle('s', '1', DONE, 2_000), true);
    assert.equal(await store.settle('s', '1', DONE, 2_000), false);
    const [stream] = await store.streams();
    assert.equal(stream?.heardMs, 2_000);
  });
  check('a refusal is kept as the last word of its receiver', async (store) => {
    await store.addStream(streamOf('s'));
    await store.enqueue([one('1')], 1_000);
    await store.settle('s', '1', { state: 'refused', detail: 'invalid_key' }, 2_000);
    assert.equal((await store.streams())[0]?.lastError, 'invalid_key');
    assert.equal((await store.ofKey('k'))[0]?.state, 'refused');
  });
  check('paused: held, but for what says so; enabled: it goes on in order', async (store) => {
    await store.addStream(streamOf('s'));
    await store.enqueue([one('1'), one('2', { subjectKey: 'b' })], 1_000);
    const updated = { type: STREAM_EVENTS.streamUpdated, payload: { status: 'paused' } };
    const notice = streamNotice('https://plumbline.example', streamOf('s'), updated, 1_000);
    await store.enqueue([notice], 1_000);
    await store.changeStream('s', { status: 'paused' });
    assert.deepEqual(jtis(await store.take('s', 2_000, 10, 100)), [notice.jti]);
    await store.changeStream('s', { status: 'enabled' });
    assert.deepEqual(jtis(await store.take('s', 2_000, 10, 100)), ['1', '2']);
  });
  check('disabled: what waits is dropped and counted', async (store) => {
    await store.addStream(streamOf('s'));
    await store.enqueue([one('1'), one('2')], 1_000);
    const changed = await store.changeStream('s', { status: 'disabled' });
    assert.equal(changed?.dropped, 2);
    await store.changeStream('s', { status: 'enabled' });
    assert.deepEqual(await store.take('s', 2_000, 10, 100), []);
  });
  check(
    'what is stale is not handed out, stands in nobody’s way, and is counted',
    async (store) => {
      await store.addStream(streamOf('s'));
      await store.enqueue([one('1', { expiresMs: 3_000 }), one('2')], 1_000);
      assert.deepEqual(jtis(await store.take('s', 3_000, 10, 100)), ['2']);
      assert.equal(await store.tidy(3_000, 0), 1);
      assert.equal((await store.streams())[0]?.dropped, 1);
      assert.equal((await store.ofKey('k'))[0]?.state, 'dropped');
    },
  );
  check('what was settled long ago is forgotten', async (store) => {
    await store.addStream(streamOf('s'));
    await store.enqueue([one('1'), one('2')], 1_000);
    await store.settle('s', '1', DONE, 2_000);
    await store.tidy(9_000, 2_001);
    assert.deepEqual(jtis(await store.ofKey('k')), ['2']);
  });
}

function wishes(check: Check): void {
  const none = () => [];
  const seen = async (store: SignalStore, step: WishStep, nowMs = 1_000) => {
    const contexts: WishContext[] = [];
    const wished = await store.wish(
      step,
      (context) => {
        contexts.push(context);
        return [
          one(`${step.key}`, { key: step.key, leaseId: step.leaseId, expiresMs: step.expiresMs }),
        ];
      },
      nowMs,
    );
    return { wished, context: contexts[0] ?? null };
  };

  check('a key is composed once; asked again it says what became of it', async (store) => {
    await store.addStream(streamOf('s'));
    const first = await seen(store, stepOf('L1'));
    assert.ok(first.wished.type === 'queued' && first.wished.isNew);
    assert.deepEqual(
      first.context?.streams.map(({ id }) => id),
      ['s'],
    );
    await store.settle('s', 'L1-request', DONE, 2_000);
    const again = await seen(store, stepOf('L1'));
    assert.equal(again.context, null);
    assert.ok(again.wished.type === 'queued' && !again.wished.isNew);
    assert.deepEqual(
      again.wished.signals.map(({ state }) => state),
      ['delivered'],
    );
  });
  check('where nothing was composed nothing stands', async (store) => {
    await store.wish(stepOf('L1'), none, 1_000);
    await store.addStream(streamOf('s'));
    assert.notEqual((await seen(store, stepOf('L1'))).context, null);
  });
  check('others are leases of the same subject that still stand', async (store) => {
    await store.addStream(streamOf('s'));
    await seen(store, stepOf('L1', { verb: 'freeze_tool', tools: ['pay'], session: 's-1' }));
    await seen(store, stepOf('L2', { subjectKey: 'b' }));
    await seen(store, stepOf('L3', { expiresMs: 5_000 }));
    await seen(store, stepOf('L4', { expiresMs: null }));
    await seen(store, stepOf('L4', { step: 'release', expiresMs: null }));
    const { context } = await seen(store, stepOf('L5'), 5_000);
    assert.deepEqual(context?.others, [
      {
        ...{ leaseId: 'L1', verb: 'freeze_tool', subjectKey: 'a', session: 's-1' },
        ...{ tools: ['pay'], expiresMs: 1_000_000 },
      },
    ]);
  });
  check(
    'a release: told are those that were sent something; the unsent is taken back',
    async (store) => {
      await store.addStream(streamOf('s'));
      await store.addStream(streamOf('t'));
      const both = () => [
        one('1', { key: 'L1-request', leaseId: 'L1' }),
        signalOf('t', '2', { key: 'L1-request', leaseId: 'L1' }),
      ];
      await store.wish(stepOf('L1'), both, 1_000);
      await store.take('s', 2_000, 1, 100);
      const { context } = await seen(store, stepOf('L1', { step: 'release' }), 2_000);
      assert.deepEqual([...(context?.told ?? [])], ['s']);
      assert.deepEqual(
        (await store.ofKey('L1-request')).map(({ state }) => state),
        ['waiting', 'dropped'],
      );
    },
  );
  check('what was released is over: nothing late revives it', async (store) => {
    await store.addStream(streamOf('s'));
    await seen(store, stepOf('L1'));
    await seen(store, stepOf('L1', { step: 'release' }));
    assert.equal((await seen(store, stepOf('L1'))).wished.type, 'over');
    assert.equal((await seen(store, stepOf('L1', { step: 'renew' }))).wished.type, 'over');
  });
  check('a release of what never stood is noted too', async (store) => {
    await store.addStream(streamOf('s'));
    assert.equal((await seen(store, stepOf('L1', { step: 'release' }))).wished.type, 'nothing');
    assert.equal((await seen(store, stepOf('L1'))).wished.type, 'over');
    assert.equal((await seen(store, stepOf('L2', { step: 'renew' }))).wished.type, 'nothing');
  });
  check('a renewal moves the end, of what is still to be sent as well', async (store) => {
    await store.addStream(streamOf('s'));
    await seen(store, stepOf('L1', { expiresMs: 3_000 }));
    await store.wish(stepOf('L1', { step: 'renew', expiresMs: 9_000 }), none, 2_000);
    assert.deepEqual(jtis(await store.take('s', 8_000, 10, 1)), ['L1-request']);
    assert.equal((await seen(store, stepOf('L2'), 8_000)).context?.others.length, 1);
  });
}
