/** Text of Sigma values: folding, escapes of wildcards, matching of patterns. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { compileGlob, fold, nearest, plainOf, readGlob } from '../../../src/detect/sigma/text.ts';
import { ONE, RUN } from '../../../src/model/sigma.ts';

describe('folding', () => {
  it('is the same for a part as for the whole', () => {
    assert.equal(fold('ΟΔΟΣ'), fold('ΟΔΟ') + fold('Σ'));
    assert.equal(fold('ΟΔΟΣ ΜΟΥ'), 'οδοσ μου');
    assert.equal(fold('STRASSE Ä İ'), `strasse ä ${'İ'.toLowerCase()}`);
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (a, b) => {
        assert.equal(fold(a + b), fold(a) + fold(b));
      }),
    );
  });
});

describe('wildcards', () => {
  it('are read with their escapes', () => {
    const read = (text: string) => readGlob(text);
    assert.deepEqual(read('a*b?c'), ['a', RUN, 'b', ONE, 'c']);
    assert.deepEqual(read('a**b'), ['a', RUN, 'b']);
    assert.deepEqual(read('a\\*b\\?'), ['a*b?']);
    assert.deepEqual(read('a\\\\*'), ['a\\', RUN]);
    assert.deepEqual(read('a\\\\\\*'), ['a\\*']);
    assert.deepEqual(read('C:\\Windows\\cmd.exe'), ['C:\\Windows\\cmd.exe']);
    assert.deepEqual(read('ends\\'), ['ends\\']);
    assert.deepEqual(read('\\\\\\\\server'), ['\\\\server']);
    assert.deepEqual(read(''), []);
  });

  it('leave plain texts plain', () => {
    assert.equal(plainOf(readGlob('abc')), 'abc');
    assert.equal(plainOf(readGlob('')), '');
    assert.equal(plainOf(readGlob('a*')), null);
  });

  it('match runs of any length and single characters, also beyond the first plane', () => {
    const does = (pattern: string, text: string) => compileGlob(readGlob(pattern))(text);
    assert.ok(does('*', '') && does('a*', 'a') && does('*a', 'xa') && does('*a*', 'xax'));
    assert.ok(does('a?c', 'abc') && does('a?c', 'a😀c') && does('?', '😀') && does('*?', 'x😀'));
    assert.ok(!does('a?c', 'ac') && !does('?', '') && !does('??', '😀') && !does('a*b', 'a'));
    assert.ok(does('a*b*c', 'a1b2c') && !does('a*b*c', 'acb') && !does('ab*bc', 'abc'));
    assert.ok(does('*?b*', 'xxb') && !does('*?b', 'b') && does('?*?', 'ab') && !does('?*?', 'a'));
  });

  it('agree with a slow matcher on everything short', () => {
    const slow = (glob: readonly unknown[], text: string): boolean => {
      const [first, ...rest] = glob;
      if (first === undefined) return text === '';
      if (first === RUN) return slow(rest, text) || (text !== '' && slow(glob, text.slice(1)));
      if (first === ONE) return text !== '' && slow(rest, text.slice(1));
      const literal = String(first);
      return text.startsWith(literal) && slow(rest, text.slice(literal.length));
    };
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 7 });
    const text = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 8 });
    fc.assert(
      fc.property(pattern, text, (one, other) => {
        const glob = readGlob(one);
        assert.equal(compileGlob(glob)(other), slow(glob, other), `${one} on ${other}`);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('nearest', () => {
  it('finds what was meant, and nothing where nothing is near', () => {
    assert.equal(nearest('contain', ['contains', 'cased', 're']), 'contains');
    assert.equal(nearest('startwith', ['startswith', 'endswith']), 'startswith');
    assert.equal(nearest('xyzzy', ['contains', 're']), null);
    assert.equal(nearest('z'.repeat(100), ['contains']), null);
  });
});
