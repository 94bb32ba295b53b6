/** The loop against a broker played by the test: what a rebalance leaves and takes. */
import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import type { Broker, LaneHandler, PartitionLag, Rec, TopicPartition } from '../src/model/ports.ts';
import { createObserver, type ObserverOptions } from '../src/observer.ts';
import { createPipeline } from '../src/pipeline.ts';
import { createFleet } from '../src/simulation/fleet.ts';
import { encodeEvent } from '../src/source/canonical.ts';
import { createVirtualClock } from './sim/clock.ts';
import { laneOptions, SOURCES } from './sim/lane-options.ts';
import { createLaneStore } from './sim/lane-store.ts';

const START_MS = 1_780_000_000_000;
const silent = () => undefined;
const log = { debug: silent, info: silent, warn: silent, error: silent };
const keyOf = ({ topic, partition }: TopicPartition) => `${topic}/${partition}`;
const stopping: AbortController[] = [];
const running: Promise<void>[] = [];

/** One partition a topic, filled by a small fleet. */
function records(): ReadonlyMap<string, readonly Rec[]> {
  const fleet = createFleet({
    ...{ seed: 3, agents: 4, startMs: START_MS, sessionsPerHour: 600, badShare: 0, sessions: 20 },
  });
  const byTopic = new Map<string, Rec[]>();
  for (let next = fleet.next(); next !== null; next = fleet.next()) {
    const list = byTopic.get(next.topic) ?? [];
    byTopic.set(next.topic, list);
    const value = Buffer.from(encodeEvent(next.event));
    const at = { topic: next.topic, partition: 0, offset: list.length };
    list.push({ ...at, timestampMs: next.atMs, key: null, value });
  }
  return byTopic;
}

/** A broker that does nothing by itself; the test calls the handler and sees what is paused. */
function stage(options: ObserverOptions, maxBuffered: number) {
  const paused = new Set<string>();
  const handler = Promise.withResolvers<LaneHandler>();
  const broker: Broker = {
    start: async (one) => handler.resolve(one),
    pause: (list) => {
      for (const at of list) paused.add(keyOf(at));
    },
    resume: (list) => {
      for (const at of list) paused.delete(keyOf(at));
    },
    lag: async () => [],
    stop: async () => undefined,
  };
  const store = createLaneStore();
  const observer = createObserver(
    {
      broker,
      store: {
        claim: async () => ({
          state: store.load(),
          watermarkMs: store.watermarkMs,
          counters: store.counters,
        }),
        commit: async (commit) => {
          store.apply(commit);
          return 'done';
        },
        requests: async () => [],
      },
      pipeline: () => createPipeline({ ...laneOptions(), maxBuffered }),
      actor: null,
      clock: createVirtualClock(START_MS),
      log,
    },
    options,
  );
  const stop = new AbortController();
  stopping.push(stop);
  running.push(observer.run(stop.signal));
  return { handler: handler.promise, paused, store };
}

afterEach(async () => {
  for (const stop of stopping.splice(0)) stop.abort();
  await Promise.all(running.splice(0));
});

describe('back-pressure', () => {
  it('ends with a rebalance: what was paused for the old buffer is read for the new one', async () => {
    const all = records();
    const lags: PartitionLag[] = SOURCES.map(({ topic }) => {
      return { topic, partition: 0, next: 0, low: 0, end: all.get(topic)?.length ?? 0 };
    });
    const world = stage({ untilCaughtUp: false }, 10);
    const handler = await world.handler;
    await handler.assigned(lags);
    const metrics = (all.get('metrics') ?? []).slice(0, 50);
    assert.equal(metrics.length, 50);
    const control = { heartbeat: async () => undefined, live: () => true, end: 1_000 };
    assert.equal(await handler.slice(metrics, control), 'done');
    assert.deepEqual([...world.paused], ['metrics/0'], 'nothing else may release what it holds');
    handler.revoked(lags);
    const starts = await handler.assigned(lags);
    assert.deepEqual([...world.paused], []);
    const again = starts.find(({ topic }) => topic === 'metrics');
    assert.equal(again?.offset, 0, 'what was held is read again');
  });
});
