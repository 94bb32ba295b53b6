import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { tokensOf, toolWordsOf } from '../../src/stats/literals.ts';

const texts = (text: string) => tokensOf(text).map((token) => token.text);

test('literals: a value is the same in other clothes', () => {
  assert.deepEqual(texts('https://www.Example.org/pay/'), texts('www.example.org/pay#now'));
  assert.deepEqual(texts('1,810.00'), texts('1810'));
  assert.deepEqual(texts('Ann@Example.ORG'), ['ann@example.org']);
  assert.deepEqual(texts('2026-11-20'), ['2026-11-20']);
});

test('literals: a URL gives its host too, and a compound name its parts', () => {
  assert.deepEqual(texts('https://pay.example.org/a#top'), [
    'pay.example.org',
    'pay.example.org/a',
  ]);
  assert.deepEqual(texts('order_4711'), ['order', '4711']);
  assert.deepEqual(toolWordsOf('sendMoney'), ['send', 'money']);
});

test('literals: kinds', () => {
  const kinds = tokensOf('mail a@b.io see www.b.io/x or /etc/hosts by AT68 12 now').map(
    ({ kind }) => kind,
  );
  assert.deepEqual(kinds, [
    'word',
    'email',
    'word',
    'host',
    'url',
    'word',
    'path',
    'word',
    'id',
    'number',
    'word',
  ]);
});

test('literals: never more tokens than asked, whatever the text', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 400 }), fc.integer({ min: 0, max: 20 }), (text, most) => {
      const found = tokensOf(text, most);
      assert.ok(found.length <= most + 1);
      for (const { h, text: form } of found)
        assert.ok(Number.isInteger(h) && h >= 0 && h < 2 ** 32 && form.length > 0);
    }),
  );
});

test('literals: hostile repetitions are read in bounded work', () => {
  for (const piece of ['a.', '/a', 'a@', '1,', '-1', 'www.', '_'])
    assert.ok(tokensOf(piece.repeat(20_000), 50_000).length <= 50_001, piece);
});
