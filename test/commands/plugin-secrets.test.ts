/** Secrets of plug-ins: read from where they lie; named by key where missing, never shown. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { readSecrets } from '../../src/commands/plugin-secrets.ts';
import { OperatingError } from '../../src/model/errors.ts';

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plt-plugin-'));
});
after(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe('secrets of a plug-in', () => {
  it('are read from the environment and from files', async () => {
    const file = join(folder, 'key');
    await writeFile(file, 'from the file\n');
    const values = await readSecrets(
      new Map([
        ['a', { env: 'A' }],
        ['b.c', { file }],
      ] as const),
      'k',
      {
        A: 'from outside',
      },
    );
    assert.deepEqual(
      [...values],
      [
        ['a', 'from outside'],
        ['b.c', 'from the file'],
      ],
    );
  });

  it('that are missing are named all at once, by key and never by value', async () => {
    const empty = join(folder, 'empty');
    await writeFile(empty, '\n');
    const secrets = new Map([
      ['a', { env: 'A' }],
      ['b', { file: empty }],
      ['c', { file: join(folder, 'none') }],
      ['d', { env: 'D' }],
    ] as const);
    await assert.rejects(readSecrets(secrets, 'sinks.p', { D: 'canary' }), (cause) => {
      assert.ok(cause instanceof OperatingError && cause.code === 'CONFIG_INVALID');
      assert.deepEqual(
        cause.message.split('\n').map((line) => line.split(':')[0]),
        ['sinks.p.a', 'sinks.p.b', 'sinks.p.c'],
      );
      assert.ok(!cause.message.includes('canary'));
      return true;
    });
  });
});
