/** The transmitter as receivers meet it: the interoperability profile by its lines, and refusals. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AUDIENCE, type Bench, EVENTS, ISSUER, newStream, startBench } from './signal-bench.ts';

const PUSH = 'urn:ietf:rfc:8935';
const POLL = 'urn:ietf:rfc:8936';
const VERIFICATION = 'https://schemas.openid.net/secevent/ssf/event-type/verification';
const PUSH_URL = 'http://127.0.0.1:9/events';
type Json = Readonly<Record<string, unknown>>;

const bench = (claim: string, body: (bench: Bench) => Promise<void>) =>
  test(claim, async () => {
    const started = await startBench({
      receivers: [
        { name: 'idp', audience: AUDIENCE, subject: 'complex', push: PUSH_URL },
        { name: 'other', audience: 'https://other.example' },
      ],
    });
    try {
      await body(started);
    } finally {
      await started.close();
    }
  });
const profile = (line: string, body: (bench: Bench) => Promise<void>) =>
  bench(`CAEP interoperability profile ${line}`, body);

const metadata = async ({ call }: Bench): Promise<Json> => {
  const reply = await call('GET', '/.well-known/ssf-configuration/tenant-a', undefined, '');
  assert.equal(reply.status, 200);
  return reply.body as Json;
};
/** Where metadata says an endpoint is, as a path of our server. */
const pathOf = (url: unknown) => new URL(String(url)).pathname;
const partOf = (jwt: string, at: 0 | 1) =>
  JSON.parse(Buffer.from(jwt.split('.')[at] ?? '', 'base64url').toString('utf8')) as Json;
/** Polls and acknowledges until nothing comes. */
const drain = async (b: Bench, id: string): Promise<readonly string[]> => {
  const tokens: string[] = [];
  let sets = await b.poll(id);
  while (Object.keys(sets).length > 0) {
    tokens.push(...Object.values(sets));
    sets = await b.poll(id, { returnImmediately: true, ack: Object.keys(sets) });
  }
  return tokens;
};

profile('spec_version is 1_0', async (b) => {
  assert.equal((await metadata(b))['spec_version'], '1_0');
});
profile('delivery_methods_supported names push and poll', async (b) => {
  assert.deepEqual((await metadata(b))['delivery_methods_supported'], [PUSH, POLL]);
});
profile('jwks_uri leads to the key that signs, and to no private part', async (b) => {
  const reply = await b.call('GET', pathOf((await metadata(b))['jwks_uri']), undefined, '');
  const { keys } = reply.body as { keys: readonly Json[] };
  assert.ok(keys.length > 0);
  for (const key of keys)
    assert.deepEqual(Object.keys(key).sort(), ['alg', 'e', 'kid', 'kty', 'n', 'use']);
  const claims = { iss: ISSUER, aud: AUDIENCE, iat: 1, jti: 'x', sub_id: {}, events: {} };
  assert.equal(partOf(await b.keys.sign(claims), 0)['kid'], keys[0]?.['kid']);
});
profile('configuration_endpoint makes a stream by POST', async (b) => {
  const path = pathOf((await metadata(b))['configuration_endpoint']);
  const reply = await b.call('POST', path, { events_requested: [EVENTS.revoked] });
  assert.equal(reply.status, 201);
});
profile('verification_endpoint has a verification event sent', async (b) => {
  const id = await newStream(b);
  const path = pathOf((await metadata(b))['verification_endpoint']);
  assert.equal((await b.call('POST', path, { stream_id: id, state: 'VGhpcw' })).status, 204);
  const [jwt = ''] = await drain(b, id);
  const examined = await b.examine(jwt);
  assert.ok(examined.ok, JSON.stringify(examined));
  assert.deepEqual([examined.event, examined.payload], [VERIFICATION, { state: 'VGhpcw' }]);
  assert.deepEqual(examined.claims['sub_id'], { format: 'opaque', id });
});
profile('authorization_schemes has RFC 6749', async (b) => {
  const schemes = (await metadata(b))['authorization_schemes'];
  assert.deepEqual(schemes, [{ spec_urn: 'urn:ietf:rfc:6749' }]);
});
profile('a stream is asked for by push and by poll, and says which it is', async (b) => {
  const delivery = { method: PUSH, endpoint_url: `${PUSH_URL}/1` };
  const pushed = await b.call('POST', '/tenant-a/ssf/streams', { delivery });
  assert.deepEqual((pushed.body as Json)['delivery'], delivery);
  const asked = { delivery: { method: POLL } };
  const polled = await b.call('POST', '/tenant-a/ssf/streams', asked, b.otherToken);
  const shown = polled.body as { delivery: Json; stream_id: string };
  const endpoint_url = `${ISSUER}/ssf/poll/${shown.stream_id}`;
  assert.deepEqual(shown.delivery, { method: POLL, endpoint_url });
});
profile('a stream is made, read and verified by who may', async (b) => {
  const id = await newStream(b);
  const read = await b.call('GET', `/tenant-a/ssf/streams?stream_id=${id}`);
  const events = Object.values(EVENTS);
  assert.deepEqual(read.body, {
    ...{ stream_id: id, iss: ISSUER, aud: AUDIENCE },
    ...{ events_supported: events, events_requested: events, events_delivered: events },
    delivery: { method: POLL, endpoint_url: `${ISSUER}/ssf/poll/${id}` },
    ...{ min_verification_interval: 60, inactivity_timeout: 604_800 },
  });
  assert.deepEqual((await b.call('GET', '/tenant-a/ssf/streams')).body, [read.body]);
  assert.equal((await b.call('POST', '/tenant-a/ssf/verify', { stream_id: id })).status, 204);
});
profile('every subject is in a stream without having been added', async (b) => {
  const id = await newStream(b);
  assert.equal((await b.driver.apply(b.intention('L1'), null)).type, 'accepted');
  assert.equal((await drain(b, id)).length, 1);
  assert.equal((await metadata(b))['default_subjects'], 'ALL');
});
for (const [format, subject] of [
  ['iss_sub', { format: 'iss_sub', iss: 'https://idp.example', sub: 'agent-7' }],
  ['email', { format: 'email', email: 'agent-7@agents.example' }],
] as const)
  test(`CAEP interoperability profile a subject is sent as ${format}`, async () => {
    const b = await startBench({
      emailDomain: 'agents.example',
      receivers: [{ name: 'idp', audience: AUDIENCE, subject: format, wholeAgent: true }],
    });
    try {
      const id = await newStream(b);
      await b.driver.apply(b.intention('L1'), null);
      const examined = await b.examine((await drain(b, id))[0] ?? '');
      assert.ok(examined.ok, JSON.stringify(examined));
      assert.deepEqual(examined.claims['sub_id'], subject);
    } finally {
      await b.close();
    }
  });
