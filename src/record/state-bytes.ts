/** State as it is stored: packed, for what a row says most of its neighbours say too. */
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';

/** The fastest level that packs well: some 1 ns a byte, to a sixth or less. */
const LEVEL = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };
/** First bytes of a zstd frame; JSON never begins so. */
const MAGIC = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
/** No page and no delta is as large; more would be damage, and must not take the memory of the process. */
const UNPACKED_MAX = 1024 * 1024 * 1024;

/** Packs a page or a delta. */
export function packState(bytes: Buffer): Buffer {
  return zstdCompressSync(bytes, LEVEL);
}

/** Unpacks what `packState` made; anything else is returned as it is. Throws where it is damaged. */
export function unpackState(bytes: Buffer): Buffer {
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) return bytes;
  return zstdDecompressSync(bytes, { maxOutputLength: UNPACKED_MAX });
}
