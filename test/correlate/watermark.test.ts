/** Watermarks: the slowest live partition decides, and time never goes back. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Watermarks } from '../../src/correlate/watermark.ts';
import { Slots } from '../../src/state/slots.ts';

const TIMINGS = [
  { topic: 'a', latenessMs: 1000, idleAfterMs: 5000 },
  { topic: 'b', latenessMs: 3000, idleAfterMs: 5000 },
];
const MIN = Number.MIN_SAFE_INTEGER;

function lab(until = 0, slots = new Slots()) {
  const watermarks = new Watermarks(slots, TIMINGS);
  const at = (topic: string) => ({ topic, partition: 0, next: 0, low: 0, end: 10, until });
  watermarks.assign([at('a'), at('b')], 0);
  const read = (topic: string, ms: number, next: number, nowMs = 0) => {
    watermarks.saw(topic, 0, ms);
    watermarks.read(topic, 0, next, 10, nowMs);
    return watermarks.advance(nowMs);
  };
  return { watermarks, read, slots };
}

describe('watermark', () => {
  it('is known when every partition has spoken, and follows the slowest', () => {
    const { read } = lab();
    assert.equal(read('a', 100_000, 1), MIN);
    assert.equal(read('b', 50_000, 1), 50_000 - 3000 - 1);
    assert.equal(read('b', 200_000, 2), 100_000 - 1000 - 1);
  });

  it('never goes back', () => {
    const { read } = lab();
    read('a', 100_000, 1);
    const before = read('b', 100_000, 1);
    assert.equal(read('a', 20_000, 2), before);
    assert.equal(read('b', 20_000, 2), before);
  });

  it('does not wait for a partition that was read to its end and is quiet', () => {
    const { watermarks, read } = lab();
    read('b', 10_000, 10, 1000);
    assert.equal(read('a', 100_000, 1, 2000), 10_000 - 3000 - 1);
    assert.equal(watermarks.advance(5999), 10_000 - 3000 - 1);
    assert.equal(watermarks.advance(6000), 100_000 - 1000 - 1);
  });

  it('does not wait for one whose records have no events', () => {
    for (const isFirst of [false, true]) {
      const { watermarks, read } = lab();
      if (!isFirst) read('b', 10_000, 10, 1000);
      const heldMs = read('a', 100_000, 1, 2000);
      for (let nowMs = 2000; nowMs < 8000; nowMs += 500) {
        const next = 10 + nowMs / 500;
        watermarks.ends([{ topic: 'b', partition: 0, next, low: 0, end: next }]);
        watermarks.read('b', 0, next, next, nowMs);
        const isIdle = nowMs >= (isFirst ? 5000 : 6000);
        assert.equal(watermarks.advance(nowMs), isIdle ? 100_000 - 1000 - 1 : heldMs, `${nowMs}`);
      }
      assert.equal(read('b', 102_000, 40, 8000), 100_000 - 1000 - 1);
      read('a', 200_000, 2, 8000);
      assert.equal(watermarks.advance(8000), 100_000 - 1000 - 1, 'it has events again');
    }
  });

  it('waits for one whose events are late as they may be, and not for repeats', () => {
    const { watermarks, read } = lab();
    read('b', 10_000, 10, 1000);
    read('a', 100_000, 1, 2000);
    const held = 10_000 - 3000 - 1;
    // Of b: idle after 5 s of silence, late by 3 s at most.
    for (let nowMs = 1500; nowMs < 9000; nowMs += 500)
      assert.equal(read('b', 7500, 10, nowMs), held, `${nowMs}`);
    assert.equal(read('b', 7500, 10, 9000), 100_000 - 1000 - 1);
    watermarks.heardOf('b', 0, 7500);
    watermarks.read('b', 0, 10, 10, 9000);
    read('a', 200_000, 2, 9000);
    assert.equal(watermarks.advance(9000), 200_000 - 1000 - 1, 'nor where others had them');
  });

  it('lets no time pass for what is read again, nor for what has more to read', () => {
    const before = lab();
    before.read('b', 100_000, 5);
    const slots = new Slots();
    slots.restore([], [{ seq: 1, bytes: before.slots.takeDelta() as Buffer }]);
    const { watermarks, read } = lab(5, slots);
    watermarks.restore(50_000);
    read('a', 200_000, 5, 60_000);
    read('b', 60_000, 10, 60_000);
    assert.equal(watermarks.advance(60_000), 100_000 - 3000 - 1);
    assert.equal(watermarks.advance(64_999), 100_000 - 3000 - 1);
    assert.equal(watermarks.advance(65_000), 200_000 - 1000 - 1);
    const behind = lab();
    behind.read('b', 10_000, 9, 0);
    behind.read('b', 10_000, 9, 60_000);
    assert.equal(behind.read('a', 100_000, 1, 60_000), 10_000 - 3000 - 1);
  });

  it('waits for a quiet partition that has more to read', () => {
    const { watermarks, read } = lab();
    read('b', 10_000, 9, 1000);
    read('a', 100_000, 1, 2000);
    assert.equal(watermarks.advance(1_000_000), 10_000 - 3000 - 1);
  });

  it('goes on at the pace of the clock when all are idle', () => {
    const { watermarks, read } = lab();
    read('b', 10_000, 10, 1000);
    read('a', 20_000, 10, 1000);
    assert.equal(watermarks.advance(6000), 20_000 + 5000 - 3000 - 1);
    assert.equal(watermarks.advance(null), 20_000 + 5000 - 3000 - 1);
  });

  it('hears of new records from the broker before they are read', () => {
    const { watermarks, read } = lab();
    read('b', 10_000, 10, 1000);
    read('a', 100_000, 1, 2000);
    watermarks.ends([{ topic: 'b', partition: 0, next: 10, low: 0, end: 12 }]);
    assert.equal(watermarks.advance(60_000), 10_000 - 3000 - 1);
  });

  it('takes back an end that proved too high once the log was read to it', () => {
    const { watermarks, read } = lab();
    const end = (next: number, at: number) =>
      watermarks.ends([{ topic: 'b', partition: 0, next, low: 0, end: at }]);
    read('b', 10_000, 10, 1000);
    // Said before the last records were read, and told again: it may still be true.
    end(7, 12);
    read('a', 100_000, 1, 60_000);
    assert.equal(watermarks.advance(60_000), 10_000 - 3000 - 1);
    end(10, 10);
    assert.equal(watermarks.advance(60_000), 100_000 - 1000 - 1);
    end(10, 11);
    read('a', 200_000, 2, 60_000);
    assert.equal(watermarks.advance(60_000), 100_000 - 1000 - 1, 'but it waits for the new end');
  });

  it('stands still until what was read before a restart was read again', () => {
    const before = lab();
    before.read('a', 100_000, 5);
    before.read('b', 100_000, 5);
    const slots = new Slots();
    slots.restore([], [{ seq: 1, bytes: before.slots.takeDelta() as Buffer }]);
    const { watermarks, read } = lab(5, slots);
    watermarks.restore(50_000);
    assert.equal(read('a', 200_000, 5), 50_000);
    assert.equal(read('b', 60_000, 4), 50_000);
    assert.deepEqual(watermarks.ahead(1000), [{ topic: 'a', partition: 0 }]);
    assert.equal(read('b', 60_000, 5), 100_000 - 3000 - 1);
  });

  it('names the partitions that run ahead', () => {
    const { watermarks, read } = lab();
    read('b', 10_000, 1);
    read('a', 100_000, 1);
    assert.deepEqual(watermarks.ahead(1000), [{ topic: 'a', partition: 0 }]);
    assert.deepEqual(watermarks.ahead(1_000_000), []);
    assert.equal(watermarks.newestMs(), 100_000);
  });

  it('hears of what others were given, and writes that with what is written anyway', () => {
    const { watermarks, read, slots } = lab();
    read('b', 100_000, 1);
    slots.takeDelta();
    watermarks.heardOf('a', 0, 50_000);
    watermarks.heardOf('a', 0, 20_000);
    watermarks.read('a', 0, 4, 10, 0);
    assert.equal(watermarks.advance(0), 50_000 - 1000 - 1);
    assert.equal(slots.dirty, 0);
    watermarks.settle();
    assert.equal(slots.dirty, 1);
    assert.match(String(slots.takeDelta()), /50000/);
  });

  it('refuses a topic without a source', () => {
    const watermarks = new Watermarks(new Slots(), TIMINGS);
    const stranger = { topic: 'c', partition: 0, next: 0, low: 0, end: 0, until: 0 };
    assert.throws(() => watermarks.assign([stranger], 0), /no source is configured for topic c/);
  });
});
