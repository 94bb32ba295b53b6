/** The loop against a broker played by the test: what is paused, and what must not stay so. */
import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { OperatingError } from '../src/model/errors.ts';
import type {
  Broker,
  Clock,
  LaneHandler,
  PartitionLag,
  Rec,
  StartPosition,
  TopicPartition,
} from '../src/model/ports.ts';
import { createObserver, type ObserverOptions } from '../src/observer.ts';
import type { PipelineOptions } from '../src/pipeline/options.ts';
import { createPipeline } from '../src/pipeline.ts';
import { type Bearer, metricEvent } from '../src/simulation/emission.ts';
import { encodeEvent } from '../src/source/canonical.ts';
import { createVirtualClock } from './sim/clock.ts';
import { laneOptions } from './sim/lane-options.ts';
import { createLaneStore } from './sim/lane-store.ts';

const START_MS = 1_780_000_000_000;
const MAX_BUFFERED = 10;
const AHEAD: TopicPartition = { topic: 'metrics', partition: 0 };
const OTHER: TopicPartition = { topic: 'metrics', partition: 1 };
const BEARER: Bearer = {
  ...{ agentId: 'clerk', role: 'clerk', tenant: null },
  ...{ sessionId: 's', parent: null, principal: null },
};
const silent = () => undefined;
const log = { debug: silent, info: silent, warn: silent, error: silent };
const keyOf = ({ topic, partition }: TopicPartition) => `${topic}/${partition}`;
const stopping: AbortController[] = [];
const running: Promise<void>[] = [];

/** Records of a partition at these seconds, from offset 0. */
function recordsAt(
  at: TopicPartition,
  seconds: readonly number[],
  agentOf: (offset: number) => string = () => BEARER.agentId,
): Rec[] {
  return seconds.map((second, offset) => {
    const bearer = { ...BEARER, agentId: agentOf(offset), sessionId: `s-${agentOf(offset)}` };
    const timestampMs = START_MS + second * 1000;
    const id = `m-${at.partition}-${offset}`;
    const body = { name: 'tokens', type: 'counter', temporality: 'delta', value: 1 } as const;
    const value = encodeEvent(metricEvent(bearer, timestampMs, id, 'usage', body));
    return { ...at, offset, timestampMs, key: null, value: Buffer.from(value) };
  });
}

