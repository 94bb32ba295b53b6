/** Lines of a topic's file, once from beginning to end; plain or gzip. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { createGunzip } from 'node:zlib';
import { OperatingError } from '../model/errors.ts';

const LINE_BYTES_MAX = 16 * 1024 * 1024;

/** File of a topic in a folder: `<topic>.jsonl`, else `<topic>.jsonl.gz`, else null. */
export async function topicFile(dir: string, topic: string): Promise<string | null> {
  for (const ending of ['.jsonl', '.jsonl.gz']) {
    const file = path.join(dir, `${topic}${ending}`);
    if (await isFile(file)) return file;
  }
  return null;
}

/**
 * Each non-empty line without its newline. Rejects with SOURCE_UNREADABLE where the file cannot be
 * read or a line is longer than 16 MiB.
 */
export async function* readLines(file: string): AsyncGenerator<Buffer, void> {
  const raw = createReadStream(file, { highWaterMark: 256 * 1024 });
  const stream = file.endsWith('.gz') ? raw.pipe(createGunzip()) : raw;
  let rest = Buffer.alloc(0);
  try {
    for await (const chunk of stream) {
      let bytes = rest.length === 0 ? (chunk as Buffer) : Buffer.concat([rest, chunk as Buffer]);
      for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10)) {
        if (at > 0) yield bytes.subarray(0, at);
        bytes = bytes.subarray(at + 1);
      }
      if (bytes.length > LINE_BYTES_MAX) throw new RangeError('a line is longer than 16 MiB');
      rest = Buffer.from(bytes);
    }
    if (rest.length > 0) yield rest;
  } catch (cause) {
    throw unreadable(file, cause);
  } finally {
    raw.destroy();
  }
}

/** The first line of a topic's file; null where there is no such file or it is empty. */
export async function readFirstLine(dir: string, topic: string): Promise<Buffer | null> {
  const file = await topicFile(dir, topic);
  if (file === null) return null;
  for await (const line of readLines(file)) return line;
  return null;
}

async function isFile(file: string): Promise<boolean> {
  try {
    return (await stat(file)).isFile();
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return false;
    throw unreadable(file, cause);
  }
}

function unreadable(file: string, cause: unknown): OperatingError {
  const said = cause instanceof Error ? cause.message : 'unknown fault';
  return new OperatingError('SOURCE_UNREADABLE', `${file} cannot be read: ${said}`, {
    retryable: false,
    cause,
  });
}
