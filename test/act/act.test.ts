/** The executor under a clock that stands still: order, retries, limits, failures, verdicts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ActorOptions, createActor, DRIVERS } from '../../src/act/act.ts';
import type { Driver } from '../../src/act/driver.ts';
import type { ApplyOutcome } from '../../src/model/action-log.ts';
import { createVirtualClock } from '../sim/clock.ts';
import { intentionOf } from './intentions.ts';
import { createMemoryActionLog } from './memory-action-log.ts';
import { createScriptedDriver } from './scripted-driver.ts';
import { createTestLog } from './test-log.ts';

const ACCEPTED: ApplyOutcome = { type: 'accepted', detail: 'ok' };

/** A running executor over a log in memory; `stop` ends it and hands on what `run` says. */
const start = (driver: Driver, options: Partial<ActorOptions> = {}) => {
  const clock = createVirtualClock();
  const memory = createMemoryActionLog();
  const { log, lines } = createTestLog();
  const drivers = new Map([['webhook', driver]]);
  const all = { random: () => 0.5, ...options };
  const actor = createActor(memory.log, drivers, clock, log, all);
  const halt = new AbortController();
  let running: Promise<void> | null = null;
  return {
    clock,
    memory,
    lines,
    actor,
    halt,
    go: async () => {
      running = actor.run(halt.signal);
      running.catch(() => undefined);
      await clock.drain();
    },
    stop: async () => {
      halt.abort();
      await running;
    },
  };
};
const typesOf = (settled: readonly { outcome: ApplyOutcome }[]) =>
  settled.map((one) => one.outcome.type);

test('every driver stands under its own type, the webhook among them', () => {
  for (const [type, definition] of Object.entries(DRIVERS)) assert.equal(definition.type, type);
  assert.ok('webhook' in DRIVERS);
});

test('what is due is sent within a second, or at once when woken', async () => {
  const driver = createScriptedDriver();
  const { go, stop, clock, memory, actor } = start(driver);
  await go();
  await memory.insert(intentionOf('L1'));
  await clock.advance(999);
  assert.equal(driver.sent.length, 0);
  await clock.advance(1);
  assert.equal(driver.sent.length, 1);
  await memory.insert(intentionOf('L2'));
  actor.wake();
  await clock.drain();
  assert.equal(driver.sent.length, 2);
  assert.deepEqual(typesOf(memory.settled), ['accepted', 'accepted']);
  await stop();
  assert.equal(clock.sleeping(), 0);
});

test('overdue leases are the first work after a start', async () => {
  const driver = createScriptedDriver();
  const { go, stop, memory, clock } = start(driver);
  const overdue = intentionOf('L1', { expiresMs: clock.nowMs() - 1 });
  await memory.insert(overdue);
  await memory.log.takeDue(0, 1, 1);
  await memory.log.settle(overdue.key, ACCEPTED, 0);
  const before = memory.calls.length;
  await go();
  const order = ['expireOverdue', 'expireApprovals', 'takeDue'];
  assert.deepEqual(memory.calls.slice(before, before + 3), order);
  assert.deepEqual(
    driver.sent.map((one) => one.step),
    ['release'],
  );
  assert.equal((await memory.lease('L1'))?.state, 'expired');
  await stop();
});

test('a lease ends at its time without anybody asking', async () => {
  const driver = createScriptedDriver();
  const { go, stop, memory, clock } = start(driver);
  await memory.insert(intentionOf('L1', { expiresMs: clock.nowMs() + 10_000 }));
  await go();
  await clock.advance(9_999);
  assert.equal((await memory.lease('L1'))?.state, 'accepted');
  await clock.advance(1_001);
  assert.equal((await memory.lease('L1'))?.state, 'expired');
  await stop();
});

test('the points of an action are passed in order, synchronously', async () => {
  const steps: string[] = [];
  const { go, stop, memory } = start(createScriptedDriver(), {
    onStep: (step) => steps.push(step),
  });
  await memory.insert(intentionOf('L1'));
  await go();
  assert.deepEqual(steps, ['action-sending', 'action-sent', 'outcome-recorded']);
  await stop();
});

test('a request whose time is over lapses unsent', async () => {
  const driver = createScriptedDriver();
  const { go, stop, memory, clock } = start(driver);
  await memory.insert(intentionOf('L1', { expiresMs: clock.nowMs() }));
  await go();
  assert.equal(driver.sent.length, 0);
  assert.equal((await memory.lease('L1'))?.state, 'lapsed');
  // Else it would count on it, and on each renewal of it.
  assert.deepEqual(
    memory.asked.map((one) => [one.type, 'why' in one ? one.why : null]),
    [['escalate', 'unsent']],
    'the lane hears that nothing stands',
  );
  await stop();
});

