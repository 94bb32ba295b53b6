/** Explanations: every selection with PASS or FAIL, no values of the event, and the way to silence. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compileRule } from '../../../src/detect/sigma/compile.ts';
import { explainRule, sentenceOf } from '../../../src/detect/sigma/explain.ts';
import { recordView } from '../../../src/detect/sigma/view.ts';
import { ruleOf } from './rules.ts';

const RULE = ruleOf(`sel:
  action.tool|startswith: send_
  action.decision: allow
big: { action.args.body|contains: [invoice, salary] }
filter: { agent.role: clerk }
condition: sel and big and not filter`);
const SECRET = 'the SALARY of Jane Roe is 12345';
const EVENT = {
  action: { tool: 'send_mail', decision: 'allow', args: { body: SECRET } },
};

describe('explanation', () => {
  it('goes through everything, whatever the answer is', () => {
    const { pass, selections } = explainRule(RULE, recordView(EVENT));
    assert.equal(pass, true);
    assert.deepEqual(
      selections.map(({ name, pass: one, matches }) => [
        name,
        one,
        matches.map((each) => each.pass),
      ]),
      [
        ['sel', true, [true, true]],
        ['big', true, [false, true]],
        ['filter', false, [false]],
      ],
    );
    const none = explainRule(RULE, recordView({}));
    assert.equal(none.pass, false);
    assert.equal(none.selections.length, 3);
  });

  it('shows names, and of all other values the length only', () => {
    const explained = explainRule(RULE, recordView(EVENT));
    const found = explained.selections.flatMap(({ matches }) => matches.map((each) => each.found));
    assert.deepEqual(found, [
      '"send_mail"',
      '"allow"',
      `a text of ${SECRET.length} characters`,
      `a text of ${SECRET.length} characters`,
      'absent',
    ]);
    const all = JSON.stringify(explained) + sentenceOf(explained);
    for (const word of ['Jane', '12345', 'SALARY']) assert.ok(!all.includes(word), word);
  });

  it('says the fewest changes that turn the answer round, and they do', () => {
    assert.deepEqual(explainRule(RULE, recordView(EVENT)).counterfactual, [
      'had action.tool not met action.tool|startswith: "send_"',
    ]);
    const missing = explainRule(
      RULE,
      recordView({ action: { tool: 'send_x', decision: 'allow' } }),
    );
    assert.deepEqual(missing.counterfactual, [
      'had action.args.body met action.args.body|contains: "invoice"',
    ]);
    const either = ruleOf('a: { f: x }\nb: { g: y }\ncondition: 1 of them');
    const both = explainRule(either, recordView({ f: 'x', g: 'y' }));
    assert.equal(both.counterfactual.length, 2);
    const holds = compileRule(either);
    assert.ok(holds(recordView({ f: 'x', g: 'z' })) && !holds(recordView({ f: 'z', g: 'z' })));
  });

  it('puts what made it match into one sentence', () => {
    assert.equal(
      sentenceOf(explainRule(RULE, recordView(EVENT))),
      `Matched sel: action.tool|startswith: "send_" (found "send_mail"), action.decision: "allow" (found "allow"); big: action.args.body|contains: "salary" (found a text of ${SECRET.length} characters). Not met: filter.`,
    );
    const not = ruleOf('sel: { f: x }\ncondition: not sel');
    assert.match(sentenceOf(explainRule(not, recordView({}))), /no selection was met/);
  });

  it('names kinds of values, nulls and objects', () => {
    const rule = ruleOf('sel: { a: 1, b: null, c: x, d: [x, y], e: x }\ncondition: sel');
    const view = recordView({ a: 7, b: null, c: {}, d: ['p', 'q'], e: true });
    const [one] = explainRule(rule, view).selections;
    assert.deepEqual(
      [...new Set(one?.matches.map((each) => each.found))],
      ['a number', 'null', 'an object', 'a text of 1 characters and 1 more', 'a boolean'],
    );
  });

  it('tells filters and unresolved placeholders', () => {
    const filter = {
      ...ruleOf('test: { g: test }\ncondition: not test'),
      title: 'No tests',
      expiresMs: 1e15,
    };
    const rule = { ...ruleOf('sel: { f: x }\ncondition: sel'), filters: [filter] };
    const explained = explainRule(rule, recordView({ f: 'x', g: 'test' }));
    assert.equal(explained.pass, false);
    assert.deepEqual(
      explained.selections.map(({ name, pass }) => [name, pass]),
      [
        ['sel', true],
        ['filter "No tests": test', true],
      ],
    );
    assert.deepEqual(explained.counterfactual, ['had g not met g: "test"']);
    const open = ruleOf("sel: { f|expand: '%p%' }\ncondition: sel", {
      placeholders: new Map(),
      unresolved: 'never',
    });
    const none = explainRule(open, recordView({ f: 'x' }));
    assert.deepEqual([none.pass, none.unresolved, none.counterfactual], [false, ['p'], []]);
  });
});
