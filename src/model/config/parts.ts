/** Parts that several sections of the configuration share. */
import { Type } from 'typebox';

/** No key that the schema does not name: a misspelt one is an error. */
export const strict = { additionalProperties: false } as const;

/** Pattern of a digest, hex. */
export const SHA256 = '^[0-9a-f]{64}$';
/** A digest of a token: the token itself is never written. */
export const sha256 = (description: string) => Type.String({ pattern: SHA256, description });
