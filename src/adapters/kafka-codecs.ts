/** Unpacks Kafka's batches: gzip, snappy, lz4 and zstd, each within bounds of memory. */
import { constants, gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import snappyOf from 'kafkajs-snappy';
import lz4 from 'lz4js';
import {
  type BatchHead,
  BrokenBatch,
  checkRecords,
  headOf,
  type Lz4Block,
  lz4Blocks,
  snappyBlocks,
} from './kafka-codec-sizes.ts';

/** Packings of a batch, at the numbers that Kafka's protocol gives them. */
export const PACKINGS = { gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const;
/** One of PACKINGS. */
export type Packing = keyof typeof PACKINGS;

/** How much batches may unpack to: bytes and records, of one batch and of all in one fetch. */
export interface CodecLimits {
  readonly batchBytes: number;
  readonly batchRecords: number;
  readonly fetchBytes: number;
  readonly fetchRecords: number;
}

/**
 * A batch of 64 MiB or 65,536 records, and four of them at once. kafkajs spreads the records of a batch
 * as arguments of one call, which overflows the stack at about twice as many.
 */
export const CODEC_LIMITS: CodecLimits = {
  batchBytes: 67_108_864,
  batchRecords: 65_536,
  fetchBytes: 268_435_456,
  fetchRecords: 262_144,
};

/** A batch that cannot be unpacked, or must not be. */
export interface UnreadableBatch {
  readonly packing: Packing;
  /** Null where the broker sent a format that does not say it in front of the records. */
  readonly head: BatchHead | null;
  readonly reason: string;
}

/** A codec as kafkajs wants it. */
export interface Codec {
  compress(encoder: { readonly buffer: Buffer }): Promise<Buffer>;
  /** Rejects with an error that makes kafkajs go on with what stands in front of the batch. */
  decompress(packed: Buffer): Promise<Buffer>;
}

/**
 * By its name kafkajs takes it for a batch that the fetch cut short: what precedes it is delivered,
 * and the batch is asked for again. Any other error would blind every partition of its broker.
 */
class AskAgain extends Error {
  override readonly name = 'KafkaJSPartialMessageError';
}

// 128 MiB of window, the most that any level of zstd writes; node's own bound, made explicit.
const ZSTD_WINDOW_LOG_MAX = 27;
const snappy = snappyOf();

/** The codecs of this process: kafkajs has one table for all its clients. */
export class KafkaCodecs {
  readonly #limits: CodecLimits;
  readonly #listeners = new Set<(batch: UnreadableBatch) => void>();
  #bytes = 0;
  #records = 0;

  constructor(limits: CodecLimits = CODEC_LIMITS) {
    this.#limits = limits;
  }

  /** Puts all four into the table of kafkajs; the gzip there has no bound. */
  register(table: Record<number, unknown>): void {
    for (const packing of Object.keys(PACKINGS) as Packing[]) {
      table[PACKINGS[packing]] = () => this.codec(packing);
    }
  }

  /** The next batches belong to another fetch. */
  fetchBegins(): void {
    this.#bytes = 0;
    this.#records = 0;
  }

  /**
   * Told of a batch each time that it is met, which may be before what precedes it was delivered.
   * Every listener is told, whoever fetched it. Returns how to stop listening.
   */
  onUnreadable(listener: (batch: UnreadableBatch) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** One codec. What it unpacks counts against the fetch. */
  codec(packing: Packing): Codec {
    return {
      compress: ({ buffer }) => pack(packing, buffer),
      decompress: (packed) => this.#decompress(packing, packed),
    };
  }

  async #decompress(packing: Packing, packed: Buffer): Promise<Buffer> {
    const head = headOf(packed);
    try {
      this.#countRecords(head);
      const bytes = await this.#unpack(packing, packed);
      if (bytes.length === 0) throw new BrokenBatch('it holds nothing');
      if (head !== null) checkRecords(bytes, head.records);
      return bytes;
    } catch (cause) {
      if (cause instanceof AskAgain) throw cause;
      const reason = cause instanceof Error ? cause.message : String(cause);
      for (const listener of this.#listeners) listener({ packing, head, reason });
      throw new AskAgain(`a batch packed with ${packing} cannot be read: ${reason}`);
    }
  }

  #countRecords(head: BatchHead | null): void {
    const records = head?.records ?? 0;
    const { batchRecords, fetchRecords } = this.#limits;
    if (records > batchRecords) {
      throw new BrokenBatch(`${records} records, and a batch may have ${batchRecords}`);
    }
    if (this.#records + records > fetchRecords) throw new AskAgain('enough records for one fetch');
    this.#records += records;
  }

  /** Counts before it waits: batches of other partitions are unpacked meanwhile. */
  async #unpack(packing: Packing, packed: Buffer): Promise<Buffer> {
    switch (packing) {
      case 'gzip':
        return this.#inflate(packed, (max) => gunzipSync(packed, { maxOutputLength: max }));
      case 'zstd':
        return this.#inflate(packed, (max) => unzstd(packed, max));
      case 'snappy': {
        const { blocks, size } = snappyBlocks(packed);
        this.#countBytes(size);
        const parts = blocks.map(({ from, to }) => snappy.decompress(packed.subarray(from, to)));
        return Buffer.concat(await Promise.all(parts), size);
      }
      case 'lz4': {
        const { blocks, size } = lz4Blocks(packed);
        this.#countBytes(size);
        return unlz4(packed, blocks, size);
      }
    }
  }

  #inflate(packed: Buffer, inflate: (max: number) => Buffer): Buffer {
    // A packed byte is never nothing: one more than is left tells that there was more.
    if (packed.length === 0) throw new BrokenBatch('it holds nothing');
    const left = this.#limits.fetchBytes - this.#bytes;
    if (left <= 0) throw new AskAgain('enough bytes for one fetch');
    const max = Math.min(this.#limits.batchBytes, left);
    try {
      const bytes = inflate(max);
      this.#bytes += bytes.length;
      return bytes;
    } catch (cause) {
      if (!isTooLarge(cause)) throw cause;
      if (max < this.#limits.batchBytes) throw new AskAgain('enough bytes for one fetch');
      throw tooLarge(max);
    }
  }

  #countBytes(size: number): void {
    const { batchBytes, fetchBytes } = this.#limits;
    if (size > batchBytes) throw tooLarge(batchBytes);
    if (this.#bytes + size > fetchBytes) throw new AskAgain('enough bytes for one fetch');
    this.#bytes += size;
  }
}

async function pack(packing: Packing, bytes: Buffer): Promise<Buffer> {
  switch (packing) {
    case 'gzip':
      return gzipSync(bytes);
    case 'zstd':
      return zstdCompressSync(bytes);
    case 'snappy':
      return await snappy.compress({ buffer: bytes });
    case 'lz4':
      return Buffer.from(lz4.compress(bytes));
  }
}

/** Node stops behind the first frame without a word: each one is read, and all of them count. */
function unzstd(packed: Buffer, max: number): Buffer {
  const parts: Buffer[] = [];
  let left = max;
  for (let at = 0; at < packed.length; ) {
    if (left <= 0) throw tooLarge(max);
    const { buffer, engine } = zstdDecompressSync(packed.subarray(at), {
      info: true,
      maxOutputLength: left,
      params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG_MAX },
    }) as unknown as { buffer: Buffer; engine: { bytesWritten: number } };
    if (engine.bytesWritten === 0) throw new BrokenBatch('a frame of no bytes');
    at += engine.bytesWritten;
    left -= buffer.length;
    parts.push(buffer);
  }
  return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
}

function unlz4(packed: Buffer, blocks: readonly Lz4Block[], size: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(size);
  let at = 0;
  for (const { from, to, isStored } of blocks) {
    if (isStored) at += packed.copy(bytes, at, from, to);
    else at = lz4.decompressBlock(packed, bytes, from, to - from, at);
  }
  if (at !== size) throw new BrokenBatch(`blocks of ${size} bytes held ${at}`);
  return bytes;
}

function isTooLarge(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === 'ERR_BUFFER_TOO_LARGE';
}

function tooLarge(max: number): BrokenBatch {
  return new BrokenBatch(`more than ${max} bytes, which is the most that may be unpacked`);
}
