/** Turns: one after the other, and after one that failed the next finds that it did. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Turns } from '../../src/observer/turns.ts';

describe('turns', () => {
  it('never overlap, and come in the order in which they were asked for', async () => {
    const turns = new Turns(() => undefined);
    const seen: string[] = [];
    const gate = Promise.withResolvers<void>();
    const first = turns.take(async () => {
      seen.push('first begins');
      await gate.promise;
      seen.push('first ends');
    });
    const second = turns.take(async () => {
      seen.push('second');
      return 2;
    });
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(seen, ['first begins']);
    gate.resolve();
    await first;
    assert.equal(await second, 2);
    assert.deepEqual(seen, ['first begins', 'first ends', 'second']);
  });

  it('say that one failed before the next one begins, and to whoever asked for it alone', async () => {
    const seen: string[] = [];
    const turns = new Turns(() => seen.push('failed'));
    const first = turns.take(async () => {
      throw new Error('the store is gone');
    });
    const second = turns.take(async () => seen.push('next'));
    await assert.rejects(first, /the store is gone/);
    await second;
    assert.deepEqual(seen, ['failed', 'next']);
  });

  it('are over when the last one is, however it ended', async () => {
    const turns = new Turns(() => undefined);
    let isDone = false;
    const failing = turns.take(async () => {
      await new Promise((resolve) => setImmediate(resolve));
      isDone = true;
      throw new Error('no');
    });
    const told = assert.rejects(failing, /no/);
    await turns.over();
    assert.equal(isDone, true);
    await told;
  });
});
