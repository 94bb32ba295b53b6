/** Compiled rules agree with the evaluator that explains, which goes through every match by itself. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compileRule } from '../../../src/detect/sigma/compile.ts';
import { explainRule } from '../../../src/detect/sigma/explain.ts';
import { recordView } from '../../../src/detect/sigma/view.ts';
import type { SigmaRule } from '../../../src/model/sigma.ts';
import { stream } from '../../../src/simulation/random.ts';
import { randomRecord, randomRule } from './random-rules.ts';
import { ruleOf } from './rules.ts';

const holds = (rule: SigmaRule, record: object) => compileRule(rule)(recordView(record));

describe('compiled rules', () => {
  it('agree with the explaining evaluator on random rules and events', () => {
    const random = stream(7, 'compile');
    let matched = 0;
    for (let n = 0; n < 2000; n += 1) {
      const rule = randomRule(random, n);
      for (let m = 0; m < 3; m += 1) {
        const record = randomRecord(random);
        const pass = holds(rule, record);
        matched += pass ? 1 : 0;
        const said = `${JSON.stringify(record)} by ${JSON.stringify(rule)}`;
        assert.equal(explainRule(rule, recordView(record)).pass, pass, said);
      }
    }
    assert.ok(matched > 500 && matched < 5500, `${matched} matches`);
  });

  it('ask long lists at once, with the same answer as one by one', () => {
    const words = Array.from({ length: 20 }, (_, at) => `word${at}`);
    const equals = ruleOf(`sel: { f: [${words.join(', ')}, 'x*y'] }\ncondition: sel`);
    assert.ok(holds(equals, { f: 'WORD7' }) && holds(equals, { f: ['a', 'word19'] }));
    assert.ok(
      holds(equals, { f: 'x123y' }) && !holds(equals, { f: 'word7x' }) && !holds(equals, {}),
    );
    const contains = ruleOf(`sel: { f|contains: [${words.join(', ')}] }\ncondition: sel`);
    assert.ok(holds(contains, { f: 'a word7 b' }) && !holds(contains, { f: 'a wor7 b' }));
    const cased = ruleOf(`sel: { f|contains|cased: [${words.join(', ')}] }\ncondition: sel`);
    assert.ok(holds(cased, { f: 'a word7 b' }) && !holds(cased, { f: 'a WORD7 b' }));
  });

  it('never match while a placeholder has no values', () => {
    const rule = ruleOf("sel: { f: x }\nnone: { g|expand: '%p%' }\ncondition: sel and not none", {
      placeholders: new Map(),
      unresolved: 'never',
    });
    assert.deepEqual(rule.unresolved, ['p']);
    assert.equal(holds(rule, { f: 'x' }), false);
  });

  it('keep to their filters until those expire', () => {
    const filter = ruleOf('test: { g: test }\ncondition: not test');
    const filters = [{ ...filter, expiresMs: 1000 }];
    const rule = { ...ruleOf('sel: { f: x }\ncondition: sel'), filters };
    const at = (record: object, ms: number | null) =>
      compileRule(rule)(Object.assign(Object.create(recordView(record)), viewAt(record, ms)));
    assert.equal(at({ f: 'x' }, 1), true);
    assert.equal(at({ f: 'x', g: 'test' }, 999), false);
    assert.equal(at({ f: 'x', g: 'test' }, null), false);
    assert.equal(at({ f: 'x', g: 'test' }, 1000), true);
    assert.equal(at({ f: 'y', g: 'test' }, 1000), false);
  });
});

/** The view of a record at a time. */
function viewAt(record: object, ms: number | null) {
  const view = recordView(record);
  return {
    ms,
    value: (field: string) => view.value(field),
    get: (field: string) => view.get(field),
  };
}
