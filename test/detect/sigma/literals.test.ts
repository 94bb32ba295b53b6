/** Literals: what must lie in whatever an expression matches, and never more than that. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { mandatoryLiterals } from '../../../src/detect/sigma/literals.ts';
import { compileRegex } from '../../../src/detect/sigma/regex.ts';
import { fold } from '../../../src/detect/sigma/text.ts';
import { integer, stream } from '../../../src/simulation/random.ts';

describe('mandatory literals', () => {
  it('are those of the table', () => {
    const cases: readonly (readonly [pattern: string, literals: string, flags?: string])[] = [
      ['abc', 'abc'],
      ['^AbC$', 'abc'],
      ['abcd?ef', 'abcdef abcef'],
      ['abcd*', 'abc'],
      ['abcd+ef', 'abc'],
      ['(abcd)+e', 'abcd'],
      ['(abcd)*efg', 'efg'],
      ['ab{0,2}cde', 'cde'],
      ['xab{2}', ''],
      ['abc|def', 'abc def'],
      ['abc|d', ''],
      ['(abc|def)gh', 'abcgh defgh'],
      ['(drop|alter)\\s+table', 'table'],
      ['(go\\s+(get|install)|cargo\\s+add)\\s+[a-z]', 'get install cargo'],
      ['(?:one|two)x(?P<name>y)', 'onexy twoxy'],
      ['a\\.b\\d+c', 'a.b'],
      ['\\x41bcd', 'bcd'],
      ['\\x{41}bcd', 'bcd'],
      ['\\p{Greek}bcd', 'bcd'],
      ['\\bfoo\\b', 'foo'],
      ['[abc]def[^]x]g', 'def'],
      ['[[:alpha:]]xyz', 'xyz'],
      ['\\Qa.b\\E', ''],
      ['Kiss men', ' men', 'i'],
      ['(?i)wanted', 'wanted'],
      ['(?i)skip', ''],
      ['a😀?bcd', 'bcd'],
      ['(unclosed', ''],
      ['closed)', ''],
      ['[unclosed', ''],
      ['abc**', ''],
      ['abc{,3}', ''],
      ['(?<!\\p{L})(?<kind>ghp|ghs)_[a-z]{36}(?![a-z])', 'ghp_ ghs_'],
      ['abc(?=def)ghi', 'abcghi'],
      ['(?<kind>abc)', 'abc'],
      ['a\\u0041bcd', ''],
    ];
    for (const [pattern, literals, flags = ''] of cases)
      assert.equal(mandatoryLiterals(pattern, flags).join(' '), literals, pattern);
  });

  it('are not misled by letters that meet others without case', () => {
    const compiled = compileRegex('(?i)task', '');
    assert.ok('search' in compiled);
    for (const text of ['ta\u017fk', 'ta\u017f\u212a', 'TASK']) {
      assert.ok(compiled.search(text), text);
      assert.deepEqual(mandatoryLiterals('(?i)task', ''), []);
    }
  });

  it('lie in every text that a random expression is found in', () => {
    const random = stream(11, 'literals');
    const of = <T>(list: readonly T[]): T => list[integer(random, 0, list.length - 1)] as T;
    const expression = (depth: number): string => {
      const atoms = [
        'abc',
        'AB',
        'k',
        's',
        'x',
        '.',
        '[ab]',
        '[^a]',
        '\\s',
        '\\.',
        '\\x41',
        '\\b',
        'ß',
      ];
      let made = '';
      for (let n = integer(random, 1, 3); n > 0; n -= 1) {
        const atom =
          depth > 0 && integer(random, 0, 2) === 0
            ? `${of(['(', '(?:', '(?i:'])}${expression(depth - 1)})`
            : of(atoms);
        made += atom + of(['', '', '', '?', '*', '+', '{2}', '{0,1}', '+?']);
      }
      return integer(random, 0, 2) === 0 ? `${made}|${of(atoms)}cd` : made;
    };
    let met = 0;
    for (let n = 0; n < 4000; n += 1) {
      const pattern = expression(2);
      const flags = of(['', 'i']);
      const compiled = compileRegex(pattern, flags);
      if ('problem' in compiled) continue;
      const literals = mandatoryLiterals(pattern, flags);
      if (literals.length === 0) continue;
      for (let t = 0; t < 40; t += 1) {
        let text = '';
        for (let left = integer(random, 1, 6); left > 0; left -= 1)
          text += of([
            'abc',
            'ab',
            'ABC',
            'AB',
            'k',
            '\u212a',
            '\u017f',
            'x',
            ' ',
            '.',
            'cd',
            'A',
            'ß',
          ]);
        if (!compiled.search(text)) continue;
        met += 1;
        const folded = fold(text);
        assert.ok(
          literals.some((literal) => folded.includes(literal)),
          `${pattern} ${flags} is found in ${JSON.stringify(text)} without ${literals.join()}`,
        );
      }
    }
    assert.ok(met > 500, `${met} matches tried`);
  });
});
