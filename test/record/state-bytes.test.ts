/** State bytes: what is packed comes back, and is a fraction of what it was. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { createZstdCompress } from 'node:zlib';
import fc from 'fast-check';
import { packState, unpackState } from '../../src/record/state-bytes.ts';

describe('packed state', () => {
  it('comes back as it was, whatever it was', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 5000 }), async (bytes) => {
        const given = Buffer.from(bytes);
        assert.deepEqual(await unpackState(packState(given)), given);
      }),
    );
  });

  it('comes back from sizes that frames say in one byte, two, four, or not at all', async () => {
    for (const size of [0, 1, 255, 256, 257, 65_791, 65_792, 3_000_000]) {
      const given = Buffer.alloc(size, 'plumbline');
      assert.deepEqual(await unpackState(packState(given)), given);
    }
    const given = Buffer.alloc(300_000, 'plumbline');
    // Written piece by piece, a frame cannot say how long it will be.
    const stream = createZstdCompress();
    const pieces: Buffer[] = [];
    stream.on('data', (piece: Buffer) => pieces.push(piece));
    stream.write(given.subarray(0, 100_000));
    stream.end(given.subarray(100_000));
    await once(stream, 'end');
    assert.deepEqual(await unpackState(Buffer.concat(pieces)), given);
  });

  it('takes less than a sixth where rows are alike', () => {
    const rows = Array.from({ length: 500 }, (_, n) => ['S', `1:-:s-${n}`, n, { id: `s-${n}` }]);
    const bytes = Buffer.from(JSON.stringify(rows));
    assert.ok(packState(bytes).length * 6 < bytes.length);
  });

  it('is read too where it was never packed', async () => {
    const plain = Buffer.from('[["A","x",null,\n{"n":1}]]');
    assert.equal(await unpackState(plain), plain);
  });

  it('is refused where it is damaged', async () => {
    const packed = packState(Buffer.from('[["A","x",null,\n{"n":1}]]'));
    await assert.rejects(unpackState(packed.subarray(0, packed.length - 4)));
    await assert.rejects(unpackState(packed.subarray(0, 5)));
  });
});