test('a dry run sends nothing, and the lane goes on as if it stood', async () => {
  const driver = createScriptedDriver();
  const { go, stop, memory } = start(driver, { dryRun: true });
  await memory.insert(intentionOf('L1'));
  await go();
  assert.deepEqual(driver.sent, []);
  assert.deepEqual(typesOf(memory.settled), ['withheld']);
  assert.deepEqual(memory.asked, [], 'or each finding would be shown as a request of its own');
  await stop();
});

test('a lost reply is sent again under the same key until the target says already', async () => {
  const driver = createScriptedDriver((_, nth) =>
    nth === 0
      ? { type: 'unknown', detail: 'reply lost', afterMs: 0 }
      : { type: 'already', detail: 'ok' },
  );
  const { go, stop, memory, clock } = start(driver);
  await memory.insert(intentionOf('L1'));
  await go();
  await clock.advance(124);
  assert.equal(driver.sent.length, 1);
  await clock.advance(1);
  assert.equal(driver.sent.length, 2);
  assert.equal(driver.sent[0]?.key, driver.sent[1]?.key);
  assert.equal((await memory.lease('L1'))?.state, 'accepted');
  await stop();
});

test('retries stop at the end of the lease, and the lapse is recorded then', async () => {
  const driver = createScriptedDriver(() => ({ type: 'retry', detail: 'x', afterMs: 7_000 }));
  const { go, stop, memory, clock } = start(driver);
  const expiresMs = clock.nowMs() + 20_000;
  await memory.insert(intentionOf('L1', { expiresMs }));
  await go();
  await clock.advance(60_000);
  assert.deepEqual(typesOf(memory.settled), ['retry', 'retry', 'retry', 'lapsed']);
  assert.equal(memory.settled.at(-1)?.nowMs, expiresMs);
  assert.equal(driver.sent.length, 3);
  await stop();
});

test('at most eight at once for one driver, and never two of one lease', async () => {
  const open: (() => void)[] = [];
  const driver = createScriptedDriver(
    () => new Promise((resolve) => open.push(() => resolve(ACCEPTED))),
  );
  const { go, stop, memory, clock, actor } = start(driver);
  for (let i = 0; i < 30; i += 1) await memory.insert(intentionOf(`L${i}`));
  await memory.insert(intentionOf('L0', { step: 'renew', expiresMs: clock.nowMs() + 9e6 }));
  await go();
  actor.wake();
  await clock.drain();
  assert.equal(driver.sent.length, 8);
  while (open.length > 0) {
    for (const answer of open.splice(0)) answer();
    await clock.drain();
    await clock.drain();
  }
  assert.equal(driver.sent.length, 31);
  assert.equal(driver.mostAtOnce(), 8);
  await stop();
});

test('a request whose hold ran out is not sent twice at once', async () => {
  let answer: ((outcome: ApplyOutcome) => void) | null = null;
  const driver = createScriptedDriver(
    () =>
      new Promise((resolve) => {
        answer = resolve;
      }),
  );
  const { go, stop, memory, clock } = start(driver, { holdMs: 20_001 });
  memory.failNext('settle', 20);
  await memory.insert(intentionOf('L1'));
  await go();
  await clock.advance(1_000);
  assert.ok(answer !== null);
  (answer as (outcome: ApplyOutcome) => void)(ACCEPTED);
  await clock.advance(30_000);
  assert.equal(driver.sent.length, 1);
  await clock.advance(60_000);
  assert.equal((await memory.lease('L1'))?.state, 'accepted');
  assert.equal(driver.sent.length, 1);
  await stop();
});

test('a target that keeps failing is left alone, then asked once', async () => {
  const driver = createScriptedDriver(() => ({ type: 'retry', detail: 'x', afterMs: 0 }));
  const { go, stop, memory, clock } = start(driver);
  for (let i = 0; i < 8; i += 1) await memory.insert(intentionOf(`L${i}`));
  await go();
  await clock.advance(1_000);
  const opened = driver.sent.length;
  assert.ok(opened >= 5 && opened <= 12);
  await clock.advance(28_000);
  assert.equal(driver.sent.length, opened);
  await clock.advance(4_000);
  assert.equal(driver.sent.length, opened + 1);
  await stop();
});

