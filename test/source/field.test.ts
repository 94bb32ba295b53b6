/** Tests of pointers, conversions and fields of mappings. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileField } from '../../src/source/field.ts';
import type { Conversion, Field } from '../../src/source/field-schema.ts';
import { noFacts } from '../../src/source/json.ts';
import { compileFrom, compilePointer } from '../../src/source/pointer.ts';

const item = JSON.parse(
  '{"a":{"b":[10,{"c":"deep"}]},"x/y":1,"m~n":2,"":3,"none":null,"__proto__":{"own":4}}',
) as unknown;

test('pointers are those of RFC 6901, over own properties only', () => {
  const cases: [string, unknown][] = [
    ['', item],
    ['/a/b/0', 10],
    ['/a/b/1/c', 'deep'],
    ['/x~1y', 1],
    ['/m~0n', 2],
    ['/', 3],
    ['/none', null],
    ['/__proto__/own', 4],
    ['/a/b/2', undefined],
    ['/a/b/00', undefined],
    ['/a/b/-1', undefined],
    ['/a/b/length', undefined],
    ['/a/b/map', undefined],
    ['/constructor', undefined],
    ['/toString/name', undefined],
    ['/a/b/0/0', undefined],
    ['/missing/deeper/still', undefined],
  ];
  for (const [pointer, want] of cases)
    assert.deepEqual(compilePointer(pointer)(item), want, pointer);
});

test('of several pointers the first that finds something wins, and null is nothing', () => {
  assert.equal(compileFrom(['/missing', '/none', '/a/b/0', '/x~1y'])(item), 10);
  assert.equal(compileFrom(['/missing', '/none'])(item), undefined);
  assert.equal(compileFrom('/none')(item), undefined);
});

const convert = (as: Conversion, value: unknown) => {
  const facts = noFacts();
  const result = compileField({ from: '/v', as })({ v: value }, facts);
  return facts.failure === null ? result : facts.failure.reason;
};

test('conversions', () => {
  const trace = 'Ab12'.repeat(8);
  const cases: [Conversion, unknown, unknown][] = [
    ['string', 5, '5'],
    ['string', true, 'true'],
    ['string', { a: [1] }, '{"a":[1]}'],
    ['string', 'same', 'same'],
    ['number', '12.5', 12.5],
    ['number', -3, -3],
    ['number', '1e5', 'field-type'],
    ['number', 'twelve', 'field-type'],
    ['number', '', 'field-type'],
    ['json', '{"a":1}', { a: 1 }],
    ['json', { a: 1 }, { a: 1 }],
    ['json', '{broken', 'json-syntax'],
    ['json', 'null', undefined],
    ['json', '['.repeat(70), 'too-deep'],
    ['unquote', '"name"', 'name'],
    ['unquote', 'name', 'name'],
    ['unquote', '"', '"'],
    ['unquote', 5, 'field-type'],
    ['lower', 'DENY', 'deny'],
    ['lower', 5, 'field-type'],
    ['hex32', trace, trace.toLowerCase()],
    ['hex32', '0af76519-16cd-43dd-8448-eb211c80319c', '0af7651916cd43dd8448eb211c80319c'],
    [
      'hex32',
      Buffer.from('0af7651916cd43dd8448eb211c80319c', 'hex').toString('base64'),
      '0af7651916cd43dd8448eb211c80319c',
    ],
    ['hex32', 'short', 'field-type'],
    ['hex16', 'B7AD6B7169203331', 'b7ad6b7169203331'],
    ['hex16', trace, 'field-type'],
    ['seconds_to_ms', 1.5, 1500],
    ['seconds_to_ms', '2', 2000],
    ['us_to_ms', 2500, 2.5],
    ['ns_to_ms', 1_000_000, 1],
    ['rfc3339', '1970-01-01T00:00:01Z', 1000],
    ['unix_s', 7, 7000],
    ['unix_ms', 'soon', 'field-type'],
  ];
  for (const [as, value, want] of cases) {
    assert.deepEqual(convert(as, value), want, `${as} of ${JSON.stringify(value)}`);
  }
});

test('map, default and const', () => {
  const read = (spec: Field, value: unknown) => {
    const facts = noFacts();
    return [compileField(spec)({ v: value }, facts), facts.failure?.reason ?? null];
  };
  const map = { PERMIT: 'allow', '1': 'allow', true: 'allow', DENY: 'deny' };
  assert.deepEqual(read({ from: '/v', map }, 'PERMIT'), ['allow', null]);
  assert.deepEqual(read({ from: '/v', map }, 1), ['allow', null]);
  assert.deepEqual(read({ from: '/v', map }, true), ['allow', null]);
  assert.deepEqual(read({ from: '/v', map }, 'permit'), [undefined, 'field-type']);
  assert.deepEqual(read({ from: '/v', map }, 'constructor'), [undefined, 'field-type']);
  assert.deepEqual(read({ from: '/v', map }, ['PERMIT']), [undefined, 'field-type']);
  assert.deepEqual(read({ from: '/v', map, default: 'unknown' }, 'HOLD'), ['unknown', null]);
  assert.deepEqual(read({ from: '/v', map, as: 'string', default: 'unknown' }, null), [
    'unknown',
    null,
  ]);
  assert.deepEqual(read({ from: '/v', map }, null), [undefined, null]);
  assert.deepEqual(read({ const: 'fixed' }, 1), ['fixed', null]);
  assert.deepEqual(read('decision', 1), ['decision', null], 'a bare word is a constant');
  assert.deepEqual(read('/v', 1), [1, null]);
  assert.deepEqual(read(['/w', '/v'], 1), [1, null]);
});

test('duplicate keys inside a string of JSON are counted too', () => {
  const facts = noFacts();
  compileField({ from: '/v', as: 'json' })({ v: '{"to":"a","to":"b"}' }, facts);
  assert.equal(facts.duplicateKeys, 1);
});
