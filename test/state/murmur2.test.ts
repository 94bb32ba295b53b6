/** Murmur2: the same numbers as Kafka's own clients, or two members would disagree on whose an agent is. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { murmur2, partitionOfKey } from '../../src/state/murmur2.ts';

it('gives the numbers of the Java client', () => {
  const known = new Map([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ]);
  for (const [text, hash] of known) assert.equal(murmur2(Buffer.from(text)), hash, text);
});

it('spreads keys over all partitions, and never leaves the range', () => {
  const hits = new Array<number>(7).fill(0);
  for (let n = 0; n < 7000; n += 1) {
    const at = partitionOfKey(`tenant-${n}-ü`, 7);
    hits[at] = (hits[at] ?? Number.NaN) + 1;
  }
  for (const count of hits) assert.ok(count > 800 && count < 1200, `${hits}`);
  assert.equal(partitionOfKey('', 1), 0);
});
