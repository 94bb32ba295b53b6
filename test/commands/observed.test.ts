/** Observed ports: what passes is the same, and everything that passes is counted once. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createTelemetry } from '../../src/adapters/telemetry.ts';
import {
  beatingClock,
  countCommit,
  type Observing,
  observedBroker,
  observedDatabase,
  observedStore,
} from '../../src/commands/observed.ts';
import { Standing } from '../../src/commands/standing.ts';
import { type LaneCommit, noEffects } from '../../src/model/effects.ts';
import { OperatingError } from '../../src/model/errors.ts';
import type { Broker, Database, LaneHandler, Rec } from '../../src/model/ports.ts';
import type { LaneStore } from '../../src/observer.ts';
import { scraped } from '../counterparts/prometheus-text.ts';

const T0 = 1_700_000_000_000;

function bench() {
  const telemetry = createTelemetry();
  const at = { ms: T0 };
  const clock = { nowMs: () => at.ms, sleep: async () => undefined };
  const standing = new Standing(T0);
  const observing: Observing = {
    ...{ telemetry, standing, clock },
    now: () => at.ms / 1000,
    sourceOf: (topic) => `source of ${topic}`,
    lane: 3,
  };
  const read = async (name: string, labels: Readonly<Record<string, string>> = {}) => {
    const samples = scraped(await telemetry.text()).get(name)?.samples ?? [];
    return samples
      .filter((one) => Object.entries(labels).every(([key, value]) => one.labels[key] === value))
      .reduce((sum, { value }) => sum + value, 0);
  };
  return { observing, standing, telemetry, at, read };
}

const commitOf = (
  counters: Readonly<Record<string, number>>,
  effects = noEffects(),
): LaneCommit => ({
  ...{ moves: [], delta: null, pages: [], watermarkMs: T0, counters, effects },
});

describe('a store that is observed', () => {
  const storeOf = (outcomes: ('done' | 'fenced' | Error)[], counters: Record<string, number>) => {
    const store: LaneStore = {
      claim: async () => ({
        ...{ watermarkMs: null, counters },
        state: { positions: [], pages: [], deltas: [], seq: 0 },
      }),
      commit: async () => {
        const outcome = outcomes.shift() ?? 'done';
        if (outcome instanceof Error) throw outcome;
        return outcome;
      },
      requests: async () => [],
    };
    return store;
  };

  it('counts what was committed since the lane was loaded, and nothing of before or twice', async () => {
    const { observing, read } = bench();
    const away = new OperatingError('DATABASE_TRANSIENT', 'away', { retryable: true });
    const store = observedStore(
      storeOf(['done', away, 'done', 'fenced'], { events: 1_000 }),
      observing,
    );
    await store.claim([]);
    assert.equal(
      await store.commit(commitOf({ events: 1_010, late: 2, 'baseline.units': 3 })),
      'done',
    );
    await assert.rejects(store.commit(commitOf({ events: 1_030 })), away);
    await store.commit(commitOf({ events: 1_030, late: 2, 'baseline.units': 3 }));
    assert.equal(await store.commit(commitOf({ events: 9_999 })), 'fenced');
    assert.equal(await read('plumbline_events_total'), 30);
    assert.equal(await read('plumbline_events_late_total'), 2);
    assert.equal(await read('plumbline_counts_total', { count: 'baseline.units' }), 3);
    for (const [outcome, times] of [
      ['done', 2],
      ['failed', 1],
      ['fenced', 1],
    ] as const)
      assert.equal(await read('plumbline_commits_total', { outcome }), times, outcome);
    assert.equal(await read('plumbline_lane_claims_total'), 1);
  });

  it('begins anew with the lane that is claimed anew: what a crash took back is not taken from counts', async () => {
    const { observing, read } = bench();
    const store = observedStore(storeOf([], { events: 100 }), observing);
    await store.claim([]);
    await store.commit(commitOf({ events: 150 }));
    await store.claim([]);
    await store.commit(commitOf({ events: 120 }));
    assert.equal(await read('plumbline_events_total'), 70);
  });

  it('counts effects by what they are', async () => {
    const { telemetry, read } = bench();
    const effects = noEffects();
    effects.notices.push({ code: 'state.evicted', subject: 'agent-7', detail: '', timeMs: T0 });
    effects.deadLetters.push({
      ...{ position: { topic: 't', partition: 0, offset: 1 }, source: 'gw', format: 'canonical' },
      ...{ reason: 'json-syntax', detail: '', size: 1, raw: Buffer.alloc(1), receivedMs: T0 },
    } as never);
    countCommit(commitOf({ 'dead-letters': 1, records: 5 }, effects), {}, telemetry);
    assert.equal(await read('plumbline_notices_total', { code: 'state.evicted' }), 1);
    assert.equal(
      await read('plumbline_dead_letters_total', { source: 'gw', reason: 'json-syntax' }),
      1,
    );
    // By source and reason is enough: the bare sum is not told a second time.
    assert.equal(await read('plumbline_counts_total'), 0);
    assert.ok(!(await telemetry.text()).includes('agent-7'));
  });
});

describe('a broker that is observed', () => {
  const record = (offset: number): Rec => ({
    ...{ topic: 'gateway', partition: 1, offset, timestampMs: T0 - 5_000, key: null, value: null },
  });
  const control = { heartbeat: async () => undefined, live: () => true, end: 100 };
  const started = async (outcomes: ('done' | 'held' | 'fenced')[]) => {
    const held = bench();
    const heard: string[] = [];
    let handler: LaneHandler | undefined;
    const broker: Broker = {
      start: async (given) => {
        handler = given;
      },
      pause: () => void heard.push('pause'),
      resume: () => void heard.push('resume'),
      lag: async () => [],
      stop: async () => void heard.push('stop'),
    };
    const observed = observedBroker(broker, held.observing);
    await observed.start({
      assigned: async () => [{ topic: 'gateway', partition: 1, offset: 40 }],
      revoked: () => void heard.push('revoked'),
      slice: async () => outcomes.shift() ?? 'done',
      passed: async (partitions) => void heard.push(`passed ${partitions[0]?.next}`),
      progress: () => void heard.push('progress'),
      failed: () => void heard.push('failed'),
    });
    assert.ok(handler !== undefined);
    return { ...held, handler, observed, heard };
  };
  const partition = { topic: 'gateway', partition: 1, next: 0, end: 100, low: 0 };

  it('notes where each partition is, and passes every outcome on', async () => {
    const { handler, standing, read } = await started(['held', 'done', 'fenced']);
    const starts = await handler.assigned([partition]);
    assert.deepEqual(starts, [{ topic: 'gateway', partition: 1, offset: 40 }]);
    assert.equal(standing.lane.state, 'working');
    assert.equal(standing.lanes.get(3)?.partitions.get('gateway/1')?.next, 40);
    assert.equal(await handler.slice([record(40), record(41)], control), 'held');
    assert.equal(await handler.slice([record(42)], { ...control, next: 50 }), 'done');
    assert.equal(await handler.slice([record(50)], control), 'fenced');
    const { next, end, recordMs } = standing.lanes.get(3)?.partitions.get('gateway/1') ?? {};
    assert.deepEqual([next, end, recordMs], [50, 100, T0 - 5_000]);
    assert.equal(await read('plumbline_records_total', { source: 'source of gateway' }), 3);
    assert.equal(await read('plumbline_slices_total'), 3);
    handler.revoked([partition]);
    assert.equal(standing.lane.state, 'starting');
    assert.equal(standing.partitions.length, 0);
    assert.equal(await read('plumbline_revocations_total'), 1);
  });

  it('passes on everything that a broker tells', async () => {
    const { handler, heard, standing } = await started([]);
    await handler.assigned([partition]);
    await handler.passed?.([{ topic: 'gateway', partition: 1, next: 70, end: 90, newestMs: T0 }]);
    assert.equal(standing.lanes.get(3)?.partitions.get('gateway/1')?.next, 70);
    handler.progress([partition]);
    handler.failed(new Error('over'));
    handler.revoked([partition]);
    assert.deepEqual(heard, ['passed 70', 'progress', 'failed', 'revoked']);
  });

  it('counts a pause once, however often it is asked for', async () => {
    const { observed, heard, read } = await started([]);
    const two = [partition, { ...partition, partition: 2 }];
    observed.pause(two);
    observed.pause(two);
    assert.equal(await read('plumbline_paused_partitions'), 2);
    observed.resume([partition]);
    assert.equal(await read('plumbline_paused_partitions'), 1);
    observed.resume(two);
    assert.equal(await read('plumbline_paused_partitions'), 0);
    assert.equal(await read('plumbline_pauses_total'), 2);
    assert.deepEqual(heard, ['pause', 'pause', 'resume', 'resume']);
  });
});

describe('a database that is observed', () => {
  it('is down with what means that it is away, and up with the next answer', async () => {
    const { observing, standing, at, read } = bench();
    const replies: (Error | null)[] = [];
    const query = async () => {
      const failure = replies.shift() ?? null;
      if (failure !== null) throw failure;
      return [];
    };
    const db = observedDatabase({ query } as unknown as Database, observing);
    const failing = (code: 'DATABASE_UNREACHABLE' | 'DATABASE_REFUSED') =>
      new OperatingError(code, code, { retryable: code === 'DATABASE_UNREACHABLE' });
    replies.push(failing('DATABASE_REFUSED'));
    await assert.rejects(db.query('select 1'));
    assert.equal(standing.database.up, true, 'it answered, and said no');
    at.ms = T0 + 7;
    replies.push(failing('DATABASE_UNREACHABLE'));
    await assert.rejects(db.query('select 1'));
    assert.deepEqual(standing.database, {
      up: false,
      sinceMs: T0 + 7,
      code: 'DATABASE_UNREACHABLE',
    });
    await db.query('select 1');
    assert.equal(standing.database.up, true);
    assert.equal(await read('plumbline_database_errors_total'), 2);
  });
});

describe('a clock that beats', () => {
  it('notes that somebody waits, and waits as long', async () => {
    const { standing, at } = bench();
    const waited: number[] = [];
    const inner = { nowMs: () => at.ms, sleep: async (ms: number) => void waited.push(ms) };
    const clock = beatingClock(inner, standing);
    at.ms = T0 + 99;
    assert.equal(standing.beatMs, T0);
    await clock.sleep(250);
    assert.deepEqual([standing.beatMs, waited, clock.nowMs()], [T0 + 99, [250], T0 + 99]);
  });
});
