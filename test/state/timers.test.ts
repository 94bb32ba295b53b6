/** Timers: one an entity, earliest first, and the same after a restore. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Entity } from '../../src/state/slot.ts';
import { Slots } from '../../src/state/slots.ts';
import { Timers } from '../../src/state/timers.ts';
import { finish } from '../sim/lane.ts';

function lab() {
  const slots = new Slots();
  const timers = new Timers(slots);
  const wake = (key: string, at: number) => {
    let entity = slots.get<Entity>('S', key);
    if (entity === undefined) {
      entity = {};
      slots.put('S', key, entity);
    }
    timers.wake('S', key, entity, at);
  };
  const drain = (to: Timers, ms: number) => {
    const found: string[] = [];
    for (let due = to.takeUpTo(ms); due !== undefined; due = to.takeUpTo(ms))
      found.push(`${due.key}@${due.at}`);
    return found;
  };
  return { slots, timers, wake, drain };
}

describe('timers', () => {
  it('wakes in the order of time, then of keys', () => {
    const { timers, wake, drain } = lab();
    wake('b', 20);
    wake('c', 10);
    wake('a', 20);
    assert.equal(timers.nextMs(), 10);
    assert.deepEqual(drain(timers, 19), ['c@10']);
    assert.deepEqual(drain(timers, 20), ['a@20', 'b@20']);
    assert.equal(timers.takeUpTo(1000), undefined);
  });

  it('keeps the earlier of two times, and asks once', () => {
    const { timers, wake, drain } = lab();
    wake('a', 20);
    wake('a', 30);
    wake('a', 5);
    assert.deepEqual(drain(timers, 100), ['a@5']);
  });

  it('may be set again once it was woken', () => {
    const { timers, wake, drain } = lab();
    wake('a', 20);
    assert.deepEqual(drain(timers, 20), ['a@20']);
    wake('a', 20);
    assert.deepEqual(drain(timers, 20), ['a@20']);
  });

  it('forgets an entity that is gone', () => {
    const { slots, timers, wake, drain } = lab();
    wake('a', 20);
    slots.remove('S', 'a');
    assert.deepEqual(drain(timers, 100), []);
  });

  it('is rebuilt from what the entities remember', () => {
    const { slots, timers, wake, drain } = lab();
    wake('a', 20);
    wake('b', 10);
    wake('c', 15);
    assert.deepEqual(drain(timers, 10), ['b@10']);
    const bytes = slots.takeDelta() as Buffer;
    const restored = new Slots();
    restored.restore([], [{ seq: 1, bytes }]);
    const again = new Timers(restored);
    finish(again.restoring(['S']));
    assert.deepEqual(drain(again, 100), ['c@15', 'a@20']);
  });
});
