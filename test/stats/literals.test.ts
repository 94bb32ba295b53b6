import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  digestsOf,
  hash32,
  stem,
  type Token,
  type TokenKind,
  tokensOf,
  toolWordsOf,
} from '../../src/stats/literals.ts';

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

const PIECES = [
  ...'a b é ß İ K 𝒜 😀 1 0 00 12 _ - . .. / ~ @ , + # ( ) [ ] { } < > | ! ? : \\ ٣ 中文 Σας'.split(
    ' ',
  ),
  ...'http:// https:// www. HTTP:// abc Sending used class 2026-11-20 1,000.50 a@b.io x_1 /home/'.split(
    ' ',
  ),
  ...[' ', '\n', '\u00a0', '\u2028', '"', "'", '\ud83d', '\ude00', 'a'.repeat(40), '1'.repeat(19)],
];
const salad = fc
  .array(fc.constantFrom(...PIECES), { maxLength: 24 })
  .map((pieces) => pieces.join(''));

test('literals: the scanner finds just what its specification finds', () => {
  fc.assert(
    fc.property(fc.oneof(salad, fc.string({ unit: 'binary' })), fc.nat(40), (text, most) => {
      assert.deepEqual(tokensOf(text, most), specified(text, most));
    }),
    { numRuns: 2000 },
  );
});

test('literals: a stretch of a text has the digests it has on its own', () => {
  fc.assert(
    fc.property(salad, salad, salad, (before, text, after) => {
      const [from, to] = [before.length, before.length + text.length];
      const { h, kinds } = digestsOf(before + text + after, from, to);
      const tokens = specified(text, 4096);
      assert.deepEqual(
        h,
        tokens.map((token) => token.h),
      );
      assert.deepEqual(
        kinds,
        tokens.map(({ kind }) => kind),
      );
    }),
    { numRuns: 1000 },
  );
});

// What a token is, as one expression: the scanner has to find the same, only sooner.
const TOKEN =
  /([\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8})|((?:https?:\/\/|www\.)[^\s"'<>()[\]{}|\\^`,]{1,512})|((?:~|\.{1,2})?(?:\/[\w.-]{1,128}){1,24}\/?)|(\d{4}-\d{2}-\d{2})|(\d[\d,]{0,30}(?:\.\d{1,20})?(?![\w-]))|([\p{L}\d_-]{0,64}\d[\p{L}\d_-]{0,64})|(\p{L}{1,64})/gu;

function specified(text: string, most: number): Token[] {
  const found: Token[] = [];
  for (const match of text.matchAll(TOKEN)) {
    if (found.length >= most) break;
    const [, email, url, path, date, number, id, word] = match;
    if (word !== undefined) found.push(token(stem(word.toLowerCase()), 'word'));
    else if (number !== undefined) found.push(token(canonicalNumber(number), 'number'));
    else if (email !== undefined)
      found.push(token(email.toLowerCase().replace(/\.{1,9}$/, ''), 'email'));
    else if (url !== undefined) addUrl(url, found);
    else if (path !== undefined) addPath(path, found);
    else if (date !== undefined) found.push(token(date, 'date'));
    else if (id !== undefined) addParts(id, found);
  }
  return found;
}

function token(text: string, kind: TokenKind): Token {
  return { h: hash32(text), kind, text };
}

function canonicalNumber(text: string): string {
  const plain = text.replaceAll(',', '');
  return plain.includes('.') ? plain.replace(/0{1,20}$/, '').replace(/\.$/, '') : plain;
}

function addUrl(text: string, found: Token[]): void {
  const [address = ''] = text
    .toLowerCase()
    .replace(/^https?:\/\//, '')
    .replace(/^www\./, '')
    .split('#');
  const url = address.replace(/[/.,;:!?]{1,16}$/, '');
  const [host = ''] = url.split('/');
  if (host !== url) found.push(token(host, 'host'));
  found.push(token(url, 'url'));
}

function addPath(text: string, found: Token[]): void {
  const path = text.toLowerCase().replace(/[/.]{1,16}$/, '');
  if (path !== '') found.push(token(path, 'path'));
}

function addParts(text: string, found: Token[]): void {
  for (const part of text.toLowerCase().split('_')) {
    if (part === '') continue;
    const kind = /^\d+$/.test(part) ? 'number' : /\d/.test(part) ? 'id' : 'word';
    found.push(token(part, kind));
  }
}
