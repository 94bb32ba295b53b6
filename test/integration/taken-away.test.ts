/** A lane that is taken away while it is read and loaded: nothing takes effect or is held. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { ROOT, readLibrary } from '../../src/commands/library.ts';
import { laneStore } from '../../src/commands/prepare.ts';
import type { Broker, Clock, Database, LaneHandler, PartitionLag } from '../../src/model/ports.ts';
import type { TakeParts } from '../../src/observer/takeover.ts';
import { createObserver, type LaneStore } from '../../src/observer.ts';
import type { PipelineOptions } from '../../src/pipeline/options.ts';
import { createPipeline } from '../../src/pipeline.ts';
import { claimLane } from '../../src/record/lane.ts';
import { PAGES, Slots } from '../../src/state/slots.ts';
import { inOrder, recordsOf } from '../sim/fleet-log.ts';
import { laneOptions } from '../sim/lane-options.ts';
import { quietLog } from './kafka-lane-recorder.ts';
import {
  type FreshDatabase,
  freshDatabase,
  type ProvidedPostgres,
  providePostgres,
} from './postgres.ts';

const START_MS = 1_780_000_000_000;
const GROUP = 'taken-away';
const SLICE = 40;
/** Of all records the share that the first life reads. */
const READ_BEFORE = 0.6;
const TABLES = 'lane progress state_page state_delta detection case_record decision journal';

const { sent } = recordsOf({
  ...{ seed: 'taken away', agents: 60, sessions: 160 },
  ...{ startMs: START_MS, sessionsPerHour: 3_000, badShare: 0.2 },
});
const log = inOrder(sent);
const partitions = log.partitions();
let postgres: ProvidedPostgres;
let options: PipelineOptions;
const opened: FreshDatabase[] = [];
const lives: { end(): Promise<void> }[] = [];

before(async () => {
  postgres = await providePostgres();
  const { detectors } = await readLibrary(`${ROOT}detectors`);
  options = { ...laneOptions({ detectors }), pageEveryBytes: 400_000 };
});

afterEach(async () => {
  for (const life of lives.splice(0)) await life.end();
  for (const one of opened.splice(0)) await one.drop();
});

after(async () => {
  await postgres.stop();
});

async function database(): Promise<Database> {
  const fresh = await freshDatabase(postgres);
  opened.push(fresh);
  return fresh.db;
}

/** Work takes time: each look at the clock finds it a little later. */
function workingClock(): Clock {
  // Behind all that is read: nothing of it is from the future.
  let nowMs = START_MS + 7 * 86_400_000;
  return {
    nowMs: () => {
      nowMs += 1;
      return nowMs;
    },
    sleep: async (ms, signal) => {
      // Ticks do not come by themselves: what is told to stop ends, and other waits are turns of the loop.
      if (ms > 0 && signal !== undefined) await aborted(signal);
      else await new Promise((done) => setImmediate(done));
    },
  };
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted)
    await new Promise((done) => signal.addEventListener('abort', done, { once: true }));
}

/** A life of the observer on a real store; the test is its broker. `taking`: what stands before the core. */
async function live(db: Database, owner: string, taking = (take: TakeParts): TakeParts => take) {
  const started = Promise.withResolvers<LaneHandler>();
  const broker: Broker = {
    start: async (handler) => started.resolve(handler),
    pause: () => undefined,
    resume: () => undefined,
    lag: async () => [],
    stop: async () => undefined,
  };
  const inner = laneStore(db, GROUP, owner);
  const store: LaneStore = {
    ...inner,
    claim: (at, take) => inner.claim(at, take === undefined ? take : taking(take)),
  };
  const parts = { broker, store, pipeline: () => createPipeline(options), actor: null };
  const observer = createObserver(
    { ...parts, clock: workingClock(), log: quietLog },
    { untilCaughtUp: false, commitEveryMs: 0 },
  );
  const stop = new AbortController();
  const running = observer.run(stop.signal);
  const life = {
    handler: await started.promise,
    stop,
    running,
    end: async () => {
      stop.abort();
      await running;
    },
  };
  lives.push(life);
  return life;
}

/** Reads from each start to a share of each partition, as slices that are stored one by one. */
async function read(
  handler: LaneHandler,
  starts: readonly { topic: string; partition: number; offset: number }[],
  share: number,
): Promise<void> {
  const at = new Map(starts.map((start) => [start, start.offset]));
  for (let isMore = true; isMore; ) {
    isMore = false;
    for (const [start, offset] of at) {
      const most = Math.min(SLICE, Math.floor(log.end(start) * share) - offset);
      if (most <= 0) continue;
      const records = log.read(start, offset, most);
      const control = { heartbeat: async () => undefined, live: () => true, end: log.end(start) };
      assert.equal(await handler.slice(records, control), 'done');
      at.set(start, offset + most);
      isMore = true;
    }
  }
}

const lags = (): readonly PartitionLag[] => partitions;

