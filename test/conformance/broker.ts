/** What every broker promises a lane, run against any implementation of it. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { OperatingError } from '../../src/model/errors.ts';
import type { Broker } from '../../src/model/ports.ts';
import { Recorder, type RecorderOptions, until } from '../integration/kafka-lane-recorder.ts';

/** A world with topics, of which each test takes fresh ones. */
export interface BrokerHarness {
  /** A topic that is new and empty, with one partition. */
  topic(): Promise<string>;
  /** Appends records; resolves when they can be read. */
  append(topic: string, values: readonly Buffer[]): Promise<void>;
  /** A broker that is not started; the world stops it at its end. */
  broker(topics: readonly string[], onGap?: (gap: Gap) => void): Broker;
  /** Takes records away from the front, up to but without the n-th; absent: nothing does that here. */
  readonly truncate?: (topic: string, n: number) => Promise<void>;
  /** Are offsets dense from 0? */
  readonly isDense: boolean;
}

/** Offsets that are gone. */
export interface Gap {
  readonly topic: string;
  readonly from: number;
  readonly to: number;
}

const STOP_MS = 10_000;
const numbered = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => Buffer.from(String(from + i)));
const texts = (from: number, to: number) => numbered(from, to).map(String);

/** Registers the suite. */
export function brokerContract(name: string, world: () => BrokerHarness): void {
  const started = async (topics: readonly string[], options: RecorderOptions = {}) => {
    const lane = new Recorder(options);
    const broker = world().broker(topics);
    await broker.start(lane);
    return { broker, lane };
  };
  const at = (topic: string) => ({ topic, partition: 0 });
  /** Offsets of everything in a topic, as a first reader sees them. */
  const offsetsOf = async (topic: string, count: number): Promise<number[]> => {
    const { broker, lane } = await started([topic]);
    await until('all were read once', () => lane.applied.length === count);
    await broker.stop(STOP_MS);
    return lane.applied.map(({ offset }) => offset);
  };

  describe(`broker contract: ${name}`, () => {
    it('delivers nothing before assigned resolved, then exactly from its answer, in order', async () => {
      const topic = await world().topic();
      await world().append(topic, numbered(0, 100));
      const offsets = await offsetsOf(topic, 100);
      const early: number[] = [];
      const held: { lane?: Recorder } = {};
      const lane = new Recorder({
        positions: new Map([[`${topic}/0`, offsets[42] ?? 0]]),
        onAssigned: async () => {
          await sleep(600);
          early.push(held.lane?.slices.length ?? -1);
        },
      });
      held.lane = lane;
      const broker = world().broker([topic]);
      await broker.start(lane);
      await until('58 records arrived', () => lane.applied.length === 58);
      assert.deepEqual(early, [0]);
      assert.deepEqual(lane.values(at(topic)), texts(42, 100));
      assert.deepEqual(
        lane.applied.map(({ offset }) => offset),
        offsets.slice(42),
      );
      await broker.stop(STOP_MS);
      lane.finish();
    });

    it('goes on behind what is appended while it reads, and says how far it is', async () => {
      const topics = [await world().topic(), await world().topic()] as const;
      const { broker, lane } = await started(topics);
      for (let n = 0; n < 10; n += 1)
        for (const topic of topics) await world().append(topic, numbered(n * 10, n * 10 + 10));
      await until('all arrived', () => lane.applied.length === 200);
      for (const topic of topics) assert.deepEqual(lane.values(at(topic)), texts(0, 100));
      await until('the ends are told', () => lane.lags.every(({ next, end }) => next === end));
      const lags = await broker.lag();
      assert.deepEqual(lags.map(({ topic }) => topic).sort(), [...topics].sort());
      for (const { topic, next, end, low } of lags) {
        assert.equal(next, end, topic);
        if (world().isDense) assert.deepEqual([end, low], [100, 0], topic);
      }
      await broker.stop(STOP_MS);
      lane.finish();
    });

    it('gives what was not stored again to whoever comes next', async () => {
      const topic = await world().topic();
      await world().append(topic, numbered(0, 40));
      // It took effect nowhere: the process died before it was stored.
      const dying = new Recorder({
        onSlice: async () => Promise.withResolvers<undefined>().promise,
      });
      const first = world().broker([topic]);
      await first.start(dying);
      await until('a slice is at work', () => dying.slices.length === 1);
      await first.stop(100);
      const { broker, lane } = await started([topic], { positions: dying.positions });
      await until('all came again', () => lane.applied.length === 40);
      assert.deepEqual(lane.values(at(topic)), texts(0, 40));
      assert.deepEqual(dying.applied, []);
      await broker.stop(STOP_MS);
      lane.finish();
    });

    it('carries what is large, in slices of bounded count and size, without loss', async () => {
      const topic = await world().topic();
      const large = Buffer.from(randomBytes(500_000).toString('hex'));
      await world().append(topic, [large, Buffer.from('x'), large]);
      await world().append(topic, numbered(0, 10_000));
      const { broker, lane } = await started([topic]);
      await until('all arrived', () => lane.applied.length === 10_003, 60_000);
      assert.ok(lane.applied[0]?.value?.equals(large));
      assert.ok(lane.applied[2]?.value?.equals(large));
      assert.deepEqual(lane.values(at(topic)).slice(3), texts(0, 10_000));
      for (const { records } of lane.slices) {
        assert.ok(records.length <= 500, String(records.length));
        const bytes = records.reduce((sum, { value }) => sum + (value?.length ?? 0), 0);
        // The record that reaches the bound may be in it.
        assert.ok(bytes - (records.at(-1)?.value?.length ?? 0) <= 1_048_576, String(bytes));
      }
      await broker.stop(STOP_MS);
      lane.finish();
    });

    it('holds a paused topic, lets its neighbour run, and loses nothing at resume', async () => {
      const [held, free] = [await world().topic(), await world().topic()];
      const { broker, lane } = await started([held, free]);
      await world().append(held, numbered(0, 10));
      await world().append(free, numbered(0, 10));
      await until('both arrived', () => lane.applied.length === 20);
      broker.pause([at(held)]);
      broker.pause([at(held)]);
      await sleep(500); // what was being read before the pause has come
      await world().append(held, numbered(10, 30));
      await world().append(free, numbered(10, 30));
      await until('the neighbour ran on', () => lane.values(at(free)).length === 30);
      assert.equal(lane.values(at(held)).length, 10);
      // A file is looked at when it is read.
      if (world().isDense)
        await until('its end is told while it is held', () =>
          lane.lags.some(({ topic, next, end }) => topic === held && next < end),
        );
      broker.resume([at(held)]);
      await until('the rest came', () => lane.applied.length === 60);
      assert.deepEqual(lane.values(at(held)), texts(0, 30));
      assert.deepEqual(lane.values(at(free)), texts(0, 30));
      await broker.stop(STOP_MS);
      lane.finish();
    });

    it('reports what a slice threw once, and delivers nothing more', async () => {
      const topic = await world().topic();
      await world().append(topic, numbered(0, 2_000));
      const thrown = new TypeError('state is broken');
      const { broker, lane } = await started([topic], {
        onSlice: async (records) => {
          if (String(records[0]?.value) !== '0') throw thrown;
          return undefined;
        },
      });
      await until('the failure was told', () => lane.failures.length > 0);
      await broker.stop(STOP_MS);
      assert.deepEqual(lane.failures, [thrown]);
      assert.equal(lane.slices.length, 2);
      lane.finish();
    });

    it('ends when another owns the lane', async () => {
      const topic = await world().topic();
      await world().append(topic, numbered(0, 10));
      const { broker, lane } = await started([topic], { onSlice: async () => 'fenced' });
      await until('the failure was told', () => lane.failures.length > 0);
      await broker.stop(STOP_MS);
      const [cause] = lane.failures;
      assert.ok(cause instanceof OperatingError && cause.code === 'LANE_FENCED', String(cause));
      assert.ok(cause.message.includes(topic), cause.message);
      assert.equal(lane.slices.length, 1);
    });

    it('rejects the start when assigned rejects', async () => {
      const topic = await world().topic();
      await world().append(topic, numbered(0, 1));
      const refused = new Error('no database');
      const onAssigned = async () => Promise.reject(refused);
      await assert.rejects(started([topic], { onAssigned }), refused);
    });

    it('stops at its deadline though a slice hangs, which is then no longer live', async () => {
      const topic = await world().topic();
      await world().append(topic, numbered(0, 10));
      const release = Promise.withResolvers<void>();
      const live: boolean[] = [];
      const { broker, lane } = await started([topic], {
        onSlice: async (_, control) => {
          live.push(control.live());
          await release.promise;
          live.push(control.live());
          return undefined;
        },
      });
      await until('the slice is at work', () => live.length === 1);
      await broker.stop(300);
      release.resolve();
      await until('the slice saw it', () => live.length === 2);
      assert.deepEqual(live, [true, false]);
      assert.deepEqual(lane.applied, []);
      assert.deepEqual(lane.failures, []);
    });

    it('lets the slice at hand finish when there is time', async () => {
      const topic = await world().topic();
      await world().append(topic, numbered(0, 2_000));
      const begun = Promise.withResolvers<void>();
      const { broker, lane } = await started([topic], {
        onSlice: async () => {
          begun.resolve();
          await sleep(300);
          return undefined;
        },
      });
      await begun.promise;
      await broker.stop(STOP_MS);
      assert.equal(lane.slices.length, 1);
      assert.equal(lane.applied.length, lane.slices[0]?.records.length);
      assert.deepEqual(lane.failures, []);
      lane.finish();
    });

    it('reports what retention took away, and goes on behind it', async () => {
      const { truncate } = world();
      const topic = await world().topic();
      await world().append(topic, numbered(0, 30));
      if (truncate === undefined) return;
      await truncate(topic, 12);
      const gaps: Gap[] = [];
      const lane = new Recorder({ positions: new Map([[`${topic}/0`, 5]]) });
      const broker = world().broker([topic], (gap) => gaps.push(gap));
      await broker.start(lane);
      await until('the rest arrived', () => lane.applied.length === 18);
      assert.deepEqual(
        gaps.map(({ topic: name, from, to }) => [name, from, to]),
        [[topic, 5, 12]],
      );
      assert.deepEqual(lane.values(at(topic)), texts(12, 30));
      await broker.stop(STOP_MS);
      lane.finish();
    });

    it('refuses a position beyond the end of the log', async () => {
      if (!world().isDense) return;
      const topic = await world().topic();
      await world().append(topic, numbered(0, 20));
      await assert.rejects(
        started([topic], { positions: new Map([[`${topic}/0`, 500]]) }),
        (cause: unknown) => cause instanceof OperatingError && cause.code === 'BROKER_LAYOUT',
      );
    });
  });
}
