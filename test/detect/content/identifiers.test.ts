/** Personal data: what a checksum proves, however it is written; and what it does not prove. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { findPersonalData } from '../../../src/detect/content/identifiers.ts';

const typesIn = (text: string) => findPersonalData(text).map(({ type }) => type);

describe('personal data', () => {
  it('are cards that satisfy their checksum, with blanks, hyphens or neither', () => {
    for (const text of ['4111111111111111', 'pay 4111 1111 1111 1111.', '4111-1111-1111-1111'])
      assert.deepEqual(typesIn(text), ['payment-card'], text);
    for (const text of ['4111111111111112', '1234567890123456', '411111111111'])
      assert.deepEqual(typesIn(text), [], text);
  });

  it('are accounts that satisfy theirs, with words behind them', () => {
    for (const text of ['DE89370400440532013000', 'to DE89 3704 0044 0532 0130 00 today'])
      assert.deepEqual(typesIn(text), ['bank-account'], text);
    assert.deepEqual(typesIn('DE88370400440532013000'), []);
  });

  it('are ten different addresses, not one of them ten times', () => {
    const list = (n: number) => Array.from({ length: n }, (_, at) => `p${at}@x.example`).join(';');
    assert.deepEqual(typesIn(list(10)), ['mail-addresses']);
    assert.deepEqual(typesIn(list(9)), []);
    assert.deepEqual(typesIn('p@x.example '.repeat(30)), []);
  });

  it('are told by length, never by value', () => {
    const found = findPersonalData('4111 1111 1111 1111');
    assert.deepEqual(found, [{ type: 'payment-card', length: 19 }]);
  });
});
