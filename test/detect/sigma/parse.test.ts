/** Rules from documents: what is read, and that every mistake is named at once, where it is. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { readRule } from '../../../src/detect/sigma/parse.ts';
import { mistakes, read, ruleOf } from './rules.ts';

describe('rules', () => {
  it('are read with name, source, selections and condition', () => {
    const rule = ruleOf(`title: Denied calls
id: 6e0b6f0e-3f2a-4f0a-9a50-1d2f3c4b5a60
name: denied
logsource: { product: ai_agent, service: gateway, definition: any text }
detection:
  sel: { action.decision: deny }
  words: [one, 2]
  condition: [sel, words]
level: high
custom: anything`);
    assert.equal(rule.name, 'denied');
    assert.deepEqual(rule.source, { product: 'ai_agent', service: 'gateway', category: null });
    assert.deepEqual(
      rule.selections.map(([name]) => name),
      ['sel', 'words'],
    );
    assert.equal(rule.condition.type, 'or');
    assert.deepEqual(JSON.parse(JSON.stringify(rule)), rule);
  });

  it('are called by their id or title where they have no name', () => {
    const detection = 'logsource: {}\ndetection: { sel: { a: b }, condition: sel }';
    assert.equal(ruleOf(`title: A title\n${detection}`).name, 'A title');
    assert.equal(ruleOf(`title: A title\nid: x-1\n${detection}`).name, 'x-1');
  });

  it('name every mistake at once, with line and key', () => {
    const { rule, problems } = read(`title: ''
logsource: { product: [1], service: '' }
detection:
  sel:
    f|contain: a
    g: [a, null]
  timeframe: 5m
  empty: {}
  none: []
  'two words': { a: b }
  not: { a: b }
  wrong: true
  condition: sel and nothing`);
    assert.equal(rule, null);
    assert.deepEqual(
      problems.map(({ line, key }) => [line, key]),
      [
        [1, 'title'],
        [2, 'logsource.product'],
        [2, 'logsource.service'],
        [5, 'detection.sel.f|contain'],
        [6, 'detection.sel.g.1'],
        [7, 'detection.timeframe'],
        [8, 'detection.empty'],
        [9, 'detection.none'],
        [10, 'detection.two words'],
        [11, 'detection.not'],
        [12, 'detection.wrong'],
        [13, 'detection.condition'],
      ],
    );
    for (const { message } of problems) assert.ok(message.length > 10, message);
  });

  it('without the parts of a rule say which', () => {
    assert.match(mistakes('title: A title\nlogsource: {}').join(), /needs `detection:`/);
    assert.match(
      mistakes('title: A title\nlogsource: {}\ndetection: { sel: { a: b } }').join(),
      /detection\.condition: is missing; combine the selections: sel/,
    );
    const noSource = 'title: A title\ndetection: { sel: { a: b }, condition: sel }';
    assert.match(mistakes(noSource).join(), /logsource: a rule needs `logsource:`/);
    assert.match(
      mistakes('title: A title\nlogsource: {}\ndetection: { condition: sel }').join('\n'),
      /has no selection/,
    );
    assert.match(mistakes('sel: { a: b }\ncondition: 5').join(), /must be a text such as/);
    assert.match(mistakes('sel: { a: b }\ncondition: []').join(), /is missing/);
  });

  it('are bounded', () => {
    const many = Array.from({ length: 300 }, (_, at) => `s${at}: { a: b }`).join('\n');
    assert.match(mistakes(`${many}\ncondition: 1 of them`).join(), /more than 256 selections/);
    const list = Array.from({ length: 20_001 }, (_, at) => `v${at}`).join(', ');
    assert.match(
      mistakes(`sel: { f: [${list}] }\ncondition: sel`).join(),
      /more than 20000 values/,
    );
  });

  it('with names of members of every object are like any other', () => {
    const rule = ruleOf('constructor: { a: b }\ncondition: constructor');
    assert.deepEqual(rule.condition, { type: 'selection', name: 'constructor' });
    assert.match(mistakes('sel: { a: b }\ncondition: toString').join(), /`toString`, which is no/);
  });

  it('are total: any document is a rule or has problems', () => {
    const where = { file: 'x', lineOf: () => null };
    const value = fc.anything({ withNullPrototype: false });
    fc.assert(
      fc.property(value, value, value, (sel, condition, logsource) => {
        for (const document of [
          sel,
          { title: 'A title', logsource, detection: { sel, condition } },
          {
            title: 'A title',
            logsource: {},
            detection: { sel: { f: sel, '|re': condition }, condition: 'sel' },
          },
        ]) {
          const { rule, problems } = readRule(document, where);
          assert.equal(rule === null, problems.length > 0);
        }
      }),
    );
  });
});
