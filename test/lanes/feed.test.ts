/** Feed: a lane hears each record of its sources once and in order, whoever sent it how often. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Bundle, encodeBundle } from '../../src/lanes/bundle.ts';
import { LaneFeed } from '../../src/lanes/feed.ts';
import type { LaneCommit, LanePosition } from '../../src/model/effects.ts';
import { noEffects } from '../../src/model/effects.ts';
import type { LaneHandler, PartitionLag, Passed, Rec } from '../../src/model/ports.ts';
import type { LaneStore } from '../../src/observer.ts';
import { quietLog } from '../integration/kafka-lane-recorder.ts';

const LANE = 3;
const A = { topic: 'a', partition: 0 };
const B = { topic: 'b', partition: 1 };

function records(at: typeof A, ...offsets: number[]): Rec[] {
  return offsets.map((offset) => ({
    ...{ ...at, offset, timestampMs: 1, key: null, value: Buffer.from('{}') },
  }));
}

const bundleOf = (parts: Partial<Bundle>): Bundle => ({
  gaps: [],
  records: [],
  marks: [],
  ...parts,
});

/** A feed, a handler that notes all it is told, and a store that keeps positions. */
async function lab(
  stored: readonly LanePosition[] = [],
  low: Readonly<Record<string, number>> = {},
) {
  const ends: PartitionLag[] = [
    { ...A, low: 0, next: 0, end: 100 },
    { ...B, low: 0, next: 0, end: 50 },
  ];
  const heard: string[] = [];
  const missing: string[] = [];
  /** How much was heard whenever others were given their turn. */
  const gaveWay: number[] = [];
  const moves: LaneCommit['moves'][number][] = [];
  let failure: Error | null = null;
  const feed = new LaneFeed({
    ...{ lane: LANE, topic: 'events', ends: () => ends, log: quietLog },
    onMissing: ({ topic, from, to }) => missing.push(`${topic} ${from}-${to}`),
    onPause: () => undefined,
    giveWay: async () => {
      gaveWay.push(heard.length);
    },
  });
  let outcome: 'done' | 'fenced' = 'done';
  const store: LaneStore = feed.store({
    claim: async () => {
      const state = { positions: stored, pages: [], deltas: [], seq: 0 };
      return { state, watermarkMs: null, counters: {} };
    },
    commit: async (commit) => {
      moves.push(...commit.moves);
      return outcome;
    },
    requests: async () => [],
  });
  let passed: Passed[] = [];
  /** What the lane may say once a slice is stored, and up to where the internal partition was then. */
  const told: (() => void)[] = [];
  const storedTo: number[] = [];
  const handler: LaneHandler = {
    assigned: async (partitions) => {
      const { state } = await store.claim(partitions);
      heard.push(`assigned ${partitions.map(({ topic, end }) => `${topic}<${end}`).join(' ')}`);
      return partitions.map(({ topic, partition }) => {
        const known = state.positions.find((at) => at.topic === topic);
        return { topic, partition, offset: low[topic] ?? known?.low ?? 0 };
      });
    },
    revoked: () => undefined,
    slice: async (run, { next, end, more, stored }) => {
      if (stored !== undefined) told.push(stored);
      const [first] = run;
      const offsets = run.map(({ offset }) => offset).join(',');
      heard.push(`${first?.topic} ${offsets} →${next} <${end}${more === true ? ' more' : ''}`);
      return 'held';
    },
    passed: async (at) => {
      passed = [...passed, ...at];
      heard.push(
        at.map(({ topic, next, newestMs }) => `${topic} passed →${next} ${newestMs}`).join('; '),
      );
    },
    progress: () => undefined,
    failed: (cause) => {
      failure = cause;
    },
  };
  await feed.broker.start(handler);
  heard.length = 0;
  let offset = 0;
  const give = async (...bundles: Partial<Bundle>[]) => {
    const internal = bundles.map((parts, at): Rec => {
      const value = encodeBundle(bundleOf(parts));
      return {
        topic: 'events',
        partition: LANE,
        offset: offset + at,
        timestampMs: 1,
        key: null,
        value,
      };
    });
    offset += bundles.length;
    const upTo = offset;
    const stored = () => storedTo.push(upTo);
    const control = { heartbeat: async () => undefined, live: () => true, end: offset, stored };
    return await feed.slice(internal, control);
  };
  const commit = async (...to: LanePosition[]) => {
    moves.length = 0;
    await store.commit({
      ...{ moves: to.map((position) => ({ from: 0, to: position })), delta: null, pages: [] },
      ...{ effects: noEffects(), watermarkMs: 0, counters: {} },
    });
    const own = moves.find((move) => move.to.topic === 'events');
    return own === undefined ? null : { from: own.from, low: own.to.low, next: own.to.next };
  };
  return {
    ...{ feed, heard, missing, gaveWay, give, commit, ends, store, moves, told, storedTo },
    from: (at: number) => {
      offset = at;
    },
    fence: () => {
      outcome = 'fenced';
    },
    failure: () => failure,
    passed: () => passed,
  };
}

const mark = (at: typeof A, next: number, newestMs: number | null = null) => ({
  ...{ ...at, next, newestMs },
});

