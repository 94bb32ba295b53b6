/** Every driver against a real counterpart that can lie: the promises of the contract. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ControlPlane, startControlPlane } from '../../examples/control-plane/server.ts';
import { DRIVERS } from '../../src/act/act.ts';
import type { Driver } from '../../src/act/driver.ts';
import { createHttp } from '../../src/adapters/control-http.ts';
import { intentionOf } from '../act/intentions.ts';
import { createVirtualClock, type VirtualClock } from '../sim/clock.ts';

/** A driver, its target, and what the contract needs to know of that target. */
interface Counterpart {
  readonly driver: Driver;
  readonly clock: VirtualClock;
  /** Makes the target misbehave for every further request. */
  lie(mode: string): Promise<void>;
  /** Keys received and applied: how often each. */
  counts(key: string): { received: number; applied: number };
  /** True where the target stops the subject of `intentionOf` now. */
  stops(): Promise<boolean>;
  /** Everything the target knows, as text. */
  everything(): string;
  close(): Promise<void>;
}

const SECRET = `whsec_${Buffer.alloc(32, 3).toString('base64')}`;

const webhookCounterpart = async (): Promise<Counterpart> => {
  const clock = createVirtualClock();
  const plane: ControlPlane = await startControlPlane({
    port: 0,
    secret: SECRET,
    nowMs: clock.nowMs,
  });
  const http = createHttp();
  const made = DRIVERS.webhook(http, clock, {
    url: `${plane.url}/control`,
    secret: SECRET,
    timeoutMs: 1_000,
  });
  assert.ok(made.ok);
  const ask = (method: 'GET' | 'POST', path: string, body?: string) =>
    http({
      method,
      url: `${plane.url}${path}`,
      headers: {},
      timeoutMs: 5_000,
      ...(body === undefined ? {} : { body }),
    });
  return {
    driver: made.driver,
    clock,
    lie: async (mode) => {
      const reply = await ask('POST', '/lie', JSON.stringify({ mode, delayMs: 60_000 }));
      assert.equal(reply.status, 200);
    },
    counts: (key) => {
      const { received, applied } = plane.state().keys[key] ?? { received: 0, applied: 0 };
      return { received, applied };
    },
    stops: async () => {
      const path = '/posture?agent=agent-7&session=s-1&tool=send_money';
      return JSON.parse((await ask('GET', path)).body).allowed === false;
    },
    everything: () => JSON.stringify(plane.state()),
    close: () => plane.close(),
  };
};

/** One line for each driver; the type refuses a map that forgets one. */
const COUNTERPARTS: Readonly<Record<keyof typeof DRIVERS, () => Promise<Counterpart>>> = {
  webhook: webhookCounterpart,
};

for (const [name, make] of Object.entries(COUNTERPARTS)) {
  const check = (claim: string, body: (c: Counterpart) => Promise<void>) =>
    test(`driver ${name}: ${claim}`, async () => {
      const counterpart = await make();
      try {
        await body(counterpart);
      } finally {
        await counterpart.close();
      }
    });
  checkHonest(check);
  checkLies(check);
}

type Check = (claim: string, body: (c: Counterpart) => Promise<void>) => void;

