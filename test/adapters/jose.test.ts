/** Signing keys: what is taken, what is made and kept, how they rotate, and what is sealed. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createGivenKeys, createKeptKeys, parsePrivateKeys } from '../../src/adapters/jose.ts';
import type { SignalClaims, SignalKeys } from '../../src/model/signals.ts';
import { rsaKey } from '../act/counterparts/signal-keys.ts';
import { examine } from '../act/counterparts/signal-receiver.ts';
import { createVirtualClock } from '../sim/clock.ts';

const DAY_MS = 86_400_000;
const claims: SignalClaims = {
  ...{ iss: 'https://p.example', aud: 'https://r.example', iat: 1, jti: 'j', txn: 'c' },
  sub_id: { format: 'opaque', id: 's' },
  events: { 'https://schemas.openid.net/secevent/ssf/event-type/verification': {} },
};
const kidOf = (jwt: string) =>
  (
    JSON.parse(Buffer.from(jwt.split('.')[0] ?? '', 'base64url').toString('utf8')) as {
      kid: string;
    }
  ).kid;
const kids = async (keys: SignalKeys) => (await keys.publicKeys()).map(({ kid }) => kid);
const holds = async (jwt: string, keys: SignalKeys) =>
  examine(jwt, { issuer: claims.iss, audience: claims.aud, keys: await keys.publicKeys() }).ok;

async function inFolder(body: (file: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'plt-keys-'));
  try {
    await body(join(folder, 'data', 'signal-keys.json'));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

test('given keys: the first signs, all are published, none with its private part', async () => {
  const [one, two] = [rsaKey(2048, 'one'), rsaKey()];
  const parsed = await parsePrivateKeys(JSON.stringify({ keys: [one, two] }));
  assert.ok(parsed.ok);
  const keys = createGivenKeys(parsed.keys);
  const jwt = await keys.sign(claims);
  assert.equal(kidOf(jwt), 'one');
  assert.equal(await holds(jwt, keys), true);
  const published = JSON.stringify(await keys.publicKeys());
  for (const key of [one, two])
    for (const part of ['d', 'p', 'q', 'dp', 'dq', 'qi'])
      assert.ok(!published.includes(String(key[part])));
  assert.equal((await keys.publicKeys()).length, 2);
});
test('given keys: what cannot sign RS256 well is refused without being repeated', async () => {
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
    format: 'jwk',
  });
  const { d: _, ...open } = rsaKey();
  const twin = rsaKey(2048, 'twin');
  const cases: readonly (readonly [unknown, RegExp])[] = [
    ['canary-5b not json', /is no JWK Set/],
    [{ keys: [] }, /is no JWK Set/],
    [{ keys: [ec] }, /key 1 is no private RSA key/],
    [{ keys: [open] }, /key 1 is no private RSA key/],
    [{ keys: [rsaKey(1024)] }, /key 1 has 1024 bits; 2048 are the least/],
    [{ keys: [{ ...rsaKey(), n: rsaKey()['n'] }] }, /key 1 does not sign/],
    [{ keys: [twin, twin] }, /two keys with one kid/],
    [{ keys: Array.from({ length: 9 }, () => twin) }, /holds 9 keys/],
    [{ keys: [null] }, /key 1 is no private RSA key/],
  ];
  for (const [given, reason] of cases) {
    const parsed = await parsePrivateKeys(
      typeof given === 'string' ? given : JSON.stringify(given),
    );
    assert.ok(!parsed.ok);
    assert.match(parsed.problem, reason);
    assert.ok(!parsed.problem.includes('canary'));
  }
});
test('kept keys: made once, for our eyes only, and the same after a restart', async () => {
  await inFolder(async (file) => {
    const clock = createVirtualClock();
    const options = { file, rotateEveryMs: 90 * DAY_MS };
    const first = await createKeptKeys(options, clock);
    const again = await createKeptKeys(options, clock);
    assert.deepEqual([first.made, again.made], [true, false]);
    assert.deepEqual(await kids(first.keys), await kids(again.keys));
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    assert.equal(await holds(await first.keys.sign(claims), again.keys), true);
  });
});
test('kept keys: the next is published before it signs, the last one a week after', async () => {
  await inFolder(async (file) => {
    const clock = createVirtualClock();
    const { keys } = await createKeptKeys({ file, rotateEveryMs: 90 * DAY_MS }, clock);
    const before = await kids(keys);
    const old = await keys.sign(claims);
    assert.deepEqual([before.length, kidOf(old)], [2, before[0]]);
    await clock.advance(90 * DAY_MS);
    const fresh = await Promise.all([keys.sign(claims), keys.sign(claims)]);
    const after = await kids(keys);
    assert.deepEqual(fresh.map(kidOf), [before[1], before[1]]);
    assert.deepEqual([after.length, after[0], after[2]], [3, before[1], before[0]]);
    assert.equal(await holds(old, keys), true);
    const sealed = await keys.seal('of the second');
    await clock.advance(90 * DAY_MS);
    assert.equal(await holds(old, keys), false);
    assert.equal(await keys.open(sealed), 'of the second');
    const kept = JSON.parse(await readFile(file, 'utf8')) as { current: { kid: string } };
    assert.equal(kept.current.kid, (await kids(keys))[0]);
  });
});
test('kept keys: a file that holds none is left alone and said', async () => {
  await inFolder(async (file) => {
    const options = { file, rotateEveryMs: DAY_MS };
    await createKeptKeys(options, createVirtualClock());
    await writeFile(file, '{"current": "canary-9d"}');
    await assert.rejects(createKeptKeys(options, createVirtualClock()), (cause: Error) => {
      assert.match(cause.message, /does not hold signing keys/);
      return !cause.message.includes('canary');
    });
    assert.equal(await readFile(file, 'utf8'), '{"current": "canary-9d"}');
  });
});
test('sealed text: opened by its own key alone, and not when it was changed', async () => {
  const keysOf = async (kid: string) => {
    const parsed = await parsePrivateKeys(JSON.stringify({ keys: [rsaKey(2048, kid)] }));
    assert.ok(parsed.ok);
    return createGivenKeys(parsed.keys);
  };
  const [mine, same, other] = [await keysOf('a'), await keysOf('a'), await keysOf('b')];
  const sealed = await mine.seal('Bearer x');
  assert.ok(!sealed.includes('Bearer'));
  assert.equal(await mine.open(sealed), 'Bearer x');
  assert.deepEqual([await same.open(sealed), await other.open(sealed)], [null, null]);
  for (const spoilt of ['', 'x', `${sealed}x`, sealed.replace(/\.[^.]+$/, '.AAAA')])
    assert.equal(await mine.open(spoilt), null);
});
