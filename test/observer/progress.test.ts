/** Progress: caught up is whoever read all that was there when he took over, and no more. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Progress } from '../../src/observer/progress.ts';

const ONE = { topic: 'gateway', partition: 0 };
const TWO = { topic: 'gateway', partition: 1 };

function begun(): Progress {
  const progress = new Progress();
  progress.begin(
    [
      { ...ONE, low: 0, next: 0, end: 10 },
      { ...TWO, low: 0, next: 0, end: 5 },
    ],
    [
      { ...ONE, offset: 0 },
      { ...TWO, offset: 5 },
    ],
  );
  return progress;
}

describe('progress', () => {
  it('is at its end when every partition was read to where it ended at the takeover', () => {
    const progress = begun();
    assert.equal(progress.isCaughtUp(), false);
    progress.read(ONE, 9);
    assert.equal(progress.isCaughtUp(), false);
    progress.heard([{ ...ONE, low: 0, next: 9, end: 1000 }]);
    progress.read(ONE, 10);
    assert.equal(progress.isCaughtUp(), true);
  });

  it('counts what others read, and does not go back for it', () => {
    const progress = begun();
    progress.passed(ONE, 10);
    progress.passed(ONE, 3);
    assert.equal(progress.isCaughtUp(), true);
  });

  it('has no end before there is a partition', () => {
    assert.equal(new Progress().isCaughtUp(), false);
  });

  it('knows the partitions as the broker spoke of them last, and forgets those of before', () => {
    const progress = begun();
    const newer = { ...TWO, low: 1, next: 6, end: 7 };
    progress.heard([newer]);
    assert.deepEqual(progress.lags, [{ ...ONE, low: 0, next: 0, end: 10 }, newer]);
    progress.begin([newer], [{ ...TWO, offset: 6 }]);
    assert.deepEqual(progress.lags, [newer]);
  });
});
