/** Bodies: plain and gzip, whole or refused, and nothing of them is held afterwards. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { BodyRefused, createBodyRoom, readBytes } from '../../src/adapters/http-bodies.ts';

const LIMITS = { wireBytesMax: 1_000_000, inflatedBytesMax: 8_000_000, ratioMax: 100 };
const ROOM = 10_000_000;

/** What becomes of a body that comes in pieces, and what of the room is still taken. */
async function read(
  bytes: Buffer,
  headers: Readonly<Record<string, string>> = {},
  room = createBodyRoom(ROOM),
) {
  const pieces = Array.from({ length: Math.ceil(bytes.length / 10_000) }, (_, n) =>
    bytes.subarray(n * 10_000, (n + 1) * 10_000),
  );
  const before = room.used();
  try {
    const body = await readBytes(Readable.from(pieces), headers, LIMITS, room);
    assert.equal(room.used() - before, body.bytes.length);
    body.release();
    body.release();
    return body.bytes;
  } catch (cause) {
    assert.ok(cause instanceof BodyRefused, String(cause));
    return cause.status;
  } finally {
    assert.equal(room.used(), before, 'what was held is given back');
  }
}

const packed = { 'content-encoding': 'gzip' };

it('gives what was sent, plain, packed, and packed in several members', async () => {
  const text = randomBytes(400_000);
  assert.deepEqual(await read(text), text);
  assert.deepEqual(await read(gzipSync(text), packed), text);
  const members = Buffer.concat([gzipSync('one '), gzipSync('two')]);
  assert.equal(String(await read(members, { 'content-encoding': 'GZIP' })), 'one two');
  assert.deepEqual(await read(Buffer.alloc(0)), Buffer.alloc(0));
});

it('refuses what is too large on the wire, whether it says so or not', async () => {
  assert.equal(await read(Buffer.alloc(10), { 'content-length': '1000001' }), 413);
  assert.equal(await read(randomBytes(1_000_001)), 413);
  assert.equal(await read(gzipSync(randomBytes(1_100_000)), packed), 413);
});

it('refuses what inflates too far: by ratio above the first MiB, and by size', async () => {
  assert.deepEqual(await read(gzipSync(Buffer.alloc(1_000_000)), packed), Buffer.alloc(1_000_000));
  assert.equal(await read(gzipSync(Buffer.alloc(7_000_000)), packed), 413);
  const dense = Buffer.concat([randomBytes(200_000), Buffer.alloc(7_900_000)]);
  assert.equal(await read(gzipSync(dense), packed), 413);
});

it('refuses what is no gzip, ends in the middle, or is packed otherwise', async () => {
  assert.equal(await read(Buffer.from('plain'), packed), 400);
  assert.equal(await read(gzipSync(randomBytes(50_000)).subarray(0, 20_000), packed), 400);
  assert.equal(await read(Buffer.from('x'), { 'content-encoding': 'br' }), 415);
});

it('sends away who comes when there is no room', async () => {
  const room = createBodyRoom(ROOM);
  assert.ok(room.take(ROOM - 100_000));
  assert.equal(await read(randomBytes(200_000), {}, room), 429);
  assert.equal(await read(gzipSync(Buffer.alloc(900_000)), packed, room), 429);
  assert.equal(((await read(randomBytes(90_000), {}, room)) as Buffer).length, 90_000);
});
