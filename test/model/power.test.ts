/** Power: the least of maturity, mode and earned tier, and what earns a tier. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MODES, VERBS } from '../../src/model/decision.ts';
import {
  allowsMode,
  earnedTier,
  isEarned,
  isUntouchable,
  type Measurement,
  maturityInForce,
  measuredTier,
  TIERS,
  upperRate,
  VERB_NEEDS,
} from '../../src/model/power.ts';

const measured = (falseAlarms: number, benignUnits: number): Measurement => ({
  version: 'v',
  benignUnits,
  falseAlarms,
  where: 'recorded',
  date: '2026-11-29',
});
const tierOf = (k: number, n: number, status = 'stable') => measuredTier(measured(k, n), status);
const hard = { evidenceClass: 'hard', status: 'stable' } as const;

describe('power', () => {
  it('bounds the false-alarm rate from above, and knows nothing of nothing', () => {
    const bounds = [0, 1, 2, 3].map((k) => (1000 * upperRate(k, 1000)).toFixed(2));
    assert.deepEqual(bounds, ['3.00', '4.74', '6.30', '7.75']);
    assert.equal(upperRate(0, 0), 1);
    assert.equal(upperRate(7, 3), 1);
    // Exact bounds of a Poisson mean: 9.1535 after 4, 16.9622 after 10 (Garwood).
    assert.ok(Math.abs(upperRate(4, 1000) - 0.0091535) < 1e-6);
    assert.ok(Math.abs(upperRate(10, 1000) - 0.0169622) < 1e-6);
    assert.ok(upperRate(900, 100_000) > 900 / 100_000);
  });

  it('earns interrupt from 150 units, degrade from 600, terminate from 6,000', () => {
    assert.deepEqual([tierOf(0, 149), tierOf(0, 150)], ['observe', 'interrupt']);
    assert.deepEqual([tierOf(0, 599), tierOf(0, 600)], ['interrupt', 'degrade']);
    assert.deepEqual([tierOf(0, 5999), tierOf(0, 6000)], ['degrade', 'terminate']);
    assert.equal(tierOf(0, 6000, 'experimental'), 'degrade');
    assert.equal(tierOf(1, 1_000_000), 'degrade');
    assert.equal(tierOf(3, 1549), 'interrupt');
  });

  it('starts hard evidence at reversible rungs, and all else at none', () => {
    const start = (evidenceClass: 'hard' | 'statistical' | 'content') =>
      earnedTier({ evidenceClass, status: 'stable', measured: null });
    const may = (evidenceClass: 'hard' | 'statistical' | 'content') =>
      VERBS.filter((verb) => isEarned(verb, start(evidenceClass)));
    assert.deepEqual(may('hard'), ['posture', 'freeze_tool']);
    assert.deepEqual(may('statistical'), []);
    assert.deepEqual(may('content'), []);
  });

  it('lets a few quiet units take nothing from hard evidence, and one false alarm much', () => {
    assert.equal(earnedTier({ ...hard, measured: measured(0, 10) }).tier, 'degrade');
    assert.equal(earnedTier({ ...hard, measured: measured(1, 200) }).tier, 'observe');
    assert.equal(earnedTier({ ...hard, measured: measured(1, 500) }).tier, 'interrupt');
    assert.equal(earnedTier({ ...hard, measured: measured(1, 1000) }).tier, 'degrade');
  });

  it('lets recorded units earn what can be undone, and only live ones what cannot', () => {
    const recorded = earnedTier({ ...hard, measured: measured(0, 10_000) });
    assert.equal(isEarned('suspend_agent', recorded), true);
    assert.equal(isEarned('revoke_session', recorded), false);
    const live = { ...measured(0, 10_000), where: 'live' } as const;
    assert.equal(isEarned('revoke_session', earnedTier({ ...hard, measured: live })), true);
  });

  it('lets a higher tier do all that a lower one may', () => {
    for (const verb of VERBS) {
      const allowed = TIERS.map((tier) => isEarned(verb, { tier, live: true }));
      assert.deepEqual(allowed, allowed.toSorted(), verb);
      assert.equal(allowed.at(-1), true, verb);
    }
  });

  it('acts by mode only where the mode says so', () => {
    const may = MODES.map((mode) => VERBS.filter((verb) => allowsMode(mode, verb)));
    const reversible = VERBS.filter((verb) => VERB_NEEDS[verb].reversible);
    assert.deepEqual(may, [[], [], reversible, [...VERBS]]);
  });

  it('takes the maturity of the stem before that of the class before that of the file', () => {
    const one = { stem: 'a', evidenceClass: 'hard', maturity: 'alert' } as const;
    assert.equal(maturityInForce(one, {}), 'alert');
    assert.equal(maturityInForce(one, { hard: 'enforce' }), 'enforce');
    assert.equal(maturityInForce(one, { hard: 'enforce', a: 'alert' }), 'alert');
    assert.equal(
      maturityInForce({ ...one, evidenceClass: 'content' }, { hard: 'enforce' }),
      'alert',
    );
    assert.equal(maturityInForce({ ...one, stem: 'constructor' }, {}), 'alert');
  });

  it('brings nothing out of the shadow by a word about its whole class', () => {
    const one = { stem: 'a', evidenceClass: 'hard', maturity: 'shadow' } as const;
    assert.equal(maturityInForce(one, { hard: 'enforce' }), 'shadow');
    assert.equal(maturityInForce(one, { a: 'enforce' }), 'enforce');
  });
});

describe('the never-touch list', () => {
  const listed = new Set(['control-plane', 'agent:deployer', 'role:incident-response']);
  const is = (agent: string, role: string | null = null) => isUntouchable(listed, agent, role);

  it('names agents and roles', () => {
    assert.deepEqual([is('control-plane'), is('deployer'), is('other')], [true, true, false]);
    assert.equal(is('other', 'incident-response'), true);
    assert.equal(is('incident-response'), false);
    assert.equal(is('other', 'control-plane'), false);
  });

  it('does not mean who is called like one of its entries', () => {
    assert.equal(is('role:incident-response'), false);
    assert.equal(is('agent:deployer'), false);
    const whole = new Set(['agent:agent:deployer', 'agent:role:x']);
    assert.equal(isUntouchable(whole, 'agent:deployer', null), true);
    assert.equal(isUntouchable(whole, 'role:x', null), true);
  });
});
