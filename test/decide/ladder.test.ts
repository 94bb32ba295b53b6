/** The ladder: rungs that act, and how long what they do may stand. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isVerb, LONGEST_MS } from '../../src/decide/ladder.ts';
import { RUNGS, VERBS } from '../../src/model/decision.ts';
import { VERB_NEEDS } from '../../src/model/power.ts';

describe('ladder', () => {
  it('has facts for every verb, and verbs are the rungs that act', () => {
    assert.deepEqual(Object.keys(LONGEST_MS), [...VERBS]);
    assert.deepEqual(RUNGS.filter(isVerb), [...VERBS]);
  });

  it('gives only what can be undone a time to stand', () => {
    for (const verb of VERBS) assert.equal(VERB_NEEDS[verb].reversible, LONGEST_MS[verb] > 0, verb);
  });
});
