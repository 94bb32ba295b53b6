/** Folders in sequence: every line of a topic once, in order, whatever each folder holds. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { createJsonlSequence } from '../../src/adapters/jsonl-sequence.ts';
import type { Clock, LaneHandler, PartitionLag, Rec } from '../../src/model/ports.ts';

const clock: Clock = {
  nowMs: () => 1_800_000_000_000,
  sleep: (_ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted === true) resolve();
      else setTimeout(resolve, 2);
    }),
};

class Lane implements LaneHandler {
  readonly records: Rec[] = [];
  lags: readonly PartitionLag[] = [];
  failure: Error | null = null;
  onSlice: () => Promise<'done' | 'fenced'> = async () => 'done';
  async assigned(lags: readonly PartitionLag[]) {
    return lags.map((lag) => ({ ...lag, offset: lag.low }));
  }
  revoked(): void {}
  async slice(records: readonly Rec[]): Promise<'done' | 'fenced'> {
    this.records.push(...records);
    return await this.onSlice();
  }
  progress(lags: readonly PartitionLag[]): void {
    this.lags = lags;
  }
  failed(cause: Error): void {
    this.failure = cause;
  }
  of(topic: string): string[] {
    return this.records
      .filter((record) => record.topic === topic)
      .map(({ value }) => value?.toString() ?? '');
  }
}

async function inFolders(
  contents: readonly Readonly<Record<string, string>>[],
  work: (folders: string[]) => Promise<void>,
): Promise<void> {
  const dir = await mkdtemp(path.join(tmpdir(), 'sequence-'));
  try {
    const folders: string[] = [];
    for (const [at, files] of contents.entries()) {
      const folder = path.join(dir, String(at));
      await mkdir(folder);
      for (const [name, text] of Object.entries(files))
        await writeFile(path.join(folder, name), name.endsWith('.gz') ? gzipSync(text) : text);
      folders.push(folder);
    }
    await work(folders);
  } finally {
    await rm(dir, { recursive: true });
  }
}

test('reads each topic through all folders, plain and packed, and ends', async () => {
  const contents = [
    { 'a.jsonl': '1\n2\n', 'b.jsonl': '10\n' },
    { 'a.jsonl.gz': '3\n4' },
    { 'a.jsonl': '', 'b.jsonl.gz': '20\n30\n' },
  ];
  await inFolders(contents, async (folders) => {
    const lane = new Lane();
    const broker = createJsonlSequence({ folders, topics: ['a', 'b', 'c'], clock });
    await broker.start(lane);
    await broker.finished;
    assert.deepEqual(lane.of('a'), ['1', '2', '3', '4']);
    assert.deepEqual(lane.of('b'), ['10', '20', '30']);
    const offsets = lane.records.filter(({ topic }) => topic === 'a').map(({ offset }) => offset);
    assert.deepEqual(offsets, [0, 1, 2, 3]);
    const ends = lane.lags.map(({ topic, next, end }) => [topic, next, end]);
    assert.deepEqual(ends, [
      ['a', 4, 4],
      ['b', 3, 3],
      ['c', 0, 0],
    ]);
    await broker.stop(10);
  });
});

test('leaves a paused topic alone until it may go on', async () => {
  const lines = Array.from({ length: 1200 }, (_, at) => `${at}\n`).join('');
  await inFolders([{ 'a.jsonl': lines, 'b.jsonl': lines }], async (folders) => {
    const lane = new Lane();
    const broker = createJsonlSequence({ folders, topics: ['a', 'b'], clock });
    broker.pause([{ topic: 'a', partition: 0 }]);
    await broker.start(lane);
    while (lane.of('b').length < 1200) await clock.sleep(1);
    assert.equal(lane.of('a').length, 0);
    broker.resume([{ topic: 'a', partition: 0 }]);
    await broker.finished;
    assert.equal(lane.of('a').length, 1200);
  });
});

test('stops when told to, and says what went wrong', async () => {
  const lines = Array.from({ length: 3000 }, (_, at) => `${at}\n`).join('');
  await inFolders([{ 'a.jsonl': lines }], async (folders) => {
    const lane = new Lane();
    const broker = createJsonlSequence({ folders, topics: ['a'], clock });
    lane.onSlice = async () => {
      void broker.stop(1000);
      return 'done';
    };
    await broker.start(lane);
    await broker.finished;
    assert.equal(lane.of('a').length, 500);
    const bad = new Lane();
    bad.onSlice = async () => {
      throw new Error('no room');
    };
    const other = createJsonlSequence({ folders, topics: ['a'], clock });
    await other.start(bad);
    await assert.rejects(other.finished, /no room/);
    assert.equal(bad.failure?.message, 'no room');
  });
});

test('a damaged file is a failure, not an end', async () => {
  const packed = gzipSync('1\n2\n3\n'.repeat(1000));
  await inFolders([{ 'a.jsonl': '0\n' }, {}], async (folders) => {
    await writeFile(path.join(folders[1] ?? '', 'a.jsonl.gz'), packed.subarray(0, 30));
    const lane = new Lane();
    const broker = createJsonlSequence({ folders, topics: ['a'], clock });
    await broker.start(lane);
    await assert.rejects(broker.finished, /a\.jsonl\.gz cannot be read/);
  });
});
