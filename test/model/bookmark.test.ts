/** Bookmarks: a record is told from every other. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { bookmarkOf, isMarked } from '../../src/model/bookmark.ts';

const record = {
  ...{ offset: 7, timestampMs: 1000 },
  ...{ key: Buffer.from('ab'), value: Buffer.from('cd') },
};

it('knows the record again, and no other in its place', () => {
  const mark = bookmarkOf(record);
  assert.equal(isMarked({ ...record, key: Buffer.from('ab') }, mark), true);
  for (const other of [
    { offset: 8 },
    { timestampMs: 1001 },
    { key: Buffer.from('abc'), value: Buffer.from('d') },
    { key: null },
    { key: Buffer.alloc(0) },
    { value: null },
    { value: Buffer.alloc(0) },
  ])
    assert.equal(isMarked({ ...record, ...other }, mark), false, JSON.stringify(other));
  const empty = bookmarkOf({ ...record, key: null, value: null });
  assert.equal(isMarked({ ...record, key: Buffer.alloc(0), value: null }, empty), false);
  assert.match(mark.sha, /^[0-9a-f]{32}$/);
});
