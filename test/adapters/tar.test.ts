/** The tar reader on archives made here, whole and broken. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { readTarGz } from '../../src/adapters/tar.ts';
import { OperatingError } from '../../src/model/errors.ts';

interface Entry {
  readonly path: string;
  readonly text: string;
  readonly kind?: string;
  readonly prefix?: string;
}

function blocksOf({ path, text, kind = '0', prefix = '' }: Entry): Buffer {
  const content = Buffer.from(text);
  const head = Buffer.alloc(512);
  head.write(path, 0);
  head.write(content.length.toString(8).padStart(11, '0'), 124);
  head.write(' '.repeat(8), 148);
  head.write(kind, 156);
  head.write('ustar\0', 257);
  head.write(prefix, 345);
  const sum = head.reduce((total, byte) => total + byte, 0);
  head.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([head, content, Buffer.alloc((512 - (content.length % 512)) % 512)]);
}

const tarOf = (entries: readonly Entry[]): Buffer =>
  Buffer.concat([...entries.map(blocksOf), Buffer.alloc(1024)]);

const refused = (archive: Uint8Array, message: RegExp) =>
  assert.throws(
    () => readTarGz(archive, 'a.tar.gz'),
    (error) =>
      error instanceof OperatingError &&
      error.code === 'SOURCE_UNREADABLE' &&
      message.test(error.message),
  );

test('plain files by path; directories and links are passed over', () => {
  const long = 'x'.repeat(1200);
  const archive = tarOf([
    { path: 'data/', text: '', kind: '5' },
    { path: './data/a.csv', text: 'grüße\n' },
    { path: 'b.csv', text: long, prefix: 'data/deep' },
    { path: 'link', text: '', kind: '2' },
    { path: 'empty', text: '' },
  ]);
  const files = readTarGz(gzipSync(archive), 'a.tar.gz');
  assert.deepEqual(
    [...files],
    [
      ['data/a.csv', 'grüße\n'],
      ['data/deep/b.csv', long],
      ['empty', ''],
    ],
  );
});

test('a long name is taken from the pax record before it, and only for that entry', () => {
  const long = `${'deep/'.repeat(60)}a.csv`;
  const record = `path=${long}\n`;
  const archive = tarOf([
    {
      path: 'PaxHeaders/a.csv',
      text: `27 mtime=1700000000.0000000\n${record.length + 4} ${record}`,
      kind: 'x',
    },
    { path: 'deep/a.csv', text: 'one' },
    { path: 'b.csv', text: 'two' },
  ]);
  const files = readTarGz(gzipSync(archive), 'a.tar.gz');
  assert.deepEqual(
    [...files],
    [
      [long, 'one'],
      ['b.csv', 'two'],
    ],
  );
});

test('what is no gzip, cut short or damaged is refused by name', () => {
  refused(Buffer.from('no gzip'), /a\.tar\.gz is no gzip/);
  const archive = tarOf([{ path: 'a', text: 'y'.repeat(600) }]);
  refused(gzipSync(archive.subarray(0, 1024)), /broken at byte 0/);
  const damaged = Buffer.from(archive);
  damaged.write('b', 0);
  refused(gzipSync(damaged), /broken at byte 0/);
});

test('an archive of nothing holds nothing', () => {
  assert.equal(readTarGz(gzipSync(Buffer.alloc(1024)), 'a.tar.gz').size, 0);
});
