/** The draft: each commit takes what was gathered, once; counters go on. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Case } from '../../src/model/decision.ts';
import { noEffects } from '../../src/model/effects.ts';
import { Draft } from '../../src/pipeline/draft.ts';

/** A case as far as a draft looks at it. */
function caseOf(id: string, title: string): Case {
  return { id, title } as Case;
}

describe('a draft', () => {
  it('holds a case once, as it stands last, where it first stood', () => {
    const draft = new Draft();
    draft.cases([caseOf('a', 'opens'), caseOf('b', 'opens')]);
    draft.cases([caseOf('a', 'grows'), caseOf('a', 'grows again')]);
    assert.deepEqual(draft.take().cases, [caseOf('a', 'grows again'), caseOf('b', 'opens')]);
  });

  it('begins empty after it was taken', () => {
    const draft = new Draft();
    draft.cases([caseOf('a', 'opens')]);
    draft.markDirty();
    const taken = draft.take();
    assert.equal(draft.isDirty, false);
    assert.deepEqual(draft.take(), noEffects());
    draft.cases([caseOf('a', 'grows')]);
    assert.deepEqual(taken.cases, [caseOf('a', 'opens')]);
    assert.deepEqual(draft.take().cases, [caseOf('a', 'grows')]);
  });

  it('counts on from what was stored, through every commit', () => {
    const draft = new Draft();
    draft.restore({ records: 40 });
    draft.count('records', 2);
    draft.take();
    draft.count('records');
    draft.count('late');
    assert.deepEqual(draft.counters, { records: 43, late: 1 });
  });
});
