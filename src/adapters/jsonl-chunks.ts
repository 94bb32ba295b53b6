/** Bytes of a plain or gzipped file from a given place on, chunk by chunk. */
import type { Stats } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { constants, createGunzip } from 'node:zlib';
import { OperatingError } from '../model/errors.ts';

/** What a look at a file found. */
export interface Found {
  readonly file: string;
  readonly isGzip: boolean;
  /** Device and inode: stays with the file when it is renamed. */
  readonly identity: string;
  /** Bytes on disk. */
  readonly diskBytes: number;
  readonly mtimeMs: number;
}

/** An open file. */
export interface Chunks {
  /** The next bytes; null where there are no more for now (plain) or at all (gzip). */
  next(): Promise<Buffer | null>;
  /** The byte before `at` ends a line. A gzip file is not asked: it is read from its start anyway. */
  endsLine(at: number): Promise<boolean>;
  close(): Promise<void>;
}

const CHUNK_BYTES = 256 * 1024;
const NEWLINE = 10;
/** Header and trailer of an empty gzip member. */
const GZIP_BYTES_MIN = 18;

/** Looks at a file; null where there is none. */
export async function lookAt(file: string): Promise<Found | null> {
  let stats: Stats;
  try {
    stats = await stat(file);
  } catch (cause) {
    const code = codeOf(cause);
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw unreadable(file, cause);
  }
  if (!stats.isFile()) return null;
  return {
    file,
    isGzip: file.endsWith('.gz'),
    identity: `${stats.dev}:${stats.ino}`,
    diskBytes: stats.size,
    mtimeMs: Math.floor(stats.mtimeMs),
  };
}

/**
 * Bytes of the (decompressed) file as far as they can be known without reading it. The trailer of a
 * gzip file tells the size of its last member modulo 4 GiB: a lower bound, usually exact.
 */
export async function sizeOf({ file, isGzip, diskBytes }: Found): Promise<number> {
  if (!isGzip) return diskBytes;
  if (diskBytes < GZIP_BYTES_MIN) return 0;
  const trailer = Buffer.alloc(4);
  try {
    const handle = await open(file, 'r');
    try {
      await handle.read(trailer, 0, 4, diskBytes - 4);
    } finally {
      await handle.close();
    }
  } catch (cause) {
    throw unreadable(file, cause);
  }
  return trailer.readUInt32LE(0);
}

/** Opens a file at byte `from` of its (decompressed) content. */
export async function openChunks(found: Found, from: number): Promise<Chunks> {
  try {
    const handle = await open(found.file, 'r');
    return found.isGzip
      ? gzipChunks(found.file, handle, from)
      : plainChunks(found.file, handle, from);
  } catch (cause) {
    throw unreadable(found.file, cause);
  }
}

function plainChunks(file: string, handle: FileHandle, from: number): Chunks {
  let at = from;
  return {
    async next() {
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
      try {
        const { bytesRead } = await handle.read(chunk, 0, CHUNK_BYTES, at);
        if (bytesRead === 0) return null;
        at += bytesRead;
        return chunk.subarray(0, bytesRead);
      } catch (cause) {
        throw unreadable(file, cause);
      }
    },
    async endsLine(before) {
      if (before === 0) return true;
      const byte = Buffer.alloc(1);
      const { bytesRead } = await handle.read(byte, 0, 1, before - 1);
      return bytesRead === 1 && byte[0] === NEWLINE;
    },
    close: () => handle.close(),
  };
}

function gzipChunks(file: string, handle: FileHandle, from: number): Chunks {
  let given = from;
  let stream = unpacked(handle, from, true);
  /** Why the file ends before its content does; null while it was not found to. */
  let cut: unknown = null;
  const next = async (): Promise<Buffer | null> => {
    for (;;) {
      try {
        const chunk = await stream.next();
        if (chunk !== null) {
          given += chunk.length;
          return chunk;
        }
        if (cut === null) return null;
      } catch (cause) {
        if (cut !== null || codeOf(cause) !== 'Z_BUF_ERROR') throw unreadable(file, cause);
        // What came before the end may be lost with the stream that failed there: once more, to that end.
        stream.end();
        cut = cause;
        stream = unpacked(handle, given, false);
        continue;
      }
      throw unreadable(file, cut);
    }
  };
  return {
    next,
    endsLine: async () => true,
    async close() {
      stream.end();
      await handle.close();
    },
  };
}

/** All of a file. A stream of Node's over a handle would close it, and it is read more than once. */
async function* bytesOf(handle: FileHandle): AsyncGenerator<Buffer, void> {
  for (let at = 0; ; ) {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    const { bytesRead } = await handle.read(chunk, 0, CHUNK_BYTES, at);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield chunk.subarray(0, bytesRead);
  }
}

/** A gzip file's content behind its first `from` bytes. `strict`: a file that is cut off is an error. */
function unpacked(handle: FileHandle, from: number, strict: boolean) {
  const raw = Readable.from(bytesOf(handle), { objectMode: false });
  const finishFlush = strict ? constants.Z_FINISH : constants.Z_SYNC_FLUSH;
  const plain = createGunzip({ chunkSize: CHUNK_BYTES, finishFlush });
  raw.on('error', (cause) => plain.destroy(cause));
  // The iterator listens from its first step on only: an error before that would end the process.
  // Nothing is swallowed: the stream keeps the error, and the iterator's next step rejects with it.
  plain.on('error', () => undefined);
  const iterator = raw.pipe(plain)[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let toSkip = from;
  return {
    async next(): Promise<Buffer | null> {
      for (;;) {
        const { done, value } = await iterator.next();
        if (done === true) return null;
        if (value.length <= toSkip) toSkip -= value.length;
        else {
          const wanted = value.subarray(toSkip);
          toSkip = 0;
          return wanted;
        }
      }
    },
    end: () => {
      raw.destroy();
      plain.destroy();
    },
  };
}

/** A file that cannot be read, as an operating error. */
export function unreadable(file: string, cause: unknown): OperatingError {
  const code = codeOf(cause) ?? 'unknown error';
  return new OperatingError(
    'SOURCE_UNREADABLE',
    `${file} cannot be read (${code}): check that the file is whole and readable`,
    { retryable: false, cause },
  );
}

function codeOf(cause: unknown): string | null {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : null;
}