function checkHonest(check: Check): void {
  const request = intentionOf('L1');
  const release = intentionOf('L1', { step: 'release', cause: 'undone' });

  check('it says what it can do', async ({ driver }) => {
    const can = driver.capabilities();
    assert.ok(can.verbs.length > 0 && can.graceMs >= 0);
    for (const verb of can.irreversible) assert.ok(can.verbs.includes(verb));
    assert.deepEqual(driver.capabilities(), can);
    assert.equal(can.readBack, driver.readBack !== undefined);
  });
  check('a plan has no effect', async ({ driver, everything, stops }) => {
    const before = everything();
    driver.plan(request);
    assert.equal(everything(), before);
    assert.equal(await stops(), false);
  });
  check('apply twice is apply once', async ({ driver, counts, stops }) => {
    assert.equal((await driver.apply(request)).type, 'accepted');
    assert.equal(await stops(), true);
    assert.equal((await driver.apply(request)).type, 'already');
    assert.deepEqual(counts(request.key), { received: 2, applied: 1 });
  });
  check('undo undoes, and undoing twice is undoing once', async ({ driver, counts, stops }) => {
    await driver.apply(request);
    assert.equal((await driver.apply(release)).type, 'accepted');
    assert.equal(await stops(), false);
    assert.equal((await driver.apply(release)).type, 'already');
    assert.deepEqual(counts(release.key), { received: 2, applied: 1 });
  });
  check('undoing what never stood is no failure', async ({ driver, stops }) => {
    assert.equal((await driver.apply(release)).type, 'already');
    assert.equal(await stops(), false);
  });
  check('a late repeat of the request does not revive what was undone', async (c) => {
    await c.driver.apply(request);
    await c.driver.apply(release);
    assert.equal((await c.driver.apply(request)).type, 'already');
    const renewal = intentionOf('L1', { step: 'renew', expiresMs: c.clock.nowMs() + 9e6 });
    assert.equal((await c.driver.apply(renewal)).type, 'refused');
    assert.equal(await c.stops(), false);
  });
  check('a lease ends at its time; a renewal moves that time', async (c) => {
    const startMs = c.clock.nowMs();
    await c.driver.apply(intentionOf('L1', { expiresMs: startMs + 10_000 }));
    await c.clock.advance(9_000);
    const renewal = intentionOf('L1', { step: 'renew', expiresMs: startMs + 20_000 });
    assert.equal((await c.driver.apply(renewal)).type, 'accepted');
    await c.clock.advance(10_999);
    assert.equal(await c.stops(), true);
    await c.clock.advance(1);
    assert.equal(await c.stops(), false);
  });
  check('irreversible means: no end', async (c) => {
    const revoke = intentionOf('L1', { verb: 'revoke_session', expiresMs: null });
    assert.equal((await c.driver.apply(revoke)).type, 'accepted');
    await c.clock.advance(86_400_000);
    assert.equal(await c.stops(), true);
  });
}

function checkLies(check: Check): void {
  const request = intentionOf('L1');

  check('lost reply: unknown, and the same key again settles it', async (c) => {
    await c.lie('lose-reply');
    assert.equal((await c.driver.apply(request)).type, 'unknown');
    assert.equal(await c.stops(), true);
    await c.lie('honest');
    assert.equal((await c.driver.apply(request)).type, 'already');
    assert.deepEqual(c.counts(request.key), { received: 2, applied: 1 });
  });
  check('503: a retry, nothing done; the same key works later', async (c) => {
    await c.lie('fail');
    assert.equal((await c.driver.apply(request)).type, 'retry');
    assert.equal(await c.stops(), false);
    await c.lie('honest');
    assert.equal((await c.driver.apply(request)).type, 'accepted');
    assert.deepEqual(c.counts(request.key), { received: 2, applied: 1 });
  });
  check('accepted and ignored: believed, but it does not stop anything', async (c) => {
    await c.lie('accept-and-ignore');
    assert.equal((await c.driver.apply(request)).type, 'accepted');
    assert.deepEqual(c.counts(request.key), { received: 1, applied: 0 });
    assert.equal(await c.stops(), false);
  });
  check('too slow: unknown', async (c) => {
    await c.lie('slow');
    assert.equal((await c.driver.apply(request)).type, 'unknown');
    assert.equal(await c.stops(), false);
  });
  check('approval wanted: pending, nothing done', async (c) => {
    await c.lie('approval');
    assert.equal((await c.driver.apply(request)).type, 'pending_approval');
    assert.equal(await c.stops(), false);
    assert.deepEqual(c.counts(request.key), { received: 1, applied: 0 });
  });
  check('gone: a retry', async (c) => {
    await c.close();
    assert.equal((await c.driver.apply(request)).type, 'retry');
  });
}
