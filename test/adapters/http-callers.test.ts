/** Callers: default deny, scopes, and how often may be asked. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createGate } from '../../src/adapters/http-callers.ts';
import { newToken, tokenDigest } from '../../src/commands/token.ts';

const LIMITS = { perMinute: 60, openMax: 2, strangersPerMinute: 3 };
const token = newToken();
const gateway = { token, sha256: tokenDigest(token) };
const gate = (limits = LIMITS) =>
  createGate([{ name: 'gw', sha256: gateway.sha256, scopes: ['posture.read'] }], limits);
const bearer = `Bearer ${gateway.token}`;

describe('the gate', () => {
  it('lets in whom it knows, for what the token is good for', () => {
    assert.deepEqual(gate().admit(bearer, 'posture.read', '10.0.0.1', 0), {
      type: 'caller',
      name: 'gw',
    });
    assert.deepEqual(gate().admit(bearer, 'ssf.manage', '10.0.0.1', 0), {
      type: 'forbidden',
      name: 'gw',
    });
  });
  it('knows nobody by anything but the whole token', () => {
    for (const wrong of [
      undefined,
      '',
      'Bearer ',
      gateway.token,
      `Basic ${gateway.token}`,
      `Bearer ${gateway.token}x`,
      `Bearer ${gateway.token.slice(0, -1)}`,
      `Bearer ${gateway.sha256}`,
      `Bearer ${'a'.repeat(10_000)}`,
    ])
      assert.equal(gate().admit(wrong, 'posture.read', '10.0.0.1', 0).type, 'unknown', wrong);
  });
  it('asks nobody where the route asks for nobody', () => {
    assert.deepEqual(gate().admit(undefined, null, '10.0.0.1', 0), { type: 'nobody' });
  });
  it('holds a consumer to its requests a minute, and says how long to wait', () => {
    const own = gate();
    for (let n = 0; n < 60; n += 1) {
      assert.equal(own.admit(bearer, 'posture.read', '10.0.0.1', 0).type, 'caller');
      own.leave('gw');
    }
    assert.deepEqual(own.admit(bearer, 'posture.read', '10.0.0.1', 0), {
      type: 'limited',
      waitSeconds: 1,
    });
    assert.equal(own.admit(bearer, 'posture.read', '10.0.0.1', 1_000).type, 'caller');
  });
  it('holds a consumer to so many requests at once', () => {
    const own = gate();
    own.admit(bearer, 'posture.read', '10.0.0.1', 0);
    own.admit(bearer, 'posture.read', '10.0.0.1', 0);
    assert.equal(own.admit(bearer, 'posture.read', '10.0.0.1', 0).type, 'limited');
    own.leave('gw');
    assert.equal(own.admit(bearer, 'posture.read', '10.0.0.1', 0).type, 'caller');
  });
  it('tells an address with wrong tokens to wait, and never the right token from there', () => {
    const own = gate();
    assert.deepEqual(own.admit('Bearer x', 'posture.read', '10.0.0.9', 0), {
      type: 'unknown',
      first: true,
    });
    own.admit('Bearer x', 'posture.read', '10.0.0.9', 0);
    own.admit('Bearer x', 'posture.read', '10.0.0.9', 0);
    assert.equal(own.admit('Bearer x', 'posture.read', '10.0.0.9', 0).type, 'limited');
    assert.equal(own.admit('Bearer x', 'posture.read', '10.0.0.8', 0).type, 'unknown');
    assert.equal(own.admit(bearer, 'posture.read', '10.0.0.9', 0).type, 'caller');
  });
});
