/** Signature: detached JWS over answers (RFC 7797) and JWTs of bundles, by one private key. */
import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';

/** JWS algorithms, one for each kind of key. */
export type Algorithm = 'EdDSA' | 'ES256' | 'RS256';

/** Signs. */
export interface Signer {
  readonly algorithm: Algorithm;
  /** Thumbprint of the public key (RFC 7638). */
  readonly keyId: string;
  /** The public key as a JWK, for those who verify. */
  readonly publicJwk: Readonly<Record<string, unknown>>;
  /** `<header>..<signature>` over the bytes of a body as they are sent (RFC 7797, `b64` false). */
  detached(body: Buffer): string;
  /** Compact JWS over the JSON of claims. */
  token(claims: Readonly<Record<string, unknown>>): string;
}

/** A signer, or what is wrong with the key, without a word of it. */
export type ParsedSigner =
  | { readonly ok: true; readonly signer: Signer }
  | { readonly ok: false; readonly problem: string };

const RSA_BITS_MIN = 2048;

/** Reads a PEM private key: Ed25519, EC P-256, or RSA of at least 2,048 bits. */
export function parseSigner(pem: string): ParsedSigner {
  const key = keyOf(pem);
  if (key === null) {
    const problem = 'is no PEM private key; openssl genpkey -algorithm ed25519 makes one';
    return { ok: false, problem };
  }
  const algorithm = algorithmOf(key);
  if (algorithm === null) {
    const problem = `is a key of another kind; write Ed25519, EC P-256, or RSA of ${RSA_BITS_MIN} bits`;
    return { ok: false, problem };
  }
  return { ok: true, signer: signerOf(key, algorithm) };
}

function keyOf(pem: string): KeyObject | null {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    // What OpenSSL says of it may quote the text: the problem is named without it.
    if (cause instanceof Error) return null;
    throw cause;
  }
}

function algorithmOf(key: KeyObject): Algorithm | null {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (type === 'ed25519') return 'EdDSA';
  if (type === 'ec' && details?.namedCurve === 'prime256v1') return 'ES256';
  if (type === 'rsa' && (details?.modulusLength ?? 0) >= RSA_BITS_MIN) return 'RS256';
  return null;
}

function signerOf(key: KeyObject, algorithm: Algorithm): Signer {
  const jwk = { ...createPublicKey(key).export({ format: 'jwk' }) };
  const keyId = thumbprintOf(jwk);
  const signed = (input: Buffer): string =>
    sign(algorithm === 'EdDSA' ? null : 'sha256', input, {
      key,
      dsaEncoding: 'ieee-p1363',
    }).toString('base64url');
  return {
    algorithm,
    keyId,
    publicJwk: { ...jwk, kid: keyId, alg: algorithm, use: 'sig' },
    detached(body) {
      const header = encoded({ alg: algorithm, b64: false, crit: ['b64'], kid: keyId });
      return `${header}..${signed(Buffer.concat([Buffer.from(`${header}.`, 'ascii'), body]))}`;
    },
    token(claims) {
      const input = `${encoded({ typ: 'JWT', alg: algorithm, kid: keyId })}.${encoded(claims)}`;
      return `${input}.${signed(Buffer.from(input, 'ascii'))}`;
    },
  };
}

/** Required members in the order of their names, nothing else. */
function thumbprintOf({ crv, e, kty, n, x, y }: Readonly<Record<string, unknown>>): string {
  const members =
    kty === 'RSA' ? { e, kty, n } : kty === 'EC' ? { crv, kty, x, y } : { crv, kty, x };
  return createHash('sha256').update(JSON.stringify(members)).digest('base64url');
}

function encoded(value: unknown): string {
  return Buffer.from(JSON.stringify(value), 'utf8').toString('base64url');
}
