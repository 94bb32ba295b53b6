/** grants: governance records a role's sessions do not come with. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { grants } from '../../../src/baseline/dimensions/grants.ts';
import type { UnitItem } from '../../../src/model/unit.ts';
import { unitOf } from '../../conformance/units.ts';
import { scoreOf, sessions } from './score.ts';

const change = (name: string, tools: readonly string[] = [], ms = 0): UnitItem => ({
  type: 'change',
  ms,
  change: name,
  tools,
});
const COUNTS = grants.learn(
  sessions(50, (ms, n) => [
    change('session.opened', [], ms),
    ...(n % 2 === 0 ? [change('approval.granted', ['pay'], ms)] : []),
  ]),
);
const judge = (...items: UnitItem[]) => scoreOf(grants, [COUNTS], unitOf(items));

describe('grants', () => {
  it('finds a usual approval usual, one for another tool and a grant strange', () => {
    const usual = judge(change('session.opened'), change('approval.granted', ['pay'])).score ?? 0;
    const other = judge(change('approval.granted', ['wipe'])).score ?? 0;
    const grant = judge(change('tools.granted', ['pay'])).score ?? 0;
    assert.ok(usual < 2 && other > usual + 2 && grant > usual + 2, `${[usual, other, grant]}`);
  });

  it('says which change, and in how many sessions', () => {
    const { sentence } = judge(change('approval.granted', ['pay']));
    assert.match(sentence, /^change approval\.granted: sessions with it: role 25 of 50; /);
  });
});
