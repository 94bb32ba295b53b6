/** Watching a folder: every way in which files are saved is seen, each time, and once. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { watchFolder } from '../../src/adapters/watch.ts';
import type { Log } from '../../src/model/ports.ts';

const SETTLE_MS = 20;

interface Watched {
  readonly folder: string;
  readonly said: string[];
  /** Changes told so far. */
  told(): number;
  /** Waits until so many changes were told; a watcher that is deaf makes the test time out. */
  until(changes: number): Promise<void>;
  readonly stop: AbortController;
}

const watched = async (use: (one: Watched) => Promise<void>): Promise<void> => {
  const folder = await mkdtemp(join(tmpdir(), 'watch-'));
  const stop = new AbortController();
  const said: string[] = [];
  const note = (_fields: unknown, text?: string): void => void said.push(text ?? '');
  const log: Log = { debug: note, info: note, warn: note, error: note };
  let changes = 0;
  await mkdir(join(folder, 'volume'));
  await writeFile(join(folder, 'volume', 'a.yaml'), 'a: 1\n');
  watchFolder(folder, SETTLE_MS, () => changes++, log, stop.signal);
  // Some looks, so that what is there is known before it changes.
  await pause(SETTLE_MS * 10);
  const until = async (wanted: number): Promise<void> => {
    while (changes < wanted) await pause(SETTLE_MS);
    await pause(SETTLE_MS * 5);
    assert.equal(changes, wanted, 'each change is told once');
  };
  try {
    await use({ folder, said, told: () => changes, until, stop });
  } finally {
    stop.abort();
    await rm(folder, { recursive: true, force: true });
  }
};

test('a folder in which nothing changes tells nothing', { timeout: 20_000 }, async () => {
  await watched(async ({ told, said }) => {
    await pause(SETTLE_MS * 10);
    assert.equal(told(), 0);
    assert.deepEqual(said, []);
  });
});

test('a file that is saved by renaming is seen again and again', { timeout: 20_000 }, async () => {
  await watched(async ({ folder, until }) => {
    const file = join(folder, 'volume', 'a.yaml');
    for (let round = 1; round <= 3; round++) {
      await writeFile(`${file}.swap`, `a: ${round + 1}\n`);
      await rename(`${file}.swap`, file);
      await until(round);
    }
    // And in place, after that: the same length, only another time.
    await writeFile(file, 'a: 9\n');
    await until(4);
  });
});

test('new folders, new files and what is taken away are changes', { timeout: 20_000 }, async () => {
  await watched(async ({ folder, until }) => {
    await mkdir(join(folder, 'exceptions'));
    await writeFile(join(folder, 'exceptions', 'b.yaml'), 'b: 1\n');
    await until(1);
    await rm(join(folder, 'exceptions'), { recursive: true });
    await until(2);
  });
});

test('a folder that is gone is said once, and its return is a change', {
  timeout: 20_000,
}, async () => {
  await watched(async ({ folder, until, said }) => {
    await rename(folder, `${folder}.away`);
    while (said.length === 0) await pause(SETTLE_MS);
    await pause(SETTLE_MS * 5);
    assert.deepEqual(said, ['the folder cannot be read: those in force stay']);
    await writeFile(join(`${folder}.away`, 'volume', 'c.yaml'), 'c: 1\n');
    await rename(`${folder}.away`, folder);
    await until(1);
  });
});

test('after the end nothing is told', { timeout: 20_000 }, async () => {
  await watched(async ({ folder, told, stop }) => {
    stop.abort();
    await writeFile(join(folder, 'volume', 'a.yaml'), 'a: 77\n');
    await pause(SETTLE_MS * 10);
    assert.equal(told(), 0);
  });
});
