/** Trust: whole for thirty days, then half every ninety; evidence stays an e-value. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { agedE, FRESH_MS, HALF_LIFE_MS, trustAt } from '../../src/baseline/trust.ts';

const DAY_MS = 86_400_000;

it('is whole while fresh and halves every ninety days after', () => {
  assert.deepEqual(
    [0, 10, 30].map((days) => trustAt(days * DAY_MS)),
    [1, 1, 1],
  );
  assert.equal(trustAt(120 * DAY_MS), 0.5);
  assert.equal(trustAt(FRESH_MS + 3 * HALF_LIFE_MS), 0.125);
  assert.equal(trustAt(-5), 1);
});

it('draws evidence towards the level above, or to one', () => {
  assert.equal(agedE(40, 0, 3), 40);
  assert.equal(agedE(40, 120 * DAY_MS), 20.5);
  assert.equal(agedE(40, 120 * DAY_MS, 10), 25);
});
