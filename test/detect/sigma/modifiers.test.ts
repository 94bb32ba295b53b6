/** Modifiers: names, aliases, and which go together. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MODIFIERS, readModifiers } from '../../../src/detect/sigma/modifiers.ts';

function read(text: string) {
  const said: string[] = [];
  const reading = readModifiers(text === '' ? [] : text.split('|'), (message) =>
    said.push(message),
  );
  return { reading, said: said.join('\n') };
}

describe('modifiers', () => {
  it('are those of Sigma 2.1', () => {
    const spec =
      'all startswith endswith contains exists cased neq windash re i m s base64 base64offset utf16le wide ' +
      'utf16be utf16 lt lte gt gte minute hour day week month year cidr expand fieldref';
    for (const name of spec.split(' ')) assert.ok(MODIFIERS.includes(name), name);
  });

  it('are read from left to right, with their aliases', () => {
    const { reading } = read('wide|base64offset|contains|all');
    assert.deepEqual(reading, {
      kind: { type: 'text', transforms: ['utf16le', 'base64offset', 'contains'] },
      all: true,
      negated: false,
      cased: false,
    });
    assert.deepEqual(read('re|ignorecase|multiline|dotall').reading?.kind, {
      type: 'regex',
      flags: 'ims',
      expand: false,
    });
    assert.deepEqual(read('hour|gte').reading?.kind, {
      type: 'compare',
      operator: 'gte',
      part: 'hour',
    });
    assert.deepEqual(read('hour').reading?.kind, { type: 'compare', operator: 'eq', part: 'hour' });
    assert.deepEqual(read('fieldref|startswith|neq').reading?.kind, {
      type: 'field',
      placement: 'startswith',
    });
    assert.equal(read('fieldref|neq').reading?.negated, true);
  });

  it('that do not go together are refused with the way out', () => {
    assert.match(read('contain').said, /unknown modifier `contain`; did you mean `contains`\?/);
    assert.match(read('foo|bar').said, /`foo`[\s\S]*`bar`/);
    assert.match(read('exists|neq').said, /`exists` stands alone.*exists: false/);
    assert.match(read('re|contains').said, /`contains` does not go with `re`/);
    assert.match(read('re|cased').said, /leave out `cased`/);
    assert.match(read('i').said, /`i` must follow `re`/);
    assert.match(read('i|re').said, /`i` must follow `re`/);
    assert.match(read('cidr|contains').said, /`cidr` goes with no other/);
    assert.match(read('gt|lt').said, /a comparison is one of/);
    assert.match(read('gt|contains').said, /a comparison is one of/);
    assert.match(read('hour|day').said, /at most one of/);
    assert.match(read('gt|cased').said, /`cased` is for text/);
    assert.match(read('fieldref|base64').said, /`fieldref` goes with one of/);
    for (const text of ['exists|neq', 're|contains', 'gt|lt'])
      assert.equal(read(text).reading, null, text);
  });
});
