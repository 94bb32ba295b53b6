/** Checks of items: the same answers as decoding gives, and who must be alone. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { itemCheck } from '../../src/source/item-check.ts';

const found = (text: string, trust: 'agent' | 'platform' = 'agent') =>
  itemCheck(trust)(Buffer.from(text));

it('names what no decoder could read', () => {
  assert.equal(found(' 7').fault, 'is no JSON object');
  assert.equal(found('').fault, 'is no JSON object');
  assert.equal(found('{"a":nope}').fault, 'is no JSON');
  assert.equal(found('{"a":-1e999}').fault, 'a number is too large to be represented');
  assert.deepEqual(found('\r\n {"a":[1,{}]} '), { fault: null, isAlone: false });
});

it('lets an item that names a key twice be beside others only where nobody minds', () => {
  const twice = '{"a":{"b":1,"b":2}}';
  assert.deepEqual(found(twice), { fault: null, isAlone: false });
  assert.deepEqual(found(twice, 'platform'), { fault: null, isAlone: true });
});
