/** A 53-bit digest of bytes as one number: tells a repeat from a forgery under the same id. */
import { hash } from 'node:crypto';

/** sha256 of bytes, as hex. On Node 24 the one-shot call costs less than a mixing loop in JS. */
export function sha256Of(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'hex');
}

/**
 * The first 53 bits of sha256 over `bytes`, as a safe integer ≥ 0; the same bytes give the same
 * number on every machine. Accidental collisions have odds of 2^-53 a pair, and nobody can aim at
 * one cheaply, which a faster non-cryptographic hash would allow: whoever forges a record under a
 * known id wants exactly that. As an identity 53 bits are too few; use the whole digest.
 */
export function hash53(bytes: Uint8Array): number {
  return hash53OfDigest(sha256Of(bytes));
}

/** The same number from a sha256 that is already there, as hex. */
export function hash53OfDigest(hex: string): number {
  // 13 digits are 52 bits; the 53rd is the first bit of the 14th digit.
  return Number.parseInt(hex.slice(0, 13), 16) * 2 + (hex.charCodeAt(13) >= 0x38 ? 1 : 0);
}

/** The digest of the n-th part of what `of` stands for. n = 0 gives `of` itself. */
export function mix53(of: number, n: number): number {
  if (n === 0) return of;
  const low = of | 0;
  const high = (of / 0x1_0000_0000) | 0;
  let a = Math.imul(low ^ Math.imul(n, 0x9e3779b1), 0x85ebca6b);
  let b = Math.imul(high ^ (a >>> 15), 0xc2b2ae35);
  a ^= b >>> 13;
  b = Math.imul(b ^ (a >>> 16), 0x27d4eb2f);
  return ((b ^ (b >>> 15)) >>> 11) * 0x1_0000_0000 + (a >>> 0);
}
