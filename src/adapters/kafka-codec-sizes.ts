/** What a packed Kafka batch would unpack to, found without unpacking it. */

/** Said of bytes that do not follow their format; the text says what is wrong with them. */
export class BrokenBatch extends Error {}

/** A run of packed bytes and how many bytes it unpacks to. */
export interface Block {
  readonly from: number;
  readonly to: number;
  readonly size: number;
}

/** Blocks in order, and the sum of their sizes. */
export interface Blocks {
  readonly blocks: readonly Block[];
  readonly size: number;
}

/** A block of an LZ4 frame; a stored one is not packed. */
export interface Lz4Block extends Block {
  readonly isStored: boolean;
}

/** What a record batch says of itself in front of its packed records. */
export interface BatchHead {
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly records: number;
}

const XERIAL = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const XERIAL_HEAD_BYTES = 16;
const HEAD_BYTES = 61;
// What the length of a batch counts begins behind offset and length.
const HEAD_COUNTED_BYTES = 49;
const LZ4_MAGIC = 0x184d2204;
const LZ4_STORED = 0x80000000;
const LZ4_BLOCK_MAX = new Map([4, 5, 6, 7].map((code) => [code, 1 << (2 * code + 8)]));

/**
 * The head in front of `packed` in the memory that both lie in: kafkajs hands a codec the records
 * only, as a view of the whole fetch. Null where no head of the newest format stands there.
 */
export function headOf(packed: Buffer): BatchHead | null {
  if (packed.byteOffset < HEAD_BYTES) return null;
  const head = Buffer.from(packed.buffer, packed.byteOffset - HEAD_BYTES, HEAD_BYTES);
  const isHead = head[16] === 2 && head.readInt32BE(8) === packed.length + HEAD_COUNTED_BYTES;
  if (!isHead) return null;
  const firstOffset = Number(head.readBigInt64BE(0));
  const lastOffset = firstOffset + head.readInt32BE(23);
  return { firstOffset, lastOffset, records: head.readInt32BE(57) };
}

/** Throws BrokenBatch unless the bytes begin with `count` records, each as long as it says. */
export function checkRecords(bytes: Buffer, count: number): void {
  let at = 0;
  for (let record = 1; record <= count; record += 1) {
    const length = varint(bytes, at);
    // A length is zig-zag coded; odd ones are negative.
    if (length.value % 2 !== 0 || length.value === 0) {
      throw new BrokenBatch(`record ${record} of ${count} has no length`);
    }
    at = length.next + length.value / 2;
    if (at > bytes.length) throw new BrokenBatch(`record ${record} of ${count} breaks off`);
  }
}

/**
 * Blocks of snappy: one bare block, or those within the framing of Java's clients. Walks every
 * element, so that a size is what the block really holds. Throws BrokenBatch.
 */
export function snappyBlocks(packed: Buffer): Blocks {
  if (!isXerial(packed, 0)) return summed([snappyBlock(packed, 0, packed.length)]);
  const blocks: Block[] = [];
  let at = XERIAL_HEAD_BYTES;
  while (at < packed.length) {
    if (at + 4 > packed.length) throw new BrokenBatch('the length of a block breaks off');
    const from = at + 4;
    at = from + packed.readUInt32BE(at);
    if (at > packed.length) throw new BrokenBatch('a block is shorter than it says');
    // The package would take a frame within a frame, whose size nobody has added up.
    if (isXerial(packed, from)) throw new BrokenBatch('a frame within a frame');
    blocks.push(snappyBlock(packed, from, at));
  }
  return summed(blocks);
}

/**
 * Blocks of one LZ4 frame, of which nothing may follow. Walks every sequence: a size is what the block
 * really holds, and no copy reaches before the frame's beginning. Throws BrokenBatch.
 */
export function lz4Blocks(packed: Buffer): Blocks & { readonly blocks: readonly Lz4Block[] } {
  if (packed.length < 7 || packed.readUInt32LE(0) !== LZ4_MAGIC) {
    throw new BrokenBatch('no LZ4 frame');
  }
  const flags = packed[4] as number;
  const blockMax = LZ4_BLOCK_MAX.get(((packed[5] as number) >> 4) & 7);
  if (flags >> 6 !== 1 || blockMax === undefined) throw new BrokenBatch('an unknown LZ4 frame');
  if ((flags & 1) !== 0) throw new BrokenBatch('an LZ4 frame with a dictionary');
  const sumBytes = (flags & 0x10) === 0 ? 0 : 4;
  let at = (flags & 0x08) === 0 ? 7 : 15;
  let size = 0;
  const blocks: Lz4Block[] = [];
  for (;;) {
    if (at + 4 > packed.length) throw new BrokenBatch('the frame has no end mark');
    const word = packed.readUInt32LE(at);
    at += 4;
    if (word === 0) break;
    const isStored = word >= LZ4_STORED;
    const [from, to] = [at, at + (isStored ? word - LZ4_STORED : word)];
    if (to > packed.length) throw new BrokenBatch('a block is shorter than it says');
    const holds = isStored ? to - from : lz4Size(packed, from, to, size);
    if (holds > blockMax) throw new BrokenBatch('a block holds more than its frame allows');
    blocks.push({ from, to, isStored, size: holds });
    size += holds;
    at = to + sumBytes;
  }
  if (at + ((flags & 0x04) === 0 ? 0 : 4) !== packed.length) {
    throw new BrokenBatch('bytes after the frame, or none where its sum should be');
  }
  return { blocks, size };
}

