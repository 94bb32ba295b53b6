/** Outside text becomes storable: nothing refused, nothing confused, nothing unbounded. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalJson } from '../../src/model/canonical-json.ts';
import { cleanKey, cleanText, storableJson, whole, wholeOrNull } from '../../src/record/text.ts';

const anyText = fc.string({ unit: 'binary', maxLength: 600 });

test('clean text is well formed, without NUL, bounded, and stays as it is when cleaned again', () => {
  fc.assert(
    fc.property(anyText, fc.integer({ min: 1, max: 700 }), (text, max) => {
      const clean = cleanText(text, max);
      assert.ok(clean.isWellFormed() && !clean.includes('\u0000') && clean.length <= max);
      assert.equal(cleanText(clean, max), clean);
    }),
  );
  assert.equal(cleanText('abc', 3), 'abc');
  assert.equal(cleanText('abcd', 3), 'ab…');
  assert.equal(cleanText('a\u0000\ud800b'), 'a\uFFFD\uFFFDb');
});

test('keys that differ stay different, and a storable key stays itself', () => {
  fc.assert(
    fc.property(anyText, anyText, (a, b) => {
      assert.equal(cleanKey(a) === cleanKey(b), a === b);
      assert.ok(cleanKey(a).length <= 512 && cleanKey(a).isWellFormed());
    }),
  );
  const twins = [
    's\u0000',
    's\uFFFD',
    's\ud800',
    's\udfff',
    `${'s'.repeat(600)}a`,
    's'.repeat(600),
  ];
  assert.equal(new Set(twins.map((text) => cleanKey(text))).size, twins.length);
  assert.equal(cleanKey('s'.repeat(512)), 's'.repeat(512));
  assert.ok(cleanKey('s'.repeat(300), 256).length <= 256);
});

test('JSON of anything parses, is canonical, and holds nothing that jsonb refuses', () => {
  fc.assert(
    fc.property(fc.object({ maxDepth: 4, key: anyText }), (value) => {
      const text = storableJson(value);
      assert.equal(canonicalJson(JSON.parse(text)), text);
      JSON.parse(text, (key, member: unknown) => {
        for (const one of [key, member]) {
          if (typeof one === 'string') assert.ok(one.isWellFormed() && !one.includes('\u0000'));
        }
      });
    }),
  );
  assert.equal(storableJson({ b: undefined, a: [Number.NaN, -0, 1n] }), '{"a":[null,0,"1"]}');
  assert.equal(storableJson(JSON.parse('{"__proto__":1}')), '{"__proto__":1}');
});

test('what is nested too deep is cut, however deep', () => {
  let deep: unknown = 1;
  for (let n = 0; n < 100_000; n += 1) deep = [deep];
  assert.equal(storableJson(deep), `${'['.repeat(64)}"[too deep]"${']'.repeat(64)}`);
});

test('numbers for bigint columns are whole and safe', () => {
  fc.assert(
    fc.property(fc.double(), (value) => {
      assert.ok(Number.isSafeInteger(whole(value)));
    }),
  );
  assert.deepEqual(
    [1.9, -1.9, 1e300, Number.NaN, null].map((value) => wholeOrNull(value)),
    [1, -1, Number.MAX_SAFE_INTEGER, null, null],
  );
});
