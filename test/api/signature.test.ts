/** Signatures: an independent implementation verifies them, and keys that are none are refused. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import { calculateJwkThumbprint, flattenedVerify, importJWK, type JWK, jwtVerify } from 'jose';
import { parseSigner, type Signer } from '../../src/api/signature.ts';

const pem = (key: ReturnType<typeof generateKeyPairSync>['privateKey']) =>
  key.export({ type: 'pkcs8', format: 'pem' }) as string;
const KEYS = {
  EdDSA: pem(generateKeyPairSync('ed25519').privateKey),
  ES256: pem(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey),
  RS256: pem(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey),
};
const signerOf = (text: string): Signer => {
  const parsed = parseSigner(text);
  assert.ok(parsed.ok);
  return parsed.signer;
};

describe('signature', () => {
  for (const [alg, text] of Object.entries(KEYS)) {
    it(`${alg}: jose verifies what is detached, and not what was changed`, async () => {
      const signer = signerOf(text);
      assert.equal(signer.algorithm, alg);
      const jwk = signer.publicJwk as JWK;
      assert.equal(jwk.d, undefined);
      assert.equal(await calculateJwkThumbprint(jwk), signer.keyId);
      const body = Buffer.from('{"agents":{"ä":1}}', 'utf8');
      const [header = '', nothing, signature = ''] = signer.detached(body).split('.');
      assert.equal(nothing, '');
      const key = await importJWK(jwk, alg);
      const jws = { protected: header, signature };
      const { protectedHeader } = await flattenedVerify({ ...jws, payload: body }, key);
      assert.deepEqual(protectedHeader, { alg, b64: false, crit: ['b64'], kid: signer.keyId });
      const other = Buffer.from('{"agents":{"ä":2}}', 'utf8');
      await assert.rejects(flattenedVerify({ ...jws, payload: other }, key));
      const { payload } = await jwtVerify(signer.token({ files: [] }), key, { algorithms: [alg] });
      assert.deepEqual(payload, { files: [] });
    });
  }

  it('refuses what is no key, or a weak one, without a word of it', () => {
    const weak = pem(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey);
    const curve = pem(generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey);
    for (const text of ['', 'secret words', KEYS.EdDSA.slice(0, 60), weak, curve]) {
      const parsed = parseSigner(text);
      assert.ok(!parsed.ok, text);
      assert.match(parsed.problem, /Ed25519|ed25519/);
      assert.ok(!parsed.problem.includes('secret words'));
    }
  });
});
