/** Values: literals that meet in other clothes, and bounds on what is looked at. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { literalsIn } from '../../../src/score/causal/values.ts';

const digests = (value: unknown) => literalsIn(value, 2000, 24).map(({ h }) => h);

test('a value is found again in other clothes, with the path it stands at', () => {
  const [read] = digests({ text: 'Please send it to Mallory@Evil.example today.' });
  const found = literalsIn({ to: ['mallory@evil.example'], n: 7 }, 2000, 24);
  assert.deepEqual(found, [{ path: '/to', h: read }]);
});

test('words and plain numbers are no values: they meet by chance', () => {
  assert.deepEqual(
    digests({ a: 'please send the report', b: 'on 12 of 4711', c: 12, d: null }),
    [],
  );
});

test('no more is read than was asked for, however deep or long', () => {
  const many = Array.from({ length: 99 }, (_, n) => `user${n}@host.example`);
  assert.equal(literalsIn(many, 100_000, 24).length, 24);
  assert.ok(literalsIn(many, 60, 24).length <= 6);
  let deep: unknown = 'a@b.example';
  for (let n = 0; n < 100_000; n += 1) deep = [deep];
  assert.deepEqual(digests(deep), []);
});
