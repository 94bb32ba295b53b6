/** Pace: slices wait for a commit a while, longer where storing is slow, and never for ever. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Pace } from '../../src/record/pace.ts';

/** When a record that came at 0 must be committed, ms. */
function dueMs(pace: Pace): number {
  pace.over();
  pace.took(1, 0);
  for (let ms = 0; ms <= 10_000; ms += 1) if (pace.isDue(ms)) return ms;
  return Number.POSITIVE_INFINITY;
}

describe('pace', () => {
  it('lets slices wait for 100 ms, or as long as it is told', () => {
    assert.equal(dueMs(new Pace()), 100);
    assert.equal(dueMs(new Pace(20)), 20);
    assert.equal(dueMs(new Pace(0)), 0);
  });

  it('waits longer where storing is slow, to a bound, and as before when it is fast again', () => {
    const pace = new Pace();
    const after = (tookMs: number) => {
      pace.stored(tookMs);
      return dueMs(pace);
    };
    assert.deepEqual([5, 25, 40, 500, 5].map(after), [100, 100, 160, 250, 100]);
  });

  it('never waits where nothing may', () => {
    const pace = new Pace(0);
    pace.stored(40);
    assert.equal(dueMs(pace), 0);
  });

  it('is due with 5,000 records, however little time has passed', () => {
    const pace = new Pace();
    pace.took(4999, 0);
    assert.equal(pace.isDue(0), false);
    pace.took(1, 0);
    assert.equal(pace.isDue(0), true);
    pace.over();
    assert.equal(pace.isDue(0), false);
  });
});
