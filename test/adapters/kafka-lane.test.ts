/** The gate: what passes, from where, in which generation, on a consumer that obeys commands. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type {
  FetchedBatch,
  GroupConsumer,
  OffsetGap,
  OffsetRange,
} from '../../src/adapters/kafka-face.ts';
import { KafkaLane } from '../../src/adapters/kafka-lane.ts';
import { cutSlices } from '../../src/adapters/kafka-slices.ts';
import { bookmarkOf } from '../../src/model/bookmark.ts';
import { OperatingError } from '../../src/model/errors.ts';
import type {
  LaneHandler,
  PartitionLag,
  Passed,
  Rec,
  SliceControl,
  SliceOutcome,
  StartPosition,
  TopicPartition,
} from '../../src/model/ports.ts';

const AT: TopicPartition = { topic: 't', partition: 0 };

const record = (offset: number, bytes = 1): Rec => ({
  ...AT,
  offset,
  timestampMs: 0,
  key: null,
  value: Buffer.alloc(bytes),
});

const records = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => record(from + i));

/** A world in which the test plays Kafka. */
function stage(low = 0, end = 100, start = low, whole = false) {
  const told: string[] = [];
  const failures: Error[] = [];
  const gaps: OffsetGap[] = [];
  const slices: number[] = [];
  const lags: (readonly PartitionLag[])[] = [];
  const taken: (readonly PartitionLag[])[] = [];
  const over: Passed[] = [];
  const behaviour = {
    range: { ...AT, low, end } as OffsetRange,
    isMember: true,
    nowMs: 0,
    /** Partitions the log has besides the one that is assigned. */
    others: [] as OffsetRange[],
    assigned: async (): Promise<readonly StartPosition[]> => [{ ...AT, offset: start }],
    slice: async (_control: SliceControl): Promise<SliceOutcome> => 'done',
  };
  const handler: LaneHandler = {
    assigned: async (lag) => {
      taken.push(lag);
      return behaviour.assigned();
    },
    revoked: (lost) => told.push(`revoked ${lost.length}`),
    slice: async (list, control) => {
      slices.push(...list.map(({ offset }) => offset));
      return behaviour.slice(control);
    },
    passed: async (list) => void over.push(...list),
    progress: (lag) => lags.push(lag),
    failed: () => told.push('failed'),
  };
  const obey = (name: string) => (list: readonly TopicPartition[]) => {
    told.push(`${name} ${list.length}`);
    return behaviour.isMember;
  };
  const consumer: GroupConsumer = {
    pause: obey('pause'),
    resume: obey('resume'),
    seek: ({ offset }) => {
      told.push(`seek ${offset}`);
      return behaviour.isMember;
    },
    run: async () => undefined,
    close: async () => undefined,
  };
  let asked = 0;
  const silent = () => undefined;
  const lane = new KafkaLane({
    handler,
    log: { debug: silent, info: silent, warn: silent, error: silent },
    whole,
    nowMs: () => behaviour.nowMs,
    ranges: async () => {
      asked += 1;
      return [behaviour.range, ...behaviour.others];
    },
    wait: async () => undefined,
    fail: (cause) => failures.push(cause),
    opened: () => told.push('opened'),
    onGap: (gap) => gaps.push(gap),
  });
  const seen = { told, failures, gaps, slices, lags, taken, over };
  return { lane, consumer, ...seen, behaviour, asked: () => asked };
}

function batch(list: readonly Rec[], more: Partial<FetchedBatch> = {}) {
  const done: string[] = [];
  const fetched: FetchedBatch = {
    ...AT,
    firstOffset: list[0]?.offset ?? 0,
    lastOffset: list.at(-1)?.offset ?? 0,
    end: 100,
    records: list,
    resolve: (offset) => done.push(`resolve ${offset}`),
    commit: async (positions) =>
      void done.push(...positions.map(({ offset }) => `commit ${offset}`)),
    heartbeat: async () => void done.push('heartbeat'),
    isCurrent: () => true,
    ...more,
  };
  return { fetched, done };
}

async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

async function opened(...from: Parameters<typeof stage>) {
  const world = stage(...from);
  world.lane.joined(world.consumer, [AT]);
  await settled();
  return world;
}

