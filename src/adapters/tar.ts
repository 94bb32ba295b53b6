/** Reads a gzipped tar archive into memory: plain files only, by path. */
import { gunzipSync } from 'node:zlib';
import { OperatingError } from '../model/errors.ts';

/** Entries are cut into blocks of this size. */
const BLOCK_BYTES = 512;
/** More than any corpus of ours; an archive that unpacks to more is refused, not swallowed. */
const UNPACKED_BYTES_MAX = 256 * 1024 * 1024;

const unreadable = (message: string, cause?: unknown): OperatingError =>
  new OperatingError('SOURCE_UNREADABLE', message, { retryable: false, cause });

function unpacked(archive: Uint8Array, name: string): Buffer {
  try {
    return gunzipSync(archive, { maxOutputLength: UNPACKED_BYTES_MAX });
  } catch (cause) {
    throw unreadable(`${name} is no gzip archive of at most 256 MiB; fetch it again`, cause);
  }
}

const textField = (block: Buffer, at: number, bytes: number): string => {
  const field = block.toString('utf8', at, at + bytes);
  const end = field.indexOf('\0');
  return end < 0 ? field : field.slice(0, end);
};

/** Octal field; NaN where it is anything else. */
const octalField = (block: Buffer, at: number, bytes: number): number => {
  const text = textField(block, at, bytes).trim();
  return /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : Number.NaN;
};

/** Sum of the header's bytes, its own checksum field counted as spaces. */
function checksumOf(block: Buffer): number {
  let sum = 0;
  for (let i = 0; i < BLOCK_BYTES; i++) sum += i >= 148 && i < 156 ? 32 : (block[i] as number);
  return sum;
}

/** An extension record of pax: it tells of the entry that follows. */
const PAX = 0x78;

/** The name in records of the form `length key=value`, a line each; null where none is given. */
function paxPath(records: string): string | null {
  return /^\d+ path=(.*)$/m.exec(records)?.[1] ?? null;
}

/**
 * Text of the plain files of a `.tar.gz`, by path, in archive order.
 * Reads the ustar form, and the long names of pax; directories, links and other extensions are
 * passed over. Nothing is written anywhere, whatever the paths say.
 * Throws SOURCE_UNREADABLE on broken gzip, a broken header, an entry cut short, or more than
 * 256 MiB unpacked. `name` is only for the message.
 */
export function readTarGz(archive: Uint8Array, name: string): ReadonlyMap<string, string> {
  const tar = unpacked(archive, name);
  const files = new Map<string, string>();
  let longName: string | null = null;
  let at = 0;
  while (at + BLOCK_BYTES <= tar.length) {
    const block = tar.subarray(at, at + BLOCK_BYTES);
    // Two empty blocks end an archive; one is proof enough that nothing follows.
    if (block[0] === 0) return files;
    const bytes = octalField(block, 124, 12);
    const start = at + BLOCK_BYTES;
    if (octalField(block, 148, 8) !== checksumOf(block) || !(start + bytes <= tar.length)) {
      throw unreadable(`${name} is broken at byte ${at} of the unpacked tar; fetch it again`);
    }
    const kind = block[156];
    if (kind === 0 || kind === 0x30) {
      const prefix = textField(block, 257, 5) === 'ustar' ? textField(block, 345, 155) : '';
      const path = longName ?? `${prefix === '' ? '' : `${prefix}/`}${textField(block, 0, 100)}`;
      files.set(path.replace(/^\.\//, ''), tar.toString('utf8', start, start + bytes));
    }
    longName = kind === PAX ? paxPath(tar.toString('utf8', start, start + bytes)) : null;
    at = start + Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES;
  }
  return files;
}
