/** Ends: the first and the last values in their order, and a true count of the others. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Ends } from '../../../src/detect/derived/ends.ts';

it('keeps what a list of all would show at its ends', () => {
  for (let length = 0; length < 40; length += 1) {
    const all = Array.from({ length }, (_, n) => n);
    const ends = new Ends<number>(8);
    for (const one of all) ends.push(one);
    const shown = length <= 8 ? all : [...all.slice(0, 4), ...all.slice(-4)];
    assert.deepEqual(ends.list(), shown);
    assert.equal(ends.left, length - shown.length);
  }
});
