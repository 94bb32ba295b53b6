/** Cutting bodies: items keep their bytes, whole ones are kept from broken ones, records are bounded. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  ALONE_MAX,
  cutItems,
  RECORD_BYTES_MAX,
  RECORD_ITEMS_MAX,
  REQUEST_ITEMS_MAX,
} from '../../src/api/ingest-items.ts';
import type { Trust } from '../../src/model/event.ts';
import { itemCheck } from '../../src/source/item-check.ts';
import { decodeJson, noFacts } from '../../src/source/json.ts';
import { seedOf } from '../source/seed.ts';

const turns = { count: 0 };
const turn = async () => {
  turns.count += 1;
};
const cut = async (body: string | Buffer, isLines = false, trust: Trust = 'agent') => {
  const made = await cutItems(Buffer.from(body), isLines, { check: itemCheck(trust), turn });
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

/** An object that is nested so deep, as text. */
const nested = (levels: number) => `${'{"a":'.repeat(levels - 1)}{}${'}'.repeat(levels - 1)}`;

describe('an item that would harm others', () => {
  const many = `{"a":[${'1,'.repeat(10_000)}1]}`;
  const huge = '{"a":1e400}';

  it('is kept from them where it is beyond what is read of a record', async () => {
    const bad = [nested(65), many, huge];
    for (const isLines of [false, true]) {
      const texts = ['{"n":1}', bad[0], '{"n":2}', bad[1], bad[2], '{"n":3}'];
      const made = await cut(isLines ? texts.join('\n') : `[${texts.join(',')}]`, isLines);
      assert.deepEqual(made, {
        values: ['[{"n":1},{"n":2},{"n":3}]'],
        broken: bad.join('\n'),
        ...{ accepted: 3, rejected: 3, detail: 'item 1: nested deeper than 64 levels' },
      });
    }
    assert.deepEqual(await cut(many), {
      ...{ values: [], broken: many, accepted: 0, rejected: 1 },
      detail: 'item 0: an array or object has more than 10000 items',
    });
    const large = await cut(`[{"n":1},{"a":"${'x'.repeat(16 * 1024 * 1024)}"}]`);
    assert.ok(typeof large === 'object');
    assert.deepEqual([large.values, large.rejected], [['{"n":1}'], 1]);
    assert.match(large.detail, /item 1: \d+ bytes; at most 16777216 are read/);
  });

  it('has a record of its own where its facts would be said of them', async () => {
    const twice = '{"a":1,"a":2}';
    const body = `[{"n":1},${twice},{"n":2},{"n":3}]`;
    const strict = await cut(body, false, 'gateway');
    assert.ok(typeof strict === 'object');
    assert.deepEqual(strict.values, ['{"n":1}', twice, '[{"n":2},{"n":3}]']);
    assert.deepEqual([strict.accepted, strict.rejected], [4, 0]);
    const lenient = await cut(body);
    assert.ok(typeof lenient === 'object');
    assert.deepEqual(lenient.values, [body]);
    const long = `{"t":"${'x'.repeat(300_000)}"}`;
    const marked = await cut(`[{"n":1},${long},{"n":2}]`);
    assert.ok(typeof marked === 'object');
    assert.deepEqual(marked.values, ['{"n":1}', long, '{"n":2}']);
  });

  it('is read where only the brackets of an array would make it too deep', async () => {
    for (const texts of [[nested(64)], ['{"n":1}', nested(64), nested(63), '{"n":2}']]) {
      const made = await cut(`[${texts.join(',')}]`);
      assert.ok(typeof made === 'object');
      assert.equal(made.accepted, texts.length);
      for (const value of made.values)
        assert.ok(decodeJson(Buffer.from(value), noFacts()).ok, value.slice(0, 20));
    }
  });

  it('is refused where there are more of its like than records are made for', async () => {
    const made = await cut('{"a":1,"a":2}\n'.repeat(ALONE_MAX + 2), true, 'gateway');
    assert.ok(typeof made === 'object');
    assert.deepEqual([made.values.length, made.rejected], [ALONE_MAX, 2]);
    assert.match(made.detail, /need a record of their own/);
  });
});

describe('more items than one request may bring', () => {
  it('are refused before anything is made of them', async () => {
    const refusal = 'more than 200000 items in one request; send smaller batches';
    assert.equal(await cut(`[${','.repeat(REQUEST_ITEMS_MAX)}]`), refusal);
    assert.equal(await cut(`[${',,'.repeat(16 * 1024 * 1024)}]`), refusal);
    assert.equal(await cut('x\n'.repeat(REQUEST_ITEMS_MAX + 1), true), refusal);
    turns.count = 0;
    const most = await cut(`[${','.repeat(REQUEST_ITEMS_MAX - 1)}]`);
    assert.ok(typeof most === 'object');
    assert.equal(most.rejected, REQUEST_ITEMS_MAX);
    assert.ok(turns.count >= 10, 'others had a turn, though the items hold nothing');
  });

  it('and blank lines are none', async () => {
    const made = await cut(`${'\n'.repeat(16 * 1024 * 1024)} {"a":1}\n \n`, true);
    assert.ok(typeof made === 'object');
    assert.deepEqual([made.values, made.rejected], [['{"a":1}'], 0]);
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
