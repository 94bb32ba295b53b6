/** Routes of probes and metrics: open where they say nothing, behind a scope where they do. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { healthRoutes, metricsRoute, type Probed } from '../../src/api/health.ts';
import type { ApiRequest } from '../../src/model/route.ts';

const request: ApiRequest = {
  ...{ method: 'GET', params: {}, query: {}, headers: {}, body: '', caller: null },
  signal: new AbortController().signal,
};
const probed = (ok: boolean): Probed => ({
  ...{ ok, status: ok ? 'ok' : 'failing' },
  components: {
    lane: { status: 'ok', sinceMs: 0, detail: 'd' },
    lag: { status: 'ok', sinceMs: null, detail: 'e' },
  },
});

describe('probes', () => {
  const asked: string[] = [];
  const asks = (what: string, ok: boolean) => () => {
    asked.push(what);
    return probed(ok);
  };
  const routes = healthRoutes({
    live: asks('live', true),
    ready: asks('ready', false),
    started: asks('started', true),
  });

  it('ask for nobody, and each asks its own question', async () => {
    assert.deepEqual(
      routes.map(({ path }) => path),
      ['/livez', '/healthz', '/readyz', '/startupz'],
    );
    for (const { scope, method } of routes) assert.deepEqual([scope, method], [null, 'GET']);
    for (const { handle } of routes) await handle(request);
    assert.deepEqual(asked, ['live', 'live', 'ready', 'started']);
  });

  it('are 200 or 503, with each part, since when and why; nobody may keep the answer', async () => {
    const { status, body, headers } = await (routes[2] ?? assert.fail()).handle(request);
    assert.equal(status, 503);
    assert.equal(headers?.['cache-control'], 'no-store');
    assert.deepEqual(JSON.parse(String(body)), {
      status: 'failing',
      components: {
        lane: { status: 'ok', since: '1970-01-01T00:00:00.000Z', detail: 'd' },
        lag: { status: 'ok', since: null, detail: 'e' },
      },
    });
    assert.equal((await (routes[0] ?? assert.fail()).handle(request)).status, 200);
  });
});

describe('metrics', () => {
  it('are text of Prometheus, behind the scope they are given', async () => {
    const { scope, path, handle } = metricsRoute(async () => 'a 1\n', 'metrics.read');
    assert.deepEqual([scope, path], ['metrics.read', '/metrics']);
    const { status, headers, body } = await handle(request);
    assert.deepEqual([status, body], [200, 'a 1\n']);
    assert.match(headers?.['content-type'] ?? '', /^text\/plain; version=0\.0\.4/);
  });
});
