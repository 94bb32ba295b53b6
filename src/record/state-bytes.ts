/** State as it is stored: packed, for what a row says most of its neighbours say too. */
import { promisify } from 'node:util';
import { constants, zstdCompressSync, zstdDecompress, zstdDecompressSync } from 'node:zlib';

/** The fastest level that packs well: some 1 ns a byte, to a sixth or less. */
const LEVEL = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };
/** First bytes of a zstd frame; JSON never begins so. */
const MAGIC = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
/** No page and no delta is as large; more would be damage, and must not take the memory of the process. */
const UNPACKED_MAX = 1024 * 1024 * 1024;
/** Room behind what is unpacked: where there is none zlib asks for another piece, as large again. */
const SPARE = 64;
/** Bytes of a frame's header that name a dictionary, by how its descriptor says it (RFC 8878, 3.1.1.1). */
const DICTIONARY_ID = [0, 1, 2, 4];

const unpack = promisify(zstdDecompress);

/** Packs a page or a delta. */
export function packState(bytes: Buffer): Buffer {
  return zstdCompressSync(bytes, LEVEL);
}

/**
 * Unpacks what `packState` made, beside the event loop; anything else is returned as it is. Rejects where
 * it is damaged.
 */
export async function unpackState(bytes: Buffer): Promise<Buffer> {
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) return bytes;
  const chunkSize = Math.min(UNPACKED_MAX, sizeIn(bytes)) + SPARE;
  return await unpack(bytes, { maxOutputLength: UNPACKED_MAX, chunkSize });
}

/**
 * How long a frame says it is when unpacked; 0 where it does not say. In one piece of that size nothing is
 * put together from small ones: that took longer than unpacking.
 */
function sizeIn(frame: Buffer): number {
  const says = frame[MAGIC.length] ?? 0;
  const isSingle = (says >> 5) & 1;
  const at = MAGIC.length + 1 + (isSingle === 1 ? 0 : 1) + (DICTIONARY_ID[says & 3] as number);
  const flag = says >> 6;
  if (frame.length < at + 8) return 0;
  if (flag === 0) return isSingle === 1 ? (frame[at] as number) : 0;
  if (flag === 1) return frame.readUInt16LE(at) + 256;
  return flag === 2 ? frame.readUInt32LE(at) : Number(frame.readBigUInt64LE(at));
}

/** Packs rows that lie in memory, and unpacks them at once; the fastest way there is for some kilobytes. */
export const ROW_PACKER = {
  pack: packState,
  unpack: (packed: Buffer): Buffer => zstdDecompressSync(packed),
};
