/** HTTP bodies: read whole or refused, plain or gzip, never more than there is room. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { BodyLimits } from '../model/route.ts';

/** Why a body is not taken. */
export class BodyRefused extends Error {
  readonly status: 400 | 413 | 415 | 429;

  constructor(status: 400 | 413 | 415 | 429, detail: string) {
    super(detail);
    this.name = 'BodyRefused';
    this.status = status;
  }
}

/** How many bytes of bodies are in memory at once. */
export interface BodyRoom {
  /** False where there is no room for so many more. */
  take(bytes: number): boolean;
  give(bytes: number): void;
  used(): number;
}

/** A room of so many bytes. */
export function createBodyRoom(bytesMax: number): BodyRoom {
  let used = 0;
  return {
    take(bytes) {
      if (used + bytes > bytesMax) return false;
      used += bytes;
      return true;
    },
    give(bytes) {
      used -= bytes;
    },
    used: () => used,
  };
}

/** A body, and what it holds of the room until it is given back. */
export interface Body {
  readonly bytes: Buffer;
  /** Idempotent. */
  release(): void;
}

/** Inflated bytes that no ratio is asked of: small bodies pack very well. */
const RATIO_FREE_BYTES = 1024 * 1024;

/**
 * Reads a body. Rejects with BodyRefused: 413 beyond a limit, 415 for an encoding other than gzip, 400 for
 * what is no gzip, 429 where the room is taken. What was read by then is let go of.
 */
export async function readBytes(
  payload: Readable,
  headers: IncomingHttpHeaders,
  limits: BodyLimits,
  room: BodyRoom,
): Promise<Body> {
  const encoding = (headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  const isPacked = encoding === 'gzip' || encoding === 'x-gzip';
  if (!isPacked && encoding !== 'identity')
    throw new BodyRefused(415, 'this Content-Encoding is not read; send gzip or none');
  const told = Number(headers['content-length'] ?? 0);
  if (told > limits.wireBytesMax) throw tooLarge(limits);
  let held = 0;
  const chunks: Buffer[] = [];
  const keep = (chunk: Buffer) => {
    if (!room.take(chunk.length))
      throw new BodyRefused(429, 'too much is being sent at once; try again in a moment');
    held += chunk.length;
    chunks.push(chunk);
  };
  const release = () => {
    room.give(held);
    held = 0;
  };
  try {
    if (isPacked) await inflate(payload, limits, keep);
    else await collect(payload, limits, keep);
  } catch (cause) {
    release();
    chunks.length = 0;
    throw cause;
  }
  // Twice for a moment: the pieces, and the whole.
  return { bytes: chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks), release };
}

async function collect(
  payload: Readable,
  limits: BodyLimits,
  keep: (chunk: Buffer) => void,
): Promise<void> {
  let wire = 0;
  for await (const chunk of payload as AsyncIterable<Buffer>) {
    wire += chunk.length;
    if (wire > limits.wireBytesMax) throw tooLarge(limits);
    keep(chunk);
  }
}

async function inflate(
  payload: Readable,
  limits: BodyLimits,
  keep: (chunk: Buffer) => void,
): Promise<void> {
  const gunzip = createGunzip();
  let [wire, inflated] = [0, 0];
  payload.on('data', (chunk: Buffer) => {
    wire += chunk.length;
    if (wire > limits.wireBytesMax) gunzip.destroy(tooLarge(limits));
  });
  payload.once('error', (cause) => gunzip.destroy(cause));
  payload.pipe(gunzip);
  try {
    for await (const chunk of gunzip as AsyncIterable<Buffer>) {
      inflated += chunk.length;
      const allowed = Math.max(RATIO_FREE_BYTES, wire * limits.ratioMax);
      if (inflated > Math.min(limits.inflatedBytesMax, allowed)) throw inflatesTooFar(limits);
      keep(chunk);
    }
  } catch (cause) {
    if (cause instanceof BodyRefused) throw cause;
    throw new BodyRefused(400, 'the body is not gzip, or ends in the middle of it');
  } finally {
    payload.unpipe(gunzip);
    gunzip.destroy();
  }
}

function tooLarge({ wireBytesMax }: BodyLimits): BodyRefused {
  return new BodyRefused(413, `a body has ${wireBytesMax} bytes at most; send it in several`);
}

function inflatesTooFar({ inflatedBytesMax, ratioMax }: BodyLimits): BodyRefused {
  return new BodyRefused(
    413,
    `a body inflates to ${inflatedBytesMax} bytes at most, and to ${ratioMax} times what was sent`,
  );
}
