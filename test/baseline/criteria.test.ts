/** Exit criteria: what was not measured is not met, and hard evidence is never waived. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { exitCriteria, type Measured, NOTHING, waivable } from '../../src/baseline/criteria.ts';

const GOOD: Measured = {
  fitUnits: 200,
  calibrationUnits: 200,
  crossfit: false,
  gapMs: 0,
  days: 7,
  sessions: 50,
  unseenTools: 0.02,
  unseenOrigins: 0.02,
  halvesP: 0.011,
  lag1: 0.2,
  excludedUnits: 2,
  allUnits: 100,
  hardEvidence: 0,
  presence: { gateway: 0.95, metrics: 1 },
};
const unmet = (measured: Measured): string[] =>
  exitCriteria(measured)
    .filter(({ met }) => !met)
    .map(({ name }) => name);

it('is met at each bound and not beyond it', () => {
  assert.deepEqual(unmet(GOOD), []);
  const beyond: Partial<Measured>[] = [
    { fitUnits: 199 },
    { calibrationUnits: 199 },
    { gapMs: -1 },
    { days: 6 },
    { sessions: 49 },
    { unseenTools: 0.021 },
    { unseenOrigins: 0.021 },
    { halvesP: 0.01 },
    { lag1: 0.21 },
    { excludedUnits: 3 },
    { hardEvidence: 1 },
    { presence: { gateway: 1, metrics: 0.94 } },
  ];
  const names = beyond.map((one) => unmet({ ...GOOD, ...one }));
  assert.deepEqual(
    names,
    exitCriteria(GOOD).map(({ name }) => [name]),
  );
});

it('counts nothing that was not measured, and no NaN', () => {
  assert.equal(unmet(NOTHING).length, exitCriteria(NOTHING).length);
  assert.deepEqual(unmet({ ...GOOD, lag1: Number.NaN }), ['lag-1']);
  assert.ok(!unmet({ ...GOOD, crossfit: true, gapMs: null }).includes('fit-before-calibration-ms'));
});

it('can be waived by name, but for hard evidence and the least number of sessions', () => {
  const waivers = ['days', 'hard-evidence', 'sessions'].map((name) => ({ name, why: 'bob: few' }));
  const found = exitCriteria(NOTHING, waivers).filter(({ waived }) => waived !== null);
  assert.deepEqual(
    found.map(({ name, waived }) => [name, waived]),
    [['days', 'bob: few']],
  );
  assert.equal(exitCriteria(GOOD, waivers)[3]?.waived, null);
  assert.ok(!waivable().includes('hard-evidence') && waivable().includes('days'));
});
