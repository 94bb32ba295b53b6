/** Kafka's codecs: what they read, what they refuse, and that nothing unpacks without a bound. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import {
  CODEC_LIMITS,
  KafkaCodecs,
  PACKINGS,
  type Packing,
  type UnreadableBatch,
} from '../../src/adapters/kafka-codecs.ts';

const ALL = Object.keys(PACKINGS) as Packing[];
const MIB = 1_048_576;
const XERIAL = '82534e4150505900' + '00000001' + '00000001';
const LZ4_FRAME = '04224d18' + '6040' + '82';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
/** A view into memory in front of which no head of a batch stands. */
const bare = (bytes: Buffer) => Buffer.concat([Buffer.alloc(64), bytes]).subarray(64);
const packed = (packing: Packing, bytes: Buffer) =>
  new KafkaCodecs().codec(packing).compress({ buffer: bytes });
const unpacked = (packing: Packing, bytes: Buffer, codecs = new KafkaCodecs()) =>
  codecs.codec(packing).decompress(bare(bytes));

/** Asked again by kafkajs, which goes on with what precedes: any other error blinds all partitions. */
const asksAgain = (why: RegExp) => (cause: unknown) => {
  assert.ok(cause instanceof Error);
  assert.equal(cause.name, 'KafkaJSPartialMessageError');
  assert.match(cause.message, why);
  return true;
};

/** Read within bounds, or asked again. */
const isBounded = (reading: Promise<Buffer>) =>
  reading.then(
    (bytes) => assert.ok(bytes.length <= CODEC_LIMITS.batchBytes),
    (cause) => void asksAgain(/./)(cause),
  );

const refused = (packing: Packing, bytes: Buffer, why: RegExp) =>
  assert.rejects(unpacked(packing, bytes), asksAgain(why));

/** Records as a batch holds them, of one attribute byte each: length 1, zig-zag coded. */
const records = (count: number) => Buffer.alloc(2 * count, '\u0002\u0000');

/** Records behind the head of a batch, in one memory, as kafkajs hands them over. */
function batched(bytes: Buffer, count: number, firstOffset = 40): Buffer {
  const head = Buffer.alloc(61);
  head.writeBigInt64BE(BigInt(firstOffset), 0);
  head.writeInt32BE(bytes.length + 49, 8);
  head.writeInt8(2, 16);
  head.writeInt32BE(count - 1, 23);
  head.writeInt32BE(count, 57);
  return Buffer.concat([head, bytes]).subarray(61);
}

describe('what was packed is read', () => {
  for (const packing of ALL)
    it(`${packing}: any bytes come back`, async () => {
      const bytes = fc.uint8Array({ minLength: 1, maxLength: 3_000 });
      const runs = fc.array(fc.tuple(fc.integer({ min: 1, max: 70_000 }), fc.nat(255)), {
        ...{ minLength: 1, maxLength: 5 },
      });
      const either = fc.oneof(
        bytes.map((some) => Buffer.from(some)),
        runs.map((all) => Buffer.concat(all.map(([length, byte]) => Buffer.alloc(length, byte)))),
      );
      await fc.assert(
        fc.asyncProperty(either, async (source) => {
          assert.deepEqual(await unpacked(packing, await packed(packing, source)), source);
        }),
        { numRuns: 60 },
      );
    });

  it('snappy, by its specification: a literal, and copies of all three lengths', async () => {
    const read = async (text: string) => String(await unpacked('snappy', hex(text)));
    assert.equal(await read('05 10 68656c6c6f'), 'hello');
    assert.equal(await read('0a 00 61 15 01'), 'a'.repeat(10));
    assert.equal(await read('0a 00 61 22 0100'), 'a'.repeat(10));
    assert.equal(await read('0a 00 61 23 01000000'), 'a'.repeat(10));
  });

  it('snappy in the framing of Java and Go: blocks one after the other', async () => {
    const blocks = '00000007 0510 68656c6c6f' + '00000005 0a00 611501';
    assert.equal(String(await unpacked('snappy', hex(XERIAL + blocks))), `hello${'a'.repeat(10)}`);
  });

  it('lz4, by its specification: sequences, stored blocks, sums that are read over', async () => {
    const read = async (text: string) => String(await unpacked('lz4', hex(text)));
    const block = '14 61 0100 50 6161616161';
    assert.equal(await read(`${LZ4_FRAME} 0a000000 ${block} 00000000`), 'a'.repeat(14));
    assert.equal(await read(`${LZ4_FRAME} 05000080 68656c6c6f 00000000`), 'hello');
    // A sum behind every block, the content's size in front of them, its sum behind.
    const all = `04224d18 7c40 0e00000000000000 00 0a000000 ${block} 11223344 00000000 11223344`;
    assert.equal(await read(all), 'a'.repeat(14));
  });

  it('lz4: a copy may reach into the block before it', async () => {
    const first = '05000080 68656c6c6f';
    const second = '0a000000 01 0500 60 212121212121';
    const text = `${LZ4_FRAME} ${first} ${second} 00000000`;
    assert.equal(String(await unpacked('lz4', hex(text))), 'hellohello!!!!!!');
  });

  it('gzip and zstd: several members or frames are one batch', async () => {
    const two = (pack: (bytes: Buffer) => Buffer) =>
      Buffer.concat([pack(Buffer.from('one ')), pack(Buffer.from('two'))]);
    assert.equal(String(await unpacked('gzip', two(gzipSync))), 'one two');
    assert.equal(String(await unpacked('zstd', two(zstdCompressSync))), 'one two');
  });
});

