/** Member: lanes come and go with rebalances; what was kept goes on, what was lost is let go of. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { LaneFeed } from '../../src/lanes/feed.ts';
import { type LaneLoop, Member } from '../../src/lanes/member.ts';
import type { Broker, LaneHandler, PartitionLag, TopicPartition } from '../../src/model/ports.ts';
import { quietLog } from '../integration/kafka-lane-recorder.ts';

const SOURCE: PartitionLag = { topic: 'gateway', partition: 0, low: 0, next: 0, end: 10 };
const of = (...lanes: number[]): PartitionLag[] =>
  lanes.map((partition) => ({ topic: 'events', partition, low: 0, next: 0, end: 5 }));

function lab(untilCaughtUp = false) {
  const did: string[] = [];
  const paused: string[] = [];
  const wished: string[] = [];
  let elsewhere: readonly TopicPartition[] = [];
  const feeds = new Map<number, LaneFeed>();
  const ending = new Map<number, PromiseWithResolvers<void>>();
  const held = { isOurs: true, isSlow: null as Promise<void> | null };
  let stopped = false;
  const broker: Broker = {
    start: async () => undefined,
    pause: () => undefined,
    resume: () => undefined,
    lag: async () => [],
    stop: async () => {
      stopped = true;
    },
  };
  const handler: LaneHandler = {
    assigned: async (partitions) => {
      await held.isSlow;
      return partitions.map(({ topic, partition }) => ({ topic, partition, offset: 0 }));
    },
    revoked: () => undefined,
    slice: async () => 'held',
    progress: (lags) => did.push(`ends ${lags.map(({ end }) => end)}`),
    failed: () => undefined,
  };
  const open = (lane: number, feed: LaneFeed): LaneLoop => {
    did.push(`open ${lane}`);
    feeds.set(lane, feed);
    const end = Promise.withResolvers<void>();
    ending.set(lane, end);
    const store = feed.store({
      claim: async () => ({
        state: { positions: [], pages: [], deltas: [], seq: 0 },
        ...{ watermarkMs: null, counters: {} },
      }),
      commit: async () => 'done',
      requests: async () => [],
    });
    return {
      run: async (signal) => {
        await store.claim([]);
        await feed.broker.start(handler);
        const { promise, resolve } = Promise.withResolvers<void>();
        signal.addEventListener('abort', () => resolve(), { once: true });
        if (signal.aborted) resolve();
        await Promise.race([end.promise, promise]);
        did.push(`${signal.aborted ? 'drop' : 'end'} ${lane}`);
      },
      missing: ({ topic, from, to }) => did.push(`missing ${lane} ${topic} ${from}-${to}`),
      isOurs: async () => held.isOurs,
    };
  };
  const sleeping: (() => void)[] = [];
  const member = new Member(
    {
      ...{ broker, topic: 'events', open, log: quietLog },
      ends: async () => [SOURCE],
      share: async (wanted) => {
        wished.push(wanted.map(({ partition }) => partition).join(','));
        return elsewhere;
      },
      pause: (partitions: readonly TopicPartition[], isPaused) =>
        paused.push(`${isPaused ? 'pause' : 'resume'} ${partitions.map((at) => at.partition)}`),
      clock: {
        nowMs: () => 0,
        sleep: async (_ms, signal) => {
          const { promise, resolve } = Promise.withResolvers<void>();
          sleeping.push(resolve);
          signal?.addEventListener('abort', () => resolve(), { once: true });
          await promise;
        },
      },
    },
    { untilCaughtUp },
  );
  const taken = (): string[] => did.splice(0);
  const ask = async (want: readonly TopicPartition[]) => {
    elsewhere = want;
    for (const wake of sleeping.splice(0)) wake();
    await turn();
    await turn();
  };
  return { member, feeds, ending, held, paused, wished, ask, taken, isStopped: () => stopped };
}

describe('member', () => {
  it('opens what it is given, keeps what stays, and lets go of what goes', async () => {
    const { member, taken } = lab();
    await member.assigned(of(0, 1));
    assert.deepEqual(taken(), ['open 0', 'open 1']);
    member.revoked(of(0));
    await member.assigned(of(1, 2));
    assert.deepEqual(taken(), ['drop 0', 'open 2']);
    assert.deepEqual(member.lanes, [1, 2]);
  });

  it('loads anew what somebody else had meanwhile', async () => {
    const { member, taken, held } = lab();
    await member.assigned(of(1));
    held.isOurs = false;
    await member.assigned(of(1));
    assert.deepEqual(taken(), ['open 1', 'drop 1', 'open 1']);
  });

  it('takes no lane that was given away while it opened others', async () => {
    const { member, taken, held } = lab();
    const slow = Promise.withResolvers<void>();
    held.isSlow = slow.promise;
    const opening = member.assigned(of(0, 1));
    await turn();
    member.revoked(of(1));
    slow.resolve();
    await opening;
    assert.deepEqual(taken(), ['open 0']);
    assert.deepEqual(member.lanes, [0]);
  });

  it('lets a source wait as long as one of its lanes wants it to', async () => {
    const { member, feeds, paused } = lab();
    await member.assigned(of(0, 1));
    const at = [{ topic: 'gateway', partition: 0 }];
    feeds.get(0)?.broker.pause(at);
    feeds.get(1)?.broker.pause(at);
    feeds.get(0)?.broker.resume(at);
    assert.deepEqual(paused, ['pause 0']);
    member.revoked(of(1));
    assert.deepEqual(paused, ['pause 0', 'resume 0']);
    feeds.get(0)?.broker.resume(at);
    assert.deepEqual(paused, ['pause 0', 'resume 0']);
  });

  it('tells other members what its lanes want to wait, and lets wait what theirs want', async () => {
    const { member, feeds, paused, wished, ask } = lab();
    const over = new AbortController();
    const running = member.run(over.signal);
    await member.assigned(of(0));
    const at = (partition: number) => ({ topic: 'gateway', partition });
    feeds.get(0)?.broker.pause([at(1)]);
    await ask([at(1), at(2)]);
    assert.deepEqual([wished, paused], [['1'], ['pause 1', 'pause 2']]);
    feeds.get(0)?.broker.resume([at(1)]);
    assert.equal(paused.length, 2, 'another still wants it');
    await ask([at(2)]);
    await ask([]);
    assert.deepEqual(wished, ['1', '', '']);
    assert.deepEqual(paused.slice(2), ['resume 1', 'resume 2']);
    over.abort();
    await running;
  });

  it('lets wait what is far ahead at once, and go on when nothing else holds it', async () => {
    const { member, feeds, paused } = lab();
    await member.assigned(of(0));
    const at = (partition: number) => ({ topic: 'gateway', partition });
    member.hold([at(1), at(2)]);
    feeds.get(0)?.broker.pause([at(1)]);
    assert.deepEqual(paused, ['pause 1,2']);
    member.hold([at(3)]);
    assert.deepEqual(paused, ['pause 1,2', 'pause 3', 'resume 2']);
    feeds.get(0)?.broker.resume([at(1)]);
    member.hold([]);
    assert.deepEqual(paused.slice(3), ['resume 1', 'resume 3']);
  });

  it('passes on what is missing of a lane, and where the sources end', async () => {
    const { member, taken, ask } = lab();
    const over = new AbortController();
    const running = member.run(over.signal);
    await member.assigned(of(4));
    member.missing({ topic: 'events', partition: 4, from: 2, to: 9 });
    await ask([]);
    assert.deepEqual(taken(), ['open 4', 'missing 4 events 2-9', 'ends 10']);
    over.abort();
    await running;
  });

  it('ends when all of its lanes have come to the end, and no sooner', async () => {
    const { member, ending, isStopped } = lab(true);
    const running = member.run(new AbortController().signal);
    await member.assigned(of(0, 1));
    ending.get(0)?.resolve();
    await turn();
    assert.equal(isStopped(), false);
    // What came after it has decided is for the next who starts.
    const control = { heartbeat: async () => undefined, live: () => true, end: 1 };
    assert.equal(await member.slice(recordsOf(0), control), 'held');
    ending.get(1)?.resolve();
    await running;
    assert.equal(isStopped(), true);
  });

  it('ends with what went wrong in a lane it has, not in one it had', async () => {
    const { member, ending, taken } = lab();
    const running = member.run(new AbortController().signal);
    await member.assigned(of(0, 1));
    member.revoked(of(0));
    ending.get(0)?.reject(new Error('fenced'));
    await turn();
    ending.get(1)?.reject(new Error('broken'));
    await assert.rejects(running, /broken/);
    assert.ok(taken().includes('open 1'));
  });
});

function recordsOf(partition: number) {
  return [{ topic: 'events', partition, offset: 0, timestampMs: 1, key: null, value: null }];
}
