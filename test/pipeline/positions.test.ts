/** Positions: where each partition begins, what of it is lost, and what a commit has to write. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bookmarkOf } from '../../src/model/bookmark.ts';
import type { LanePosition } from '../../src/model/effects.ts';
import type { PartitionLag, Rec } from '../../src/model/ports.ts';
import { Positions } from '../../src/pipeline/positions.ts';

const AT = { topic: 'gateway', partition: 3 };

function lag(low: number, end: number, more: Partial<PartitionLag> = {}): PartitionLag {
  return { ...AT, low, end, next: low, ...more };
}

function record(offset: number): Rec {
  const value = Buffer.from(`record ${offset}`);
  return { ...AT, offset, timestampMs: 1000 + offset, key: null, value, headers: {} };
}

/** Positions of a lane that was stored like this. */
function stored(position: Partial<LanePosition>): Positions {
  const positions = new Positions();
  positions.restore([{ ...AT, low: 0, next: 0, ...position }]);
  return positions;
}

const nothingHeld = () => null;

describe('the beginning of a partition', () => {
  it('is the beginning of its log where it was never read', () => {
    const { start, until, loss } = new Positions().begin(lag(0, 9));
    assert.deepEqual({ start, until, loss }, { start: { ...AT, offset: 0 }, until: 0, loss: null });
  });

  it('says where that log begins later than at its beginning', () => {
    const { start, until, loss } = new Positions().begin(lag(4, 9));
    assert.deepEqual(start, { ...AT, offset: 4 });
    assert.equal(until, 4);
    assert.deepEqual(loss, { type: 'beginning', low: 4 });
  });

  it('is the oldest record that still waited, and proves that the log is the same', () => {
    const bookmark = bookmarkOf(record(7));
    const begun = stored({ low: 5, next: 8, bookmark }).begin(lag(2, 9));
    assert.deepEqual(begun, {
      start: { ...AT, offset: 5, proof: bookmark },
      until: 8,
      loss: null,
    });
  });

  it('says which records are gone that were still to be used', () => {
    const bookmark = bookmarkOf(record(7));
    const { start, until, loss } = stored({ low: 5, next: 8, bookmark }).begin(lag(20, 30));
    assert.deepEqual(start, { ...AT, offset: 20, proof: bookmark });
    assert.equal(until, 20);
    assert.deepEqual(loss, { type: 'unused', from: 5, to: 20, lastMs: 1007 });
  });

  it('is that of another log where this one ends before our position, or is said to be another', () => {
    for (const [other, how] of [
      [lag(1, 6), 'its log ends at 6, before our position 8'],
      [lag(1, 60, { isRecreated: true }), 'another record stands where we had read'],
    ] as const) {
      const positions = stored({ low: 5, next: 8, bookmark: bookmarkOf(record(7)) });
      const { start, until, loss } = positions.begin(other);
      assert.deepEqual(start, { ...AT, offset: 1 });
      assert.equal(until, 1);
      assert.deepEqual(loss, { type: 'log', how, low: 1, incarnation: 2, lastMs: 1007 });
      assert.equal(positions.lastMs(AT), null);
    }
  });
});

describe('what moved', () => {
  it('goes from what is stored to what was read, and stays to be written until it is', () => {
    const positions = stored({ low: 5, next: 5 });
    positions.begin(lag(0, 9));
    positions.read(record(6), 7);
    const to = { ...AT, low: 7, next: 7, bookmark: bookmarkOf(record(6)) };
    assert.deepEqual(positions.moves(nothingHeld), [{ from: 5, to }]);
    assert.deepEqual(positions.moves(nothingHeld), [{ from: 5, to }]);
    positions.written();
    assert.deepEqual(positions.moves(nothingHeld), []);
  });

  it('is what the commit took: what was read while it was written comes with the next one', () => {
    const positions = stored({ low: 5, next: 5 });
    positions.begin(lag(0, 9));
    positions.read(record(6), 7);
    positions.moves(nothingHeld);
    positions.read(record(7), 8);
    positions.written();
    const to = { ...AT, low: 8, next: 8, bookmark: bookmarkOf(record(7)) };
    assert.deepEqual(positions.moves(nothingHeld), [{ from: 7, to }]);
  });

  it('keeps the records whose events still wait', () => {
    const positions = stored({ low: 5, next: 5 });
    positions.begin(lag(0, 9));
    positions.read(record(8), 9);
    const lows = positions.moves(() => 6).map(({ to }) => to.low);
    assert.deepEqual(lows, [6]);
  });

  it('keeps what a restart makes us read again until it is read again', () => {
    const positions = stored({ low: 5, next: 8, bookmark: bookmarkOf(record(7)) });
    positions.begin(lag(0, 9));
    assert.deepEqual(positions.moves(nothingHeld), []);
    positions.read(record(5), 6);
    const [moved] = positions.moves(nothingHeld);
    assert.deepEqual([moved?.to.low, moved?.to.next], [6, 8]);
    // The newest record is still the one that was read before.
    assert.equal(positions.lastMs(AT), 1007);
    assert.equal(positions.nextOf(AT), 8);
  });

  it('is overdue 2 s after somebody else read on, and not once it was taken for a commit', () => {
    const positions = stored({ low: 5, next: 5 });
    positions.begin(lag(0, 9));
    positions.passed(AT, 8, 100);
    positions.passed(AT, 9, 1500);
    assert.deepEqual(
      [2099, 2100].map((ms) => positions.isOverdue(ms)),
      [false, true],
    );
    assert.deepEqual(positions.moves(nothingHeld)[0]?.to.next, 9);
    assert.equal(positions.isOverdue(10_000), false);
  });

  it('goes over what nobody can read, and never back', () => {
    const positions = stored({ low: 5, next: 5 });
    positions.begin(lag(0, 30));
    positions.skip(AT, 20);
    positions.skip(AT, 10);
    assert.equal(positions.nextOf(AT), 20);
    assert.equal(positions.moves(nothingHeld)[0]?.to.low, 20);
  });
});

it('hears nothing of a partition that was never assigned', () => {
  assert.throws(() => new Positions().read(record(1), 2), /gateway\/3, which was never assigned/);
});
