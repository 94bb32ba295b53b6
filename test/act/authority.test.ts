/** Authority: each thing that may have changed between the decision and the sending stops it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  demotionKey,
  type StandingDetector,
  type StandingOrders,
  withheldBecause,
} from '../../src/act/authority.ts';
import { intentionOf } from './intentions.ts';

const DETECTOR: StandingDetector = {
  version: 'v1',
  maturity: 'enforce',
  earned: { tier: 'degrade', live: false, why: 'hard evidence' },
};
const STEM = 'unstated-action';

function orders(changes: Partial<StandingOrders> & { detector?: Partial<StandingDetector> } = {}) {
  const { detector, ...rest } = changes;
  return {
    detectors: new Map([[STEM, { ...DETECTOR, ...detector }]]),
    modeOf: () => 'autonomous' as const,
    neverTouch: new Set<string>(),
    demoted: new Set<string>(),
    pauses: [],
    ...rest,
  } satisfies StandingOrders;
}
const why = (changes: Parameters<typeof orders>[0]) =>
  withheldBecause(intentionOf('L1'), orders(changes));

describe('authority at the moment of acting', () => {
  it('lets through what is still allowed', () => assert.equal(why({}), null));

  it('asks for maturity, version, mode and tier as they stand now', () => {
    assert.match(
      why({ detector: { maturity: 'alert' } }) ?? '',
      /maturity of unstated-action is alert/,
    );
    assert.match(why({ detector: { version: 'v2' } }) ?? '', /edited since: version v1 is void/);
    assert.match(why({ detectors: new Map() }) ?? '', /no longer there/);
    assert.match(why({ modeOf: () => 'observe' }) ?? '', /mode of role clerk is observe/);
    const earned = { tier: 'interrupt', live: false, why: '' } as const;
    assert.match(
      why({ detector: { earned } }) ?? '',
      /earned interrupt; freeze_tool needs degrade/,
    );
    assert.match(why({ demoted: new Set([demotionKey(STEM, 'v1')]) }) ?? '', /demoted to alert/);
    assert.equal(why({ demoted: new Set([demotionKey(STEM, 'v0')]) }), null);
  });

  it('obeys the kill switch of every scope, and the never-touch list', () => {
    assert.match(why({ pauses: [{ scope: 'fleet', target: '' }] }) ?? '', /the fleet is paused/);
    assert.match(why({ pauses: [{ scope: 'role', target: 'clerk' }] }) ?? '', /role is paused/);
    assert.match(why({ pauses: [{ scope: 'agent', target: 'agent-7' }] }) ?? '', /agent is paused/);
    assert.match(why({ pauses: [{ scope: 'driver', target: 'webhook' }] }) ?? '', /driver is/);
    assert.equal(why({ pauses: [{ scope: 'agent', target: 'agent-8' }] }), null);
    assert.match(why({ neverTouch: new Set(['agent-7']) }) ?? '', /never-touch/);
  });

  it('always lets a release through, and nothing whose grounds are lost', () => {
    const stopped = orders({ pauses: [{ scope: 'fleet', target: '' }] });
    assert.equal(
      withheldBecause(intentionOf('L1', { step: 'release', grounds: null }), stopped),
      null,
    );
    const lost = withheldBecause(intentionOf('L1', { grounds: null }), orders());
    assert.match(lost ?? '', /nobody knows/);
    assert.notEqual(withheldBecause(intentionOf('L1', { step: 'renew' }), stopped), null);
  });
});
