/** Posture routes: ETag, long poll, stream, proofs, and what is remembered of who asks. */
import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import { flattenedVerify, importJWK, type JWK } from 'jose';
import { createBoard } from '../../src/api/board.ts';
import {
  createPolls,
  type Given,
  knownRevision,
  type PostureParts,
  postureRoutes,
  waitOf,
} from '../../src/api/posture.ts';
import type { PostureDocument } from '../../src/api/posture-document.ts';
import type { ApiRequest, ApiResponse } from '../../src/api/route.ts';
import { parseSigner, type Signer } from '../../src/api/signature.ts';
import type { StandingPosture } from '../../src/model/posture.ts';
import { createVirtualClock } from '../sim/clock.ts';
import { against, lease, NOW_MS, stateOf } from './standing.ts';

const ed25519 = (): Signer => {
  const { privateKey } = generateKeyPairSync('ed25519');
  const parsed = parseSigner(privateKey.export({ type: 'pkcs8', format: 'pem' }) as string);
  assert.ok(parsed.ok);
  return parsed.signer;
};

const setup = (leases: readonly StandingPosture[] = [], signer: Signer | null = null) => {
  const clock = createVirtualClock(NOW_MS);
  const at = { leases };
  const given: Given[] = [];
  const parts: PostureParts = {
    board: createBoard(async () => stateOf(at.leases), clock),
    clock,
    tenantOf: (consumer) => (consumer === 'gw-t2' ? 't2' : '-'),
    maxAgeSeconds: 30,
    signer,
    polled: async (one) => {
      given.push(one);
    },
  };
  const routes = postureRoutes(parts, createPolls(parts));
  const ask = async (path: string, change: Partial<ApiRequest> = {}): Promise<ApiResponse> => {
    const route = routes.find((one) => one.path === path);
    assert.ok(route !== undefined, path);
    return await route.handle({
      ...{ method: 'GET', params: {}, query: {}, headers: {}, body: '', caller: 'gw' },
      signal: new AbortController().signal,
      ...change,
    });
  };
  return { clock, at, given, ask };
};
const documentOf = (response: ApiResponse) => JSON.parse(String(response.body)) as PostureDocument;
const etagOf = (response: ApiResponse) => response.headers?.['etag'] ?? '';

describe('GET /v1/posture', () => {
  it('gives the document with its revision as a weak ETag, and 304 to whom has it', async () => {
    const { ask } = setup([lease(1)]);
    const first = await ask('/v1/posture');
    assert.equal(first.status, 200);
    assert.equal(etagOf(first), `W/"${documentOf(first).revision}"`);
    assert.equal(first.headers?.['vary'], 'authorization');
    const again = await ask('/v1/posture', { headers: { 'if-none-match': etagOf(first) } });
    assert.deepEqual([again.status, again.body], [304, undefined]);
    assert.equal(etagOf(again), etagOf(first));
  });

  it('holds a question open as long as it is asked to, and answers the moment something changes', async () => {
    const { ask, at, clock } = setup();
    const headers = { 'if-none-match': etagOf(await ask('/v1/posture')), prefer: 'wait=20' };
    const answers: number[] = [];
    const wait = ask('/v1/posture', { headers }).then((response) => {
      answers.push(response.status);
      return response;
    });
    await clock.advance(10_000);
    assert.deepEqual(answers, []);
    at.leases = [lease(1)];
    await clock.advance(250);
    const response = await wait;
    assert.equal(response.status, 200);
    assert.equal(response.headers?.['preference-applied'], 'wait=20');
    assert.deepEqual(Object.keys(documentOf(response).agents), ['agent-7']);
  });

  it('answers 304 when the time is over', async () => {
    const { ask, clock } = setup();
    const headers = { 'if-none-match': etagOf(await ask('/v1/posture')), prefer: 'wait=2' };
    const wait = ask('/v1/posture', { headers });
    await clock.advance(2_000);
    assert.equal((await wait).status, 304);
  });

  it('changes by itself when a lease ends', async () => {
    const { ask, clock } = setup([lease(1, { expiresMs: NOW_MS + 5_000 })]);
    const first = await ask('/v1/posture');
    const headers = { 'if-none-match': etagOf(first), prefer: 'wait=30' };
    const wait = ask('/v1/posture', { headers });
    await clock.advance(5_000);
    assert.deepEqual(Object.keys(documentOf(await wait).agents), []);
  });

  it('never waits for somebody who has nothing yet', async () => {
    const { ask } = setup();
    assert.equal((await ask('/v1/posture', { headers: { prefer: 'wait=30' } })).status, 200);
  });

  it('proves what it gives: digest and detached signature, the key beside it', async () => {
    const signer = ed25519();
    const { ask } = setup([lease(1)], signer);
    const response = await ask('/v1/posture');
    const body = response.body as Buffer;
    const digest = createHash('sha256').update(body).digest('base64');
    assert.equal(response.headers?.['content-digest'], `sha-256=:${digest}:`);
    const [header = '', , signature = ''] = (response.headers?.['x-jws-signature'] ?? '').split(
      '.',
    );
    const jwk = JSON.parse(String((await ask('/v1/posture/key')).body)) as JWK;
    const key = await importJWK(jwk, 'EdDSA');
    await flattenedVerify({ protected: header, payload: body, signature }, key);
  });

  it('says that there is no key where nothing is signed', async () => {
    const { ask } = setup();
    assert.equal((await ask('/v1/posture/key')).status, 404);
    assert.equal((await ask('/v1/posture')).headers?.['x-jws-signature'], undefined);
  });

  it('gives one agent only itself, and a tenant its own', async () => {
    const { ask } = setup([
      lease(1),
      against(2, { agent: 'agent-8' }),
      against(3, { tenant: 't2' }),
    ]);
    const one = await ask('/v1/posture/:agent', { params: { agent: 'agent-8' } });
    assert.deepEqual(Object.keys(documentOf(one).agents), ['agent-8']);
    assert.deepEqual(Object.keys(documentOf(await ask('/v1/posture')).agents), [
      'agent-7',
      'agent-8',
    ]);
    const other = documentOf(await ask('/v1/posture', { caller: 'gw-t2' }));
    assert.equal(other.agents['agent-7']?.lease, 'L3');
    const long = await ask('/v1/posture/:agent', { params: { agent: 'a'.repeat(513) } });
    assert.equal(long.status, 400);
  });

  it('remembers who asked, what they were given, and how long they stay away', async () => {
    const { ask, given, at, ...rest } = setup([lease(1)]);
    const later = async (ms: number) => await rest.clock.advance(ms);
    await ask('/v1/posture');
    await later(4_000);
    at.leases = [lease(1), lease(2)];
    await ask('/v1/posture');
    await later(3_600_000);
    at.leases = [];
    await ask('/v1/posture', { headers: { prefer: 'wait=9', 'if-none-match': 'W/"other"' } });
    assert.deepEqual(
      given.map(({ consumer, about, leaseIds, gapMs }) => ({ consumer, about, leaseIds, gapMs })),
      [
        { consumer: 'gw', about: '', leaseIds: ['L1'], gapMs: 0 },
        // Only what it did not have; and an absence of an hour is no interval.
        { consumer: 'gw', about: '', leaseIds: ['L2'], gapMs: 4_000 },
        { consumer: 'gw', about: '', leaseIds: [], gapMs: 0 },
      ],
    );
    await ask('/v1/posture/:agent', { params: { agent: 'agent-7' } });
    assert.equal(given.at(-1)?.about, 'agent-7');
  });
});