describe('cutSlices', () => {
  it('keeps everything in order within 500 records and 1 MiB', () => {
    const list = [...records(0, 1_203), record(1_203, 1_048_577), ...records(1_204, 1_206)];
    const slices = [...cutSlices(list)];
    assert.deepEqual(slices.flat(), list);
    assert.deepEqual(
      slices.map((slice) => slice.length),
      [500, 500, 203, 1, 2],
    );
  });

  it('gives nothing for nothing', () => {
    assert.deepEqual([...cutSlices([])], []);
  });
});

describe('a join', () => {
  it('pauses at once, seeks every partition, then resumes', async () => {
    const world = stage(0, 100, 7);
    world.lane.joined(world.consumer, [AT]);
    assert.deepEqual(world.told, ['pause 1']);
    await settled();
    assert.deepEqual(world.told, ['pause 1', 'seek 7', 'resume 1', 'opened']);
  });

  it('lets no batch through before its gate is open', async () => {
    const world = stage();
    world.lane.joined(world.consumer, [AT]);
    const early = batch(records(0, 3));
    await world.lane.batch(world.consumer, early.fetched);
    assert.deepEqual(early.done, []);
    assert.deepEqual(world.slices, []);
  });

  it('abandons a take-over that the next join has overtaken', async () => {
    const world = stage(0, 100, 7);
    const release = Promise.withResolvers<void>();
    world.behaviour.assigned = async () => {
      await release.promise;
      return [{ ...AT, offset: 1 }];
    };
    world.lane.joined(world.consumer, [AT]);
    await settled();
    world.lane.joined(world.consumer, []);
    release.resolve();
    await settled();
    assert.deepEqual(world.told, ['pause 1', 'revoked 1', 'pause 0', 'opened']);
  });

  describe('with the same partitions while they are taken over', () => {
    const taking = async () => {
      const world = stage(0, 100, 7);
      const release = Promise.withResolvers<void>();
      const asked: number[] = [];
      world.behaviour.assigned = async () => {
        asked.push(7);
        await release.promise;
        return [{ ...AT, offset: 7 }];
      };
      world.lane.joined(world.consumer, [AT]);
      await settled();
      return { ...world, release, asked };
    };

    it('goes on with what was begun, however often it comes, and opens once', async () => {
      const world = await taking();
      for (let join = 0; join < 3; join += 1) {
        world.lane.joined(world.consumer, [AT]);
        await settled();
      }
      world.release.resolve();
      await settled();
      assert.equal(world.asked.length, 1);
      assert.deepEqual(world.told.slice(-3), ['seek 7', 'resume 1', 'opened']);
      assert.equal(world.told.filter((each) => each === 'opened').length, 1);
      await world.lane.batch(world.consumer, batch(records(7, 9)).fetched);
      assert.deepEqual(world.slices, [7, 8]);
    });

    it('keeps what was taken over while nothing was read behind it, and no longer', async () => {
      const world = await taking();
      // The client was put out of the group, and does not know yet.
      world.behaviour.isMember = false;
      world.release.resolve();
      await settled();
      assert.ok(!world.told.includes('opened'));
      world.behaviour.isMember = true;
      world.lane.joined(world.consumer, [AT]);
      await settled();
      assert.equal(world.told.at(-1), 'opened');
      assert.equal(world.asked.length, 1);
      await world.lane.batch(world.consumer, batch(records(7, 9)).fetched);
      world.lane.joined(world.consumer, [AT]);
      await settled();
      assert.equal(world.asked.length, 2, 'what was read may not be stored');
    });

    it('begins anew once they were taken away, and the first answer is worth nothing', async () => {
      const world = await taking();
      world.lane.joined(world.consumer, []);
      world.behaviour.assigned = async () => [{ ...AT, offset: 9 }];
      world.lane.joined(world.consumer, [AT]);
      await settled();
      assert.ok(!world.told.includes('seek 9'), 'one after the other');
      world.release.resolve();
      await settled();
      assert.equal(world.taken.length, 2);
      assert.ok(!world.told.includes('seek 7'));
      assert.deepEqual(world.told.slice(-3), ['seek 9', 'resume 1', 'opened']);
    });

    it('asks again where it failed for a join that is over', async () => {
      const world = await taking();
      world.lane.joined(world.consumer, []);
      world.release.reject(new Error('taken away'));
      await settled();
      world.behaviour.assigned = async () => [{ ...AT, offset: 9 }];
      world.lane.joined(world.consumer, [AT]);
      await settled();
      assert.deepEqual(world.failures, []);
      assert.deepEqual(world.told.slice(-3), ['seek 9', 'resume 1', 'opened']);
    });

    it('fails where what was begun fails', async () => {
      const world = await taking();
      world.lane.joined(world.consumer, [AT]);
      await settled();
      const cause = new Error('the database is away');
      world.release.reject(cause);
      await settled();
      assert.deepEqual(world.failures, [cause]);
    });
  });

  it('keeps what the caller paused', async () => {
    const world = stage();
    world.lane.pause(world.consumer, [AT]);
    world.lane.joined(world.consumer, [AT]);
    await settled();
    assert.deepEqual(world.told.slice(-2), ['resume 0', 'opened']);
    world.lane.resume(world.consumer, [AT]);
    assert.equal(world.told.at(-1), 'resume 1');
  });

  it('reads nothing of a lane that must be whole while it holds a part of it', async () => {
    const world = stage(0, 100, 7, true);
    world.behaviour.others = [{ topic: 't', partition: 1, low: 0, end: 9 }];
    world.lane.joined(world.consumer, [AT]);
    await settled();
    assert.deepEqual(world.told, ['pause 1', 'opened']);
    const early = batch(records(7, 9));
    await world.lane.batch(world.consumer, early.fetched);
    assert.deepEqual(world.slices, []);
    world.behaviour.others = [];
    world.lane.joined(world.consumer, [AT]);
    await settled();
    assert.deepEqual(world.told.slice(2), ['pause 1', 'seek 7', 'resume 1', 'opened']);
    await world.lane.batch(world.consumer, batch(records(7, 9)).fetched);
    assert.deepEqual(world.slices, [7, 8]);
  });

  it('waits for the next join when the client is between a crash and its restart', async () => {
    const world = stage();
    world.behaviour.isMember = false;
    world.lane.joined(world.consumer, [AT]);
    await settled();
    assert.ok(!world.told.includes('opened'));
    assert.deepEqual(world.failures, []);
    world.behaviour.isMember = true;
    world.lane.joined(world.consumer, [AT]);
    await settled();
    assert.equal(world.told.at(-1), 'opened');
  });

  it('asks again before it believes that a position lies beyond the end', async () => {
    const world = await opened(0, 5, 50);
    assert.equal(world.asked(), 3);
    const [cause] = world.failures;
    assert.ok(cause instanceof OperatingError);
    assert.equal(cause.code, 'BROKER_LAYOUT');
    assert.match(cause.message, /position 50 lies beyond the end of the log \(5\)/);
  });
});

