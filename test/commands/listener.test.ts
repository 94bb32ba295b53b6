/** The listener's table: every route demands its scope, and a token opens nothing else. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { systemClock } from '../../src/adapters/clock.ts';
import { createHttp } from '../../src/adapters/control-http.ts';
import { startHttpServer } from '../../src/adapters/http-server.ts';
import { EMPTY_INVENTORY } from '../../src/baseline/inventory.ts';
import { DEFAULT_SOURCES } from '../../src/commands/config.ts';
import { type ListenerParts, routesOf } from '../../src/commands/listener.ts';
import { newToken, tokenDigest } from '../../src/commands/token.ts';
import type { Config } from '../../src/model/config.ts';
import type { Database } from '../../src/model/ports.ts';
import { SCOPES as GIVEN, type Scope } from '../../src/model/route.ts';
import { silentLog } from '../integration/postgres.ts';

const SCOPES: readonly Scope[] = GIVEN;

/** Public by their standard; everything else asks who you are. */
const PUBLIC: ReadonlySet<string> = new Set(['/.well-known/ssf-configuration', '/jwks.json']);

const config: Config = {
  sources: [...DEFAULT_SOURCES],
  control: {
    drivers: { doc: { type: 'posture' }, box: { type: 'pull', consumer: 'box' } },
    listener: { consumers: {} },
  },
};
/** Requests are refused before anything is read. */
const untouched = { query: async () => assert.fail('the record was read') } as unknown as Database;
const parts: ListenerParts = {
  ...{ config, db: untouched, inventory: EMPTY_INVENTORY, environment: {} },
  ...{ clock: systemClock, log: silentLog },
};
const concrete = (path: string) => path.replace(/:\w+/g, 'x');

describe('routes', () => {
  it('each asks for a scope, but for those that are public by their standard', async () => {
    const routes = await routesOf(parts);
    assert.ok(routes.length >= 9, String(routes.length));
    for (const { path, scope } of routes) {
      if (PUBLIC.has(path)) assert.equal(scope, null, path);
      else assert.ok(scope !== null && SCOPES.includes(scope), path);
    }
  });

  it('no two are the same', async () => {
    const names = (await routesOf(parts)).map(({ method, path }) => `${method} ${path}`);
    assert.equal(new Set(names).size, names.length);
  });

  it('each refuses nobody in particular, and a token that is good for everything else', async () => {
    const routes = await routesOf(parts);
    const tokens = new Map(SCOPES.map((scope) => [scope, newToken()]));
    const consumers = SCOPES.map((scope) => ({
      name: scope,
      sha256: tokenDigest(tokens.get(scope) ?? ''),
      scopes: SCOPES.filter((one) => one !== scope),
    }));
    const options = { host: '127.0.0.1', port: 0, consumers };
    const limits = { strangersPerMinute: 1_000, perMinute: 10_000, openMax: 8 };
    const server = await startHttpServer(routes, { ...options, limits }, systemClock, silentLog);
    const http = createHttp();
    try {
      for (const { method, path, scope } of routes) {
        if (scope === null) continue;
        const url = `${server.url}${concrete(path)}`;
        const status = async (headers: Readonly<Record<string, string>>) =>
          (await http({ method, url, headers, timeoutMs: 5_000 })).status;
        assert.equal(await status({}), 401, path);
        const other = { authorization: `Bearer ${tokens.get(scope)}` };
        assert.equal(await status(other), 403, path);
      }
      assert.equal(server.counts().answered, 0);
    } finally {
      await server.close();
    }
  });

  it('there are none for drivers that are not configured', async () => {
    const bare = { ...config, control: { drivers: {}, listener: {} } };
    assert.deepEqual(await routesOf({ ...parts, config: bare }), []);
  });

  it('refuses keys that cannot sign what they are to sign, by their name', async () => {
    const { generateKeyPairSync } = await import('node:crypto');
    const { privateKey } = generateKeyPairSync('ed25519');
    const environment = {
      GOOD: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
      BAD: 'no key at all',
    };
    const withKeys = (keys: object): ListenerParts => ({
      ...parts,
      environment,
      config: { ...config, control: { drivers: { doc: { type: 'posture', ...keys } } } },
    });
    assert.ok((await routesOf(withKeys({ signingKey: { env: 'GOOD' } }))).length > 0);
    await assert.rejects(routesOf(withKeys({ signingKey: { env: 'BAD' } })), {
      code: 'CONFIG_INVALID',
      message: /^control\.drivers\.doc\.signingKey: is no PEM private key/,
    });
    await assert.rejects(routesOf(withKeys({ bundleKey: { env: 'GOOD' } })), {
      code: 'CONFIG_INVALID',
      message: /^control\.drivers\.doc\.bundleKey: OPA verifies no Ed25519/,
    });
  });
});
