/** Cutting bodies: items keep their bytes, whole ones are kept from broken ones, records are bounded. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { cutItems, RECORD_BYTES_MAX, RECORD_ITEMS_MAX } from '../../src/api/ingest-items.ts';
import { seedOf } from '../source/seed.ts';

const turns = { count: 0 };
const turn = async () => {
  turns.count += 1;
};
const cut = async (body: string | Buffer, isLines = false) => {
  const made = await cutItems(Buffer.from(body), isLines, turn);
  if (!made.ok) return made.detail;
  const { values, broken, accepted, rejected, detail } = made;
  return {
    values: values.map(String),
    broken: broken === null ? null : String(broken),
    ...{ accepted, rejected, detail },
  };
};

describe('a body of JSON', () => {
  it('is one record as it stands, where it is one object or a small array', async () => {
    const object = ' {"a": 1, "a": 2}\n';
    assert.deepEqual(await cut(object), {
      values: ['{"a": 1, "a": 2}'],
      ...{ broken: null, accepted: 1, rejected: 0, detail: '' },
    });
    const array = '[ {"a":[1,{"b":"]"}]} , {"c":"\\"}{,"} ]';
    assert.deepEqual(await cut(array), {
      values: [array],
      ...{ broken: null, accepted: 2, rejected: 0, detail: '' },
    });
    assert.deepEqual(await cut('[]'), {
      values: [],
      ...{ broken: null, accepted: 0, rejected: 0, detail: '' },
    });
  });

  it('gives what can be read, and keeps what cannot apart', async () => {
    assert.deepEqual(await cut('[{"a":1},{"b":nope},7,{"c":3},]'), {
      values: ['[{"a":1},{"c":3}]'],
      broken: '{"b":nope}\n7',
      ...{ accepted: 2, rejected: 3, detail: 'item 1: is no JSON' },
    });
    assert.deepEqual(await cut('[,]'), {
      values: [],
      broken: '',
      ...{ accepted: 0, rejected: 2, detail: 'item 0: is no JSON object' },
    });
  });

  it('says what is wrong where nothing can be read', async () => {
    assert.equal(await cut(''), 'the body is empty');
    assert.equal(await cut('"text"'), 'send an object, an array of objects, or one object a line');
    assert.equal(await cut('[{"a":1}'), 'the array does not end');
    assert.equal(await cut('[{"a":1}]]'), 'the brackets of the array do not match');
    assert.equal(await cut('[{"a":"1]'), 'the brackets of the array do not match');
    assert.equal(await cut(Buffer.from([0x7b, 0xff, 0x7d])), 'the body is not UTF-8');
  });

  it('is cut into records of bounded count and size, which all together are what came', async () => {
    const many = Array.from({ length: 2 * RECORD_ITEMS_MAX + 5 }, (_, n) => `{"n":${n}}`);
    const one = await cut(`[${many.join(',')}]`);
    assert.ok(typeof one === 'object');
    assert.equal(one.values.length, 3);
    assert.deepEqual(
      one.values.flatMap((value) => JSON.parse(value)),
      many.map((text) => JSON.parse(text)),
    );
    const wide = Array.from({ length: 8 }, (_, n) => `{"n":${n},"t":"${'x'.repeat(200_000)}"}`);
    turns.count = 0;
    const two = await cut(wide.join('\n'), true);
    assert.ok(typeof two === 'object');
    assert.equal(two.values.length, 4);
    assert.ok(two.values.every((value) => value.length <= RECORD_BYTES_MAX + 2));
    assert.ok(turns.count > 0, 'others had a turn');
  });
});

describe('one object a line', () => {
  it('is read line by line, blank lines aside', async () => {
    assert.deepEqual(await cut('{"a":1}\r\n\n{"b":2}\n{"c":\n', true), {
      values: ['[{"a":1}\r,{"b":2}]'],
      broken: '{"c":',
      ...{ accepted: 2, rejected: 1, detail: 'item 2: is no JSON' },
    });
  });
});

it('loses and adds nothing, whatever the objects hold', async (t) => {
  const objects = fc.array(fc.dictionary(fc.string(), fc.jsonValue()), { maxLength: 40 });
  const check = fc.asyncProperty(objects, fc.boolean(), async (given, isLines) => {
    const texts = given.map((one) => JSON.stringify(one));
    const made = await cut(isLines ? texts.join('\n') : `[${texts.join(', ')}]`, isLines);
    assert.ok(typeof made === 'object');
    const read = made.values.flatMap((value) => JSON.parse(value));
    assert.deepEqual(
      read,
      texts.map((text) => JSON.parse(text)),
    );
    assert.deepEqual([made.accepted, made.rejected], [given.length, 0]);
  });
  await fc.assert(check, { seed: seedOf(t), numRuns: 200 });
});
