/** Bookmarks: what the last record read was, so that a log is told from another of its name. */
import { createHash } from 'node:crypto';

/** A record as it is remembered: where it stood, when the log got it, and what it held. */
export interface Bookmark {
  readonly offset: number;
  readonly timestampMs: number;
  /** First 16 bytes of SHA-256 over key and value, as hex. */
  readonly sha: string;
}

/** A record as far as it is remembered; those of the ports are such. */
export interface Marked {
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
}

/** The bookmark of a record. */
export function bookmarkOf({ offset, timestampMs, key, value }: Marked): Bookmark {
  const hash = createHash('sha256');
  // Lengths in front: no byte of the key can stand for one of the value, and nothing is not empty.
  hash.update(`${key?.length ?? -1} ${value?.length ?? -1} `);
  if (key !== null) hash.update(key);
  if (value !== null) hash.update(value);
  return { offset, timestampMs, sha: hash.digest('hex').slice(0, 32) };
}

/** Is it the record that the bookmark was made of? */
export function isMarked(record: Marked, mark: Bookmark): boolean {
  const { offset, timestampMs, sha } = bookmarkOf(record);
  return offset === mark.offset && timestampMs === mark.timestampMs && sha === mark.sha;
}
