/** Tests of conditions: which values each of their words holds for. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileWhen } from '../../src/source/condition.ts';
import type { Condition } from '../../src/source/field-schema.ts';

const holds = (want: Condition[string], value: unknown) =>
  compileWhen({ '/a': want })({ a: value });

test('a literal is equal in type too; a list holds for any of it', () => {
  assert.deepEqual(
    [holds(1, 1), holds(1, '1'), holds(['x', 2], 2), holds(['x', 2], 'y')],
    [true, false, true, false],
  );
});

test('null is as good as absent', () => {
  assert.equal(holds({ exists: true }, null), false);
  assert.equal(holds({ exists: false }, null), true);
  assert.equal(compileWhen({ '/b/c': { exists: false } })({ a: 1 }), true);
});

test('not: anything else, absent included', () => {
  assert.equal(holds({ not: 'x' }, 'x'), false);
  assert.equal(holds({ not: ['x', 'y'] }, 'z'), true);
  assert.equal(compileWhen({ '/b': { not: 'x' } })({}), true);
});

test('prefix and contains look into texts, contains into lists as well', () => {
  assert.equal(holds({ prefix: ['ab', 'x'] }, 'xyz'), true);
  assert.equal(holds({ prefix: 'ab' }, ['ab']), false);
  assert.equal(holds({ contains: 'UAEX' }, 'NR,UAEX'), true);
  assert.equal(holds({ contains: ['denied'] }, ['access', 'denied']), true);
  assert.equal(holds({ contains: 'denied' }, ['access denied']), false);
});

test('atLeast and below compare numbers and digits, and hold for nothing else', () => {
  assert.equal(holds({ atLeast: 200, below: 400 }, 302), true);
  assert.equal(holds({ atLeast: 200, below: 400 }, '302'), true);
  assert.equal(holds({ atLeast: 200, below: 400 }, 400), false);
  for (const value of ['2e2', '', ' 300', null, [300], { valueOf: 300 }])
    assert.equal(holds({ atLeast: 0 }, value), false);
});

test('all words of one test, and all tests, must hold', () => {
  const when = compileWhen({ '/a': { exists: true, not: '-' }, '/b': 1 });
  assert.deepEqual([{ a: 'x', b: 1 }, { a: '-', b: 1 }, { a: 'x', b: 2 }, { b: 1 }].map(when), [
    true,
    false,
    false,
    false,
  ]);
});
