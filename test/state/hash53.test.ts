/** Tests of the 53-bit digest. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hash53, hash53OfDigest, mix53, sha256Of } from '../../src/state/hash53.ts';

test('the digest is the first 53 bits of sha256, on every machine', () => {
  // sha256('abc') = ba7816bf 8f01cfea …: the first 53 bits, worked out by hand with BigInt.
  const bytes = Buffer.from('abc');
  assert.equal(sha256Of(bytes).slice(0, 16), 'ba7816bf8f01cfea');
  assert.equal(BigInt(hash53(bytes)), 0xba7816bf8f01cfean >> 11n);
  assert.equal(hash53OfDigest(sha256Of(bytes)), hash53(bytes));
  assert.equal(hash53OfDigest('f'.repeat(64)), Number.MAX_SAFE_INTEGER);
  assert.equal(hash53OfDigest('0'.repeat(64)), 0);
});

test('equal bytes agree wherever they lie, and any other byte changes the digest', () => {
  const record = Buffer.from('{"tool":"transfer","amount":10}');
  const shifted = Buffer.concat([Buffer.from('xyz'), record]).subarray(3);
  assert.equal(hash53(shifted), hash53(record));
  const seen = new Set<number>([hash53(record)]);
  for (let at = 0; at < record.length; at += 1) {
    const other = Buffer.from(record);
    other[at] = (other[at] as number) ^ 1;
    seen.add(hash53(other));
  }
  seen.add(hash53(record.subarray(1)));
  seen.add(hash53(Buffer.concat([record, Buffer.alloc(1)])));
  assert.equal(seen.size, record.length + 3);
});

test('parts of one record have digests of their own, safe integers all', () => {
  const seen = new Set<number>();
  for (const text of ['', 'a', 'b']) {
    const of = hash53(Buffer.from(text));
    assert.equal(mix53(of, 0), of);
    for (let n = 0; n < 10_000; n += 1) {
      const mixed = mix53(of, n);
      assert.ok(Number.isSafeInteger(mixed) && mixed >= 0);
      seen.add(mixed);
    }
  }
  assert.equal(seen.size, 30_000);
});
