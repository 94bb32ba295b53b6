/** Witnesses: the table of what a rule needs at the least. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { witnessesOf } from '../../../src/detect/sigma/witness.ts';
import { ruleOf } from './rules.ts';

const of = (selection: string, condition = 'sel') =>
  witnessesOf(ruleOf(`sel: ${selection}\nother: { o|contains: other }\ncondition: ${condition}`));

describe('witnesses', () => {
  it('are those of the table', () => {
    assert.deepEqual(of('{ f: AbC }'), [{ type: 'value', field: 'f', text: 'abc' }]);
    assert.deepEqual(of('{ f: 5 }'), [{ type: 'number', field: 'f', value: 5 }]);
    assert.deepEqual(of("{ f: 'a*LONGER*b' }"), [
      { type: 'substring', field: 'f', text: 'longer' },
    ]);
    assert.deepEqual(of('{ f|contains: ab }'), [{ type: 'present', field: 'f' }]);
    assert.deepEqual(of('{ f|contains: ß }'), [{ type: 'substring', field: 'f', text: 'ß' }]);
    assert.deepEqual(of("{ f|re: 'x[a-z]needle.*' }"), [
      { type: 'substring', field: 'f', text: 'needle' },
    ]);
    assert.deepEqual(of("{ f|re: '(drop|alter)\\s+table' }"), [
      { type: 'substring', field: 'f', text: 'table' },
    ]);
    assert.deepEqual(of("{ f|re: '(drop|alter)\\s' }"), [
      { type: 'substring', field: 'f', text: 'drop' },
      { type: 'substring', field: 'f', text: 'alter' },
    ]);
    for (const asks of [
      "cidr: '10.0.0.0/8'",
      'gt: 5',
      'hour: 5',
      'exists: true',
      'fieldref: g',
      "re: '[a-z]'",
    ])
      assert.deepEqual(of(`{ f|${asks} }`), [{ type: 'present', field: 'f' }], asks);
    assert.deepEqual(of('[keyword]'), [{ type: 'keyword', text: 'keyword' }]);
    for (const open of ['{ f: null }', '{ f|exists: false }', '{ f|neq: abc }', '[ab]'])
      assert.equal(of(open), null, open);
    assert.equal(of('{ f|base64offset|contains: secret }')?.length, 3);
    assert.equal(of("{ f|windash: '-enc' }")?.length, 5);
  });

  it('of AND are those of one side, of OR those of both, of NOT none', () => {
    assert.deepEqual(of('{ f: null, g: abc }'), [{ type: 'value', field: 'g', text: 'abc' }]);
    assert.deepEqual(of('{ f|contains: ab, g|contains: needle }'), [
      { type: 'substring', field: 'g', text: 'needle' },
    ]);
    assert.equal(of('{ f: [a, b] }')?.length, 2);
    assert.equal(of('{ f: abc }', 'sel or other')?.length, 2);
    assert.equal(of('{ f: abc }', 'sel or not other'), null);
    assert.equal(of('{ f: abc }', 'not sel'), null);
    assert.equal(of('{ f: abc }', 'not not sel')?.length, 1);
    assert.deepEqual(of('{ f: true, g|exists: true, h|contains: needle }'), [
      { type: 'substring', field: 'h', text: 'needle' },
    ]);
    assert.deepEqual(of('{ f: abc }', 'sel and not other'), [
      { type: 'value', field: 'f', text: 'abc' },
    ]);
  });
});
