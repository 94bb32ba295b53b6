/** Tokens: how people and enforcement points prove who they are; only their digests are kept. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** Somebody who may ask, by the SHA-256 of their token in hexadecimal. */
export interface TokenHolder {
  readonly sha256: string;
}

/** A fresh token of 192 random bits, recognisable by its first letters where it should not be. */
export function newToken(): string {
  return `plb_${randomBytes(24).toString('base64url')}`;
}

/** What is written into the configuration in place of the token. */
export function tokenDigest(token: string): string {
  return createHash('sha256').update(token, 'utf8').digest('hex');
}

/** Name of the holder of a token, or null. Takes the same time whoever it is, and whether anybody. */
export function holderOf(
  token: string,
  holders: Readonly<Record<string, TokenHolder>>,
): string | null {
  const given = createHash('sha256').update(token, 'utf8').digest();
  let found: string | null = null;
  for (const [name, { sha256 }] of Object.entries(holders)) {
    const known = Buffer.from(sha256, 'hex');
    if (known.length === given.length && timingSafeEqual(known, given)) found ??= name;
  }
  return found;
}