describe('feed', () => {
  it('gives slices of source partitions, each with the real end of its log', async () => {
    const { heard, give } = await lab();
    await give({ records: [...records(A, 0, 2), ...records(B, 5)], marks: [mark(A, 4, 77)] });
    assert.deepEqual(heard, ['a 0,2 →3 <100 more', 'b 5 →6 <50', 'a passed →4 77']);
  });

  it('gives way between the pieces of what came: a bundle is long work', async () => {
    const { gaveWay, give } = await lab();
    await give({ records: [...records(A, 0, 2), ...records(B, 5), ...records(A, 3)] });
    assert.deepEqual(gaveWay, [1, 2, 3]);
  });

  it('drops what it has had: copies of retries, of the dead and of those who are too late', async () => {
    const { heard, give } = await lab();
    await give({ records: records(A, 0, 1, 4), marks: [mark(A, 6)] });
    heard.length = 0;
    await give(
      { records: records(A, 0, 1, 4), marks: [mark(A, 6)] },
      { records: records(A, 4, 7), marks: [mark(A, 8)] },
      { records: records(A, 4), marks: [mark(A, 5)] },
    );
    assert.deepEqual(heard, ['a passed →6 null', 'a 7 →8 <100 more', 'a passed →8 null']);
  });

  it('writes with each commit where reading must begin again', async () => {
    const { give, commit } = await lab();
    await give(
      { records: records(A, 0, 1) },
      { records: records(B, 0), marks: [mark(A, 10)] },
      { records: records(A, 12, 13) },
      { marks: [mark(B, 9)] },
    );
    assert.deepEqual(await commit({ ...A, low: 1, next: 14 }), { from: 0, low: 0, next: 4 });
    // What was released of A lies behind it; B still waits in the second bundle.
    assert.deepEqual(await commit({ ...A, low: 13, next: 14 }), { from: 4, low: 1, next: 4 });
    assert.deepEqual(await commit({ ...B, low: 9, next: 9 }), { from: 4, low: 2, next: 4 });
    assert.deepEqual(await commit({ ...A, low: 14, next: 14 }), { from: 4, low: 4, next: 4 });
  });

  it('moves no further in a second try than in the first, though the lane went on meanwhile', async () => {
    const { give, store, moves } = await lab();
    const taken = {
      ...{ moves: [{ from: 0, to: { ...A, low: 1, next: 2 } }], delta: null, pages: [] },
      ...{ effects: noEffects(), watermarkMs: 0, counters: {} },
    };
    await give({ records: records(A, 0, 1) });
    await store.commit(taken);
    const [first] = moves.splice(0).filter(({ to }) => to.topic === 'events');
    await give({ records: records(A, 2, 3) });
    await store.commit(taken);
    const [second] = moves.filter(({ to }) => to.topic === 'events');
    assert.deepEqual([first?.to.next, second], [1, first]);
  });

  it('is stored when the last run of its last bundle is', async () => {
    const { give, told, storedTo } = await lab();
    await give({ records: [...records(A, 0), ...records(B, 0)] }, { records: records(A, 1) });
    assert.equal(told.length, 1);
    told[0]?.();
    assert.deepEqual(storedTo, [2]);
  });

  it('goes on after a restart with what was not released, and takes nothing twice', async () => {
    const stored = [
      { topic: 'events', partition: LANE, low: 7, next: 9 },
      { ...A, low: 12, next: 30 },
      { ...B, low: 0, next: 0 },
    ];
    const { feed, heard, give, from } = await lab(stored);
    assert.equal(feed.next, 7);
    from(7);
    await give({ records: records(A, 10, 11, 12, 20) }, { records: records(A, 31) });
    assert.deepEqual(heard, ['a 12,20 →21 <100 more', 'a 31 →32 <100']);
  });

  it('takes a log for no shorter than what was read of it', async () => {
    const { give, heard } = await lab([{ ...A, low: 120, next: 120 }]);
    await give({ records: records(A, 120) });
    assert.deepEqual(heard, ['a 120 →121 <121']);
  });

  it('tells of records that are gone, once, and only of those it did not have', async () => {
    const { give, missing, heard } = await lab();
    await give(
      { records: records(A, 0, 1) },
      { gaps: [{ ...A, from: 1, to: 40 }], records: records(A, 40) },
    );
    await give({ gaps: [{ ...A, from: 1, to: 40 }], records: records(A, 40) });
    assert.deepEqual(missing, ['a 2-40']);
    assert.equal(heard.filter((line) => line.startsWith('a 40')).length, 1);
  });

  it('takes what is no bundle for a gap of its own log, and goes on', async () => {
    const { feed, missing, give, heard, from } = await lab();
    const control = { heartbeat: async () => undefined, live: () => true, end: 2 };
    const value = Buffer.from('{"kind":"gateway"}');
    const strange = {
      topic: 'events',
      partition: LANE,
      offset: 0,
      timestampMs: 1,
      key: null,
      value,
    };
    await feed.slice([strange, { ...strange, offset: 1, value: null }], control);
    from(2);
    await give({ records: records(A, 0) });
    assert.deepEqual(missing, ['events 0-1', 'events 1-2']);
    assert.deepEqual(heard, ['a 0 →1 <100']);
  });

  it('begins anew where a source has grown, and passes nothing over', async () => {
    const { give, feed, ends, failure } = await lab();
    const grown = { topic: 'a', partition: 9 };
    await assert.rejects(give({ records: records(grown, 0) }), /a\/9 was not there/);
    assert.equal(feed.next, 0);
    feed.progress([...ends, { ...grown, low: 0, next: 0, end: 5 }]);
    assert.match(String(failure()), /a\/9 was not there/);
    // A topic that is no source of ours is no business of ours either.
    const other = await lab();
    await other.give({ records: records({ topic: 'strange', partition: 0 }, 0) });
    assert.deepEqual(other.heard, []);
  });

  it('is not gone on with once a commit was refused, or once it is closed', async () => {
    const one = await lab();
    assert.equal(one.feed.isSound, true);
    one.fence();
    await one.commit();
    assert.equal(one.feed.isSound, false);
    const other = await lab();
    other.feed.close();
    assert.equal(other.feed.isSound, false);
    assert.equal(await other.give({ records: records(A, 0) }), 'held');
    assert.deepEqual(other.heard, []);
  });
});
