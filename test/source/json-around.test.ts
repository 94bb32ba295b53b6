/** Reading around what is too much: the rest reads as if it had come alone, and nothing is lost. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { noFacts } from '../../src/source/json.ts';
import { decodeAround, IN_ARRAY, IN_REQUEST } from '../../src/source/json-around.ts';
import { seedOf } from './seed.ts';

const deep = (levels: number) => `${'{"a":'.repeat(levels - 1)}{}${'}'.repeat(levels - 1)}`;
const EXCESS = [deep(64), deep(70), `{"a":[${'1,'.repeat(10_000)}1]}`, '{"a":[1e400,"]"]}'];
const around = (text: string, brackets = IN_ARRAY) => {
  const { read, apart } = decodeAround(Buffer.from(text), noFacts(), 1 << 24, brackets);
  return {
    read: read.ok ? read.value : read.rejection.reason,
    apart: apart.map(({ rejection, raw }) => [rejection.reason, raw.toString()]),
  };
};

describe('items between brackets', () => {
  it('are taken out where they break a limit, wherever they stand', (t) => {
    const item = fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 3 });
    const space = fc.constantFrom('', ' ', '\n\t');
    const entry = fc.tuple(fc.option(fc.constantFrom(...EXCESS)), item, space, space);
    const check = fc.property(fc.array(entry, { maxLength: 8 }), (entries) => {
      const texts = entries.map(
        ([excess, value, before, after]) => `${before}${excess ?? JSON.stringify(value)}${after}`,
      );
      const { read, apart } = around(`[${texts.join(',')}]`);
      const kept = entries.filter(([excess]) => excess === null);
      assert.deepEqual(
        read,
        kept.map(([, value]) => JSON.parse(JSON.stringify(value))),
      );
      assert.deepEqual(
        apart.map(([, raw]) => raw),
        entries.flatMap(([excess]) => excess ?? []),
      );
    });
    fc.assert(check, { seed: seedOf(t), numRuns: 300 });
  });

  it('are found at their place in a request, and nowhere else', () => {
    const scope = (spans: string) => `{"scope":{"attributes":[{"a":"{["}]},"spans":[${spans}]}`;
    const request = (spans: string) =>
      `{"resourceSpans":[{"resource":{"attributes":[{"b":1}]},"scopeSpans":[${scope(spans)}]}]}`;
    const found = around(request(`${deep(58)},${deep(59)},{"n":1}`), IN_REQUEST);
    assert.deepEqual(found.read, JSON.parse(request(`${deep(58)},{"n":1}`)));
    assert.deepEqual(found.apart, [['too-deep', deep(59)]]);
    const elsewhere = request('{}').replace('{"b":1}', deep(60));
    assert.deepEqual(around(elsewhere, IN_REQUEST), { read: 'too-deep', apart: [] });
  });

  it('are left where the rest cannot be read either, or has too many of them', () => {
    assert.deepEqual(around(`[${EXCESS[0]},{"a":nope}]`), { read: 'too-deep', apart: [] });
    assert.deepEqual(around(`[${EXCESS[0]}`), { read: 'too-deep', apart: [] });
    assert.deepEqual(around(`]]${EXCESS[1]}}}[{}]`), { read: 'too-deep', apart: [] });
    const many = `[${'{},'.repeat(30_000)}${EXCESS[0]}]`;
    assert.deepEqual(around(many), { read: 'too-many-items', apart: [] });
    assert.equal(around(`{"a":${EXCESS[0]}}`).read, 'too-deep');
  });
});
