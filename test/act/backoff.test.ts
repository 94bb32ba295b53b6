/** Pauses between tries: bounded, jittered over the whole range, never shorter than asked. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BACKOFF_CAP_MS, backoffMs } from '../../src/act/backoff.ts';

const LAST = 1 - 2 ** -53;

test('the ceiling doubles from 250 ms to 30 s', () => {
  const ceilings = [0, 1, 2, 6, 7, 8, 1_000].map((tries) => backoffMs(tries, 0, () => LAST));
  assert.deepEqual(ceilings, [249, 499, 999, 15_999, 29_999, 29_999, 29_999]);
  assert.equal(
    backoffMs(3, 0, () => 0),
    0,
  );
});

test('what the target asks for is honoured up to 30 s', () => {
  assert.equal(
    backoffMs(0, 7_000, () => 0.5),
    7_000,
  );
  assert.equal(
    backoffMs(0, 3_600_000, () => 0.5),
    BACKOFF_CAP_MS,
  );
});

test('any input gives a whole number of ms within the bounds', () => {
  fc.assert(
    fc.property(
      fc.integer(),
      fc.integer(),
      fc.double({ min: 0, max: LAST, noNaN: true }),
      (tries, asked, r) => {
        const ms = backoffMs(tries, asked, () => r);
        assert.ok(Number.isInteger(ms) && ms >= 0 && ms <= BACKOFF_CAP_MS);
      },
    ),
  );
});
