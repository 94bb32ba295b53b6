/** Kind `evidence`: which firings it takes, and what it tells a person. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EMPTY_INVENTORY } from '../../../src/baseline/inventory.ts';
import { evidence } from '../../../src/detect/kinds/evidence.ts';
import type { FiringFact } from '../../../src/model/fact.ts';
import { Slots } from '../../../src/state/slots.ts';
import { factsOf } from '../../conformance/facts.ts';

const [session, accumulator] = factsOf(1).filter(
  (fact): fact is FiringFact => fact.type === 'firing',
);
assert.ok(session !== undefined && accumulator !== undefined);

const see = (lane: FiringFact['lane'], rung: FiringFact['rung']) =>
  evidence.compile(
    { lane, rung },
    {
      ...{
        stem: 'under-test',
        scope: 'under-test',
        slots: new Slots(),
        inventory: EMPTY_INVENTORY,
      },
      evicted: () => undefined,
    },
  );

describe('kind evidence', () => {
  it('takes firings of its lane and rung, and no others', () => {
    assert.notEqual(see('session', 'alert')(session), null);
    assert.notEqual(see('accumulator', 'alert')(accumulator), null);
    assert.equal(see('session', 'alert')(accumulator), null);
    assert.equal(see('session', 'posture')(session), null);
  });

  it('names the baseline, the figures, the reasons and the way to silence', () => {
    const finding = see('session', 'alert')(session);
    assert.match(
      finding?.explanation ?? '',
      /baseline of fleet \* allows \(p = 0\.001, declared 0\.01; budget 1 % of sessions\)/,
    );
    assert.match(finding?.explanation ?? '', /Shares: sequence 100 %/);
    assert.match(finding?.counterfactual ?? '', /silent had sequence scored 3\.25 or less/);
    const gathered = see('accumulator', 'alert')(accumulator);
    assert.match(gathered?.explanation ?? '', /R = 1\.00e\+9, threshold 1000, since unit 3/);
  });

  it('says so where no single dimension decided', () => {
    const finding = see('session', 'alert')({ ...session, counterfactual: null });
    assert.match(finding?.counterfactual ?? '', /several were strange at once/);
  });
});