describe('a batch', () => {
  it('is resolved only after its slice, then committed, then a heartbeat', async () => {
    const world = await opened();
    const { fetched, done } = batch(records(0, 3));
    await world.lane.batch(world.consumer, fetched);
    assert.deepEqual(done, ['resolve 2', 'commit 3', 'heartbeat']);
    assert.deepEqual(world.lane.lag(), [{ ...AT, next: 3, end: 100, low: 0 }]);
  });

  it('ends behind its markers, not behind its last record', async () => {
    const world = await opened();
    let next: number | undefined;
    world.behaviour.slice = async (control) => {
      next = control.next;
      return 'done';
    };
    const { fetched, done } = batch(records(0, 3), { lastOffset: 4 });
    await world.lane.batch(world.consumer, fetched);
    assert.ok(done.includes('commit 5'));
    assert.equal(next, 5, 'and whoever was given it knows');
    world.lane.skipped({ ...AT, offset: 9 });
    assert.equal(world.lane.lag()[0]?.next, 9);
  });

  it('that holds nothing to deliver is told in turn, of this generation, and once', async () => {
    const world = await opened();
    const release = Promise.withResolvers<'done'>();
    world.behaviour.slice = async () => release.promise;
    const running = world.lane.batch(world.consumer, batch(records(0, 3)).fetched);
    await settled();
    world.lane.skipped({ ...AT, offset: 100 });
    world.lane.skipped({ ...AT, offset: 100 });
    await settled();
    assert.deepEqual(world.over, [], 'not while a slice is worked on');
    release.resolve('done');
    await running;
    await settled();
    const atEnd = { ...AT, next: 100, end: 100, newestMs: null };
    assert.deepEqual(world.over, [atEnd]);
    world.lane.skipped({ ...AT, offset: 120 });
    world.lane.joined(world.consumer, [AT]);
    await settled();
    assert.deepEqual(world.over, [atEnd], 'its gate was closed before its turn');
    assert.deepEqual(world.failures, []);
  });

  it('counts a gap before it', async () => {
    const world = await opened();
    await world.lane.batch(world.consumer, batch(records(4, 6)).fetched);
    assert.deepEqual(world.gaps, [{ ...AT, from: 0, to: 4 }]);
    assert.deepEqual(world.slices, [4, 5]);
  });

  it('from before the position is dropped and sought again, thrice, then it is another log', async () => {
    const world = await opened(0, 100, 50);
    for (let round = 0; round < 3; round++) {
      assert.equal(world.failures.length, 0);
      await world.lane.batch(world.consumer, batch(records(0, 3)).fetched);
    }
    assert.deepEqual(world.slices, []);
    await settled();
    assert.deepEqual(world.taken.at(-1), [{ ...AT, next: 0, low: 0, end: 100, isRecreated: true }]);
    assert.equal(world.told.filter((each) => each === 'seek 50').length, 4);
    assert.equal(world.failures.length, 0);
  });

  describe('behind a record that was read before', () => {
    const last = record(49);
    const proof = bookmarkOf(last);
    const proven = async (low = 0) => {
      const world = stage(low, 100, 50);
      world.behaviour.assigned = async () => [{ ...AT, offset: 50, proof }];
      world.lane.joined(world.consumer, [AT]);
      await settled();
      return world;
    };

    it('passes once that record stands where it stood, and is not delivered again', async () => {
      const world = await proven();
      assert.deepEqual(world.told.slice(-3), ['seek 49', 'resume 1', 'opened']);
      await world.lane.batch(world.consumer, batch(records(49, 60)).fetched);
      assert.deepEqual(world.slices, []);
      assert.equal(world.told.at(-1), 'seek 50');
      await world.lane.batch(world.consumer, batch(records(50, 60)).fetched);
      assert.deepEqual(world.slices, [50, 51, 52, 53, 54, 55, 56, 57, 58, 59]);
      assert.equal(world.taken.length, 1);
    });

    it('is of another log where another record stands there: everything is taken over anew', async () => {
      const world = await proven();
      const other = { ...record(49), value: Buffer.from('other') };
      world.behaviour.assigned = async () => [{ ...AT, offset: 0 }];
      await world.lane.batch(world.consumer, batch([other, ...records(50, 60)]).fetched);
      await settled();
      assert.deepEqual(world.slices, []);
      assert.deepEqual(world.taken.at(-1), [
        { ...AT, next: 0, low: 0, end: 100, isRecreated: true },
      ]);
      await world.lane.batch(world.consumer, batch(records(0, 2)).fetched);
      assert.deepEqual(world.slices, [0, 1]);
    });

    it('passes where retention took that record, for nothing can be told then', async () => {
      const gone = await proven(50);
      assert.equal(gone.told.at(-3), 'seek 50');
      const compacted = await proven();
      await compacted.lane.batch(compacted.consumer, batch(records(50, 60)).fetched);
      assert.equal(compacted.told.at(-1), 'seek 50');
      await compacted.lane.batch(compacted.consumer, batch(records(50, 52)).fetched);
      assert.deepEqual(compacted.slices, [50, 51]);
    });
  });

  it('goes on behind records that are skipped', async () => {
    const world = await opened();
    await world.lane.batch(world.consumer, batch(records(0, 3)).fetched);
    assert.equal(world.lane.skip(AT, 7), true);
    assert.equal(world.told.at(-1), 'seek 7');
    await world.lane.batch(world.consumer, batch(records(7, 9)).fetched);
    assert.deepEqual(world.slices, [0, 1, 2, 7, 8]);
    assert.deepEqual(world.gaps, []);
    assert.equal(world.lane.skip(AT, 5), false, 'never back');
    assert.equal(world.lane.skip({ topic: 'else', partition: 0 }, 99), false);
  });

  it('is told to Kafka once it is stored, not when it is held', async () => {
    const world = await opened();
    world.behaviour.slice = async () => 'held';
    const first = batch(records(0, 3));
    await world.lane.batch(world.consumer, first.fetched);
    assert.deepEqual(first.done, ['resolve 2', 'heartbeat']);
    assert.equal(world.lane.lag()[0]?.next, 3, 'reading goes on meanwhile');
    world.behaviour.slice = async () => 'done';
    const second = batch(records(3, 5));
    await world.lane.batch(world.consumer, second.fetched);
    assert.deepEqual(second.done, ['resolve 4', 'commit 5', 'heartbeat']);
  });

  it('is told to Kafka once its handler says that it is stored, with all that came before', async () => {
    const world = await opened();
    const stored: (() => void)[] = [];
    world.behaviour.slice = async (control) => {
      stored.push(control.stored as () => void);
      return 'held';
    };
    await world.lane.batch(world.consumer, batch(records(0, 3)).fetched);
    await world.lane.batch(world.consumer, batch(records(3, 5)).fetched);
    stored[0]?.();
    const third = batch(records(5, 6));
    await world.lane.batch(world.consumer, third.fetched);
    assert.deepEqual(third.done, ['resolve 5', 'commit 3', 'heartbeat']);
    stored[2]?.();
    stored[1]?.();
    const last = batch(records(6, 7));
    await world.lane.batch(world.consumer, last.fetched);
    assert.deepEqual(last.done, ['resolve 6', 'commit 6', 'heartbeat'], 'never back');
  });

  it('of a partition that has gone quiet is told with that of another', async () => {
    const other: TopicPartition = { topic: 't', partition: 1 };
    const world = stage();
    world.behaviour.others = [{ ...other, low: 0, end: 100 }];
    world.behaviour.assigned = async () => [AT, other].map((at) => ({ ...at, offset: 0 }));
    world.lane.joined(world.consumer, [AT, other]);
    await settled();
    world.behaviour.slice = async () => 'held';
    await world.lane.batch(world.consumer, batch(records(0, 3)).fetched);
    world.behaviour.slice = async () => 'done';
    const { fetched, done } = batch(
      records(0, 2).map((one) => ({ ...one, ...other })),
      other,
    );
    await world.lane.batch(world.consumer, fetched);
    assert.deepEqual(done, ['resolve 1', 'commit 3', 'commit 2', 'heartbeat']);
  });

  it('says with each slice whether another one is at hand, of its own or of another batch', async () => {
    const world = await opened();
    const more: unknown[] = [];
    const release = Promise.withResolvers<void>();
    world.behaviour.slice = async (control) => {
      more.push(control.more);
      await release.promise;
      return 'held';
    };
    const long = world.lane.batch(world.consumer, batch(records(0, 700)).fetched);
    await settled();
    release.resolve();
    await long;
    assert.deepEqual(more, [true, false]);
    const [one, two] = [batch(records(700, 701)), batch(records(701, 702))];
    const first = world.lane.batch(world.consumer, one.fetched);
    await Promise.all([first, world.lane.batch(world.consumer, two.fetched)]);
    assert.deepEqual(more.slice(2), [true, false]);
  });

  it('in a stream is as good as followed by the next, and told to Kafka once a second', async () => {
    const world = await opened();
    const more: unknown[] = [];
    world.behaviour.slice = async (control) => {
      more.push(control.more);
      return 'done';
    };
    const told: number[] = [];
    const come = async (offset: number, nowMs: number) => {
      world.behaviour.nowMs = nowMs;
      const { fetched, done } = batch(records(offset, offset + 1));
      await world.lane.batch(world.consumer, fetched);
      if (done.some((one) => one.startsWith('commit'))) told.push(nowMs);
    };
    for (let n = 0; n < 60; n += 1) await come(n, n * 25);
    assert.deepEqual(more.slice(0, 7), Array(7).fill(false), 'eight make a stream');
    assert.deepEqual(more.slice(7), Array(53).fill(true));
    assert.deepEqual(told, [0, 25, 50, 75, 100, 125, 150, 1150]);
    await come(60, 60 * 25 + 500);
    assert.equal(more.at(-1), false, 'it broke off');
    assert.equal(told.at(-1), 2000);
  });

  it('stops between slices when paused, and leaves the rest unresolved', async () => {
    const world = await opened();
    world.behaviour.slice = async () => {
      world.lane.pause(world.consumer, [AT]);
      return 'done';
    };
    const { fetched, done } = batch(records(0, 700));
    await world.lane.batch(world.consumer, fetched);
    assert.equal(world.slices.length, 500);
    assert.deepEqual(done, ['resolve 499', 'heartbeat']);
  });

  it('is not resolved, and nobody is accused, when its partitions went away meanwhile', async () => {
    for (const outcome of ['done', 'fenced', 'thrown'] as const) {
      const world = await opened();
      world.behaviour.slice = async (control) => {
        assert.equal(control.live(), true);
        world.lane.joined(world.consumer, []);
        assert.equal(control.live(), false);
        if (outcome === 'thrown') throw new Error('transaction failed');
        return outcome;
      };
      const { fetched, done } = batch(records(0, 3));
      await world.lane.batch(world.consumer, fetched);
      assert.deepEqual(done, [], outcome);
      assert.deepEqual(world.failures, [], outcome);
    }
  });

  it('hands a refused heartbeat to the client, even through the handler', async () => {
    const world = await opened();
    const refused = new Error('REBALANCE_IN_PROGRESS');
    world.behaviour.slice = async (control) => {
      await control.heartbeat();
      return 'done';
    };
    const { fetched, done } = batch(records(0, 3), {
      heartbeat: async () => {
        throw refused;
      },
    });
    await assert.rejects(world.lane.batch(world.consumer, fetched), refused);
    assert.deepEqual(done, []);
    assert.deepEqual(world.failures, []);
  });

  it('ends the broker when its slice throws, or is fenced', async () => {
    const broken = new RangeError('out of it');
    const throwing = await opened();
    throwing.behaviour.slice = async () => {
      throw broken;
    };
    await throwing.lane.batch(throwing.consumer, batch(records(0, 3)).fetched);
    assert.deepEqual(throwing.failures, [broken]);
    const fencing = await opened();
    fencing.behaviour.slice = async () => 'fenced';
    await fencing.lane.batch(fencing.consumer, batch(records(0, 3)).fetched);
    const [cause] = fencing.failures;
    assert.ok(cause instanceof OperatingError);
    assert.equal(cause.code, 'LANE_FENCED');
  });
});