describe('how often a poll is noted', () => {
  it('at once where it is news, else every three seconds: polling costs the record little', async () => {
    const { ask, given, at, ...rest } = setup([lease(1)]);
    const later = async (ms: number) => await rest.clock.advance(ms);
    for (let n = 0; n < 30; n += 1) {
      await ask('/v1/posture');
      await later(100);
    }
    // The first, the interval that was seen, and one at three seconds.
    assert.ok(given.length <= 3, String(given.length));
    const before = given.length;
    at.leases = [lease(1), lease(2)];
    await later(250);
    await ask('/v1/posture');
    assert.equal(given.length, before + 1);
    assert.deepEqual(given.at(-1)?.leaseIds, ['L2']);
  });
});

describe('GET /v1/posture/stream', () => {
  const collect = async (response: ApiResponse, until: number, ended: AbortController) => {
    const parts: string[] = [];
    for await (const part of response.body as AsyncIterable<string>) {
      parts.push(part);
      if (parts.length === until) ended.abort();
    }
    return parts;
  };

  it('sends the document at once, then with each change, and beats between', async () => {
    const { ask, at, clock } = setup();
    const ended = new AbortController();
    const response = await ask('/v1/posture/stream', { signal: ended.signal });
    assert.equal(response.headers?.['content-type'], 'text/event-stream');
    const collecting = collect(response, 3, ended);
    await clock.advance(15_000);
    at.leases = [lease(1)];
    await clock.advance(250);
    const [first = '', beat, second = ''] = await collecting;
    assert.match(first, /^id: sha256:[0-9a-f]{64}\nevent: posture\ndata: \{.*\}\n\n$/);
    assert.equal(beat, ': beat\n\n');
    assert.match(second, /"agent-7"/);
  });

  it('goes on from what the caller last had', async () => {
    const { ask, clock } = setup([lease(1)]);
    const { revision } = documentOf(await ask('/v1/posture'));
    const ended = new AbortController();
    const response = await ask('/v1/posture/stream', {
      signal: ended.signal,
      headers: { 'last-event-id': revision },
    });
    const collecting = collect(response, 1, ended);
    await clock.advance(15_000);
    assert.deepEqual(await collecting, [': beat\n\n']);
  });
});

describe('what callers write', () => {
  it('knows its own revisions in any form of an ETag, and nothing else', () => {
    const revision = `sha256:${'a'.repeat(64)}`;
    assert.equal(knownRevision(`"${revision}"`), revision);
    assert.equal(knownRevision(` W/"${revision}" , "x"`), revision);
    for (const other of [undefined, '', '*', revision, '"sha256:a"', '"x"'])
      assert.equal(knownRevision(other), null);
  });

  it('reads the time to wait as RFC 7240 and OPA write it, thirty seconds at most', () => {
    assert.equal(waitOf('wait=5'), 5_000);
    assert.equal(waitOf('modes=snapshot,delta;wait=10'), 10_000);
    assert.equal(waitOf('respond-async, Wait="7"'), 7_000);
    assert.equal(waitOf('wait=9999'), 30_000);
    for (const none of [undefined, '', 'await=5', 'wait=-1', 'wait=x', 'modes=snapshot'])
      assert.equal(waitOf(none), 0, none);
  });
});