/** A broker that does nothing by itself; the test calls the handler and sees what is paused. */
async function stage(
  partitions: readonly PartitionLag[],
  workMs = 0,
  core: Partial<PipelineOptions> = {},
  how: Partial<ObserverOptions> = {},
) {
  const paused = new Set<string>();
  const started = Promise.withResolvers<LaneHandler>();
  const broker: Broker = {
    start: async (handler) => started.resolve(handler),
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
  /** What was asked of the store, and came of it. */
  const asked = { claims: 0, parts: 0 };
  /** What the database answers instead of storing. */
  const database: { refuses: Error | null; answers: Promise<'done' | 'fenced'> } = {
    ...{ refuses: null, answers: Promise.resolve('done') },
  };
  const clock = createVirtualClock(START_MS + 3_600_000);
  // Work takes time where a test says so: each look at the clock finds it later.
  let workedMs = 0;
  const working: Clock = {
    nowMs: () => {
      workedMs += workMs;
      return clock.nowMs() + workedMs;
    },
    sleep: clock.sleep,
  };
  const observer = createObserver(
    {
      broker,
      store: {
        claim: async (_, take) => {
          asked.claims += 1;
          const { pages, deltas, ...state } = store.load();
          const parts = [
            ...pages.map((page) => ({ pages: [page], deltas: [] })),
            ...deltas.map((delta) => ({ pages: [], deltas: [delta] })),
          ];
          for (const part of parts) {
            asked.parts += 1;
            await take?.(part);
          }
          const { watermarkMs, counters } = store;
          return { state: { ...state, pages: [], deltas: [] }, watermarkMs, counters };
        },
        commit: async (commit) => {
          if ((await database.answers) === 'fenced') return 'fenced';
          if (database.refuses !== null) throw database.refuses;
          store.apply(commit);
          return 'done';
        },
        requests: async () => [],
      },
      pipeline: () => createPipeline({ ...laneOptions(), maxBuffered: MAX_BUFFERED, ...core }),
      actor: null,
      clock: working,
      log,
    },
    { untilCaughtUp: false, ...how },
  );
  const stop = new AbortController();
  stopping.push(stop);
  running.push(observer.run(stop.signal));
  const handler = await started.promise;
  await handler.assigned(partitions);
  /** Offsets up to which the handler said that it is stored. */
  const told: number[] = [];
  const slice = async (list: readonly Rec[], more: boolean) => {
    const stored = () => told.push(list.at(-1)?.offset ?? -1);
    const control = { heartbeat: async () => undefined, live: () => true, end: list.length };
    return await handler.slice(list, { ...control, more, stored });
  };
  const read = async (list: readonly Rec[]) => {
    assert.equal(await slice(list, false), 'done');
  };
  return { handler, read, slice, told, paused, store, asked, database, clock, observer, stop };
}

afterEach(async () => {
  for (const stop of stopping.splice(0)) stop.abort();
  await Promise.all(running.splice(0));
});

const lagOf = (at: TopicPartition, end: number): PartitionLag => ({ ...at, next: 0, low: 0, end });
const MANY = recordsAt(AHEAD, [0, 60, 120, 180, 600, 601, 602, 603, 604, 605, 606, 607]);

describe('back-pressure', () => {
  it('goes on with the partition all others wait for, while the buffer is neither full nor empty', async () => {
    const world = await stage([lagOf(AHEAD, 100), lagOf(OTHER, 1)]);
    await world.read(MANY);
    assert.deepEqual([...world.paused], [keyOf(AHEAD)], 'it runs ahead of one that is silent');
    // That one comes to its end, and will never fill the buffer again.
    await world.read(recordsAt(OTHER, [1_200]));
    assert.equal(world.store.counters['folded-metrics'], 4, 'the buffer holds 9 of 10');
    assert.deepEqual([...world.paused], [], 'now it is the slowest');
  });

  it('ends with a rebalance: what was paused for the old buffer is read for the new one', async () => {
    const lags = [lagOf(AHEAD, 100), lagOf(OTHER, 1)];
    const world = await stage(lags);
    await world.read(MANY);
    assert.deepEqual([...world.paused], [keyOf(AHEAD)]);
    world.handler.revoked(lags);
    const starts = await world.handler.assigned(lags);
    assert.deepEqual([...world.paused], []);
    const { proof, ...start } = starts[0] as StartPosition;
    assert.deepEqual(start, { ...AHEAD, offset: 0 }, 'what was held is read again');
    assert.equal(proof?.offset, MANY.at(-1)?.offset, 'and the log is known by its last record');
  });
});

describe('loading a lane', () => {
  const lags = [lagOf(AHEAD, 100), lagOf(OTHER, 1)];
  const loaded = async () => {
    const world = await stage(lags, 10);
    for (const record of MANY) await world.read([record]);
    const sleeping = world.clock.sleeping();
    const loading = world.handler.assigned(lags);
    // Whoever is told of the end comes later than it.
    loading.catch(() => undefined);
    await world.clock.drain();
    assert.equal(world.clock.sleeping(), sleeping + 1, 'it gives way to others half-way');
    return { ...world, loading };
  };

  it('gives way to whoever keeps up the membership, and goes on', async () => {
    const { clock, loading } = await loaded();
    for (let turn = 0; turn < MANY.length; turn += 1) await clock.advance(0);
    const starts = (await loading).map(({ topic, partition, offset }) => {
      return { topic, partition, offset };
    });
    assert.deepEqual(starts, [
      { ...AHEAD, offset: 0 },
      { ...OTHER, offset: 0 },
    ]);
  });

  it('ends when the partitions are taken away meanwhile: nothing of it takes effect', async () => {
    const { asked, clock, handler, loading, observer, store } = await loaded();
    const { parts } = asked;
    handler.revoked(lags);
    await clock.advance(0);
    await assert.rejects(loading, { code: 'LANE_FENCED' });
    assert.ok(parts < store.load().deltas.length, 'it was half-way');
    assert.equal(asked.parts, parts, 'and no more of it is read');
    const { counters } = store;
    observer.missing({ ...AHEAD, from: 10, to: 25 });
    await clock.advance(10_000);
    assert.deepEqual(store.counters, counters);
    assert.equal(observer.gateway().alive, false);
  });
});

describe('claiming a lane', () => {
  it('does not come when it was taken away while others had their turn: they may have it', async () => {
    const world = await stage([lagOf(AHEAD, 100)]);
    const transient = { retryable: true };
    world.database.refuses = new OperatingError('DATABASE_TRANSIENT', 'away', transient);
    const storing = world.slice([MANY[0] as Rec], false);
    const assigning = world.handler.assigned([lagOf(AHEAD, 100)]);
    assigning.catch(() => undefined);
    await world.clock.advance(200);
    world.handler.revoked([AHEAD]);
    world.database.refuses = null;
    await world.clock.advance(2_000);
    await storing;
    await assert.rejects(assigning, { code: 'LANE_FENCED' });
    assert.equal(world.asked.claims, 1, 'that of the start');
  });
});

describe('what the log lost before it was read', () => {
  it('is counted and said with the next commit, whether or not a record comes', async () => {
    const world = await stage([lagOf(AHEAD, 0), lagOf(OTHER, 0)]);
    world.observer.missing({ ...AHEAD, from: 10, to: 25 });
    await world.clock.advance(1_000);
    assert.equal(world.store.counters['missing-offsets'], 15);
  });
});

/** When what waits for nothing but promises has come to rest. */
const soon = async () => {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
};

describe('storing', () => {
  const records = recordsAt(AHEAD, [0, 1, 2, 3, 4, 5]);
  const one = (at: number) => [records[at] as Rec];
  const stored = (world: Awaited<ReturnType<typeof stage>>) => world.store.counters['records'];

  it('waits while more is at hand, and then covers all of it', async () => {
    const world = await stage([lagOf(AHEAD, 100)]);
    assert.equal(await world.slice(one(0), true), 'held');
    assert.equal(await world.slice(one(1), true), 'held');
    assert.equal(stored(world), undefined);
    assert.equal(await world.slice(one(2), false), 'done');
    assert.equal(stored(world), 3);
  });

  it('waits for 100 ms at most', async () => {
    const world = await stage([lagOf(AHEAD, 100)]);
    assert.equal(await world.slice(one(0), true), 'held');
    await world.clock.advance(99);
    assert.equal(await world.slice(one(1), true), 'held');
    await world.clock.advance(1);
    assert.equal(await world.slice(one(2), true), 'held');
    await soon();
    assert.deepEqual([stored(world), world.told], [3, [2]]);
    assert.equal(await world.slice(one(3), true), 'held', 'and then anew');
    await soon();
    assert.equal(stored(world), 3);
  });

  it('does not keep the core waiting: what comes while the database works is in the next commit', async () => {
    const world = await stage([lagOf(AHEAD, 100)], 0, {}, { commitEveryMs: 0 });
    const [first, second] = [Promise.withResolvers<'done'>(), Promise.withResolvers<'done'>()];
    world.database.answers = first.promise;
    assert.equal(await world.slice(one(0), true), 'held');
    world.database.answers = second.promise;
    // Due as well: it is folded, and its commit waits for the one before.
    const next = world.slice(one(1), true);
    await soon();
    assert.deepEqual([stored(world), world.told], [undefined, []]);
    first.resolve('done');
    assert.equal(await next, 'held');
    assert.deepEqual([stored(world), world.told], [1, [0]]);
    second.resolve('done');
    await soon();
    assert.deepEqual([stored(world), world.told], [2, [0, 1]]);
  });

  it('ends the run with what the database said where nobody waited for it', async () => {
    const world = await stage([lagOf(AHEAD, 100)], 0, {}, { commitEveryMs: 0 });
    const writing = Promise.withResolvers<'done'>();
    world.database.answers = writing.promise;
    world.database.refuses = new OperatingError('DATABASE_REFUSED', 'no', { retryable: false });
    const ended = assert.rejects(running.pop() as Promise<void>, { code: 'DATABASE_REFUSED' });
    assert.equal(await world.slice(one(0), true), 'held');
    const next = world.slice(one(1), true);
    writing.resolve('done');
    assert.equal(await next, 'fenced', 'nothing follows from the same core');
    await ended;
    assert.deepEqual([stored(world), world.told], [undefined, []]);
  });

  it('ends the run where somebody else owns the lane, and not where it was given away meanwhile', async () => {
    const world = await stage([lagOf(AHEAD, 100)], 0, {}, { commitEveryMs: 0 });
    const writing = Promise.withResolvers<'fenced'>();
    world.database.answers = writing.promise;
    assert.equal(await world.slice(one(0), true), 'held');
    world.handler.revoked([AHEAD]);
    writing.resolve('fenced');
    await soon();
    world.database.answers = Promise.resolve('done');
    await world.handler.assigned([lagOf(AHEAD, 100)]);
    assert.equal(await world.slice(one(0), false), 'done', 'it is held again, and goes on');
    const ended = assert.rejects(running.pop() as Promise<void>, { code: 'LANE_FENCED' });
    world.database.answers = Promise.resolve('fenced');
    assert.equal(await world.slice(one(1), true), 'held');
    await ended;
    assert.deepEqual(world.told, [0]);
  });

  it('does not end the run where the lane is given away while a tick waits for its turn to write', async () => {
    const world = await stage([lagOf(AHEAD, 1)], 0, {}, { commitEveryMs: 0, untilCaughtUp: true });
    const writing = Promise.withResolvers<'done'>();
    world.database.answers = writing.promise;
    assert.equal(await world.slice(one(0), true), 'held');
    // All is read: the tick wants to write the end, behind the commit that is on its way.
    await world.clock.advance(250);
    world.handler.revoked([AHEAD]);
    writing.resolve('done');
    await soon();
    await world.handler.assigned([lagOf(AHEAD, 2)]);
    assert.equal(await world.slice(one(1), false), 'done');
    await world.clock.advance(250);
    await running.pop();
    assert.equal(stored(world), 2);
  });

  it('is waited for before a lane is claimed anew', async () => {
    const world = await stage([lagOf(AHEAD, 100)], 0, {}, { commitEveryMs: 0 });
    const writing = Promise.withResolvers<'done'>();
    world.database.answers = writing.promise;
    assert.equal(await world.slice(one(0), true), 'held');
    const again = world.handler.assigned([lagOf(AHEAD, 100)]);
    await soon();
    assert.equal(world.asked.claims, 1);
    writing.resolve('done');
    const [start] = await again;
    assert.deepEqual([stored(world), world.asked.claims], [1, 2]);
    assert.equal(start?.offset, 0, 'it waits for the watermark, and is read again');
    assert.equal(await world.slice([...records], false), 'done');
    assert.equal(stored(world), records.length, 'and counted once');
  });

  it('waits no longer where much has changed, be it by what is read or by what is ripe', async () => {
    const core = { commitRows: 3, releaseMax: 2, maxBuffered: 1000 };
    const world = await stage([lagOf(AHEAD, 1000)], 0, core);
    const rows: number[] = [];
    const apply = world.store.apply;
    world.store.apply = (commit) => {
      rows.push(JSON.parse(String(commit.delta ?? '[]')).length);
      apply(commit);
    };
    // Each of its own agent; the last one makes all that is before it ripe.
    const many = recordsAt(AHEAD, [...Array(40).keys(), 500], (at) => `clerk-${at}`);
    await world.read(many);
    await world.clock.advance(200);
    const most = Math.max(...rows);
    assert.ok(rows.length > 10, `${rows.length} commits`);
    assert.ok(most <= 12, `one commit of ${most} rows`);
  });

  it('comes with the passing of time where what was at hand never came', async () => {
    const world = await stage([lagOf(AHEAD, 100)]);
    assert.equal(await world.slice(one(0), true), 'held');
    await world.clock.advance(250);
    assert.equal(stored(world), 1);
  });

  it('writes nothing after a commit that failed: what that one held would be missing', async () => {
    const world = await stage([lagOf(AHEAD, 100)]);
    world.database.refuses = new OperatingError('DATABASE_REFUSED', 'no', { retryable: false });
    await assert.rejects(world.slice(one(0), false), { code: 'DATABASE_REFUSED' });
    world.database.refuses = null;
    await world.clock.advance(5_000);
    assert.equal(await world.slice(one(1), false), 'fenced', 'the memory is worth nothing');
    assert.equal(stored(world), undefined);
    const starts = await world.handler.assigned([lagOf(AHEAD, 100)]);
    assert.equal(starts[0]?.offset, 0);
    await world.slice([...records], false);
    assert.equal(stored(world), 6);
  });

  it('writes nothing in turns that waited when it was told to stop with the database away', async () => {
    const world = await stage([lagOf(AHEAD, 100)]);
    const away = new OperatingError('DATABASE_TRANSIENT', 'away', { retryable: true });
    world.database.refuses = away;
    const lost = assert.rejects(world.slice(one(0), false), { code: 'DATABASE_TRANSIENT' });
    // A tick and another slice wait for their turn behind the one that tries again and again.
    await world.clock.advance(250);
    const waiting = world.slice(one(1), false);
    world.stop.abort();
    await lost;
    world.database.refuses = null;
    assert.equal(await waiting, 'fenced');
    assert.equal(stored(world), undefined);
  });

  it('reads again what was held when the lane was lost', async () => {
    const world = await stage([lagOf(AHEAD, 100)]);
    await world.slice(one(0), false);
    assert.equal(await world.slice(one(1), true), 'held');
    world.handler.revoked([AHEAD]);
    const starts = await world.handler.assigned([lagOf(AHEAD, 100)]);
    assert.equal(stored(world), 1);
    const control = { heartbeat: async () => undefined, live: () => true, end: 6, more: true };
    await world.handler.slice(one(0), control);
    await world.clock.advance(250);
    assert.deepEqual(world.told, [0], 'and nobody is told that it was stored');
    await world.slice(records.slice(1), false);
    assert.deepEqual(
      starts.map(({ offset }) => offset),
      [0],
    );
    assert.equal(stored(world), 6, 'each is counted once');
  });
});