describe('progress', () => {
  it('waits for its turn and is told once however often it is asked', async () => {
    const world = await opened();
    const release = Promise.withResolvers<'done'>();
    world.behaviour.slice = async () => release.promise;
    const running = world.lane.batch(world.consumer, batch(records(0, 3)).fetched);
    await settled();
    const range = { ...AT, low: 0, end: 120 };
    world.lane.progress([range], world.lane.lag());
    world.lane.progress([range], world.lane.lag());
    await settled();
    assert.equal(world.lags.length, 0);
    release.resolve('done');
    await running;
    await settled();
    assert.deepEqual(world.lags, [[{ ...AT, next: 3, end: 120, low: 0 }]]);
  });

  it('does not take an old answer for a truncated log, but three new ones', async () => {
    const world = await opened();
    const then = world.lane.lag();
    await world.lane.batch(world.consumer, batch(records(0, 90)).fetched);
    const old = [{ ...AT, low: 0, end: 10 }];
    for (let round = 0; round < 5; round++) world.lane.progress(old, then);
    assert.deepEqual(world.failures, []);
    for (let round = 0; round < 3; round++) world.lane.progress(old, world.lane.lag());
    await settled();
    assert.equal(world.taken.at(-1)?.[0]?.isRecreated, true);
  });
});
