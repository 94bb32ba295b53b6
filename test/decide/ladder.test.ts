/** The ladder: what may be undone is earned early, what may not is earned by nobody unmeasured. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isEarned, isVerb, LADDER, startingTier, TIERS } from '../../src/decide/ladder.ts';
import { RUNGS, VERBS } from '../../src/model/decision.ts';
import type { EVIDENCE_CLASSES } from '../../src/model/detection.ts';

describe('ladder', () => {
  it('has facts for every verb, and verbs are the rungs that act', () => {
    assert.deepEqual(Object.keys(LADDER), [...VERBS]);
    assert.deepEqual(RUNGS.filter(isVerb), [...VERBS]);
  });

  it('lets hard evidence restrain, and nothing unmeasured terminate', () => {
    const earned = (evidence: (typeof EVIDENCE_CLASSES)[number]) =>
      VERBS.filter((verb) => isEarned(verb, startingTier(evidence)));
    assert.deepEqual(earned('hard'), ['posture', 'freeze_tool']);
    assert.deepEqual(earned('statistical'), []);
    assert.deepEqual(earned('content'), []);
  });

  it('lets a higher tier do all that a lower one may', () => {
    for (const verb of VERBS) {
      const allowed = TIERS.map((tier) => isEarned(verb, tier));
      assert.deepEqual(allowed, allowed.toSorted(), verb);
      assert.equal(allowed.at(-1), true, verb);
    }
  });

  it('gives only what can be undone a time to stand', () => {
    for (const verb of VERBS)
      assert.equal(LADDER[verb].reversible, LADDER[verb].longestMs > 0, verb);
  });
});