describe('what is broken is refused, and never read in part', () => {
  const source = Buffer.from(`{"id":1,"text":"${'abc '.repeat(400)}"}`);

  for (const packing of ALL)
    it(`${packing}: cut short anywhere`, async () => {
      const whole = await packed(packing, source);
      for (let length = 0; length < whole.length; length += 1)
        await refused(packing, whole.subarray(0, length), /./);
    });

  for (const packing of ALL)
    it(`${packing}: any bit turned is refused or read to something bounded`, async () => {
      const whole = await packed(packing, source);
      const bit = fc.tuple(fc.nat(whole.length - 1), fc.nat(7));
      await fc.assert(
        fc.asyncProperty(bit, async ([at, shift]) => {
          const turned = Buffer.from(whole);
          turned.writeUInt8(turned.readUInt8(at) ^ (1 << shift), at);
          await isBounded(unpacked(packing, turned));
        }),
        { numRuns: 300 },
      );
    });

  for (const packing of ALL)
    it(`${packing}: any bytes at all`, async () => {
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
          await isBounded(unpacked(packing, Buffer.from(bytes)));
        }),
        { numRuns: 300 },
      );
    });

  it('snappy: a size that is not what the block holds', async () => {
    await refused('snappy', hex('06 10 68656c6c6f'), /says 6 bytes and holds 5/);
    await refused('snappy', hex('04 10 68656c6c6f'), /says 4 bytes and holds 5/);
    await refused('snappy', hex('ffffffff0f 10 68656c6c6f'), /says 4294967295 bytes/);
  });

  it('copies from before the beginning', async () => {
    await refused('snappy', hex('0a 00 61 15 02'), /a copy of what is not there/);
    const block = '14 61 0200 50 6161616161';
    await refused('lz4', hex(`${LZ4_FRAME} 0a000000 ${block} 00000000`), /what is not there/);
  });

  it('snappy: a frame within a frame, and a block that goes on behind the end', async () => {
    await refused('snappy', hex(`${XERIAL} 00000010 ${XERIAL}`), /a frame within a frame/);
    await refused('snappy', hex(`${XERIAL} 000000ff 0510 68656c6c6f`), /shorter than it says/);
  });

  it('lz4: a dictionary, an unknown version, bytes behind the frame', async () => {
    const rest = '05000080 68656c6c6f 00000000';
    await refused('lz4', hex(`04224d18 6140 82 ${rest}`), /a dictionary/);
    await refused('lz4', hex(`04224d18 a040 82 ${rest}`), /an unknown LZ4 frame/);
    await refused('lz4', hex(`${LZ4_FRAME} ${rest} 00`), /bytes after the frame/);
  });

  it('an empty batch, which would end kafkajs', async () => {
    for (const packing of ALL) await refused(packing, Buffer.alloc(0), /./);
    await refused('gzip', gzipSync(''), /it holds nothing/);
    await refused('zstd', zstdCompressSync(''), /it holds nothing/);
    await refused('snappy', hex('00'), /it holds nothing/);
    await refused('lz4', hex(`${LZ4_FRAME} 00000000`), /it holds nothing/);
  });

  it('fewer records than the batch says, which would end kafkajs too', async () => {
    const read = (count: number, content: Buffer) =>
      new KafkaCodecs().codec('gzip').decompress(batched(gzipSync(content), count));
    assert.deepEqual(await read(3, records(3)), records(3));
    await assert.rejects(read(4, records(3)), asksAgain(/a length breaks off/));
    await assert.rejects(read(1, hex('0800')), asksAgain(/record 1 of 1 breaks off/));
    await assert.rejects(read(1, hex('0100')), asksAgain(/record 1 of 1 has no length/));
  });
});

