/** State bytes: what is packed comes back, and is a fraction of what it was. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { packState, unpackState } from '../../src/record/state-bytes.ts';

describe('packed state', () => {
  it('comes back as it was, whatever it was', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5000 }), (bytes) => {
        const given = Buffer.from(bytes);
        assert.deepEqual(unpackState(packState(given)), given);
      }),
    );
  });

  it('takes less than a sixth where rows are alike', () => {
    const rows = Array.from({ length: 500 }, (_, n) => ['S', `1:-:s-${n}`, n, { id: `s-${n}` }]);
    const bytes = Buffer.from(JSON.stringify(rows));
    assert.ok(packState(bytes).length * 6 < bytes.length);
  });

  it('is read too where it was never packed', () => {
    const plain = Buffer.from('[["A","x",null,\n{"n":1}]]');
    assert.equal(unpackState(plain), plain);
  });

  it('is refused where it is damaged', () => {
    const packed = packState(Buffer.from('[["A","x",null,\n{"n":1}]]'));
    assert.throws(() => unpackState(packed.subarray(0, packed.length - 4)));
  });
});
