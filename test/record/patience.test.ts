/** What is retryable is tried again until time is over; anything else is told at once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OperatingError } from '../../src/model/errors.ts';
import { patiently } from '../../src/record/patience.ts';

const away = (code: 'DATABASE_TRANSIENT' | 'DATABASE_UNREACHABLE' = 'DATABASE_TRANSIENT') =>
  new OperatingError(code, 'gone for a moment', { retryable: true });

/** A clock that sleeps by moving on, and notes how long it was asked to. */
const clockwork = () => {
  const waits: number[] = [];
  let nowMs = 1_000;
  const clock = {
    nowMs: () => nowMs,
    sleep: async (ms: number) => {
      waits.push(ms);
      nowMs += ms;
    },
  };
  const said: string[] = [];
  const say = (_fields: object, message: string) => void said.push(message);
  return { clock, waits, said, log: { debug: say, info: say, warn: say, error: say } };
};

test('a failure that passes is waited for, longer each time and never above two seconds', async () => {
  const { clock, log, waits, said } = clockwork();
  let tries = 0;
  const result = await patiently(
    async () => {
      tries += 1;
      if (tries < 9) throw away();
      return tries;
    },
    { clock, log, forMs: 60_000 },
  );
  assert.equal(result, 9);
  assert.deepEqual(waits, [100, 200, 400, 800, 1600, 2000, 2000, 2000]);
  assert.equal(said.length, 8);
});

test('when time is over the last cause is told', async () => {
  const { clock, log, waits } = clockwork();
  const never = patiently(() => Promise.reject(away()), { clock, log, forMs: 1_000 });
  await assert.rejects(never, { code: 'DATABASE_TRANSIENT' });
  assert.ok(waits.reduce((sum, ms) => sum + ms, 0) > 1_000);
});

test('what cannot heal, what is not worth it and what was stopped is told at once', async () => {
  const { clock, log, waits } = clockwork();
  const wrong = new TypeError('a bug');
  await assert.rejects(
    patiently(() => Promise.reject(wrong), { clock, log, forMs: 1_000 }),
    wrong,
  );
  const worth = (cause: OperatingError) => cause.code === 'DATABASE_TRANSIENT';
  const unreachable = () => Promise.reject(away('DATABASE_UNREACHABLE'));
  await assert.rejects(patiently(unreachable, { clock, log, forMs: 1_000, worth }), {
    code: 'DATABASE_UNREACHABLE',
  });
  const signal = AbortSignal.abort();
  const stopped = patiently(() => Promise.reject(away()), { clock, log, forMs: 1_000, signal });
  await assert.rejects(stopped, { code: 'DATABASE_TRANSIENT' });
  assert.deepEqual(waits, []);
});