describe('nothing unpacks without a bound', () => {
  for (const packing of ALL)
    it(`${packing}: 64 MiB are read, one byte more is not`, async () => {
      const most = Buffer.alloc(64 * MIB);
      assert.equal((await unpacked(packing, await packed(packing, most))).length, most.length);
      const more = await packed(packing, Buffer.alloc(64 * MIB + 1));
      assert.ok(more.length < 4 * MIB);
      await refused(packing, more, /more than 67108864 bytes/);
    });

  it('frames of zstd are counted together', async () => {
    const frame = zstdCompressSync(Buffer.alloc(40 * MIB));
    await refused('zstd', Buffer.concat([frame, frame]), /more than|may be unpacked/);
  });

  it('a batch of more records than may be held at once is not unpacked', async () => {
    const { batchRecords } = CODEC_LIMITS;
    const read = (count: number) =>
      new KafkaCodecs().codec('zstd').decompress(batched(zstdCompressSync(records(count)), count));
    assert.equal((await read(batchRecords)).length, 2 * batchRecords);
    await assert.rejects(read(batchRecords + 1), asksAgain(/65537 records/));
  });

  for (const packing of ALL)
    it(`${packing}: what one fetch has no room for comes with the next, and is no failure`, async () => {
      const codecs = new KafkaCodecs({
        ...{ batchBytes: 1_000, batchRecords: 100, fetchBytes: 2_500, fetchRecords: 100 },
      });
      const told: UnreadableBatch[] = [];
      codecs.onUnreadable((batch) => told.push(batch));
      const bytes = await packed(packing, Buffer.alloc(900, 'x'));
      for (let fetch = 1; fetch <= 3; fetch += 1) {
        codecs.fetchBegins();
        await unpacked(packing, bytes, codecs);
        await unpacked(packing, bytes, codecs);
        await assert.rejects(unpacked(packing, bytes, codecs), asksAgain(/enough bytes/));
      }
      assert.deepEqual(told, []);
    });

  it('records of one fetch are counted as bytes are', async () => {
    const codecs = new KafkaCodecs({ ...CODEC_LIMITS, fetchRecords: 5 });
    const read = () => codecs.codec('gzip').decompress(batched(gzipSync(records(3)), 3));
    await read();
    await assert.rejects(read(), asksAgain(/enough records/));
    codecs.fetchBegins();
    await read();
  });
});

describe('a batch that cannot be read is told', () => {
  it('with its place and the reason, each time that it is met', async () => {
    const codecs = new KafkaCodecs();
    const told: UnreadableBatch[] = [];
    const stop = codecs.onUnreadable((batch) => told.push(batch));
    const read = () => codecs.codec('lz4').decompress(batched(Buffer.from('no frame'), 5));
    await assert.rejects(read(), asksAgain(/lz4 cannot be read: no LZ4 frame/));
    const head = { firstOffset: 40, lastOffset: 44, records: 5 };
    assert.deepEqual(told, [{ packing: 'lz4', head, reason: 'no LZ4 frame' }]);
    await assert.rejects(read(), asksAgain(/./));
    stop();
    await assert.rejects(read(), asksAgain(/./));
    assert.equal(told.length, 2);
  });
});
