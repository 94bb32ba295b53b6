/** Tests of fields: numbers from texts, and what a compiled match refuses. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compileMatch, numberOf } from '../../../src/detect/sigma/tests.ts';
import { recordView } from '../../../src/detect/sigma/view.ts';
import type { Test } from '../../../src/model/sigma.ts';

const match = (field: string | null, test: Test) =>
  compileMatch({ type: 'match', field, test, wrote: { key: 'k', value: 'v' } });

describe('numbers', () => {
  it('are taken from decimal texts only', () => {
    for (const [text, number] of [
      ...([
        ['5', 5],
        ['-5', -5],
        ['+5.50', 5.5],
        ['.5', 0.5],
        ['007', 7],
      ] as const),
      ...([['9007199254740991', 9007199254740991]] as const),
    ])
      assert.equal(numberOf(text), number, text);
    for (const text of [
      '',
      ' 5',
      '5 ',
      '0x10',
      '1e3',
      'NaN',
      'Infinity',
      '5,5',
      '9007199254740992',
      true,
    ])
      assert.equal(numberOf(text), null, String(text));
  });
});

describe('compiled matches', () => {
  it('throw on what checking would have refused: that is a bug, not a rule', () => {
    assert.throws(() => match('f', { type: 'cidr', network: 'x' }), RangeError);
    assert.throws(() => match('f', { type: 'regex', pattern: '(', flags: '' }), RangeError);
  });

  it('of unresolved placeholders, and of keywords that ask no text, never hold', () => {
    assert.equal(
      match('f', { type: 'unresolved', placeholder: 'p' })(recordView({ f: 'p' })),
      false,
    );
    assert.equal(match(null, { type: 'number', value: 5 })(recordView({ f: 5 })), false);
  });
});
