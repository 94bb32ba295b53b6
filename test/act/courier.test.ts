/** The courier: what is pushed again, in which order, and to whom no more. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SsfOptions } from '../../src/act/drivers/ssf-options.ts';
import { PUSH, STREAM_EVENTS } from '../../src/model/signals.ts';
import { type Bench, ISSUER, newStream, startBench } from '../api/signal-bench.ts';
import { signalOf } from '../conformance/signal-store.ts';
import { type Front, startFront } from './counterparts/front.ts';
import { createTestLog } from './test-log.ts';

function courier(
  claim: string,
  body: (bench: Bench, front: Front, stream: string) => Promise<void>,
  change: Partial<SsfOptions['receivers'][number]> = {},
): void {
  test(`courier: ${claim}`, async () => {
    const front = await startFront(() => ({ status: 202, body: '' }));
    const bench = await startBench({
      receivers: [
        {
          ...{ name: 'idp', audience: 'https://idp.example', subject: 'complex' },
          ...{ push: `${front.url}/events`, authorization: { env: 'X' } },
          standing: ['risk-level-change'],
          ...change,
        },
      ],
    });
    const [stream] = await bench.store.streams();
    try {
      await body(bench, front, stream?.id ?? '');
    } finally {
      await Promise.all([bench.close(), front.close()]);
    }
  });
}

const jtisIn = (front: Front) =>
  front.seen.map(({ body }) => {
    const claims = Buffer.from(body.split('.')[1] ?? '', 'base64url').toString('utf8');
    return (JSON.parse(claims) as { jti: string }).jti;
  });
const queue = async (bench: Bench, stream: string, ...jtis: string[]) =>
  await bench.store.enqueue(
    jtis.map((jti) => signalOf(stream, jti)),
    bench.clock.nowMs(),
  );

courier('signals of one subject go out in order, one a round', async (bench, front, stream) => {
  await queue(bench, stream, '1', '2', '3');
  for (let rounds = 0; rounds < 4; rounds += 1) await bench.courier.round();
  assert.deepEqual(jtisIn(front), ['1', '2', '3']);
  assert.equal(front.seen[0]?.headers['authorization'], 'Bearer configured');
});
courier(
  'what fails is sent again under the same jti, later each time',
  async (bench, front, stream) => {
    await front.lie('fail');
    await queue(bench, stream, '1', '2');
    const tried: number[] = [];
    for (let seconds = 0; seconds < 60; seconds += 1) {
      const before = front.seen.length;
      await bench.courier.round();
      if (front.seen.length > before) tried.push(seconds);
      await bench.clock.advance(1_000);
    }
    assert.deepEqual(tried, [0, 1, 2, 3, 5, 9, 17, 33]);
    await front.lie('honest');
    await bench.clock.advance(30_000);
    await bench.courier.round();
    await bench.courier.round();
    assert.deepEqual(jtisIn(front).slice(-2), ['1', '2']);
  },
);
courier(
  'a reply that was lost is asked for again, and the receiver knows the jti',
  async (bench, front, stream) => {
    await front.lie('lose-reply');
    await queue(bench, stream, '1');
    await bench.courier.round();
    await front.lie('honest');
    await bench.clock.advance(1_000);
    await bench.courier.round();
    assert.deepEqual(jtisIn(front), ['1', '1']);
    assert.equal((await bench.store.ofKey('k'))[0]?.state, 'delivered');
  },
);
courier(
  'an address that configuration has taken away is not called',
  async (bench, front, stream) => {
    const delivery = {
      method: PUSH,
      url: `${front.url}/elsewhere`,
      sealedAuthorization: null,
    } as const;
    await bench.store.changeStream(stream, { delivery });
    await queue(bench, stream, '1');
    await bench.courier.round();
    assert.equal(front.seen.length, 0);
    assert.match(
      (await bench.store.streams())[0]?.lastError ?? '',
      /not in configuration any more/,
    );
  },
);
courier(
  'a header of the receiver’s own is opened for the push, or nothing is sent',
  async (bench, front, stream) => {
    const url = `${front.url}/events`;
    const sealedAuthorization = await bench.keys.seal('Bearer its-own');
    await bench.store.changeStream(stream, {
      delivery: { method: PUSH, url, sealedAuthorization },
    });
    await queue(bench, stream, '1');
    await bench.courier.round();
    assert.equal(front.seen[0]?.headers['authorization'], 'Bearer its-own');
    const spoilt = `${sealedAuthorization.slice(0, -4)}AAAA`;
    await bench.store.changeStream(stream, {
      delivery: { method: PUSH, url, sealedAuthorization: spoilt },
    });
    await queue(bench, stream, '2');
    await bench.courier.round();
    assert.equal(front.seen.length, 1);
  },
);
courier('a receiver that stopped polling is told, then paused; once', async (bench) => {
  for (const { id } of await bench.store.streams()) await bench.store.removeStream(id);
  const id = await newStream(bench);
  await bench.clock.advance(7 * 86_400_000);
  assert.equal(await bench.courier.pauseIdle(), 0);
  await bench.clock.advance(1);
  assert.deepEqual([await bench.courier.pauseIdle(), await bench.courier.pauseIdle()], [1, 0]);
  assert.equal((await bench.store.streams())[0]?.status, 'paused');
  const examined = await bench.examine(Object.values(await bench.poll(id))[0] ?? '');
  assert.ok(examined.ok, JSON.stringify(examined));
  assert.equal(examined.event, STREAM_EVENTS.streamUpdated);
  assert.equal(examined.payload['status'], 'paused');
  assert.equal(examined.claims['iss'], ISSUER);
});
courier('it runs until it is told to stop, and tidies on its way', async (bench, front, stream) => {
  const stop = new AbortController();
  const { log, lines } = createTestLog();
  const stale = signalOf(stream, 'stale', { expiresMs: bench.clock.nowMs() - 1 });
  await bench.store.enqueue([stale], 0);
  const running = bench.courier.run(stop.signal, log);
  await queue(bench, stream, '1');
  while (front.seen.length === 0) await bench.clock.advance(1_000);
  stop.abort();
  await running;
  assert.deepEqual(jtisIn(front), ['1']);
  assert.ok(lines.some(({ message }) => message === 'signals went stale before they were heard'));
});
