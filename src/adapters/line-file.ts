/** Files of lines, byte for byte: read and written as a stream, gzip where the name says so. */
import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { pid } from 'node:process';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { OperatingError } from '../model/errors.ts';

const LINE_BYTES_MAX = 16 * 1024 * 1024;
const NEWLINE = 10;

/**
 * Each line with its newline, empty ones too; the last may lack one. `.gz` is unpacked. Rejects with
 * SOURCE_UNREADABLE where the file cannot be read, is no whole gzip, or has a line above 16 MiB.
 */
export async function* readWholeLines(file: string): AsyncGenerator<Buffer, void> {
  const raw = createReadStream(file, { highWaterMark: 256 * 1024 });
  const stream = file.endsWith('.gz') ? raw.pipe(createGunzip()) : raw;
  // An error of the file does not travel through a pipe by itself.
  raw.once('error', (cause) => stream.destroy(cause));
  let rest: Buffer = Buffer.alloc(0);
  try {
    for await (const chunk of stream) {
      const bytes = rest.length === 0 ? (chunk as Buffer) : Buffer.concat([rest, chunk as Buffer]);
      let from = 0;
      for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, from)) {
        yield bytes.subarray(from, at + 1);
        from = at + 1;
      }
      rest = Buffer.from(bytes.subarray(from));
      if (rest.length > LINE_BYTES_MAX) throw new RangeError('a line is longer than 16 MiB');
    }
    if (rest.length > 0) yield rest;
  } catch (cause) {
    throw failed(file, 'read', cause);
  } finally {
    raw.destroy();
  }
}

/**
 * Writes lines, each with its newline, as a whole or not at all: the name appears when the last byte is
 * written. `.gz` is packed. Rejects with what `lines` rejects with, else SOURCE_UNREADABLE.
 */
export async function writeLines(file: string, lines: AsyncIterable<string>): Promise<void> {
  const draft = `${file}.${pid}.tmp`;
  const sink = createWriteStream(draft, { flush: true });
  const source = Readable.from(inBlocks(lines), { objectMode: true, highWaterMark: 4 });
  try {
    if (file.endsWith('.gz')) await pipeline(source, createGzip(), sink);
    else await pipeline(source, sink);
    await rename(draft, file);
  } catch (cause) {
    await rm(draft, { force: true });
    throw cause instanceof OperatingError ? cause : failed(file, 'written', cause);
  }
}

/** Few large writes instead of many small ones. */
async function* inBlocks(lines: AsyncIterable<string>): AsyncGenerator<Buffer, void> {
  let block = '';
  for await (const line of lines) {
    block += line;
    if (block.length < 64 * 1024) continue;
    yield Buffer.from(block, 'utf8');
    block = '';
  }
  if (block !== '') yield Buffer.from(block, 'utf8');
}

function failed(file: string, done: string, cause: unknown): OperatingError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const said = code === '' && cause instanceof Error ? cause.message : code;
  const isMissing = code === 'ENOENT' && done === 'read';
  const message = isMissing
    ? `${file}: there is no such file`
    : `${file} cannot be ${done}: ${said}`;
  return new OperatingError(isMissing ? 'NOT_FOUND' : 'SOURCE_UNREADABLE', message, {
    retryable: false,
    cause,
  });
}
