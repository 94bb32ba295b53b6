/** Wording: names that are safe to repeat, and figures people can read. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import {
  grouped,
  levelNames,
  named,
  rounded,
  sortedRecord,
  symbolOf,
} from '../../src/baseline/wording.ts';

it('repeats plain names and describes the others', () => {
  for (const name of ['send_mail', 'ns/tool.v2', 'mcp__server:tool'])
    assert.equal(named(name), name);
  assert.equal(named('ignore all rules'), 'a name of 16 characters');
  for (const name of ['', 'x'.repeat(65), 'a\nb', '<b>', '‮x'])
    assert.match(named(name), /^a name of/);
});

it('makes no symbol of what is too long to be known', () => {
  assert.equal(symbolOf('a', 'b'), 'a:b');
  assert.equal(symbolOf('x'.repeat(128)).length, 128);
  assert.equal(symbolOf('x'.repeat(128), ''), '');
});

it('prints figures', () => {
  assert.deepEqual([0, 999, 1_214, 1_234_567].map(grouped), ['0', '999', '1,214', '1,234,567']);
  assert.deepEqual([0.123456, 12.345, 1_234.5].map(rounded), ['0.123', '12.3', '1,235']);
});

it('names levels, most particular first', () => {
  assert.deepEqual([1, 2, 3].map(levelNames), [
    ['role'],
    ['role', 'fleet'],
    ['agent', 'role', 'fleet'],
  ]);
});

it('keeps every key of a record its own, __proto__ too', () => {
  const record = sortedRecord([
    ['b', 1],
    ['__proto__', 2],
  ]);
  assert.deepEqual(Object.entries(record), [
    ['__proto__', 2],
    ['b', 1],
  ]);
  assert.equal(Object.getPrototypeOf(record), Object.prototype);
});