profile('every event is RS256 by at least 2,048 bits, as others verify it', async (b) => {
  const id = await newStream(b);
  await b.driver.apply(b.intention('L1', { verb: 'suspend_agent' }), null);
  await b.call('POST', '/tenant-a/ssf/verify', { stream_id: id });
  const tokens = await drain(b, id);
  assert.equal(tokens.length, 3);
  for (const jwt of tokens) {
    const examined = await b.examine(jwt);
    assert.ok(examined.ok, JSON.stringify(examined));
    const [head = '', body = '', signature = ''] = jwt.split('.');
    const forged = `${head}.${body}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`;
    assert.deepEqual((await b.examine(forged)).ok, false);
  }
});
profile('streams are changed with ssf.manage and read with ssf.read', async (b) => {
  const id = await newStream(b);
  const changes: readonly (readonly [string, string, unknown?])[] = [
    ['POST', '/tenant-a/ssf/streams', {}],
    ['PATCH', '/tenant-a/ssf/streams', { stream_id: id }],
    ['PUT', '/tenant-a/ssf/streams', { stream_id: id }],
    ['DELETE', `/tenant-a/ssf/streams?stream_id=${id}`],
    ['POST', '/tenant-a/ssf/status', { stream_id: id, status: 'paused' }],
    ['POST', '/tenant-a/ssf/verify', { stream_id: id }],
    ['POST', '/tenant-a/ssf/subjects/add', { stream_id: id, subject: {} }],
    ['POST', '/tenant-a/ssf/subjects/remove', { stream_id: id, subject: {} }],
  ];
  for (const [method, path, body] of changes)
    assert.equal((await b.call(method, path, body, b.readerToken)).status, 403, path);
  for (const path of ['/tenant-a/ssf/streams', `/tenant-a/ssf/status?stream_id=${id}`])
    assert.notEqual((await b.call('GET', path, undefined, b.readerToken)).status, 403, path);
});
profile('a token counts in the header, and nowhere else', async (b) => {
  const id = await newStream(b);
  const path = `/tenant-a/ssf/streams?stream_id=${id}`;
  const none = await b.call('GET', path, undefined, '');
  assert.equal(none.status, 401);
  assert.match(String(none.headers['www-authenticate']), /^Bearer/);
  const inQuery = `${path}&access_token=${b.otherToken}`;
  assert.equal((await b.call('GET', inQuery, undefined, '')).status, 401);
});
profile('one event in each token, also where one action needs two', async (b) => {
  const id = await newStream(b);
  const subject = { tenant: 't1', agent: 'agent-7', session: null, tools: [] };
  await b.driver.apply(b.intention('L1', { verb: 'suspend_agent', subject }), null);
  const events = (await drain(b, id)).map((jwt) => Object.keys(partOf(jwt, 1)['events'] as Json));
  assert.deepEqual(events, [[EVENTS.revoked], [EVENTS.risk]]);
});
profile('session-revoked carries a reason for administrators, and no sub and no exp', async (b) => {
  const id = await newStream(b);
  await b.driver.apply(b.intention('L1', { verb: 'revoke_session', expiresMs: null }), null);
  const claims = partOf((await drain(b, id))[0] ?? '', 1);
  assert.deepEqual(claims, {
    ...{ iss: ISSUER, aud: AUDIENCE, iat: 1_800_000_000, jti: claims['jti'], txn: 'case-L1' },
    sub_id: {
      format: 'complex',
      user: { format: 'iss_sub', iss: 'https://idp.example', sub: 'agent-7' },
      session: { format: 'opaque', id: 's-1' },
      tenant: { format: 'opaque', id: 't1' },
    },
    events: {
      [EVENTS.revoked]: {
        event_timestamp: 1_800_000_000,
        initiating_entity: 'policy',
        reason_admin: { en: 'A call nobody announced. Case case-L1.' },
      },
    },
  });
});

