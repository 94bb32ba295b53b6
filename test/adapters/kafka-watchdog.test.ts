/** Watchdog of partitions: what stands still although there is more. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StuckWatch } from '../../src/adapters/kafka-watchdog.ts';

const at = (next: number, end: number, partition = 0) => ({
  ...{ topic: 't', partition, next, end, low: 0 },
});

describe('a partition', () => {
  const none = () => false;

  it('is stuck once it did not move for the time although there is more, and is told once', () => {
    const watch = new StuckWatch(60_000);
    assert.deepEqual(watch.look([at(5, 9)], none, 0).stuck, []);
    assert.deepEqual(watch.look([at(5, 9)], none, 59_999).stuck, []);
    const stuck = { topic: 't', partition: 0, next: 5, end: 12, sinceMs: 0 };
    assert.deepEqual(watch.look([at(5, 12)], none, 60_000).stuck, [stuck]);
    assert.deepEqual(watch.look([at(5, 12)], none, 120_000), { stuck: [], freed: [] });
    const freed = { ...stuck, next: 6 };
    assert.deepEqual(watch.look([at(6, 12)], none, 130_000).freed, [freed]);
    assert.deepEqual(watch.look([at(6, 12)], none, 131_000), { stuck: [], freed: [] });
  });

  it('is not where it was read to its end, or was paused on purpose', () => {
    const watch = new StuckWatch(60_000);
    for (const ms of [0, 60_000, 600_000])
      assert.deepEqual(watch.look([at(9, 9)], none, ms), { stuck: [], freed: [] });
    const paused = new StuckWatch(60_000);
    for (const ms of [0, 60_000, 600_000])
      assert.deepEqual(
        paused.look([at(5, 9)], () => true, ms),
        { stuck: [], freed: [] },
      );
    // Its time begins when it goes on.
    assert.deepEqual(paused.look([at(5, 9)], none, 600_001).stuck, []);
    assert.equal(paused.look([at(5, 9)], none, 660_000).stuck.length, 1);
  });

  it('begins anew where it was somebody else\u2019s meanwhile', () => {
    const watch = new StuckWatch(60_000);
    watch.look([at(5, 9)], none, 0);
    watch.look([], none, 30_000);
    assert.deepEqual(watch.look([at(5, 9)], none, 70_000).stuck, []);
  });

  it('stands still for itself', () => {
    const watch = new StuckWatch(60_000);
    watch.look([at(5, 9), at(5, 9, 1)], none, 0);
    const { stuck } = watch.look([at(5, 9), at(7, 9, 1)], none, 60_000);
    assert.deepEqual(
      stuck.map(({ partition }) => partition),
      [0],
    );
  });
});
