/** Tests of the bounded JSON decoder: limits, duplicates, hostile strings, totality. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeJson, type Facts, noFacts, STRING_UNITS_MAX } from '../../src/source/json.ts';
import { seedOf } from './seed.ts';

const read = (text: string | Buffer, facts: Facts = noFacts()) =>
  decodeJson(typeof text === 'string' ? Buffer.from(text) : text, facts);
const reasonOf = (text: string | Buffer) => {
  const result = read(text);
  return result.ok ? 'ok' : result.rejection.reason;
};
const parsed = (text: string) => {
  const result = read(text);
  assert.ok(result.ok, text.slice(0, 60));
  return result.value;
};

test('values come out as JSON.parse gives them', () => {
  for (const text of [
    '{"a":[1,2,{"b":null}],"c":"x\\u0000\\ud800\\"\\\\","d":-1.5e3,"e":true}',
    '[]',
    '"text: with, {marks} [of] \\"structure\\""',
    ' {"" : {"":[ ]} } ',
    '0',
    'null',
    `"${'a:,{['.repeat(100)}\\\\"`,
    `{"long":"${'y'.repeat(500)}\\"${'z'.repeat(500)}\\\\","k":1}`,
  ]) {
    assert.deepEqual(parsed(text), JSON.parse(text));
  }
});

test('what cannot be read has a reason', () => {
  const cases: [string | Buffer, string][] = [
    ['', 'json-syntax'],
    ['{"a":1', 'json-syntax'],
    ['{"a":"unended', 'json-syntax'],
    ['{"a":"unended\\', 'json-syntax'],
    ['{a:1}', 'json-syntax'],
    ["{'a':1}", 'json-syntax'],
    ['{"a":1}{"b":2}', 'json-syntax'],
    ['[1,]', 'json-syntax'],
    [']]]]]', 'json-syntax'],
    ['NaN', 'json-syntax'],
    ['\ufeff{}', 'json-syntax'],
    [Buffer.from([0x22, 0xff, 0xfe, 0x22]), 'not-utf8'],
    [Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), 'not-utf8'],
    ['{"n":1e999}', 'field-type'],
    ['-1e999', 'field-type'],
  ];
  for (const [text, reason] of cases)
    assert.equal(reasonOf(text), reason, String(text).slice(0, 40));
});

test('nesting: 64 levels pass, 65 do not, 100,000 do not hurt', () => {
  const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
  assert.equal(reasonOf(nested(64)), 'ok');
  assert.equal(reasonOf(nested(65)), 'too-deep');
  assert.equal(reasonOf(nested(100_000)), 'too-deep');
  assert.equal(reasonOf('{"a":'.repeat(100_000)), 'too-deep');
  assert.equal(reasonOf('[]'.repeat(100_000)), 'json-syntax');
  assert.equal(reasonOf(`["${'['.repeat(1000)}"]`), 'ok');
});

test('items: 10,000 pass, 10,001 do not, in arrays and in objects', () => {
  const array = (items: number) => `[${'0,'.repeat(items - 1)}0]`;
  const object = (items: number) =>
    `{${Array.from({ length: items }, (_, at) => `"k${at}":0`).join(',')}}`;
  assert.equal(reasonOf(array(10_000)), 'ok');
  assert.equal(reasonOf(array(10_001)), 'too-many-items');
  assert.equal(reasonOf(object(10_000)), 'ok');
  assert.equal(reasonOf(object(10_001)), 'too-many-items');
  assert.equal(reasonOf(`[${array(6000)},${array(6000)}]`), 'ok');
});

test('size: what is larger than the limit is not parsed', () => {
  assert.equal(reasonOf(Buffer.alloc(16 * 1024 * 1024 + 1, 0x20)), 'too-large');
  const result = decodeJson(Buffer.from('{"a":1}'), noFacts(), 6);
  assert.ok(!result.ok && result.rejection.reason === 'too-large');
});

test('a line that its reader cut is named too large, not broken', () => {
  assert.equal(reasonOf(`{"a":"${'x'.repeat(1024 * 1024 + 1 - 6)}`), 'too-large');
  assert.equal(reasonOf(`{"a":"${'x'.repeat(1024 * 1024 + 2 - 6)}`), 'json-syntax');
});

test('duplicate keys are counted, however they are written', () => {
  const cases: [string, number][] = [
    ['{"a":1,"b":2}', 0],
    ['{"a":1,"a":2}', 1],
    ['{"a":1,"\\u0061":2}', 1],
    ['{"a":1,"a":2,"a":3}', 2],
    ['[{"a":1},{"a":1}]', 0],
    ['{"x":{"a":1,"b":{"c":[],"c":[]}},"a":1}', 1],
    ['{"a:":"b:c","d":":::"}', 0],
    ['{"__proto__":1,"__proto__":2}', 1],
    ['{"a":{"deep":{"tree":1}},"a":0}', 3],
    ['{"1":0,"1":1,"01":2}', 1],
  ];
  for (const [text, count] of cases) {
    const facts = noFacts();
    const result = read(text, facts);
    assert.ok(result.ok, text);
    assert.deepEqual(result.value, JSON.parse(text));
    assert.equal(facts.duplicateKeys > 0, count > 0, text);
    assert.equal(facts.duplicateKeys, count, text);
  }
});

test('keys that name prototypes are own data and reach nothing', () => {
  const value = parsed('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}');
  assert.ok(typeof value === 'object' && value !== null);
  assert.equal(Object.getPrototypeOf(value), Object.prototype);
  assert.ok(Object.hasOwn(value, '__proto__'));
  assert.equal(({} as { polluted?: number }).polluted, undefined);
  const long = 'p'.repeat(STRING_UNITS_MAX + 1);
  const cut = parsed(`{"__proto__":"${long}"}`) as object;
  assert.equal(Object.getPrototypeOf(cut), Object.prototype);
  assert.equal(
    String(Object.getOwnPropertyDescriptor(cut, '__proto__')?.value).length,
    STRING_UNITS_MAX,
  );
});

test('long strings keep their two ends, and no pair of surrogates is split', () => {
  const half = STRING_UNITS_MAX / 2;
  const facts = noFacts();
  const text = `${'a'.repeat(half)}middle${'b'.repeat(half)}`;
  const result = read(JSON.stringify([{ text }, 'short']), facts);
  assert.ok(result.ok && facts.truncated);
  assert.deepEqual(result.value, [{ text: 'a'.repeat(half) + 'b'.repeat(half) }, 'short']);
  const faces = parsed(JSON.stringify(`x${'😀'.repeat(STRING_UNITS_MAX)}y`)) as string;
  assert.ok(faces.isWellFormed() && faces.length <= STRING_UNITS_MAX);
  assert.ok(faces.startsWith('x😀') && faces.endsWith('😀y'));
  const exact = noFacts();
  read(JSON.stringify('c'.repeat(STRING_UNITS_MAX)), exact);
  assert.equal(exact.truncated, false);
});

test('details quote nothing of the payload', () => {
  for (const text of ['{"secret', '{"n":1e999,"k":"secret"}', `"${'secret'.repeat(3)}`]) {
    const result = read(text);
    assert.ok(!result.ok && !result.rejection.detail.includes('secret'), text);
  }
});

test('any bytes give a value or a reason', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      const result = read(Buffer.from(bytes));
      if (!result.ok) assert.ok(result.rejection.detail.length <= 256);
    }),
    { seed: seedOf(t), numRuns: 500 },
  );
});

test('any JSON text decodes to what JSON.parse gives, without duplicates', (t) => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 6 }), (text) => {
      const facts = noFacts();
      const result = read(text, facts);
      assert.ok(result.ok);
      assert.deepEqual(result.value, JSON.parse(text));
      assert.equal(facts.duplicateKeys, 0);
    }),
    { seed: seedOf(t), numRuns: 500 },
  );
});