bench('metadata has no empty list, and every endpoint it names is there', async (b) => {
  const found = await metadata(b);
  for (const [name, value] of Object.entries(found)) {
    assert.ok(!Array.isArray(value) || value.length > 0, name);
    if (!name.endsWith('_endpoint') && name !== 'jwks_uri') continue;
    assert.ok(String(value).startsWith(`${ISSUER}/`), name);
    const isRead = name === 'jwks_uri' || name === 'configuration_endpoint';
    const reply = await b.call(isRead ? 'GET' : 'POST', pathOf(value), isRead ? undefined : {});
    const isThere = reply.status === 200 || /no such stream/.test(JSON.stringify(reply.body));
    assert.ok(isThere, `${name} ${reply.status}`);
  }
});
bench('a receiver has one stream; a second is a conflict until the first is deleted', async (b) => {
  const id = await newStream(b);
  assert.equal((await b.call('POST', '/tenant-a/ssf/streams', {})).status, 409);
  assert.equal((await b.call('DELETE', `/tenant-a/ssf/streams?stream_id=${id}`)).status, 204);
  await newStream(b);
});
bench('a stream of somebody else is no stream', async (b) => {
  const id = await newStream(b);
  const tries: readonly (readonly [string, string, unknown?])[] = [
    ['GET', `/tenant-a/ssf/streams?stream_id=${id}`],
    ['PATCH', '/tenant-a/ssf/streams', { stream_id: id }],
    ['DELETE', `/tenant-a/ssf/streams?stream_id=${id}`],
    ['GET', `/tenant-a/ssf/status?stream_id=${id}`],
    ['POST', '/tenant-a/ssf/status', { stream_id: id, status: 'disabled' }],
    ['POST', '/tenant-a/ssf/verify', { stream_id: id }],
    ['POST', '/tenant-a/ssf/subjects/remove', { stream_id: id, subject: { format: 'opaque' } }],
    ['POST', `/tenant-a/ssf/poll/${id}`, { returnImmediately: true }],
  ];
  for (const [method, path, body] of tries)
    assert.equal((await b.call(method, path, body, b.otherToken)).status, 404, `${method} ${path}`);
  const list = await b.call('GET', '/tenant-a/ssf/streams', undefined, b.otherToken);
  assert.deepEqual(list.body, []);
  assert.equal((await b.store.streams())[0]?.status, 'enabled');
});
bench('an address that configuration does not give is never pushed to', async (b) => {
  for (const endpoint_url of [
    'http://127.0.0.1:9/other',
    'http://127.0.0.1:9/events-of-others',
    'http://127.0.0.1:9/events/../secret',
    'http://user:pass@127.0.0.1:9/events',
    'http://169.254.169.254/events',
    'https://127.0.0.1:9/events',
    'not a url',
    7,
  ]) {
    const asked = { delivery: { method: PUSH, endpoint_url } };
    const reply = await b.call('POST', '/tenant-a/ssf/streams', asked);
    assert.equal(reply.status, 400, String(endpoint_url));
  }
  const asked = { delivery: { method: PUSH, endpoint_url: PUSH_URL } };
  const other = await b.call('POST', '/tenant-a/ssf/streams', asked, b.otherToken);
  assert.equal(other.status, 400, 'a receiver without an address of its own');
});
bench('the header that a receiver gives is stored sealed and never shown', async (b) => {
  const authorization_header = 'Bearer of-the-receiver';
  const delivery = { method: PUSH, endpoint_url: PUSH_URL };
  const asked = { delivery: { ...delivery, authorization_header } };
  const reply = await b.call('POST', '/tenant-a/ssf/streams', asked);
  assert.equal(reply.status, 201);
  const [stream] = await b.store.streams();
  for (const shown of [reply.body, stream])
    assert.ok(!JSON.stringify(shown).includes('of-the-receiver'));
  const sealed = stream?.delivery.method === PUSH ? stream.delivery.sealedAuthorization : null;
  assert.equal(await b.keys.open(sealed ?? ''), authorization_header);
  const split = { ...delivery, authorization_header: 'a\r\nb: c' };
  const bad = { stream_id: stream?.id, delivery: split };
  assert.equal((await b.call('PATCH', '/tenant-a/ssf/streams', bad)).status, 400);
});
bench('PATCH keeps what it does not name, PUT does not; what is ours stays ours', async (b) => {
  const id = await newStream(b, { description: 'for the idp' });
  const patched = await b.call('PATCH', '/tenant-a/ssf/streams', {
    ...{ stream_id: id, events_requested: [EVENTS.risk, 'https://unknown.example/event'] },
  });
  const body = patched.body as Json;
  assert.deepEqual([body['events_delivered'], body['description']], [[EVENTS.risk], 'for the idp']);
  const put = await b.call('PUT', '/tenant-a/ssf/streams', { stream_id: id });
  const left = put.body as Json;
  assert.deepEqual([left['events_delivered'], left['description']], [[], undefined]);
  const stolen = await b.call('PATCH', '/tenant-a/ssf/streams', { stream_id: id, aud: 'x' });
  assert.equal(stolen.status, 400);
});
bench('status: paused holds, enabled goes on, disabled drops; each is told back', async (b) => {
  const id = await newStream(b);
  const set = async (status: string) =>
    await b.call('POST', '/tenant-a/ssf/status', { stream_id: id, status, reason: 'upkeep' });
  const told = (await set('paused')).body;
  assert.deepEqual(told, { stream_id: id, status: 'paused', reason: 'upkeep' });
  assert.equal((await b.driver.apply(b.intention('L1'), null)).type, 'unknown');
  assert.deepEqual(await drain(b, id), []);
  await set('enabled');
  assert.equal((await drain(b, id)).length, 1);
  await set('paused');
  await b.driver.apply(b.intention('L2'), null);
  await set('disabled');
  assert.equal((await b.driver.apply(b.intention('L3'), null)).type, 'refused');
  await set('enabled');
  assert.deepEqual(await drain(b, id), []);
  assert.equal((await b.store.streams())[0]?.dropped, 1);
  assert.equal((await set('asleep')).status, 400);
  const shown = await b.call('GET', `/tenant-a/ssf/status?stream_id=${id}`);
  assert.equal((shown.body as Json)['status'], 'enabled');
});
bench('a verification is asked for once a minute', async (b) => {
  const id = await newStream(b);
  const ask = async () => await b.call('POST', '/tenant-a/ssf/verify', { stream_id: id });
  assert.equal((await ask()).status, 204);
  const again = await ask();
  assert.deepEqual([again.status, again.headers['retry-after']], [429, '60']);
  await b.clock.advance(60_000);
  assert.equal((await ask()).status, 204);
});
bench('a subject that was taken out is not told of; added again it is', async (b) => {
  const id = await newStream(b);
  const subject = { format: 'iss_sub', iss: 'https://idp.example', sub: 'agent-7' };
  const change = async (what: string, named: unknown) => {
    const body = { stream_id: id, subject: named };
    return (await b.call('POST', `/tenant-a/ssf/subjects/${what}`, body)).status;
  };
  assert.equal(await change('remove', subject), 204);
  assert.equal(await change('remove', { ...subject, sub: 'nobody we know' }), 204);
  assert.equal((await b.driver.apply(b.intention('L1'), null)).type, 'refused');
  assert.equal(await change('add', { ...subject, format: 'iss_sub' }), 200);
  assert.equal((await b.driver.apply(b.intention('L2'), null)).type, 'accepted');
  assert.equal(await change('add', 'agent-7'), 400);
});
bench('a body that is no JSON object is refused everywhere', async (b) => {
  await newStream(b);
  for (const path of ['streams', 'status', 'verify', 'subjects/add', 'subjects/remove'])
    for (const body of ['[1]', '{', '"x"', 'null'])
      assert.equal((await b.call('POST', `/tenant-a/ssf/${path}`, body)).status, 400, path);
});
