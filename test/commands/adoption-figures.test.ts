/** Adoption: what each step needs, which figure it rests on, and what is said to be missing. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type AdoptionInput, adoptionOf } from '../../src/commands/adoption-figures.ts';
import { NO_CONTROL } from '../../src/decide/chain.ts';
import type { RungCase } from '../../src/record/adoption.ts';
import { DEFAULT_PLAN } from '../../src/score/budget.ts';

const EXPOSURE = { role: 'clerk', days: 28, agentDays: 280, agents: 10, sessions: 900 };
const DRIVER = {
  ...{ driver: 'hook', sent: 100, accepted: 100, verified: 100, leaking: 0, unverified: 0 },
  ...{ undone: 1, undoFailed: 0 },
};
const PLAN = {
  chains: new Map(
    (['posture', 'freeze_tool', 'revoke_session', 'suspend_agent'] as const).map(
      (verb) => [verb, ['hook']] as const,
    ),
  ),
  approvals: new Map([['revoke_session', { quorum: 1, withinMs: 1 }] as const]),
};

function inputOf(changes: Partial<AdoptionInput> = {}): AdoptionInput {
  return {
    ...{ role: 'clerk', mode: 'observe', exposure: EXPOSURE, cases: [], drivers: [DRIVER] },
    ...{ plan: PLAN, budgets: DEFAULT_PLAN },
    ...changes,
  };
}

function acted(n: number, changes: Partial<RungCase> = {}): RungCase {
  return {
    ...{ role: 'clerk', rung: 'freeze_tool', caseId: `case-${n}`, agent: 'a', detectors: 'd' },
    ...{ timeMs: n, verdict: null },
    ...changes,
  };
}

const missing = (changes: Partial<AdoptionInput>) =>
  adoptionOf(inputOf(changes))
    .needs.filter(({ isMet }) => !isMet)
    .map(({ need, of }) => (of === '' ? need : `${need} ${of}`));

describe('adoption', () => {
  it('goes one step at a time, and ends at autonomous', () => {
    const steps = (['observe', 'advise', 'constrained', 'autonomous'] as const).map((mode) => {
      const { next, isReady } = adoptionOf(inputOf({ mode }));
      return [next, isReady];
    });
    assert.deepEqual(steps, [
      ['advise', true],
      ['constrained', true],
      ['autonomous', true],
      [null, false],
    ]);
  });

  it('needs two weeks of the role itself', () => {
    assert.deepEqual(missing({ exposure: { ...EXPOSURE, days: 13 } }), ['observed']);
    assert.deepEqual(missing({ exposure: { ...EXPOSURE, days: 14 } }), []);
    assert.ok(missing({ exposure: null }).includes('observed'));
  });

  it('counts against a budget what was wrong and what nobody judged', () => {
    // 1 per fleet-week: four in the 28 days.
    const verdicts = [null, 'false_positive', 'true_positive', 'benign_true_positive'] as const;
    const cases = (n: number, verdict: RungCase['verdict']) =>
      Array.from({ length: n }, (_, at) => acted(at, { verdict }));
    const over = verdicts.map((verdict) => missing({ mode: 'advise', cases: cases(5, verdict) }));
    assert.deepEqual(over, [['budget freeze_tool', 'judged'], ['budget freeze_tool'], [], []]);
    assert.deepEqual(missing({ mode: 'advise', cases: cases(4, 'false_positive') }), []);
    // 1 per agent-week: forty in 280 days of agents.
    const alerts = (n: number) =>
      cases(n, 'false_positive').map((one) => ({ ...one, rung: 'alert' as const }));
    assert.deepEqual(
      [missing({ cases: alerts(40) }), missing({ cases: alerts(41) })],
      [[], ['budget alert']],
    );
  });

  it('asks only about what the next mode lets happen', () => {
    const suspend = [acted(1, { rung: 'suspend_agent', verdict: 'false_positive' })];
    const revoke = [acted(1, { rung: 'revoke_session', verdict: null })];
    assert.deepEqual(missing({ mode: 'advise', cases: revoke }), []);
    assert.deepEqual(missing({ mode: 'constrained', cases: revoke }), [
      'budget revoke_session',
      'judged',
    ]);
    assert.deepEqual(missing({ mode: 'constrained', cases: suspend }), ['budget suspend_agent']);
  });

  it('needs a driver that takes, holds and gives back, as soon as something is sent', () => {
    const of = (record: Partial<typeof DRIVER> | null) => {
      const drivers = record === null ? [] : [{ ...DRIVER, ...record }];
      return missing({ mode: 'advise', drivers });
    };
    assert.deepEqual(of(null), ['conformance hook', 'verified hook', 'undo hook']);
    assert.deepEqual(of({ accepted: 99 }), []);
    assert.deepEqual(of({ accepted: 98 }), ['conformance hook']);
    assert.deepEqual(of({ verified: 98, leaking: 1, unverified: 1 }), ['verified hook']);
    assert.deepEqual(of({ undone: 0 }), ['undo hook']);
    assert.deepEqual(of({ undone: 3, undoFailed: 1 }), ['undo hook']);
    assert.deepEqual(missing({ mode: 'observe', drivers: [], plan: NO_CONTROL }), []);
    const bare = missing({ mode: 'advise', plan: NO_CONTROL });
    assert.deepEqual(bare, ['driver posture', 'driver freeze_tool', 'driver suspend_agent']);
  });

  it('needs somebody who agrees to what cannot be undone', () => {
    const plan = { ...PLAN, approvals: new Map() };
    assert.deepEqual(missing({ mode: 'constrained', plan }), ['approval revoke_session']);
    assert.deepEqual(missing({ mode: 'advise', plan }), []);
  });

  it('says of everything that is missing what to do', () => {
    for (const mode of ['observe', 'advise', 'constrained'] as const) {
      const cases = [acted(1), acted(2, { rung: 'alert' })];
      const { needs } = adoptionOf(
        inputOf({ mode, cases, exposure: null, drivers: [], plan: NO_CONTROL }),
      );
      for (const { isMet, missing: todo, figure } of needs) {
        assert.equal(todo === null, isMet);
        assert.ok(figure.length > 0);
      }
    }
  });
});