function summed(blocks: readonly Block[]): Blocks {
  return { blocks, size: blocks.reduce((sum, { size }) => sum + size, 0) };
}

function isXerial(packed: Buffer, at: number): boolean {
  return packed.subarray(at, at + XERIAL.length).equals(XERIAL);
}

function snappyBlock(packed: Buffer, from: number, to: number): Block {
  const block = packed.subarray(from, to);
  const stated = varint(block, 0);
  let at = stated.next;
  let size = 0;
  while (at < block.length) {
    const tag = block[at] as number;
    const step = (tag & 3) === 0 ? literal(block, at, tag) : copy(block, at, tag, size);
    at = step.next;
    size += step.size;
    if (at > block.length) throw new BrokenBatch('an element breaks off');
  }
  if (size !== stated.value) {
    throw new BrokenBatch(`a block says ${stated.value} bytes and holds ${size}`);
  }
  return { from, to, size };
}

interface Step {
  readonly next: number;
  readonly size: number;
}

function literal(block: Buffer, at: number, tag: number): Step {
  const short = (tag >> 2) + 1;
  if (short <= 60) return { next: at + 1 + short, size: short };
  const bytes = short - 60;
  if (at + 1 + bytes > block.length) throw new BrokenBatch('an element breaks off');
  const size = block.readUIntLE(at + 1, bytes) + 1;
  return { next: at + 1 + bytes + size, size };
}

function copy(block: Buffer, at: number, tag: number, produced: number): Step {
  const bytes = [0, 1, 2, 4][tag & 3] as number;
  if (at + 1 + bytes > block.length) throw new BrokenBatch('an element breaks off');
  const low = block.readUIntLE(at + 1, bytes);
  const distance = bytes === 1 ? low + ((tag >> 5) << 8) : low;
  if (distance === 0 || distance > produced) throw new BrokenBatch('a copy of what is not there');
  return { next: at + 1 + bytes, size: bytes === 1 ? ((tag >> 2) & 7) + 4 : (tag >> 2) + 1 };
}

/** Bytes that a packed LZ4 block holds, where `before` bytes stand in front of it. */
function lz4Size(packed: Buffer, from: number, to: number, before: number): number {
  let at = from;
  let size = 0;
  while (at < to) {
    const token = packed[at] as number;
    const literals = lz4Length(packed, at + 1, to, token >> 4);
    at = literals.next + literals.size;
    size += literals.size;
    if (at === to) return size; // the last sequence has no copy
    if (at + 2 > to) throw new BrokenBatch('a sequence breaks off');
    const distance = packed.readUInt16LE(at);
    if (distance === 0 || distance > before + size) {
      throw new BrokenBatch('a copy of what is not there');
    }
    const match = lz4Length(packed, at + 2, to, token & 15);
    at = match.next;
    size += match.size + 4;
  }
  throw new BrokenBatch('a block without a last sequence');
}

function lz4Length(packed: Buffer, from: number, to: number, first: number): Step {
  let [next, size] = [from, first];
  if (first < 15) return { next, size };
  for (;;) {
    if (next >= to) throw new BrokenBatch('a length breaks off');
    const more = packed[next] as number;
    next += 1;
    size += more;
    if (more !== 255) return { next, size };
  }
}

/** An unsigned number of at most 32 bits, seven bits a byte. */
function varint(bytes: Buffer, from: number): { readonly value: number; readonly next: number } {
  let value = 0;
  for (let at = from; at < from + 5; at += 1) {
    const byte = bytes[at];
    if (byte === undefined) throw new BrokenBatch('a length breaks off');
    value += (byte & 127) * 2 ** (7 * (at - from));
    if (byte < 128) return { value, next: at + 1 };
  }
  throw new BrokenBatch('a length of more than 32 bits');
}
