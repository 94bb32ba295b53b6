/** Regular expressions: as RE2 has them, in linear time, what cannot be is refused. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compileRegex } from '../../../src/detect/sigma/regex.ts';

function search(pattern: string, text: string, flags = ''): boolean {
  const compiled = compileRegex(pattern, flags);
  assert.ok('search' in compiled, JSON.stringify(compiled));
  return compiled.search(text);
}

describe('regular expressions', () => {
  it('search anywhere, with flags', () => {
    assert.ok(search('b+', 'abc') && !search('B', 'abc') && search('B', 'abc', 'i'));
    assert.ok(!search('^b', 'a\nb') && search('^b', 'a\nb', 'm'));
    assert.ok(!search('a.b', 'a\nb') && search('a.b', 'a\nb', 's'));
    assert.ok(search('(?i)ABC', 'xabcx') && search('\\d{2}\\s', 'a12 ') && search('^a.c$', 'a😀c'));
  });

  it('take time in proportion to the text, whatever the text is', () => {
    const measure = (length: number) => {
      const { user } = process.cpuUsage();
      assert.equal(search('^(a+)+$', `${'a'.repeat(length)}!`), false);
      assert.equal(search('(a|aa)+b', 'a'.repeat(length)), false);
      return process.cpuUsage().user - user;
    };
    measure(1000);
    // A backtracking engine needs longer than the universe is old for forty characters.
    assert.ok(measure(100_000) < 20_000_000);
  });

  it('that need backtracking are refused with the reason', () => {
    for (const pattern of [
      '(?=a)b',
      '(?<!a)b',
      '(a)\\1',
      '(?>a)b',
      'a++',
      '(',
      '[z-a]',
      'x'.repeat(5000),
    ]) {
      const compiled = compileRegex(pattern, '');
      assert.ok('problem' in compiled && compiled.problem.length > 10, pattern);
    }
  });
});
