/** The pull driver: what an executor is shown, and what its words come to. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { pull } from '../../../src/act/drivers/pull.ts';
import type { Intention } from '../../../src/model/decision.ts';
import { OperatingError } from '../../../src/model/errors.ts';
import type { OfferState } from '../../../src/model/posture.ts';
import { createVirtualClock } from '../../sim/clock.ts';
import { intentionOf } from '../intentions.ts';

const setup = (state: OfferState | 'away', options: object = {}) => {
  const shown: Readonly<Record<string, unknown>>[] = [];
  const waited: number[] = [];
  const made = pull.make({
    http: async () => assert.fail('nothing is sent'),
    ...{ clock: createVirtualClock(), name: 'box', source: 'plumbline', secret: () => '' },
    options: { type: 'pull', consumer: 'box', ...options },
    polled: {
      posture: { lease: async () => null, pollers: async () => [] },
      offersOf: (driver) => {
        assert.equal(driver, 'box');
        return {
          offer: async (_intention, item) => {
            if (state === 'away')
              throw new OperatingError('DATABASE_UNREACHABLE', 'x', { retryable: true });
            shown.push(item);
          },
          outcome: async (_key, withinMs) => {
            waited.push(withinMs);
            assert.ok(state !== 'away');
            return state;
          },
        };
      },
    },
  });
  return { made, shown, waited };
};
const outcome = async (state: OfferState | 'away', change: Partial<Intention> = {}) => {
  const { made } = setup(state);
  assert.ok(made.ok);
  return await made.driver.apply(intentionOf('L1', change), null);
};
const failed = (detail: string): OfferState => ({ type: 'failed', detail });

describe('pull driver', () => {
  it('shows what the webhook would send, and waits for the word', async () => {
    const { made, shown, waited } = setup({ type: 'acked' });
    assert.ok(made.ok);
    assert.equal((await made.driver.apply(intentionOf('L1'), null)).type, 'accepted');
    const [item] = shown;
    assert.equal(item?.['type'], 'plumbline.control.requested.v1');
    assert.equal(item?.['leaseId'], 'L1');
    assert.deepEqual(item?.['subject'], {
      ...{ tenant: 't1', agent: 'agent-7', session: 's-1', tools: ['send_money'] },
    });
    assert.deepEqual(waited, [15_000]);
  });

  it('makes of each word what it means', async () => {
    assert.equal((await outcome({ type: 'open' })).type, 'unknown');
    assert.equal((await outcome({ type: 'superseded' })).type, 'already');
    assert.equal((await outcome(failed('approval_required'))).type, 'pending_approval');
    assert.equal((await outcome(failed('failed: no such pod'))).type, 'refused');
    assert.match((await outcome(failed('forbidden: no'))).detail, /^ControlAuth: /);
    assert.equal((await outcome(failed('gone'))).type, 'refused');
    assert.equal((await outcome(failed('gone'), { step: 'release' })).type, 'already');
    const revoke = { verb: 'revoke_session', expiresMs: null } as const;
    assert.equal((await outcome(failed('gone'), revoke)).type, 'already');
  });

  it('does not know what was put up where the record went away', async () => {
    assert.equal((await outcome('away')).type, 'unknown');
  });

  it('is refused where it would wait longer than the executor does', () => {
    const { made } = setup({ type: 'acked' }, { answerWithin: '30s' });
    assert.ok(!made.ok);
    assert.match(made.problem, /answerWithin is above 18s/);
  });
});