/** Everything recorded, as text. */
async function dump(db: Database): Promise<string> {
  const parts: string[] = [];
  for (const table of TABLES.split(' ')) {
    const rows = await db.query(`select row_to_json(t)::text as row from ${table} t order by 1`);
    parts.push(table, ...rows.map((row) => String(row['row'])));
  }
  return parts.join('\n');
}

/** Entities of the stored state, whatever pages and deltas they lie in. */
async function stateIn(db: Database): Promise<Map<string, unknown>> {
  const topicPartitions = partitions.map(({ topic, partition }) => ({ topic, partition }));
  const request = { group: GROUP, lane: 0, owner: 'reader', topicPartitions, pages: PAGES };
  const { state, counters } = await claimLane(db, request);
  const slots = new Slots();
  slots.restore(state.pages, state.deltas);
  const all = [...slots.all()].map(([space, key, entity]) => [`${space} ${key}`, entity] as const);
  return new Map<string, unknown>([...all, ['counters', counters]]);
}

async function countOf(db: Database, table: string): Promise<number> {
  const [row] = await db.query(`select count(*) as many from ${table}`);
  return Number(row?.['many']);
}

/** Nobody holds the lane's row, and no transaction stands open. */
async function assertFree(db: Database): Promise<void> {
  assert.equal((await db.query('select lane from lane for update nowait')).length, 1);
  const standing = await db.query(`select state, query from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and xact_start is not null`);
  assert.deepEqual(standing, []);
}

/** A lane that was read in part, with pages and deltas behind them. */
async function filled(): Promise<Database> {
  const db = await database();
  const first = await live(db, 'first');
  await read(first.handler, await first.handler.assigned(lags()), READ_BEFORE);
  await first.end();
  return db;
}

/** What a lane holds that is read to the end without interruption. */
async function uninterrupted() {
  const db = await filled();
  const next = await live(db, 'next');
  await read(next.handler, await next.handler.assigned(lags()), 1);
  await next.end();
  return { state: await stateIn(db), detections: await countOf(db, 'detection') };
}

describe('a lane that a rebalance takes away while it is read and loaded', () => {
  it('is neither claimed nor held, wherever that falls, and the next claim loads the whole', async () => {
    const expected = await uninterrupted();
    assert.ok(expected.detections > 10, `${expected.detections} detections`);
    const db = await filled();
    const before = await dump(db);
    const [pages, deltas] = [await countOf(db, 'state_page'), await countOf(db, 'state_delta')];
    assert.ok(pages === PAGES && deltas > 10, `${pages} pages and ${deltas} deltas are too few`);
    const taken = { parts: 0, at: 0 };
    const second = await live(db, 'second', (take) => {
      taken.parts = 0;
      return async (parts) => {
        taken.parts += 1;
        const taking = take(parts);
        // Some of the part is in place.
        if (taken.parts === taken.at) second.handler.revoked(partitions);
        await taking;
      };
    });
    const { handler } = second;
    for (const at of [1, 20, pages, pages + 1, pages + deltas]) {
      taken.at = at;
      await assert.rejects(handler.assigned(lags()), { code: 'LANE_FENCED' });
      assert.equal(taken.parts, at, 'the rest is not read');
      await assertFree(db);
      const [start] = partitions;
      assert.ok(start !== undefined);
      const records = log.read(start, 0, SLICE);
      const control = { heartbeat: async () => undefined, live: () => true, end: log.end(start) };
      assert.equal(await handler.slice(records, control), 'fenced', 'no core is left of it');
      assert.equal(await dump(db), before, 'nothing was claimed or written');
    }
    taken.at = 0;
    const starts = await handler.assigned(lags());
    assert.ok(taken.parts > pages, `${taken.parts} parts`);
    await read(handler, starts, 1);
    await second.end();
    assert.equal(await countOf(db, 'detection'), expected.detections);
    assert.deepEqual(await stateIn(db), expected.state);
  });

  it('is not claimed by whoever waited for it meanwhile', async () => {
    const db = await filled();
    const before = await dump(db);
    const second = await live(db, 'second');
    const waits = Promise.withResolvers<void>();
    const holding = db.transaction(async (query) => {
      await query('select lane from lane for update');
      await waits.promise;
    });
    const assigning = second.handler.assigned(lags());
    assigning.catch(() => undefined);
    const waiting = `select 1 from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`;
    while ((await db.query(waiting)).length === 0);
    second.handler.revoked(partitions);
    waits.resolve();
    await holding;
    await assert.rejects(assigning, { code: 'LANE_FENCED' });
    await assertFree(db);
    assert.equal(await dump(db), before);
  });

  it('is let go of at once by whoever is told to stop', async () => {
    const db = await filled();
    const before = await dump(db);
    let parts = 0;
    const second = await live(db, 'second', (take) => async (given) => {
      parts += 1;
      const taking = take(given);
      if (parts === 30) second.stop.abort();
      await taking;
    });
    await assert.rejects(second.handler.assigned(lags()), { code: 'LANE_FENCED' });
    await second.running;
    assert.equal(parts, 30);
    await assertFree(db);
    assert.equal(await dump(db), before);
  });
});
