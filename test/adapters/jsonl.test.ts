/** Tests of the JSON-lines broker: nothing lost, through growth, rotation, cuts and restarts. */
import assert from 'node:assert/strict';
import { appendFile, mkdtemp, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { createJsonlBroker } from '../../src/adapters/jsonl.ts';
import type { Clock, LaneHandler, Log, PartitionLag, Rec } from '../../src/model/ports.ts';

const GENERATION = 2 ** 38;

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'jsonl-'));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Real waiting in tiny steps: what is under test is the file system's behaviour over time. */
const clock: Clock = {
  nowMs: () => 1_800_000_000_000,
  sleep: (_ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted === true) resolve();
      else setTimeout(resolve, 2);
    }),
};

class Notes implements Log {
  readonly warned: string[] = [];
  debug(): void {}
  info(): void {}
  warn(_fields: object, message: string): void {
    this.warned.push(message);
  }
  error(): void {}
}

/** A lane that keeps what it is given. */
class Lane implements LaneHandler {
  readonly records: Rec[] = [];
  readonly slices: number[] = [];
  readonly ends: number[] = [];
  lag: readonly PartitionLag[] = [];
  assignedLag: readonly PartitionLag[] = [];
  failure: Error | null = null;
  readonly #start: Readonly<Record<string, number>>;
  onSlice: (records: readonly Rec[]) => Promise<'done' | 'fenced'> = async () => 'done';

