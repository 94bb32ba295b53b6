/** Schedules: rounds come, a failing one does not end them, and an abort does. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runOnSchedule } from '../../src/adapters/schedule.ts';
import type { Log } from '../../src/model/ports.ts';

const EVERY_SECOND = '* * * * * *';

function collecting(): { log: Log; errors: string[] } {
  const errors: string[] = [];
  const nothing = () => undefined;
  const error = (_fields: object, message: string) => errors.push(message);
  return { log: { debug: nothing, info: nothing, warn: nothing, error }, errors };
}

test('a failing round is said and the next one comes', async () => {
  const stop = new AbortController();
  const { log, errors } = collecting();
  const second = Promise.withResolvers<void>();
  let rounds = 0;
  const work = async () => {
    rounds += 1;
    if (rounds === 1) throw new Error('disk full');
    second.resolve();
  };
  // Waiting rounds do not keep the process alive: the test has to.
  const alive = setInterval(() => undefined, 1000);
  runOnSchedule('test', EVERY_SECOND, work, log, stop.signal);
  await second.promise;
  stop.abort();
  clearInterval(alive);
  assert.deepEqual(errors, ['a scheduled round failed; the next one will try again']);
});

test('a wrong expression is refused at once', () => {
  const { log } = collecting();
  const { signal } = new AbortController();
  assert.throws(() => runOnSchedule('test', 'at night', async () => undefined, log, signal));
});
