/** Rest: what a reply means to the executor, and that a lost answer to a question is only a retry. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRest, memberOf, type RestOptions, snapshotOf } from '../../src/act/rest.ts';
import { OperatingError } from '../../src/model/errors.ts';
import type { Http, HttpRequest, HttpResponse } from '../../src/model/ports.ts';
import { createVirtualClock } from '../sim/clock.ts';

const restOver = (http: Http, more: Partial<RestOptions> = {}) =>
  createRest({
    ...{ http, clock: createVirtualClock(), base: 'https://target.example/base' },
    headers: { authorization: 'Bearer t' },
    ...{ timeoutMs: 1_000, credential: 'the token' },
    ...more,
  });
const replying = (reply: Partial<HttpResponse>): Http => {
  return async () => ({ status: 200, headers: {}, body: '{}', ...reply });
};
const failing = (sent: boolean): Http => {
  const cause = { sent, code: 'ECONNRESET' };
  return async () => {
    throw new OperatingError('CONTROL_UNREACHABLE', 'x', { retryable: true, cause });
  };
};
const outcomeOf = async (http: Http, more?: Partial<RestOptions>) => {
  const answer = await restOver(http, more).send({ method: 'POST', path: '/x', body: {} });
  return answer.ok ? 'ok' : answer.outcome.type;
};

test('a request is JSON behind the base, with credentials and what it brings itself', async () => {
  const sent: HttpRequest[] = [];
  const rest = restOver(async (request) => {
    sent.push(request);
    return { status: 200, headers: {}, body: '{"a":1}' };
  });
  const headers = { 'content-type': 'application/merge-patch+json' };
  const answer = await rest.send({ method: 'PATCH', path: '/x', body: { b: 2 }, headers });
  assert.deepEqual(answer, { ok: true, status: 200, body: { a: 1 }, isRead: true });
  assert.deepEqual(sent, [
    {
      method: 'PATCH',
      url: 'https://target.example/base/x',
      timeoutMs: 1_000,
      headers: { accept: 'application/json', authorization: 'Bearer t', ...headers },
      body: '{"b":2}',
    },
  ]);
  await rest.read('/y');
  assert.equal(sent[1]?.body, undefined);
});

test('a success that cannot be read is one where it was done, and none where it was asked', async () => {
  for (const body of ['', '<html>', '[]', 'null', '{']) {
    const rest = restOver(replying({ body }));
    const done = await rest.send({ method: 'POST', path: '/x' });
    assert.deepEqual(done, { ok: true, status: 200, body: {}, isRead: false });
    const asked = await rest.read('/x');
    assert.equal(asked.ok ? 'ok' : asked.outcome.type, 'refused');
  }
});

test('no request outlasts what the executor waits for three of them', async () => {
  const sent: number[] = [];
  const http: Http = async ({ timeoutMs }) => {
    sent.push(timeoutMs);
    return { status: 200, headers: {}, body: '{}' };
  };
  for (const timeoutMs of [500, 60_000]) await restOver(http, { timeoutMs }).read('/x');
  assert.deepEqual(sent, [500, 6_000]);
});

test('failures mean what they mean for every driver, unless a target says otherwise', async () => {
  assert.equal(await outcomeOf(replying({ status: 503 })), 'retry');
  assert.equal(await outcomeOf(replying({ status: 403 })), 'refused');
  assert.equal(await outcomeOf(replying({ status: 409 })), 'refused');
  const statuses = {
    409: (afterMs: number) => ({ type: 'retry' as const, detail: 'locked', afterMs }),
  };
  assert.equal(await outcomeOf(replying({ status: 409 }), { statuses }), 'retry');
  assert.equal(await outcomeOf(replying({ status: 404 }), { statuses }), 'refused');
});

test('a lost answer may have acted where something was to change, and did nothing where not', async () => {
  const ask = async (sent: boolean) => {
    const answer = await restOver(failing(sent)).read('/x');
    return answer.ok ? 'ok' : answer.outcome.type;
  };
  assert.deepEqual(
    [await outcomeOf(failing(true)), await outcomeOf(failing(false))],
    ['unknown', 'retry'],
  );
  assert.deepEqual([await ask(true), await ask(false)], ['retry', 'retry']);
});

test('a snapshot is retried or refused, never anything else', () => {
  const retry = { type: 'retry', detail: 'x', afterMs: 1 } as const;
  assert.deepEqual(snapshotOf(retry), retry);
  assert.equal(snapshotOf({ type: 'unknown', detail: 'x', afterMs: 0 }).type, 'refused');
});

test('a part of a prior is an object or nothing', () => {
  assert.deepEqual(memberOf({ a: { b: 1 } }, 'a'), { b: 1 });
  for (const prior of [null, {}, { a: [] }, { a: null }, { a: 'x' }])
    assert.equal(memberOf(prior, 'a'), null);
});
