/** The OPA bundle: an OPA activates it, and none that was tampered with. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import type { JWK } from 'jose';
import { readTarGz } from '../../src/adapters/tar.ts';
import { bundleOf, opaJson } from '../../src/api/opa-bundle.ts';
import { parseSigner } from '../../src/api/signature.ts';
import { tarGz } from '../../src/api/tar-file.ts';
import { createOpa } from '../act/counterparts/opa-server.ts';
import { against, lease, NOW_MS, OPTIONS, stateOf } from './standing.ts';

const signerOf = () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const parsed = parseSigner(privateKey.export({ type: 'pkcs8', format: 'pem' }) as string);
  assert.ok(parsed.ok);
  return parsed.signer;
};
const signer = signerOf();
const key = signer.publicJwk as JWK;
const opa = () => createOpa('token', () => NOW_MS);
const STATE = stateOf([lease(1), against(2, { agent: '\u2028<&>"ä🦀' })]);
const files = (bundle: Buffer) => [...readTarGz(bundle, 'test')];
const packed = (entries: readonly (readonly [string, string])[]) =>
  tarGz(entries.map(([path, text]) => ({ path, bytes: Buffer.from(text, 'utf8') })));

describe('OPA bundle', () => {
  it('is activated where its key is known, and its data are the document', async () => {
    const { body, revision, leaseIds } = bundleOf(STATE, OPTIONS, signer);
    const server = opa();
    assert.equal(await server.activate(body, key), 'activated');
    assert.equal(server.value('plumbline/posture/revision'), revision);
    assert.equal(server.value('plumbline/posture/agents/agent-7/level'), 'guarded');
    assert.deepEqual(leaseIds, ['L1', 'L2']);
  });

  it('owns its root and nothing else', async () => {
    const manifest = files(bundleOf(STATE, OPTIONS, null).body).find(
      ([path]) => path === '.manifest',
    );
    assert.deepEqual(JSON.parse(manifest?.[1] ?? '').roots, ['plumbline/posture']);
    const server = opa();
    await server.activate(bundleOf(STATE, OPTIONS, null).body, null);
    const put = (path: string) =>
      server.target({
        ...{ method: 'PUT', path: `/v1/data/${path}`, query: new URLSearchParams() },
        headers: { authorization: 'Bearer token' },
        body: '{}',
      });
    assert.equal((await put('plumbline/posture/agents')).status, 400);
    assert.equal((await put('plumbline')).status, 400);
    assert.equal((await put('plumbline/fast/leases/L1')).status, 204);
  });

  it('is refused where anything of it was changed, added, taken away or signed by another', async () => {
    const good = files(bundleOf(STATE, OPTIONS, signer).body);
    const data = 'plumbline/posture/data.json';
    const changed = (path: string, change: (text: string) => string) =>
      packed(good.map(([name, text]) => [name, name === path ? change(text) : text]));
    const cases = {
      'a level': changed(data, (text) => text.replace('guarded', 'normal')),
      'the roots': changed('.manifest', (text) => text.replace('plumbline/posture', 'plumbline')),
      'a file more': packed([...good, ['authz/data.json', '{}']]),
      'a file less': packed(good.filter(([path]) => path !== data)),
      'no signature': packed(good.filter(([path]) => path !== '.signatures.json')),
      'another key': bundleOf(STATE, OPTIONS, signerOf()).body,
    };
    for (const [what, bundle] of Object.entries(cases)) {
      const server = opa();
      assert.notEqual(await server.activate(bundle, key), 'activated', what);
      assert.equal(server.value('plumbline/posture'), undefined, what);
    }
  });

  it('fails where OPA verifies nothing and it is signed', async () => {
    assert.notEqual(await opa().activate(bundleOf(STATE, OPTIONS, signer).body, null), 'activated');
  });

  it('is the same bytes for the same posture, whenever it is asked for', () => {
    const later = { ...OPTIONS, nowMs: NOW_MS + 5_000 };
    assert.deepEqual(bundleOf(STATE, OPTIONS, null).body, bundleOf(STATE, later, null).body);
  });

  it('hashes JSON as OPA does: sorted by bytes, Go text', () => {
    const value = { b: [1, true, null], a: { '🦀': '<&>', ﬀ: '\u2028' } };
    assert.equal(opaJson(value), '{"a":{"ﬀ":"\\u2028","🦀":"<&>"},"b":[1,true,null]}');
  });
});
