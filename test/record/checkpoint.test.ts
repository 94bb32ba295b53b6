/** Checkpoints: signed for one purpose by one key, and read strictly. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { canonicalJson } from '../../src/model/canonical-json.ts';
import { OperatingError } from '../../src/model/errors.ts';
import {
  type Checkpoint,
  GENESIS,
  isCheckpointOf,
  readCheckpoint,
  signCheckpoint,
} from '../../src/record/checkpoint.ts';
import {
  isSignedBy,
  newSigningKey,
  pemOf,
  publicKeyOf,
  publicKeysOf,
  signerOf,
} from '../../src/record/signing-key.ts';

const signer = signerOf(newSigningKey(), 'test');
const other = signerOf(newSigningKey(), 'test');
const { keyId, spki } = signer;
const checkpoint: Checkpoint = {
  ...{ v: 1, type: 'begin', n: 1, prev: GENESIS, atMs: 5, instance: 'test', keyId },
  ...{ lanes: [{ lane: 0, n: 3, hash: 'a'.repeat(64) }], key: { keyId, spki } },
};

describe('checkpoint', () => {
  it('is of the key that signed it, and of no other', () => {
    const signed = signCheckpoint(signer, checkpoint);
    assert.equal(isCheckpointOf(signer, signed), true);
    assert.equal(isCheckpointOf(other, signed), false);
    assert.equal(isCheckpointOf(signer, { ...signed, body: `${signed.body} ` }), false);
    // A signature over the same text for another purpose is none.
    assert.equal(isCheckpointOf(signer, { ...signed, signature: signer.sign(signed.body) }), false);
  });

  it('reads back what was signed, and nothing that only looks like it', () => {
    const { body } = signCheckpoint(signer, checkpoint);
    assert.deepEqual(readCheckpoint(body), checkpoint);
    const wrong: readonly Readonly<Record<string, unknown>>[] = [
      { v: 2 },
      { type: 'other' },
      { n: 0 },
      { n: 1.5 },
      { prev: 'A'.repeat(64) },
      { keyId: keyId.slice(1) },
      { lanes: [...checkpoint.lanes, ...checkpoint.lanes] },
      { lanes: [{ lane: 0, n: -1, hash: GENESIS }] },
      { key: undefined },
      { type: 'checkpoint' },
      { pruning: { upTo: 1, lanes: [] } },
      { more: 1 },
      { by: 5 },
    ];
    for (const change of wrong)
      assert.equal(
        readCheckpoint(canonicalJson({ ...checkpoint, ...change })),
        null,
        JSON.stringify(change),
      );
    assert.equal(readCheckpoint(JSON.stringify(checkpoint, null, 1)), null, 'not canonical');
    for (const text of ['', 'null', '[]', '"x"', '{']) assert.equal(readCheckpoint(text), null);
  });
});

describe('signing keys', () => {
  it('names a key by its public half, whichever way it comes', () => {
    const [fromPem] = publicKeysOf(pemOf(signer), 'test');
    assert.equal(fromPem?.keyId, keyId);
    assert.equal(publicKeyOf(spki)?.keyId, keyId);
    assert.deepEqual(
      publicKeysOf(`# two\n${pemOf(signer)}\n${pemOf(other)}`, 'test').map((key) => key.keyId),
      [keyId, other.keyId],
    );
  });

  it('refuses other kinds and private keys, and never quotes what it read', () => {
    const pem = newSigningKey();
    const refusals = [
      () => signerOf('SECRET-TEXT', 'the file'),
      () => signerOf(pemOf(signer), 'the file'),
      () => publicKeysOf('SECRET-TEXT', 'the file'),
      () => publicKeysOf(pem, 'the file'),
    ];
    for (const refuse of refusals)
      assert.throws(refuse, (cause: unknown) => {
        assert.ok(cause instanceof OperatingError && cause.code === 'CONFIG_INVALID');
        assert.match(cause.message, /^the file holds/);
        assert.doesNotMatch(cause.message, /SECRET-TEXT|MC4C/);
        return true;
      });
    assert.equal(publicKeyOf('nonsense'), null);
  });

  it('takes one spelling of a signature only', () => {
    const signature = signer.sign('text');
    assert.equal(isSignedBy(signer, 'text', signature), true);
    for (const spelt of [`${signature}\n`, signature.replace(/=+$/, ''), ` ${signature}`, ''])
      assert.equal(isSignedBy(signer, 'text', spelt), false, JSON.stringify(spelt));
  });
});