test('a lost database is waited for; the outcome keeps the time of the answer', async () => {
  const { go, stop, memory, clock, lines } = start(createScriptedDriver());
  memory.failNext('expireOverdue', 2);
  memory.failNext('settle', 3);
  await memory.insert(intentionOf('L1'));
  await go();
  assert.equal(memory.settled.length, 0);
  await clock.advance(10_000);
  assert.deepEqual(typesOf(memory.settled), ['accepted']);
  assert.equal(memory.settled[0]?.nowMs, 1_800_000_003_000);
  assert.equal(lines.filter((line) => line.level === 'warn').length, 5);
  await stop();
});

test('a failure that cannot heal ends the run aloud', async () => {
  for (const call of ['takeDue', 'settle'] as const) {
    const { go, stop, memory, clock } = start(createScriptedDriver());
    memory.failNext(call, 1, false);
    await memory.insert(intentionOf('L1'));
    await go();
    await clock.advance(1_000);
    await assert.rejects(stop(), { code: 'DATABASE_TRANSIENT' });
    assert.equal(clock.sleeping(), 0);
  }
});

test('stopping waits for what is being sent and records it', async () => {
  let answer: ((outcome: ApplyOutcome) => void) | null = null;
  const driver = createScriptedDriver(
    () =>
      new Promise((resolve) => {
        answer = resolve;
      }),
  );
  const { go, stop, memory, clock } = start(driver);
  await memory.insert(intentionOf('L1'));
  await go();
  const stopping = stop();
  await clock.drain();
  assert.deepEqual(memory.settled, []);
  (answer as ((outcome: ApplyOutcome) => void) | null)?.(ACCEPTED);
  await stopping;
  assert.deepEqual(typesOf(memory.settled), ['accepted']);
});

test('an intention for an unknown driver is refused, and others go on', async () => {
  const driver = createScriptedDriver();
  const { go, stop, memory } = start(driver);
  await memory.insert(intentionOf('L1', { driver: 'gone' }));
  await memory.insert(intentionOf('L2'));
  await go();
  assert.deepEqual(typesOf(memory.settled), ['refused', 'accepted']);
  await stop();
});

test('what stands is judged each second, and a verdict is written only when it changes', async () => {
  let watermarkMs = 0;
  const { go, stop, memory, clock, lines } = start(createScriptedDriver(), {
    gateway: () => ({ watermarkMs, alive: true }),
  });
  await memory.insert(intentionOf('L1'));
  await go();
  await clock.advance(4_000);
  assert.deepEqual(
    memory.verdicts.map((one) => `${one.verification}/${one.by}`),
    ['pending/waiting'],
  );
  watermarkMs = clock.nowMs() + 3_000;
  await clock.advance(4_000);
  assert.equal(memory.verdicts.at(-1)?.by, 'quiet');
  memory.see('L1', { timeMs: clock.nowMs(), allowed: true, tool: 'send_money' });
  await clock.advance(3_000);
  assert.deepEqual(memory.verdicts.at(-1), { leaseId: 'L1', verification: 'leaking', by: 'leak' });
  assert.equal(memory.verdicts.length, 3);
  assert.equal(lines.filter((line) => line.level === 'warn').length, 1);
  await stop();
});

test('a lease on its way out is not judged', async () => {
  const driver = createScriptedDriver((intention) =>
    intention.step === 'release' ? { type: 'retry', detail: 'x', afterMs: 30_000 } : ACCEPTED,
  );
  const { go, stop, memory, clock, actor } = start(driver, {
    gateway: () => ({ watermarkMs: 0, alive: false }),
  });
  await memory.insert(intentionOf('L1'));
  await go();
  await clock.advance(1_000);
  await memory.insert(intentionOf('L1', { step: 'release', cause: 'undone' }));
  actor.wake();
  await clock.advance(10_000);
  memory.see('L1', { timeMs: clock.nowMs(), allowed: true, tool: 'send_money' });
  await clock.advance(10_000);
  assert.deepEqual(
    memory.verdicts.map((one) => one.verification),
    ['pending'],
  );
  await stop();
});

test('an executor runs once, and its hold must outlast a request', async () => {
  const { go, stop, actor, halt } = start(createScriptedDriver());
  await go();
  await assert.rejects(actor.run(halt.signal), /started twice/);
  await stop();
  assert.throws(() => start(createScriptedDriver(), { holdMs: 20_000 }), /holdMs/);
});
