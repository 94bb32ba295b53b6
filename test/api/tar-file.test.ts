/** Tar files: another reader reads them, and the same contents are the same bytes. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { readTarGz } from '../../src/adapters/tar.ts';
import { tarGz } from '../../src/api/tar-file.ts';

const ENTRIES = [
  { path: '.manifest', bytes: Buffer.from('{}') },
  { path: 'plumbline/posture/data.json', bytes: Buffer.from('ä'.repeat(512)) },
  { path: 'empty', bytes: Buffer.alloc(0) },
];

test('what is packed is read again, by ours and by the system', () => {
  const packed = tarGz(ENTRIES);
  const read = readTarGz(packed, 'test');
  assert.deepEqual(
    [...read.keys()],
    ENTRIES.map(({ path }) => path),
  );
  for (const { path, bytes } of ENTRIES) assert.equal(read.get(path), bytes.toString('utf8'));
  const listed = execFileSync('tar', ['tzf', '-'], { input: packed, encoding: 'utf8' });
  assert.deepEqual(
    listed.trim().split('\n'),
    ENTRIES.map(({ path }) => path),
  );
});

test('the same contents are the same bytes', () => {
  assert.deepEqual(tarGz(ENTRIES), tarGz(ENTRIES));
});
