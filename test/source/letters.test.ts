/** Letters: rubbish is counted, not hoarded. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { DeadLetter } from '../../src/model/detection.ts';
import { LETTERS_MAX, LETTERS_WHOLE_MAX, Letters } from '../../src/source/letters.ts';

const letter = (source: string, receivedMs: number): DeadLetter => ({
  position: { topic: 't', partition: 0, offset: 0, index: 0 },
  ...{ source, format: 'canonical', reason: 'json-syntax', detail: '', size: 4096 },
  ...{ raw: Buffer.alloc(4096), receivedMs },
});

it('keeps a thousand an hour whole, nine thousand more in part, and counts the rest', () => {
  const letters = new Letters();
  const came = Array.from({ length: 20_000 }, () => letters.post(letter('a', 5000)));
  const sizes = came.map((one) => one.letter?.raw.length ?? 0);
  assert.equal(sizes.filter((size) => size === 4096).length, LETTERS_WHOLE_MAX);
  assert.equal(sizes.filter((size) => size === 256).length, LETTERS_MAX - LETTERS_WHOLE_MAX);
  assert.equal(sizes.lastIndexOf(256), LETTERS_MAX - 1);
  assert.deepEqual(
    came.flatMap(({ isFirst }, at) => (isFirst ? [at] : [])),
    [LETTERS_WHOLE_MAX, LETTERS_MAX],
  );
});

it('keeps hours and sources apart', () => {
  const letters = new Letters();
  for (let n = 0; n < 20_000; n += 1) letters.post(letter('a', 5000));
  assert.equal(letters.post(letter('b', 5000)).letter?.raw.length, 4096);
  assert.equal(letters.post(letter('a', 3_600_000)).letter?.raw.length, 4096);
  // A record of an hour that is over is counted with the newest one: it opens no hour again.
  assert.equal(letters.post(letter('a', 5000)).letter?.raw.length, 4096);
});
