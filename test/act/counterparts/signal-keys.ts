/** Signing keys for tests: made once, since a pair of 2,048 bits takes its time. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { createGivenKeys, parsePrivateKeys } from '../../../src/adapters/jose.ts';
import type { SignalKeys } from '../../../src/model/signals.ts';

/** A private RSA key as a JWK. */
export function rsaKey(bits = 2048, kid?: string): Record<string, unknown> {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: bits });
  return { ...privateKey.export({ format: 'jwk' }), ...(kid === undefined ? {} : { kid }) };
}

const JWK = rsaKey(2048, 'test-key');

/** What must be seen nowhere. */
export const PRIVATE_PART = String(JWK['d']);

/** Keys over one pair. */
export async function testKeys(): Promise<SignalKeys> {
  const parsed = await parsePrivateKeys(JSON.stringify({ keys: [JWK] }));
  assert.ok(parsed.ok);
  return createGivenKeys(parsed.keys);
}
