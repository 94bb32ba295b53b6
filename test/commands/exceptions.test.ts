/** Exceptions as a list: who must do something about one, and when. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noteOf } from '../../src/commands/exceptions.ts';

const DAY = 86_400_000;

test('an exception warns seven days and one day before it lapses, and when it is idle', () => {
  const of = (leftMs: number, recent = 1) => noteOf({ expiresMs: leftMs }, { recent }, 0);
  assert.match(of(0), /^lapsed/);
  assert.equal(of(DAY), 'lapses within a day');
  assert.equal(of(2 * DAY), 'lapses in 2 days');
  assert.equal(of(7 * DAY), 'lapses in 7 days');
  assert.equal(of(7 * DAY + 1), '');
  assert.match(of(30 * DAY, 0), /no hit in 30 days/);
  assert.match(noteOf({ expiresMs: 30 * DAY }, undefined, 0), /no hit/);
});