  constructor(start: Readonly<Record<string, number>> = {}) {
    this.#start = start;
  }
  async assigned(partitions: readonly PartitionLag[]) {
    this.assignedLag = partitions;
    return partitions.map((at) => ({ ...at, offset: this.#start[at.topic] ?? at.low }));
  }
  revoked(): void {}
  async slice(records: readonly Rec[], control: { end: number }): Promise<'done' | 'fenced'> {
    this.records.push(...records);
    this.slices.push(records.length);
    this.ends.push(control.end);
    return this.onSlice(records);
  }
  progress(lag: readonly PartitionLag[]): void {
    this.lag = lag;
  }
  failed(cause: Error): void {
    this.failure = cause;
  }
  lines(topic = 'a'): string[] {
    return this.records.filter((rec) => rec.topic === topic).map((rec) => String(rec.value));
  }
  /** Waits until so many records are here. */
  async until(count: number): Promise<void> {
    for (let turn = 0; this.records.length < count; turn += 1) {
      assert.ok(turn < 10_000, `${this.records.length} of ${count} records came`);
      assert.equal(this.failure, null);
      await clock.sleep(1);
    }
  }
}

function brokerOf(place: string, follow: boolean, topics = ['a'], log: Log = new Notes()) {
  return createJsonlBroker({ path: place, topics, follow, log, clock, pollMs: 1 });
}

async function readAll(place: string, lane = new Lane(), topics = ['a']): Promise<Lane> {
  const broker = brokerOf(place, false, topics);
  await broker.start(lane);
  await broker.finished;
  await broker.stop(1000);
  return lane;
}

test('a folder is read to its end: plain and gzip, blank lines and last lines', async () => {
  await inFolder(async (folder) => {
    await writeFile(path.join(folder, 'a.jsonl'), '{"n":1}\n\n{"n":2}\r\n\r\n{"n":3}');
    await writeFile(path.join(folder, 'b.jsonl.gz'), gzipSync('{"z":1}\n{"z":2}\n'));
    await writeFile(path.join(folder, 'c.jsonl'), '');
    const lane = await readAll(folder, new Lane(), ['a', 'b', 'c', 'd']);
    assert.deepEqual(lane.lines(), ['{"n":1}', '{"n":2}', '{"n":3}']);
    assert.deepEqual(
      lane.records.filter((rec) => rec.topic === 'a').map((rec) => rec.offset),
      [0, 9, 20],
    );
    assert.deepEqual(
      lane.records.filter((rec) => rec.topic === 'b').map((rec) => rec.offset),
      [0, 8],
    );
    assert.ok(lane.records.every((rec) => rec.timestampMs === clock.nowMs() && rec.key === null));
    assert.deepEqual(
      lane.lag.map(({ topic, next, end, low }) => [topic, next, end, low]),
      [
        ['a', 21, 21, 0],
        ['b', 9, 9, 0],
        ['c', 0, 0, 0],
        ['d', 0, 0, 0],
      ],
    );
    assert.deepEqual(
      lane.assignedLag.map(({ end }) => end),
      [27, 16, 0, 0],
    );
  });
});

test('one file can be a topic by itself', async () => {
  await inFolder(async (folder) => {
    const file = path.join(folder, 'anything.log');
    await writeFile(file, '{"n":1}\n');
    assert.deepEqual((await readAll(file)).lines(), ['{"n":1}']);
  });
});

test('nothing to read is an error that says what was expected', async () => {
  await inFolder(async (folder) => {
    const broker = brokerOf(path.join(folder, 'missing'), false);
    await assert.rejects(broker.start(new Lane()), {
      code: 'SOURCE_UNREADABLE',
      message: /<topic>\.jsonl/,
    });
    await broker.stop(10);
  });
});

test('slices keep to 500 records and 1 MiB, in turn, and know the end', async () => {
  await inFolder(async (folder) => {
    const many = Array.from({ length: 1200 }, (_, at) => `{"n":${at}}\n`).join('');
    await writeFile(path.join(folder, 'a.jsonl'), many);
    await writeFile(path.join(folder, 'b.jsonl'), `{"x":"${'y'.repeat(400_000)}"}\n`.repeat(6));
    const lane = await readAll(folder, new Lane(), ['a', 'b']);
    assert.deepEqual(lane.slices, [500, 3, 500, 3, 200]);
    const lastOfA = lane.records.findLast((rec) => rec.topic === 'a');
    assert.equal(lane.ends.at(-1), (lastOfA?.offset ?? 0) + 1);
    assert.ok((lane.ends[0] ?? 0) > 500);
    assert.deepEqual(lane.lines(), many.trimEnd().split('\n'));
  });
});

test('reading goes on at any offset: a line start, or one past a record', async () => {
  await inFolder(async (folder) => {
    const text = '{"n":1}\n{"n":22}\n5\n{"n":4}\n';
    for (const [name, bytes] of [
      ['a.jsonl', text],
      ['a.jsonl.gz', gzipSync(text)],
    ] as const) {
      await writeFile(path.join(folder, name), bytes);
      const from = async (offset: number) =>
        (await readAll(folder, new Lane({ a: offset }))).lines();
      assert.equal((await from(0)).length, 4);
      assert.deepEqual(await from(1), ['{"n":22}', '5', '{"n":4}']);
      assert.deepEqual(await from(8), ['{"n":22}', '5', '{"n":4}']);
      assert.deepEqual(await from(9), ['5', '{"n":4}']);
      assert.deepEqual(await from(17), ['5', '{"n":4}']);
      assert.deepEqual(await from(18), ['{"n":4}']);
      assert.deepEqual(await from(20), []);
      await rm(path.join(folder, name));
    }
  });
});

test('lines beyond 1 MiB are delivered cut to one byte more, and reading goes on', async () => {
  await inFolder(async (folder) => {
    const limit = 1024 * 1024;
    const lines = ['x'.repeat(limit), 'y'.repeat(limit + 1), 'z'.repeat(5 * limit), 'short'];
    await writeFile(
      path.join(folder, 'a.jsonl'),
      `${lines.join('\n')}\nlast${'w'.repeat(2 * limit)}`,
    );
    const lane = await readAll(folder);
    assert.deepEqual(
      lane.lines().map((line) => [line[0], line.length]),
      [
        ['x', limit],
        ['y', limit + 1],
        ['z', limit + 1],
        ['s', 5],
        ['l', limit + 1],
      ],
    );
    assert.equal(lane.records[3]?.offset, 7 * limit + 4);
  });
});

test('following: growth, half lines, files that appear later', async () => {
  await inFolder(async (folder) => {
    const file = path.join(folder, 'a.jsonl');
    const broker = brokerOf(folder, true, ['a', 'late']);
    const lane = new Lane();
    await broker.start(lane);
    await writeFile(file, '{"n":1}\n{"n":');
    await lane.until(1);
    await writeFile(path.join(folder, 'late.jsonl'), '{"l":1}\n');
    await lane.until(2);
    assert.equal(lane.lines().length, 1, 'half a line is held');
    const [lag] = await broker.lag();
    assert.equal(lag?.next, lag?.end, 'and does not count as lag');
    await appendFile(file, '2}\n{"n":3}\n');
    await lane.until(4);
    await broker.stop(1000);
    await broker.finished;
    assert.deepEqual(lane.lines(), ['{"n":1}', '{"n":2}', '{"n":3}']);
    assert.deepEqual(lane.lines('late'), ['{"l":1}']);
  });
});

test('rotation: the old file is read to its end, the new one begins above it', async () => {
  await inFolder(async (folder) => {
    const file = path.join(folder, 'a.jsonl');
    await writeFile(file, '{"n":1}\n');
    const broker = brokerOf(folder, true);
    const lane = new Lane();
    await broker.start(lane);
    await lane.until(1);
    await rename(file, path.join(folder, 'a.jsonl.1'));
    await appendFile(path.join(folder, 'a.jsonl.1'), '{"n":2}\n{"n":3}');
    await lane.until(2);
    await writeFile(file, '{"n":4}\n');
    await lane.until(4);
    await rename(file, path.join(folder, 'a.jsonl.2'));
    await writeFile(file, '{"n":5}\n');
    await lane.until(5);
    await broker.stop(1000);
    assert.deepEqual(
      lane.lines(),
      [1, 2, 3, 4, 5].map((n) => `{"n":${n}}`),
    );
    assert.deepEqual(
      lane.records.map((rec) => rec.offset),
      [0, 8, 16, GENERATION, 2 * GENERATION],
    );
    // The daemon comes back: the same file, then one that took its place meanwhile.
    assert.deepEqual((await readAll(folder, new Lane({ a: 2 * GENERATION + 1 }))).lines(), []);
    await writeFile(file, '{"other":6}\n{"other":7}\n');
    const again = await readAll(folder, new Lane({ a: 2 * GENERATION + 9 }));
    assert.deepEqual(again.lines(), ['{"other":6}', '{"other":7}']);
    assert.equal(again.records[0]?.offset, 3 * GENERATION);
  });
});

test('truncation is reported, and what is written afterwards is read from the start', async () => {
  await inFolder(async (folder) => {
    const file = path.join(folder, 'a.jsonl');
    await writeFile(file, '{"n":1}\n{"n":2}\n');
    const notes = new Notes();
    const broker = brokerOf(folder, true, ['a'], notes);
    const lane = new Lane();
    await broker.start(lane);
    await lane.until(2);
    await truncate(file, 0);
    await appendFile(file, '{"n":3}\n');
    await lane.until(3);
    // Cut and grown beyond the old end between two looks: the line break is not where it was.
    await writeFile(file, '{"much":"longer than before"}\n{"n":5}\n');
    await lane.until(5);
    await broker.stop(1000);
    assert.deepEqual(lane.lines().slice(2), [
      '{"n":3}',
      '{"much":"longer than before"}',
      '{"n":5}',
    ]);
    assert.equal(notes.warned.filter((message) => message.includes('truncated')).length, 2);
    const offsets = lane.records.map((rec) => rec.offset);
    assert.deepEqual(
      offsets,
      [...offsets].sort((a, b) => a - b),
    );
  });
});

test('paused topics wait while others go on', async () => {
  await inFolder(async (folder) => {
    await writeFile(path.join(folder, 'a.jsonl'), '{"n":1}\n');
    await writeFile(path.join(folder, 'b.jsonl'), '{"n":1}\n');
    const broker = brokerOf(folder, false, ['a', 'b']);
    broker.pause([{ topic: 'a', partition: 0 }]);
    broker.pause([{ topic: 'a', partition: 0 }]);
    const lane = new Lane();
    await broker.start(lane);
    await lane.until(1);
    assert.deepEqual([lane.lines('a').length, lane.lines('b').length], [0, 1]);
    broker.resume([{ topic: 'a', partition: 0 }]);
    await broker.finished;
    await broker.stop(1000);
    assert.equal(lane.lines('a').length, 1);
  });
});

test('what goes wrong is told once: fenced lanes, handlers that reject, broken gzip', async () => {
  await inFolder(async (folder) => {
    await writeFile(path.join(folder, 'a.jsonl'), '{"n":1}\n');
    const fenced = new Lane();
    fenced.onSlice = async () => 'fenced';
    await assert.rejects(readAll(folder, fenced), { code: 'LANE_FENCED' });
    assert.equal((fenced.failure as { code?: string } | null)?.code, 'LANE_FENCED');
    const broken = new Lane();
    broken.onSlice = () => Promise.reject(new Error('database gone'));
    await assert.rejects(readAll(folder, broken), /database gone/);
    await rm(path.join(folder, 'a.jsonl'));
    const lines = Array.from({ length: 2000 }, (_, at) => `{"n":${at * 7919}}\n`).join('');
    await writeFile(path.join(folder, 'a.jsonl.gz'), gzipSync(lines).subarray(0, -200));
    const cut = new Lane();
    await assert.rejects(readAll(folder, cut), {
      code: 'SOURCE_UNREADABLE',
      message: /a\.jsonl\.gz/,
    });
    assert.ok(cut.records.length > 100, 'what came before the fault was delivered');
  });
});

test('a gzip file that is still being written is taken up when it has grown', async () => {
  await inFolder(async (folder) => {
    const lines = Array.from({ length: 2000 }, (_, at) => `{"n":${at * 7919}}\n`).join('');
    const whole = gzipSync(lines);
    const file = path.join(folder, 'a.jsonl.gz');
    await writeFile(file, whole.subarray(0, whole.length >> 1));
    const broker = brokerOf(folder, true);
    const lane = new Lane();
    await broker.start(lane);
    await lane.until(100);
    await appendFile(file, whole.subarray(whole.length >> 1));
    await lane.until(2000);
    await appendFile(file, gzipSync('{"second":"member"}\n'));
    await lane.until(2001);
    await broker.stop(1000);
    assert.deepEqual(lane.lines(), [...lines.trimEnd().split('\n'), '{"second":"member"}']);
  });
});

test('stop waits for the slice at hand, and no slice follows', async () => {
  await inFolder(async (folder) => {
    await writeFile(path.join(folder, 'a.jsonl'), '{"n":1}\n'.repeat(2000));
    const lane = new Lane();
    const gate = Promise.withResolvers<'done'>();
    lane.onSlice = () => gate.promise;
    const broker = brokerOf(folder, true);
    await broker.start(lane);
    await lane.until(1);
    const stopped = broker.stop(1_000_000);
    gate.resolve('done');
    await stopped;
    await broker.finished;
    assert.deepEqual(lane.slices, [500]);
  });
});
