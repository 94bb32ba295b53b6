/** Tests of the JSON-lines publisher: order, repair of half lines, refusals. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { createJsonlPublisher } from '../../src/adapters/jsonl-publisher.ts';

test('records are appended by topic, in the order they were given', async () => {
  const folder = path.join(await mkdtemp(path.join(tmpdir(), 'publish-')), 'made');
  try {
    const publisher = createJsonlPublisher(folder);
    const batches = Array.from({ length: 20 }, (_, at) =>
      publisher.publish([
        { topic: 'a', key: null, value: `{"n":${2 * at}}` },
        { topic: 'b', key: 'k', value: Buffer.from('{"ü":1}') },
        { topic: 'a', key: null, value: `{"n":${2 * at + 1}}` },
      ]),
    );
    await Promise.all(batches);
    await publisher.close();
    const lines = (await readFile(path.join(folder, 'a.jsonl'), 'utf8')).trimEnd().split('\n');
    assert.deepEqual(
      lines,
      Array.from({ length: 40 }, (_, at) => `{"n":${at}}`),
    );
    assert.equal(await readFile(path.join(folder, 'b.jsonl'), 'utf8'), '{"ü":1}\n'.repeat(20));
  } finally {
    await rm(path.dirname(folder), { recursive: true });
  }
});

test('a file is continued; half a line from a crash does not swallow ours', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'publish-'));
  try {
    await writeFile(path.join(folder, 'a.jsonl'), '{"n":1}\n{"n":');
    const publisher = createJsonlPublisher(folder);
    await publisher.publish([{ topic: 'a', key: null, value: '{"n":3}' }]);
    await publisher.close();
    assert.equal(await readFile(path.join(folder, 'a.jsonl'), 'utf8'), '{"n":1}\n{"n":\n{"n":3}\n');
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('topics that are paths and values of several lines are refused, whole batches at a time', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'publish-'));
  try {
    const publisher = createJsonlPublisher(folder);
    for (const topic of ['../up', '.', '..', '', 'a/b', '.hidden', 'x'.repeat(250)]) {
      const published = publisher.publish([{ topic, key: null, value: '{}' }]);
      await assert.rejects(published, { code: 'SOURCE_UNREADABLE' }, topic);
    }
    await assert.rejects(publisher.publish([{ topic: 'a', key: null, value: '{\n}' }]), /newline/);
    await publisher.publish([{ topic: 'a', key: null, value: '{}' }]);
    await publisher.close();
    assert.deepEqual(await readdir(folder), ['a.jsonl']);
  } finally {
    await rm(folder, { recursive: true });
  }
});
