/** The stage of evidence: firings as facts, lanes that open, and margins that agree with them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { UnitReading } from '../../src/model/reading.ts';
import { DEFAULT_PLAN, type RungPlan } from '../../src/score/budget.ts';
import { createEvidenceStage, type Judging, marginOf, standardOf } from '../../src/score/stage.ts';
import { normal, stream } from '../../src/simulation/random.ts';
import { Slots } from '../../src/state/slots.ts';
import { sessionView } from '../baseline/facts.ts';
import { calibrationOf, readingsOf } from './books.ts';

const START_MS = 1_800_000_000_000;
const PLAN: readonly RungPlan[] = [
  {
    rung: 'alert',
    budget: { count: 1, scope: 'unit', per: 100, words: '1 % of sessions' },
    table: 'marginal',
    sources: 1,
    lanes: 'session',
  },
];
const JUDGING: Judging = {
  ...calibrationOf(400),
  name: 'role clerk',
  jointName: 'joint',
  load: { agent: 20, fleet: 200 },
  lag1: 0,
  crossfit: true,
};

function reading(n: number, joint: number | null, over: Partial<UnitReading> = {}): UnitReading {
  const ms = START_MS + n;
  return {
    session: sessionView({ id: `s-${n}` }),
    unit: `s-${n}@${ms}`,
    baseline: 'role clerk',
    readings: readingsOf([0, 0, 0, 0], joint, ms),
    isClosed: false,
    decidedMs: ms,
    late: false,
    witness: {
      ...{ kind: 'gateway', topic: 'gateway', nativeId: `e-${n}`, ms, seq: 7, agent: 'scribe-1' },
      ...{ at: { topic: 'gateway', partition: 0, offset: n, index: 0 }, call: null, tool: 'pay' },
      ...{ digest: null, leaves: null },
    },
    because: (names) => names.map((name) => `${name}: 3 of 400 calls`),
    ...over,
  };
}

describe('stage of evidence', () => {
  it('states a firing once for a unit, with witness, reason and what would have kept it silent', () => {
    const stage = createEvidenceStage(new Slots(), [JUDGING], PLAN);
    const [fact, ...others] = stage.see(reading(1, 9));
    assert.ok(fact !== undefined);
    assert.deepEqual(others, []);
    const { lane, rung, seq, tool, budget, baseline, unit } = fact;
    assert.deepEqual(
      [lane, rung, seq, tool, budget],
      ['session', 'alert', 7, 'pay', '1 % of sessions'],
    );
    assert.deepEqual([baseline, unit], ['role clerk', `s-1@${START_MS + 1}`]);
    assert.ok(fact.value <= 0.01 && fact.because.length > 0);
    assert.ok((fact.counterfactual?.silentAt ?? 9) < 9);
    assert.deepEqual(stage.see(reading(1, 10)), []);
    assert.deepEqual(stage.see(reading(1, 10, { isClosed: true })), []);
  });

  it('fires exactly where the margin is above zero, about as often as declared', () => {
    const stage = createEvidenceStage(new Slots(), [JUDGING], PLAN);
    const standard = standardOf(JUDGING, PLAN);
    const random = stream(3, 'margins');
    let fired = 0;
    for (let n = 0; n < 4000; n += 1) {
      const one = reading(n, normal(random, 0, 1), { isClosed: true });
      const margin = marginOf(standard, one, 'alert');
      const facts = stage.see(one);
      assert.equal(facts.length > 0, (margin ?? 0) > 0);
      fired += facts.length;
    }
    assert.ok(fired > 4 && fired < 80, `${fired} of 4,000`);
  });

  it('says nothing of a baseline it does not know, or where nothing was said', () => {
    const stage = createEvidenceStage(new Slots(), [JUDGING], PLAN);
    assert.deepEqual(stage.see(reading(1, 99, { baseline: 'role unknown' })), []);
    assert.deepEqual(stage.see(reading(1, null)), []);
    assert.equal(marginOf(standardOf(JUDGING, PLAN), reading(1, null), 'alert'), null);
  });

  it('gives scores from cross-fitting no rung that hurts', () => {
    const rungs = ({ crossfit }: { crossfit: boolean }) =>
      standardOf({ ...JUDGING, crossfit }, DEFAULT_PLAN).thresholds.map(({ rung }) => rung);
    assert.deepEqual(rungs({ crossfit: true }), ['alert', 'posture']);
    assert.equal(rungs({ crossfit: false }).length, DEFAULT_PLAN.length);
  });
});
