/** The posture driver: what makes sense of a lease's state, and who must have fetched it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { posture } from '../../../src/act/drivers/posture.ts';
import type { LeaseState } from '../../../src/model/decision.ts';
import { OperatingError } from '../../../src/model/errors.ts';
import type { Poller } from '../../../src/model/posture.ts';
import { createVirtualClock } from '../../sim/clock.ts';
import { intentionOf } from '../intentions.ts';

type Held = Poller & { readonly holds: boolean };

const setup = (state: LeaseState | null = 'accepted', pollers: readonly Partial<Held>[] = []) => {
  const clock = createVirtualClock();
  const at = { state, away: false };
  const made = posture.make({
    http: async () => assert.fail('nothing is sent'),
    ...{ clock, name: 'posture', source: 'plumbline' },
    options: { type: 'posture' },
    secret: () => '',
    polled: {
      posture: {
        lease: async () => {
          if (at.away) throw new OperatingError('DATABASE_UNREACHABLE', 'x', { retryable: true });
          return at.state === null ? null : { state: at.state };
        },
        pollers: async () =>
          pollers.map((change) => ({
            ...{ consumer: 'gw', tenant: 't1', about: '', lastMs: clock.nowMs(), gapMs: 1_000 },
            ...{ revision: 'sha256:0', isSilent: false, holds: true, ...change },
          })),
      },
      offersOf: () => assert.fail('nothing is offered'),
    },
  });
  assert.ok(made.ok);
  return { driver: made.driver, at, clock };
};
const request = intentionOf('L1');
const says = async (pollers: readonly Partial<Held>[]) =>
  await setup('accepted', pollers).driver.readBack?.(request, null);

describe('posture driver', () => {
  it('is made only where there is a record', () => {
    const http = async () => assert.fail('nothing is sent');
    const clock = createVirtualClock();
    const made = posture.make({
      ...{ http, clock, name: 'posture', source: 'x', secret: () => '' },
      options: { type: 'posture' },
    });
    assert.deepEqual(made.ok, false);
  });

  it('answers by where the lease stands', async () => {
    const outcome = async (state: LeaseState | null, step: 'request' | 'renew' | 'release') =>
      (await setup(state).driver.apply(intentionOf('L1', { step }), null)).type;
    assert.equal(await outcome('requested', 'request'), 'accepted');
    assert.equal(await outcome('accepted', 'request'), 'already');
    assert.equal(await outcome('released', 'request'), 'already');
    assert.equal(await outcome('accepted', 'renew'), 'accepted');
    assert.equal(await outcome('releasing', 'renew'), 'refused');
    assert.equal(await outcome('releasing', 'release'), 'accepted');
    assert.equal(await outcome('released', 'release'), 'already');
    assert.equal(await outcome(null, 'release'), 'already');
  });

  it('refuses what a document cannot end', async () => {
    const revoke = intentionOf('L1', { verb: 'revoke_session', expiresMs: null });
    assert.equal((await setup('requested').driver.apply(revoke, null)).type, 'refused');
  });

  it('tries again where the record is away, and claims nothing', async () => {
    const { driver, at } = setup('requested');
    at.away = true;
    assert.equal((await driver.apply(request, null)).type, 'retry');
    assert.equal(await driver.readBack?.(request, null), 'unknown');
  });

  it('says applied when everybody who polls was given it', async () => {
    assert.equal(await says([{}, { consumer: 'gw-2' }]), 'applied');
  });
  it('says absent when nobody holds it: nobody polls, or the lease is no longer in it', async () => {
    assert.equal(await says([]), 'absent');
    assert.equal(await says([{ holds: false }]), 'absent');
    assert.equal(await setup('releasing', [{}]).driver.readBack?.(request, null), 'absent');
  });
  it('says unknown when one of them has not fetched it, or has stopped asking', async () => {
    assert.equal(await says([{}, { consumer: 'gw-2', holds: false }]), 'unknown');
    assert.equal(await says([{}, { consumer: 'gw-2', isSilent: true }]), 'unknown');
    assert.equal(await says([{}, { consumer: 'gw-2', lastMs: 0 }]), 'unknown');
    assert.equal(await says([{ isSilent: true }]), 'unknown');
  });
  it('does not count on the poller of one agent to go on for ever', async () => {
    assert.equal(await says([{}, { about: 'agent-7', isSilent: true }]), 'applied');
    assert.equal(await says([{ about: 'agent-7' }]), 'applied');
  });

  it('grants as much time as its slowest poller takes, and ten seconds at least', async () => {
    const { driver } = setup('accepted', [{ gapMs: 25_000 }, { gapMs: 3_000 }]);
    assert.equal(driver.capabilities().graceMs, 10_000);
    await driver.readBack?.(request, null);
    assert.equal(driver.capabilities().graceMs, 27_000);
    const quick = setup('accepted', [{ gapMs: 500 }]).driver;
    await quick.readBack?.(request, null);
    assert.equal(quick.capabilities().graceMs, 10_000);
  });
});
