/** Re-keyer: everything reaches its lanes in order, and nothing is called forwarded that is not there. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { type Bundle, decodeBundle } from '../../src/lanes/bundle.ts';
import { createRekeyer } from '../../src/lanes/rekeyer.ts';
import { OperatingError } from '../../src/model/errors.ts';
import type { OutRecord, Rec, SliceControl, StartPosition } from '../../src/model/ports.ts';
import { quietLog } from '../integration/kafka-lane-recorder.ts';

const LANES = 3;
const GATEWAY = { topic: 'gateway', partition: 0 };
const away = () => new OperatingError('BROKER_UNREACHABLE', 'away', { retryable: true });

function lab(committed: readonly StartPosition[] = []) {
  const sent: { readonly lane: number; readonly bundle: Bundle }[] = [];
  const failures: Error[] = [];
  const held: string[] = [];
  let nowMs = 1_000_000;
  const sleeping: { atMs: number; wake: () => void }[] = [];
  const rekeyer = createRekeyer({
    lanes: LANES,
    topic: 'events',
    // A record's value names its lanes and its time.
    address: ({ value }) => {
      const { lanes, ms } = JSON.parse(String(value)) as { lanes: number[]; ms: number };
      return { lanes, newestMs: ms };
    },
    publish: async (records: readonly OutRecord[]) => {
      const failure = failures.shift();
      if (failure !== undefined) throw failure;
      for (const { partition, value } of records) {
        const read = decodeBundle(value as Buffer);
        assert.ok(read.ok);
        sent.push({ lane: partition ?? -1, bundle: read.bundle });
      }
    },
    committed: async () => committed,
    hold: (partitions) => held.push(partitions.map(({ partition }) => partition).join(',')),
    clock: {
      nowMs: () => nowMs,
      sleep: async (ms, signal) => {
        if (signal?.aborted === true) return;
        const { promise, resolve } = Promise.withResolvers<void>();
        sleeping.push({ atMs: nowMs + ms, wake: resolve });
        signal?.addEventListener('abort', () => resolve(), { once: true });
        await promise;
      },
    },
    log: quietLog,
  });
  const pass = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 10) {
      nowMs += 10;
      for (const { wake } of sleeping.filter(({ atMs }) => atMs <= nowMs)) wake();
      await turn();
    }
  };
  const control = (more = false, live = () => true): SliceControl => ({
    ...{ heartbeat: async () => undefined, live, end: 100, more },
  });
  const take = async (at = GATEWAY, low = 0) => {
    const [start] = await rekeyer.assigned([{ ...at, low, next: low, end: 100 }]);
    return start?.offset;
  };
  const of = (lane: number) => sent.filter((one) => one.lane === lane).map(({ bundle }) => bundle);
  const offsets = (lane: number) =>
    of(lane).flatMap(({ records }) => records.map(({ offset }) => offset));
  const sizes = (lane: number) =>
    of(lane).flatMap(({ records }) => (records.length === 0 ? [] : records.length));
  const marks = (lane: number) =>
    of(lane).flatMap((bundle) => bundle.marks.map(({ next }) => next));
  return { rekeyer, sent, failures, held, pass, control, take, of, offsets, marks, sizes };
}

function rec(offset: number, lanes: readonly number[], size = 0): Rec {
  const value = JSON.stringify({ lanes, ms: offset * 1000, pad: 'x'.repeat(size) });
  return { ...GATEWAY, offset, timestampMs: 1, key: null, value: Buffer.from(value) };
}

describe('rekeyer', () => {
  it('sends each record to its lanes, and tells every lane how far the partition is', async () => {
    const { rekeyer, control, take, offsets, marks, of, pass } = lab();
    await take();
    const slice = [rec(0, [0]), rec(1, [0, 2]), rec(2, [2]), rec(3, [0])];
    assert.equal(await rekeyer.slice(slice, control()), 'done');
    assert.deepEqual([offsets(0), offsets(1), offsets(2)], [[0, 1, 3], [], [1, 2]]);
    assert.deepEqual([marks(0).at(-1), marks(2).at(-1)], [4, 4]);
    assert.equal(of(0).at(-1)?.marks[0]?.newestMs, 3000);
    const over = new AbortController();
    const running = rekeyer.run(over.signal);
    await pass(400);
    assert.equal(marks(1).at(-1), 4);
    over.abort();
    await running;
  });

  it('begins where the group stands, says so to every lane, and after a loss goes on where it had sent', async () => {
    const { rekeyer, control, take, marks, pass } = lab([{ ...GATEWAY, offset: 7 }]);
    assert.equal(await take(), 7);
    const over = new AbortController();
    const running = rekeyer.run(over.signal);
    await pass(400);
    for (const lane of [0, 1, 2]) assert.deepEqual(marks(lane), [7], `lane ${lane}`);
    await rekeyer.slice([rec(7, [1]), rec(8, [1])], control());
    await rekeyer.slice([rec(9, [1])], control(true));
    assert.equal(await take(), 9, 'what was held is read again');
    rekeyer.revoked([GATEWAY]);
    assert.equal(await take(), 7, 'whoever has it from others asks Kafka');
    over.abort();
    await running;
  });

  it('sends the same again until it is there', async () => {
    const { rekeyer, failures, control, take, offsets, marks, pass } = lab();
    await take();
    failures.push(away(), away());
    const outcome = rekeyer.slice([rec(0, [1]), rec(1, [1])], control());
    await pass(1000);
    assert.equal(await outcome, 'done');
    assert.deepEqual([offsets(1), marks(1)], [[0, 1], [2]]);
  });

  it('says nothing of what could not be sent, and sends nothing more before it begins anew', async () => {
    const { rekeyer, failures, control, take, sent, pass, offsets } = lab();
    await take();
    failures.push(new OperatingError('BROKER_TOPIC_MISSING', 'gone', { retryable: false }));
    await assert.rejects(rekeyer.slice([rec(0, [1]), rec(1, [2])], control()), /gone/);
    const over = new AbortController();
    const running = rekeyer.run(over.signal);
    await pass(1000);
    assert.deepEqual(sent, []);
    assert.equal(await rekeyer.slice([rec(2, [1])], control()), 'fenced');
    assert.equal(await take(), 0);
    await rekeyer.slice([rec(0, [1]), rec(1, [2])], control());
    assert.deepEqual([offsets(1), offsets(2)], [[0], [1]]);
    over.abort();
    await running;
  });

  it('bundles slices that are at hand, 500 records or 256 KiB together', async () => {
    const { rekeyer, control, take, sizes, sent } = lab();
    await take();
    const slice = (from: number) => Array.from({ length: 400 }, (_, n) => rec(from + n, [0]));
    assert.equal(await rekeyer.slice(slice(0), control(true)), 'held');
    assert.equal(sent.length, 0);
    assert.equal(await rekeyer.slice(slice(400), control()), 'done');
    assert.deepEqual(sizes(0), [500, 300]);
    await rekeyer.slice([rec(800, [1], 200_000), rec(801, [1], 200_000)], control());
    assert.deepEqual(sizes(1), [1, 1]);
    await rekeyer.slice([rec(802, [2], 900_000)], control());
    assert.deepEqual(sizes(2), [1], 'one that is larger goes alone');
  });

  it('tells of a gap in its place', async () => {
    const { rekeyer, control, take, of } = lab();
    await take();
    await rekeyer.slice([rec(0, [0])], control(true));
    rekeyer.missing({ ...GATEWAY, from: 1, to: 50 });
    await rekeyer.slice([rec(50, [0])], control());
    const said = of(0).map(({ gaps, records }) => [
      gaps.map(({ from, to }) => `${from}-${to}`),
      records.map(({ offset }) => offset),
    ]);
    assert.deepEqual(said, [
      [[], [0]],
      [['1-50'], [50]],
    ]);
    assert.deepEqual(of(1).flatMap(({ gaps }) => gaps).length, 1);
  });

  it('says how far its partitions are, and which are at their end', async () => {
    const { rekeyer, control, take } = lab();
    await take();
    const nothing = { newestMs: null, heardMs: null, isAtEnd: false };
    assert.deepEqual(rekeyer.reached(), [{ ...GATEWAY, ...nothing, next: 0 }]);
    await rekeyer.slice([rec(0, [0]), rec(500, [0])], { ...control(), end: 900 });
    assert.deepEqual(rekeyer.reached(), [{ ...GATEWAY, ...nothing, newestMs: 500_000, next: 501 }]);
    rekeyer.progress([{ ...GATEWAY, next: 501, low: 0, end: 501 }]);
    assert.equal(rekeyer.reached()[0]?.isAtEnd, true);
  });

  it('lets a partition wait that is far ahead of the slowest elsewhere', async () => {
    const { rekeyer, control, take, held } = lab();
    await take();
    await rekeyer.slice([rec(0, [0]), rec(500, [0])], { ...control(), end: 900 });
    rekeyer.elsewhere(null);
    rekeyer.elsewhere(380_000);
    assert.deepEqual(held, []);
    rekeyer.elsewhere(379_999);
    rekeyer.elsewhere(379_999);
    assert.deepEqual(held, ['0'], 'said once');
    rekeyer.elsewhere(380_000);
    assert.deepEqual(held, ['0', '']);
  });

  it('compares with the slowest elsewhere at each slice, as that was last told', async () => {
    const { rekeyer, control, take, held } = lab();
    await take();
    rekeyer.elsewhere(0);
    await rekeyer.slice([rec(0, [0]), rec(120, [0])], { ...control(), end: 900 });
    assert.deepEqual(held, []);
    await rekeyer.slice([rec(121, [0])], { ...control(), end: 900 });
    assert.deepEqual(held, ['0']);
  });

  it('goes on no further where it was told nothing of others for some seconds', async () => {
    const { rekeyer, control, take, held, pass } = lab();
    await take();
    await pass(4000);
    await rekeyer.slice([rec(0, [0])], { ...control(), end: 900 });
    assert.deepEqual(held, []);
    await pass(10);
    await rekeyer.slice([rec(1, [0])], { ...control(), end: 900 });
    assert.deepEqual(held, ['0']);
    rekeyer.elsewhere(null);
    assert.deepEqual(held, ['0', '']);
  });

  it('lets one wait at once that leaps ahead of the slowest here, until that has come as far', async () => {
    const { rekeyer, control, held } = lab();
    const behind = { ...GATEWAY, partition: 1 };
    const lags = [GATEWAY, behind].map((at) => ({ ...at, low: 0, next: 0, end: 1000 }));
    await rekeyer.assigned(lags);
    const slice = (offset: number, partition: number) =>
      rekeyer.slice([{ ...rec(offset, [0]), partition }], { ...control(), end: 1000 });
    await slice(0, 0);
    await slice(120, 0);
    assert.deepEqual(held, []);
    await slice(121, 0);
    assert.deepEqual(held, ['0'], 'nothing came of the other, and it stands where they began');
    rekeyer.elsewhere(null);
    assert.deepEqual(held, ['0']);
    await slice(1, 1);
    assert.deepEqual(held, ['0', '']);
    await slice(400, 1);
    assert.deepEqual(held, ['0', '', '1']);
    rekeyer.progress([{ ...GATEWAY, next: 1000, low: 0, end: 1000 }]);
    assert.deepEqual(held, ['0', '', '1', ''], 'one at its end is waited for by nobody');
  });

  it('lets nobody wait who goes on as before while another is behind for a moment', async () => {
    const { rekeyer, control, held } = lab();
    const quiet = { ...GATEWAY, partition: 1 };
    await rekeyer.assigned([
      { ...GATEWAY, low: 0, next: 0, end: 1000 },
      { ...quiet, low: 0, next: 0, end: 1 },
    ]);
    await rekeyer.slice([{ ...rec(0, [0]), partition: 1 }], { ...control(), end: 1 });
    await rekeyer.slice([rec(500, [0])], { ...control(), end: 1000 });
    rekeyer.elsewhere(null);
    rekeyer.progress([{ ...quiet, next: 1, low: 0, end: 2 }]);
    await rekeyer.slice([rec(501, [0])], { ...control(), end: 1000 });
    assert.deepEqual(held, []);
    rekeyer.elsewhere(null);
    assert.deepEqual(held, ['0'], 'behind for longer');
    await rekeyer.assigned([]);
    assert.deepEqual(held, ['0', '']);
  });

  it('comes to the end of a log that ends with what is never delivered, and tells every lane', async () => {
    const { rekeyer, control, take, marks, pass } = lab();
    await take();
    await rekeyer.slice([rec(0, [0])], control());
    const over = new AbortController();
    const running = rekeyer.run(over.signal);
    await pass(400);
    rekeyer.progress([{ ...GATEWAY, next: 3, low: 0, end: 3 }]);
    assert.equal(rekeyer.reached()[0]?.isAtEnd, true);
    await pass(400);
    for (const lane of [0, 1, 2]) assert.equal(marks(lane).at(-1), 3, `lane ${lane}`);
    over.abort();
    await running;
    assert.equal(await take(), 3, 'it is not read over again');
  });

  it('tells lanes how far it came while what goes before was being sent', async () => {
    const { rekeyer, failures, control, take, marks, pass } = lab();
    await take();
    failures.push(away());
    const outcome = rekeyer.slice([rec(0, [0])], control());
    await pass(50);
    rekeyer.progress([{ ...GATEWAY, next: 3, low: 0, end: 3 }]);
    const over = new AbortController();
    const running = rekeyer.run(over.signal);
    await pass(1000);
    assert.equal(await outcome, 'done');
    for (const lane of [0, 1, 2]) assert.equal(marks(lane).at(-1), 3, `lane ${lane}`);
    over.abort();
    await running;
  });

  it('takes a partition of which nothing came yet to stand at the first event of any', async () => {
    const { rekeyer, control } = lab();
    const unread = { ...GATEWAY, partition: 1 };
    const empty = { ...GATEWAY, partition: 2 };
    const heard = () => rekeyer.reached().map(({ heardMs }) => heardMs);
    const assign = () =>
      rekeyer.assigned([
        ...[GATEWAY, unread].map((at) => ({ ...at, low: 0, next: 0, end: 100 })),
        { ...empty, low: 0, next: 0, end: 0 },
      ]);
    await assign();
    assert.deepEqual(heard(), [null, null, null], 'nothing came of any');
    await rekeyer.slice([rec(7, [0]), rec(50, [0])], control());
    await rekeyer.slice([rec(51, [0])], control());
    assert.deepEqual(heard(), [null, 7000, null], 'one at its end waits for nothing');
    await rekeyer.slice([{ ...rec(60, [0]), partition: 1 }], control());
    assert.deepEqual(heard(), [null, null, null], 'what came says more');
    await assign();
    assert.deepEqual(heard(), [null, null, null], 'assigned anew: nothing came since');
    await rekeyer.slice([rec(52, [0])], control());
    assert.deepEqual(heard(), [null, 52_000, null]);
  });
});
