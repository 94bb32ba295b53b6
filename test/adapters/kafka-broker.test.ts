/** The watch over a Kafka client: silence, replacement, giving up, unreachable brokers, crashes. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { KafkaBroker } from '../../src/adapters/kafka-broker.ts';
import type { UnreadableBatch } from '../../src/adapters/kafka-codecs.ts';
import type {
  ConsumerEvents,
  KafkaBrokerOptions,
  OffsetGap,
  OffsetRange,
} from '../../src/adapters/kafka-face.ts';
import { OperatingError } from '../../src/model/errors.ts';
import type { Clock } from '../../src/model/ports.ts';

const RANGE: OffsetRange = { topic: 't', partition: 0, low: 0, end: 10 };

/** A clock that moves only when somebody sleeps on it, once `turn` has let it. */
class SteppedClock implements Clock {
  #nowMs = 0;
  #waiting: { atMs: number; wake: () => void }[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return Promise.resolve();
    return new Promise((wake) => {
      this.#waiting.push({ atMs: this.#nowMs + ms, wake });
      signal?.addEventListener('abort', () => wake());
    });
  }

  /** Lets `ms` pass, step by step, with everything that follows from each step. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      const next = this.#waiting.toSorted((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined || next.atMs > untilMs) break;
      this.#waiting = this.#waiting.filter((waiter) => waiter !== next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.wake();
    }
    this.#nowMs = untilMs;
  }
}

function stage(more: Partial<KafkaBrokerOptions> = {}) {
  const clock = new SteppedClock();
  const consumers: { events: ConsumerEvents; isClosed: boolean }[] = [];
  const failures: Error[] = [];
  const revoked: number[] = [];
  const gaps: OffsetGap[] = [];
  const still: string[] = [];
  const answers = { broker: async (): Promise<readonly OffsetRange[]> => [RANGE] };
  const silent = () => undefined;
  const broker = new KafkaBroker(
    {
      brokers: ['kafka:9092'],
      clientId: 'c',
      group: 'g',
      topics: ['t'],
      sessionTimeoutMs: 45_000,
      clock,
      log: { debug: silent, info: silent, warn: silent, error: silent },
      onGap: (gap) => gaps.push(gap),
      ...more,
    },
    {
      consumer: (events) => {
        const mine = { events, isClosed: false };
        consumers.push(mine);
        return {
          pause: () => true,
          resume: () => true,
          seek: () => true,
          run: async () => events.joined([{ topic: 't', partition: 0 }]),
          close: async () => {
            mine.isClosed = true;
          },
        };
      },
      offsets: () => ({ ranges: () => answers.broker(), close: async () => undefined }),
    },
  );
  let progress = 0;
  const start = () =>
    broker.start({
      assigned: async () => [{ topic: 't', partition: 0, offset: 0 }],
      revoked: (lost) => revoked.push(lost.length),
      slice: async () => 'done',
      progress: () => {
        progress += 1;
      },
      failed: (cause) => failures.push(cause),
      stuck: (list) => still.push(...list.map(({ next, end }) => `stuck ${next} of ${end}`)),
      freed: (list) => still.push(...list.map(({ next }) => `freed at ${next}`)),
    });
  const seen = { failures, revoked, gaps, still };
  return { clock, consumers, ...seen, answers, broker, start, told: () => progress };
}

const refuse = (code: 'BROKER_UNREACHABLE' | 'BROKER_TOPIC_MISSING') => async () => {
  throw new OperatingError(code, code, { retryable: code === 'BROKER_UNREACHABLE' });
};

function codes(failures: readonly Error[]): string[] {
  return failures.map((cause) => (cause instanceof OperatingError ? cause.code : cause.name));
}

describe('the watch', () => {
  it('tells of a partition whose position stands still although the client is alive', async () => {
    const { clock, consumers, still, failures, broker, start } = stage({
      watch: { stuckMs: 10_000 },
    });
    await start();
    for (let round = 0; round < 10; round++) {
      await clock.pass(3_000);
      consumers[0]?.events.alive();
    }
    assert.deepEqual(still, ['stuck 0 of 10']);
    consumers[0]?.events.skipped({ topic: 't', partition: 0, offset: 4 });
    await clock.pass(3_000);
    assert.deepEqual(still, ['stuck 0 of 10', 'freed at 4']);
    assert.equal(consumers.length, 1, 'nothing is replaced for that');
    assert.deepEqual(failures, []);
    await broker.stop(0);
  });

  it('replaces a silent client as soon as its options say', async () => {
    const { clock, consumers, broker, start } = stage({
      ...{ sessionTimeoutMs: 6_000, watch: { silenceMs: 1_000 } },
    });
    await start();
    await clock.pass(11_000);
    assert.equal(consumers.length, 1);
    await clock.pass(5_000);
    assert.equal(consumers.length, 2);
    await broker.stop(0);
  });

  it('tells log ends at least each 3 s, and leaves a living client alone', async () => {
    const { clock, consumers, failures, broker, start, told } = stage();
    await start();
    for (let round = 0; round < 100; round++) {
      await clock.pass(3_000);
      assert.ok(told() > round);
      consumers[0]?.events.alive();
    }
    assert.equal(consumers.length, 1);
    await broker.stop(0);
    assert.deepEqual(failures, []);
  });

  it('replaces a silent client, three times, then gives up', async () => {
    const { clock, consumers, failures, revoked, broker, start } = stage();
    await start();
    await clock.pass(100_000);
    assert.equal(consumers.length, 2);
    assert.deepEqual(
      consumers.map(({ isClosed }) => isClosed),
      [true, false],
    );
    assert.deepEqual(revoked, [1]);
    await clock.pass(200_000);
    assert.equal(consumers.length, 4);
    assert.deepEqual(failures, []);
    await clock.pass(100_000);
    assert.deepEqual(codes(failures), ['BROKER_STUCK']);
    assert.ok(consumers.every(({ isClosed }) => isClosed));
    await broker.stop(0);
  });

  it('does not blame the client while the broker itself is away', async () => {
    const { clock, consumers, failures, answers, broker, start } = stage();
    await start();
    answers.broker = refuse('BROKER_UNREACHABLE');
    await clock.pass(3_600_000);
    assert.equal(consumers.length, 1);
    assert.deepEqual(failures, []);
    answers.broker = async () => [RANGE];
    await clock.pass(60_000);
    assert.equal(consumers.length, 1);
    await clock.pass(60_000);
    assert.equal(consumers.length, 2);
    await broker.stop(0);
  });

  it('believes that a topic is gone when it is missing three times', async () => {
    const { clock, failures, answers, broker, start } = stage();
    await start();
    answers.broker = refuse('BROKER_TOPIC_MISSING');
    await clock.pass(5_000);
    assert.deepEqual(failures, []);
    await clock.pass(5_000);
    assert.deepEqual(codes(failures), ['BROKER_TOPIC_MISSING']);
    await broker.stop(0);
  });
});

describe('a crash', () => {
  it('for good ends the broker once; our own errors pass as they are', async () => {
    const { consumers, failures, broker, start } = stage();
    await start();
    consumers[0]?.events.crashed(new TypeError('x of undefined'));
    consumers[0]?.events.crashed(new TypeError('again'));
    assert.deepEqual(codes(failures), ['BROKER_CRASHED']);
    assert.match(failures[0]?.message ?? '', /x of undefined/);
    await broker.stop(0);
    const other = stage();
    await other.start();
    const layout = new OperatingError('BROKER_LAYOUT', 'counts differ', { retryable: false });
    other.consumers[0]?.events.crashed(new Error('wrapped', { cause: layout }));
    assert.deepEqual(other.failures, [layout]);
    await other.broker.stop(0);
  });

  it('of a client that was replaced, or after stop, is nobody else’s', async () => {
    const { clock, consumers, failures, broker, start } = stage();
    await start();
    await clock.pass(100_000);
    consumers[0]?.events.crashed(new Error('late'));
    await broker.stop(0);
    consumers[1]?.events.crashed(new Error('late'));
    assert.deepEqual(failures, []);
  });

  it('before the first join rejects the start', async () => {
    const { answers, start } = stage();
    answers.broker = refuse('BROKER_TOPIC_MISSING');
    await assert.rejects(start(), { code: 'BROKER_TOPIC_MISSING' });
  });
});

describe('a batch that cannot be unpacked', () => {
  const batch = (firstOffset: number): UnreadableBatch => ({
    packing: 'zstd',
    head: { firstOffset, lastOffset: firstOffset + 2, records: 3 },
    reason: 'a length breaks off',
  });

  it('ends reading once a partition has come to it, and says where and what to do', async () => {
    const { consumers, failures, broker, start } = stage();
    await start();
    consumers[0]?.events.unreadable(batch(0));
    consumers[0]?.events.unreadable(batch(0));
    assert.deepEqual(codes(failures), ['SOURCE_UNREADABLE']);
    assert.match(
      failures[0]?.message ?? '',
      /^topic t, partition 0, offset 0: .*zstd.*a length breaks off.*including offset 2 /,
    );
    await broker.stop(0);
  });

  it('is gone past where that is wanted, with its range and reason, once', async () => {
    const { consumers, failures, gaps, broker, start } = stage({ undecodable: 'skip' });
    await start();
    consumers[0]?.events.unreadable(batch(0));
    consumers[0]?.events.unreadable(batch(0));
    assert.deepEqual(failures, []);
    assert.equal(gaps.length, 1);
    const { undecodable, ...range } = gaps[0] as OffsetGap;
    assert.deepEqual(range, { topic: 't', partition: 0, from: 0, to: 3 });
    assert.match(undecodable ?? '', /zstd.*a length breaks off/);
    await broker.stop(0);
  });

  it('ends nothing while what precedes it is still on its way, or where it is not read here', async () => {
    const { consumers, failures, broker, start } = stage();
    await start();
    consumers[0]?.events.unreadable(batch(4));
    consumers[0]?.events.unreadable(batch(7));
    assert.deepEqual(failures, []);
    await broker.stop(0);
    consumers[0]?.events.unreadable(batch(0));
    assert.deepEqual(failures, []);
  });

  it('ends reading where it comes again and again, although no position says why', async () => {
    const { consumers, failures, broker, start } = stage();
    await start();
    for (let times = 1; times < 50; times += 1) consumers[0]?.events.unreadable(batch(4));
    assert.equal(failures.length, 0);
    consumers[0]?.events.unreadable(batch(4));
    assert.deepEqual(codes(failures), ['SOURCE_UNREADABLE']);
    assert.match(failures[0]?.message ?? '', /^a partition, offset 4: /);
    await broker.stop(0);
  });
});
