/** Signing keys: Ed25519 pairs that sign the record, and the public halves that judge it. */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  hash,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import { OperatingError } from '../model/errors.ts';

/** The public half of a key. */
export interface PublicKey {
  /** sha256 hex of its SPKI in DER. */
  readonly keyId: string;
  /** SPKI in DER, base64. */
  readonly spki: string;
  readonly key: KeyObject;
}

/** Signs. */
export interface Signer extends PublicKey {
  /** Ed25519 signature over the UTF-8 bytes of a text, base64. */
  sign(text: string): string;
}

/** A fresh private key: PKCS #8, PEM. */
export function newSigningKey(): string {
  const { privateKey } = generateKeyPairSync('ed25519');
  return String(privateKey.export({ type: 'pkcs8', format: 'pem' }));
}

/** A signer from a private key in PEM. `where`: what errors name. CONFIG_INVALID where it is none. */
export function signerOf(pem: string, where: string): Signer {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    // The cause is left out: it may quote what it read.
    throw refused(`${where} holds no private key in PEM (PKCS #8, unencrypted)`);
  }
  const type = key.asymmetricKeyType ?? 'unknown';
  if (type !== 'ed25519')
    throw refused(`${where} holds a key of type ${type}: the record is signed with ed25519`);
  return {
    ...publicOf(createPublicKey(key)),
    sign: (text) => sign(null, Buffer.from(text, 'utf8'), key).toString('base64'),
  };
}

const BLOCK = /-----BEGIN [A-Z ]+-----[^-]+-----END [A-Z ]+-----/g;

/** Every public key of a PEM text, in its order. CONFIG_INVALID where there is none, or another kind. */
export function publicKeysOf(pem: string, where: string): readonly PublicKey[] {
  const blocks = pem.match(BLOCK) ?? [];
  if (blocks.length === 0) throw refused(`${where} holds no public key in PEM`);
  return blocks.map((block) => {
    if (block.includes('PRIVATE'))
      throw refused(`${where} holds a private key: verifying needs the public one only`);
    let key: KeyObject;
    try {
      key = createPublicKey(block);
    } catch (cause) {
      throw refused(`${where} holds a public key that cannot be read`, cause);
    }
    if (key.asymmetricKeyType !== 'ed25519')
      throw refused(`${where} holds a key of type ${key.asymmetricKeyType}: ed25519 is needed`);
    return publicOf(key);
  });
}

/** A public key from its SPKI as the record holds it; null where it is no ed25519 key. */
export function publicKeyOf(spki: string): PublicKey | null {
  try {
    const der = Buffer.from(spki, 'base64');
    const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
    return key.asymmetricKeyType === 'ed25519' ? publicOf(key) : null;
  } catch {
    return null;
  }
}

/** A public key as people keep it. */
export function pemOf({ key }: PublicKey): string {
  return String(key.export({ type: 'spki', format: 'pem' }));
}

/** Did the key sign the text? False for a signature that is not base64 of 64 bytes. */
export function isSignedBy({ key }: PublicKey, text: string, signature: string): boolean {
  const bytes = Buffer.from(signature, 'base64');
  // One spelling only: base64 tolerates others, and a changed byte must not go unnoticed.
  if (bytes.length !== 64 || bytes.toString('base64') !== signature) return false;
  return verify(null, Buffer.from(text, 'utf8'), key, bytes);
}

function publicOf(key: KeyObject): PublicKey {
  const der = key.export({ type: 'spki', format: 'der' });
  return { keyId: hash('sha256', der, 'hex'), spki: der.toString('base64'), key };
}

function refused(message: string, cause?: unknown): OperatingError {
  return new OperatingError('CONFIG_INVALID', message, { retryable: false, cause });
}
