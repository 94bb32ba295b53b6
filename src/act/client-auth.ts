/** Client authentication at an authorization server: RFC 6749 §2.3, RFC 7523 private_key_jwt. */
import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { idOf } from '../model/ids.ts';

/** Ways to say who we are. */
export const CLIENT_AUTHS = [
  'client_secret_basic',
  'client_secret_post',
  'private_key_jwt',
] as const;
/** One of CLIENT_AUTHS. */
export type ClientAuthMethod = (typeof CLIENT_AUTHS)[number];

/** What is added to a form request: headers, and members of the form. */
export interface ClientProof {
  readonly headers: Readonly<Record<string, string>>;
  readonly form: Readonly<Record<string, string>>;
}

/** Makes the proof for one request. */
export type ClientAuth = (nowMs: number) => ClientProof;

/** Authentication of a client, or what is wrong with its credential without a word of it. */
export type ClientAuthResult =
  | { readonly ok: true; readonly prove: ClientAuth }
  | { readonly ok: false; readonly problem: string };

const ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
/** An assertion is used at once: whoever finds it later has nothing, s. */
const ASSERTION_SECONDS = 60;

/** How a client authenticates. */
export interface ClientCredential {
  readonly id: string;
  readonly method: ClientAuthMethod;
  /** Shared secret, or private key in PEM. */
  readonly credential: string;
  /** `aud` of assertions: the issuer of the server, or its endpoint. */
  readonly audience: string;
}

/** Checks the credential and makes the authentication. */
export function clientAuth({
  id,
  method,
  credential,
  audience,
}: ClientCredential): ClientAuthResult {
  switch (method) {
    case 'client_secret_basic': {
      // RFC 6749 has both parts form-encoded before they are joined: a colon in a secret is data.
      const pair = `${formText(id)}:${formText(credential)}`;
      const authorization = `Basic ${Buffer.from(pair, 'utf8').toString('base64')}`;
      return { ok: true, prove: () => ({ headers: { authorization }, form: {} }) };
    }
    case 'client_secret_post': {
      const form = { client_id: id, client_secret: credential };
      return { ok: true, prove: () => ({ headers: {}, form }) };
    }
    case 'private_key_jwt': {
      const key = privateKeyOf(credential);
      if (key === null)
        return {
          ok: false,
          problem: 'client.key is no private key in PEM, RSA of at least 2,048 bits or EC P-256',
        };
      let serial = 0;
      const prove = (nowMs: number) => {
        serial += 1;
        const claims = assertionClaims(id, audience, nowMs, serial);
        const form = { client_id: id, client_assertion_type: ASSERTION };
        return { headers: {}, form: { ...form, client_assertion: signedJwt(claims, key) } };
      };
      return { ok: true, prove };
    }
    default:
      return method satisfies never;
  }
}

function assertionClaims(id: string, audience: string, nowMs: number, serial: number): object {
  const iat = Math.floor(nowMs / 1_000);
  const jti = idOf('assertion', id, nowMs, serial);
  return { iss: id, sub: id, aud: audience, jti, iat, exp: iat + ASSERTION_SECONDS };
}

function signedJwt(claims: object, key: KeyObject): string {
  const isEc = key.asymmetricKeyType === 'ec';
  const part = (value: object) => Buffer.from(JSON.stringify(value), 'utf8').toString('base64url');
  const text = `${part({ alg: isEc ? 'ES256' : 'RS256', typ: 'JWT' })}.${part(claims)}`;
  // JOSE wants r and s side by side, not the DER that OpenSSL makes.
  const signature = sign('sha256', Buffer.from(text, 'ascii'), { key, dsaEncoding: 'ieee-p1363' });
  return `${text}.${signature.toString('base64url')}`;
}

function privateKeyOf(pem: string): KeyObject | null {
  try {
    const key = createPrivateKey(pem);
    const { modulusLength = 0, namedCurve } = createPublicKey(key).asymmetricKeyDetails ?? {};
    const isGood =
      key.asymmetricKeyType === 'rsa' ? modulusLength >= 2_048 : namedCurve === 'prime256v1';
    return isGood ? key : null;
  } catch (cause) {
    if (cause instanceof Error) return null;
    throw cause;
  }
}

/** As a form writes it: what is no letter, digit or one of `*-._` is encoded, a space becomes `+`. */
function formText(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1);
}
