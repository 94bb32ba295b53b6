/** `simulate --learn-days`: two folders and their labels, the same bytes for the same seed. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { parse } from '../../src/commands/arguments.ts';
import { simulate } from '../../src/commands/simulate.ts';
import type { WireEvent } from '../../src/model/event.ts';
import type { SessionLabel } from '../../src/simulation/emission.ts';

const SILENT = {
  isJson: false,
  line: () => undefined,
  json: () => undefined,
  progress: () => undefined,
};

async function written(dir: string, ...more: string[]): Promise<void> {
  const args = [
    '--to',
    'files',
    '--dir',
    dir,
    '--start',
    '1788220800000',
    '--agents',
    '12',
    ...more,
  ];
  const code = await simulate.run(parse(args, simulate.options), {
    output: SILENT,
    signal: new AbortController().signal,
    environment: {},
  });
  assert.equal(code, 0);
}

async function linesOf<T>(...file: string[]): Promise<T[]> {
  const text = await readFile(path.join(...file), 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as T);
}

const opened = (events: readonly WireEvent[]) =>
  events.filter(({ governance }) => governance?.change === 'session.opened').length;

test('learn is sound, score is labelled, every session has its label', async () => {
  const dir = await mkdtemp(path.join(tmpdir(), 'plumbline-story-'));
  try {
    const split = ['--days', '1', '--learn-days', '2', '--rates', 'foreign-argument=0.3'];
    await written(path.join(dir, 'a'), ...split, '--truth', path.join(dir, 'truth'));
    await written(path.join(dir, 'b'), ...split);
    for (const part of ['learn', 'score']) {
      const files = (await readdir(path.join(dir, 'a', part))).sort();
      assert.deepEqual(files, [
        ...['gateway.jsonl', 'governance.jsonl', 'metrics.jsonl', 'reasoning.jsonl'],
      ]);
      for (const file of files) {
        const bytes = await readFile(path.join(dir, 'a', part, file));
        assert.ok(bytes.equals(await readFile(path.join(dir, 'b', part, file))), file);
      }
    }
    const learnt = await linesOf<SessionLabel>(dir, 'a', 'learn-labels.jsonl');
    const scored = await linesOf<SessionLabel>(dir, 'a', 'labels.jsonl');
    assert.ok(learnt.length > 60 && learnt.every(({ label }) => label === 'benign'));
    assert.equal(learnt.length, opened(await linesOf(dir, 'a', 'learn', 'governance.jsonl')));
    assert.equal(scored.length, opened(await linesOf(dir, 'a', 'score', 'governance.jsonl')));
    const bad = scored.filter(({ label }) => label === 'attack_succeeded');
    assert.ok(bad.length > 10 && bad.length < scored.length / 2);
    assert.equal((await linesOf(dir, 'truth')).length, bad.length);
    const ids = new Set([...learnt, ...scored].map(({ session_id: id }) => id));
    assert.equal(ids.size, learnt.length + scored.length, 'no session is in both');
    await assert.rejects(written(path.join(dir, 'a'), ...split), /is there already/);
  } finally {
    await rm(dir, { recursive: true });
  }
});

test('planted sessions lie among what is learnt; labels go where they are asked to', async () => {
  const dir = await mkdtemp(path.join(tmpdir(), 'plumbline-story-'));
  try {
    const labels = path.join(dir, 'labels');
    const poisoned = ['--days', '1', '--learn-days', '1', '--poison', '0.3', '--labels', labels];
    await written(path.join(dir, 'split'), ...poisoned);
    const learnt = await linesOf<SessionLabel>(dir, 'split', 'learn-labels.jsonl');
    assert.ok(learnt.some(({ kind }) => kind === 'poisoned-window'));
    assert.ok((await linesOf<SessionLabel>(labels)).length > 30);
    await written(
      path.join(dir, 'plain'),
      '--days',
      '1',
      '--labels',
      path.join(dir, 'plain-labels'),
    );
    const plain = await linesOf<SessionLabel>(dir, 'plain-labels');
    assert.equal(plain.length, opened(await linesOf(dir, 'plain', 'governance.jsonl')));
    await assert.rejects(
      written('', '--learn-days', '1', '--days', '1', '--to', 'kafka'),
      /two folders/,
    );
  } finally {
    await rm(dir, { recursive: true });
  }
});
