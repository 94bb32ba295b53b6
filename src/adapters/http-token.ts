/** Tokens of the listener: made once, shown once; only their hash is kept. */
import { createHash, randomBytes } from 'node:crypto';

/** A token and what configuration knows it by. */
export interface NewToken {
  /** `plb_<id>_<secret>`: 256 bits of chance behind an id that may be shown. */
  readonly token: string;
  /** SHA-256 of the token, hex. */
  readonly sha256: string;
}

/** Makes a token. */
export function newToken(): NewToken {
  const token = `plb_${randomBytes(4).toString('hex')}_${randomBytes(32).toString('hex')}`;
  return { token, sha256: createHash('sha256').update(token, 'utf8').digest('hex') };
}
