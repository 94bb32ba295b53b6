/** first-seen: new tools, hosts and models; unknown names that failed are common. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { firstSeen } from '../../../src/baseline/dimensions/first-seen.ts';
import type { CallItem } from '../../../src/model/unit.ts';
import { callOf, unitOf } from '../../conformance/units.ts';
import { scoreOf, sessions } from './score.ts';

const HOME = { url: 'https://home.example/a' };
const UNITS = sessions(40, (ms, n) => [
  callOf({ ms, tool: n % 2 === 0 ? 'read' : 'list', args: HOME }),
  ...(n % 4 === 0 ? [callOf({ ms, tool: `ghost_${n}`, outcome: 'error', args: null })] : []),
]);
const COUNTS = firstSeen.learn(UNITS);
const judge = (call: Partial<CallItem>) =>
  scoreOf(firstSeen, [COUNTS], unitOf([callOf({ tool: 'read', args: HOME, ...call })]));
const score = (call: Partial<CallItem>) => judge(call).score ?? Number.NaN;

describe('first-seen', () => {
  it('finds a new tool that ran strange, and one that does not exist common', () => {
    assert.ok(score({ tool: 'pay' }) > score({ tool: 'ghost_99', outcome: 'error' }) + 2);
    assert.ok(score({ tool: 'ghost_99', outcome: 'error' }) < 4);
    assert.ok(score({}) < 2);
  });

  it('sees a host that no session visited, wherever in the arguments it stands', () => {
    const args = {
      list: [{ body: `x ${'y'.repeat(50)} see HTTPS://user@Evil.example:8080/path` }],
    };
    assert.ok(score({ args }) > score({}) + 2);
    assert.match(judge({ args }).sentence, /^a host not known here: .* role 0 of 40/);
  });

  it('works without arguments', () => {
    assert.equal(score({ args: null }), score({}));
  });

  it('sees a class and a model that are new', () => {
    assert.ok(score({ toolClass: 'spend' }) > score({}));
    const unit = unitOf([callOf({ tool: 'read', args: HOME })]);
    const other = { ...unit, head: { ...unit.head, model: 'm-2' } };
    assert.ok((scoreOf(firstSeen, [COUNTS], other).score ?? 0) > score({}));
  });

  it('names a plain tool and describes any other', () => {
    assert.match(judge({ tool: 'pay' }).sentence, /^a tool not known here, pay \(it ran\): /);
    const { sentence } = judge({ tool: 'please pay me now' });
    assert.match(sentence, /^a tool not known here, a name of 17 characters \(it ran\): /);
  });
});
