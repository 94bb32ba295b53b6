/** One attempt: what is not sent, what a failing driver becomes, how long until the next. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type AttemptPorts,
  attempt,
  createDesk,
  isOver,
  SEND_LIMIT_MS,
} from '../../src/act/desk.ts';
import type { ApplyOutcome, DueIntention } from '../../src/model/action-log.ts';
import type { Intention } from '../../src/model/decision.ts';
import { OperatingError } from '../../src/model/errors.ts';
import { createVirtualClock } from '../sim/clock.ts';
import { intentionOf } from './intentions.ts';
import { createScriptedDriver } from './scripted-driver.ts';
import { createTestLog } from './test-log.ts';

const setting = (answer?: Parameters<typeof createScriptedDriver>[0]) => {
  const clock = createVirtualClock();
  const steps: string[] = [];
  const driver = createScriptedDriver(answer);
  const { log, lines } = createTestLog();
  const ports: AttemptPorts = {
    clock,
    log,
    random: () => 0.5,
    onStep: (step) => steps.push(step),
    withheld: async () => null,
    remember: async () => undefined,
    dryRun: false,
  };
  return { clock, steps, driver, lines, ports, desk: createDesk('webhook', driver) };
};
const dueOf = (intention: Intention, attempts = 0): DueIntention => {
  return { intention, attempts, prior: null, firstSentMs: 0 };
};
const failing = (): ApplyOutcome => ({ type: 'retry', detail: 'HTTP 503', afterMs: 0 });

test('an attempt passes its two points and hands back what the driver said', async () => {
  const { desk, ports, steps } = setting();
  const outcome = await attempt(desk, dueOf(intentionOf('L1'), 0), ports);
  assert.deepEqual(outcome, { type: 'accepted', detail: 'ok' });
  assert.deepEqual(steps, ['action-sending', 'action-sent']);
});

test('a request or renewal past its time is never sent; a release always is', async () => {
  const { desk, ports, driver, steps, clock } = setting();
  const expiresMs = clock.nowMs();
  for (const step of ['request', 'renew'] as const) {
    const intention = intentionOf('L1', { step, expiresMs });
    assert.equal((await attempt(desk, dueOf(intention), ports)).type, 'lapsed');
  }
  assert.deepEqual([driver.sent.length, steps.length], [0, 0]);
  const release = intentionOf('L1', { step: 'release', expiresMs });
  assert.equal((await attempt(desk, dueOf(release, 0), ports)).type, 'accepted');
  assert.equal(isOver(intentionOf('L1', { expiresMs: null }), Number.MAX_SAFE_INTEGER), false);
});

test('the pause grows with the attempts and never reaches beyond the end', async () => {
  const { desk, ports, clock } = setting(failing);
  const pause = async (attempts: number, leftMs: number | null) => {
    const expiresMs = leftMs === null ? null : clock.nowMs() + leftMs;
    const intention = intentionOf('L1', { expiresMs });
    const outcome = await attempt(desk, dueOf(intention, attempts), ports);
    return 'afterMs' in outcome ? outcome.afterMs : null;
  };
  assert.equal(await pause(0, 900_000), 125);
  assert.equal(await pause(4, null), 2_000);
  assert.equal(await pause(4, 300), 300);
});

test('an open circuit sends nothing and says when to come back', async () => {
  const { desk, ports, driver, clock } = setting(failing);
  const due = dueOf(intentionOf('L1'), 0);
  for (let i = 0; i < 5; i += 1) await attempt(desk, due, ports);
  const outcome = await attempt(desk, due, ports);
  assert.equal(driver.sent.length, 5);
  assert.deepEqual(outcome, {
    type: 'retry',
    detail: 'not sent: circuit open after repeated failures',
    afterMs: 30_250,
  });
  await clock.advance(30_000);
  await attempt(desk, due, ports);
  assert.equal(driver.sent.length, 6);
});

test('a driver that throws may have sent: unknown, and said aloud', async () => {
  const { desk, ports, lines } = setting(() => {
    throw new RangeError('text of an agent');
  });
  const outcome = await attempt(desk, dueOf(intentionOf('L1'), 0), ports);
  assert.equal(outcome.type, 'unknown');
  assert.equal(lines.filter((line) => line.level === 'error').length, 1);
  assert.ok(!JSON.stringify(lines).includes('text of an agent'));
});

test('a driver that never answers is given up', async () => {
  const { desk, ports, clock } = setting(() => new Promise<ApplyOutcome>(() => undefined));
  const pending = attempt(desk, dueOf(intentionOf('L1'), 0), ports);
  await clock.advance(SEND_LIMIT_MS);
  assert.equal((await pending).type, 'unknown');
  assert.equal(clock.sleeping(), 0);
});

test('without its driver a request is refused and a release waits', async () => {
  const { ports } = setting();
  const desk = createDesk('gone', null);
  const request = await attempt(desk, dueOf(intentionOf('L1'), 0), ports);
  assert.equal(request.type, 'refused');
  const intention = intentionOf('L1', { step: 'release' });
  const release = await attempt(desk, dueOf(intention), ports);
  assert.deepEqual([release.type, 'afterMs' in release && release.afterMs], ['retry', 30_000]);
});

test('what is no longer allowed is not sent, and a failed look-up is tried again', async () => {
  const { desk, ports, driver, steps } = setting();
  const due = dueOf(intentionOf('L1'), 0);
  const no = await attempt(desk, due, { ...ports, withheld: async () => 'paused' });
  assert.deepEqual(no, { type: 'withheld', detail: 'withheld at the moment of acting: paused' });
  const away = new OperatingError('DATABASE_UNREACHABLE', 'away', { retryable: true });
  const later = await attempt(desk, due, { ...ports, withheld: () => Promise.reject(away) });
  assert.equal(later.type, 'retry');
  assert.deepEqual([driver.sent.length, steps.length], [0, 0]);
});
