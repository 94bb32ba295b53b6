/** Tests of the headers of Kafka records: bounded, texts only, names in lower case. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withHeaders } from '../../src/adapters/kafka-headers.ts';
import { recordOf } from '../source/records.ts';

const record = recordOf(Buffer.from('{}'), {});
const kept = (headers: Parameters<typeof withHeaders>[1]) => ({
  ...withHeaders(record, headers).headers,
});

test('a record without headers is left as it is', () => {
  assert.equal(withHeaders(record, undefined), record);
  assert.equal(withHeaders(record, {}), record);
});

test('names become lower case, the last of a name counts, bytes become text', () => {
  assert.deepEqual(
    kept({ CE_Id: Buffer.from('e-1'), 'Content-Type': 'a', ce_x: ['1', Buffer.from('2')] }),
    { ce_id: 'e-1', 'content-type': 'a', ce_x: '2' },
  );
});

test('what is no text, or larger than any attribute, is left out', () => {
  assert.deepEqual(
    kept({
      bad: Buffer.from([0xff, 0xfe]),
      long: Buffer.alloc(4097, 0x61),
      [`n${'x'.repeat(256)}`]: 'v',
      none: undefined,
      empty: [],
      fits: Buffer.alloc(4096, 0x61),
    }),
    { fits: 'a'.repeat(4096) },
  );
});

test('sixty-four of them are kept', () => {
  const many = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`h${n}`, 'v']));
  assert.equal(Object.keys(kept(many)).length, 64);
});

test('names that are members of every object are names', () => {
  const headers = withHeaders(record, { constructor: 'a', ['__proto__']: 'b' } as never).headers;
  assert.equal(headers?.['constructor'], 'a');
  assert.equal(headers?.['tostring'], undefined);
});
