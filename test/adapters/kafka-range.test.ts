/** A range of offsets: exactly its records, an end that is told, and nothing of other partitions. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createKafkaRange } from '../../src/adapters/kafka-range.ts';
import type {
  Broker,
  LaneHandler,
  PartitionLag,
  Rec,
  StartPosition,
  TopicPartition,
} from '../../src/model/ports.ts';

/** A broker whose log is a script: what it delivers is called by the test. */
class Scripted implements Broker {
  handler: LaneHandler | null = null;
  starts: readonly StartPosition[] = [];
  readonly paused = new Set<string>();
  isStopped = false;
  readonly #logs: readonly PartitionLag[];

  constructor(logs: readonly PartitionLag[]) {
    this.#logs = logs;
  }
  async start(handler: LaneHandler): Promise<void> {
    this.handler = handler;
    this.starts = await handler.assigned(this.#logs);
  }
  pause(partitions: readonly TopicPartition[]): void {
    for (const { topic, partition } of partitions) this.paused.add(`${topic}/${partition}`);
  }
  resume(partitions: readonly TopicPartition[]): void {
    for (const { topic, partition } of partitions) this.paused.delete(`${topic}/${partition}`);
  }
  async lag(): Promise<readonly PartitionLag[]> {
    return this.#logs;
  }
  async stop(): Promise<void> {
    this.isStopped = true;
  }
  async deliver(partition: number, offsets: readonly number[], next?: number): Promise<string> {
    const records = offsets.map((offset): Rec => {
      return { topic: 't', partition, offset, timestampMs: 0, key: null, value: Buffer.from('{}') };
    });
    const control = {
      heartbeat: async () => undefined,
      live: () => true,
      end: 1000,
      ...(next === undefined ? {} : { next }),
    };
    return (await this.handler?.slice(records, control)) ?? 'none';
  }
  progress(partition: number, next: number): void {
    this.handler?.progress([{ topic: 't', partition, low: 0, next, end: 1000 }]);
  }
}

/** A lane that keeps what it is told. */
class Lane implements LaneHandler {
  readonly seen: string[] = [];
  readonly ends: number[] = [];
  readonly nexts: (number | undefined)[] = [];
  assignedLags: readonly PartitionLag[] = [];
  lags: readonly PartitionLag[] = [];
  failure: Error | null = null;
  async assigned(lags: readonly PartitionLag[]): Promise<readonly StartPosition[]> {
    this.assignedLags = lags;
    return lags.map(({ topic, partition, low }) => ({ topic, partition, offset: low }));
  }
  revoked(): void {}
  async slice(
    records: readonly Rec[],
    control: { end: number; next?: number },
  ): Promise<'done' | 'fenced'> {
    for (const { partition, offset } of records) this.seen.push(`${partition}@${offset}`);
    this.ends.push(control.end);
    this.nexts.push(control.next);
    return 'done';
  }
  progress(lags: readonly PartitionLag[]): void {
    this.lags = lags;
  }
  failed(cause: Error): void {
    this.failure = cause;
  }
}

const log = (partition: number): PartitionLag => ({
  ...{ topic: 't', partition, low: 0, next: 0, end: 1000 },
});
const part = (partition: number, low: number, end: number) => ({ topic: 't', partition, low, end });

async function started(ranges: readonly ReturnType<typeof part>[], partitions = 3) {
  const inner = new Scripted(Array.from({ length: partitions }, (_, at) => log(at)));
  const lane = new Lane();
  const range = createKafkaRange(inner, ranges);
  let isFinished = false;
  range.finished.then(
    () => {
      isFinished = true;
    },
    () => undefined,
  );
  await range.start(lane);
  const settled = async () => {
    await new Promise((resolve) => setImmediate(resolve));
    return isFinished;
  };
  return { inner, lane, range, settled };
}

describe('a range of offsets', () => {
  it('begins where it begins, as if the log did, and leaves other partitions alone', async () => {
    const { inner, lane } = await started([part(1, 10, 20)]);
    assert.deepEqual(lane.assignedLags, [{ ...part(1, 10, 20), next: 10 }]);
    assert.deepEqual(
      inner.starts.map(({ partition, offset }) => [partition, offset]),
      [
        [1, 10],
        [0, 1000],
        [2, 1000],
      ],
    );
    assert.deepEqual([...inner.paused].sort(), ['t/0', 't/2']);
    assert.equal(await inner.deliver(0, [5, 6]), 'held', 'nothing is said of what went before');
    assert.deepEqual(lane.seen, []);
  });

  it('cuts at both ends and is finished with the last record', async () => {
    const { inner, lane, settled } = await started([part(0, 10, 13)]);
    await inner.deliver(0, [8, 9, 10, 11]);
    assert.equal(await settled(), false);
    await inner.deliver(0, [12, 13, 14]);
    assert.deepEqual(lane.seen, ['0@10', '0@11', '0@12']);
    assert.deepEqual(
      [lane.ends, lane.nexts],
      [
        [13, 13],
        [12, 13],
      ],
    );
    assert.equal(await settled(), true);
    assert.ok(inner.paused.has('t/0'));
    assert.deepEqual(lane.lags, [{ ...part(0, 10, 13), next: 13 }]);
  });

  it('is finished where the rest of it holds nothing to deliver', async () => {
    const { inner, lane, settled } = await started([part(0, 0, 10), part(1, 0, 5)]);
    await inner.deliver(0, [0, 1, 2], 3);
    inner.progress(0, 12);
    assert.equal(await settled(), false);
    await inner.deliver(1, [4, 9]);
    assert.deepEqual(lane.seen, ['0@0', '0@1', '0@2', '1@4']);
    assert.equal(await settled(), true);
  });

  it('waits for no partition whose range is empty', async () => {
    const { inner, settled } = await started([part(0, 7, 7), part(1, 0, 1)]);
    assert.ok(inner.paused.has('t/0'));
    await inner.deliver(1, [0]);
    assert.equal(await settled(), true);
  });

  it('resumes only what is not read to its end', async () => {
    const { inner, range } = await started([part(0, 0, 1), part(1, 0, 9)]);
    await inner.deliver(0, [0]);
    const all = [0, 1, 2].map((partition) => ({ topic: 't', partition }));
    range.pause(all);
    range.resume(all);
    assert.deepEqual([...inner.paused].sort(), ['t/0', 't/2']);
  });

  it('fails where partitions are taken away: half of it must not pass for the whole', async () => {
    const { inner, lane, range } = await started([part(0, 0, 9)]);
    inner.handler?.revoked([{ topic: 't', partition: 0 }]);
    assert.match(lane.failure?.message ?? '', /rebalanced/);
    await assert.rejects(range.finished, /rebalanced/);
    await assert.rejects(async () => await inner.handler?.assigned([log(0)]), /rebalanced/);
  });

  it('says nothing of partitions that go when it is stopped', async () => {
    const { inner, lane, range } = await started([part(0, 0, 9)]);
    await range.stop(10);
    inner.handler?.revoked([{ topic: 't', partition: 0 }]);
    assert.equal(lane.failure, null);
    assert.ok(inner.isStopped);
    await range.finished;
  });
});
