/** The HTTP server against real sockets: who gets in, what is bounded, how it ends. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { connect as tlsConnect } from 'node:tls';
import fc from 'fast-check';
import { systemClock } from '../../src/adapters/clock.ts';
import { createHttp } from '../../src/adapters/control-http.ts';
import {
  type HttpServer,
  type HttpServerOptions,
  startHttpServer,
} from '../../src/adapters/http-server.ts';
import { newToken, tokenDigest } from '../../src/commands/token.ts';
import { OperatingError } from '../../src/model/errors.ts';
import type { ApiRequest, Route } from '../../src/model/route.ts';
import { createTestLog } from '../act/test-log.ts';

const token = newToken();
const gateway = { token, sha256: tokenDigest(token) };
const bearer = { authorization: `Bearer ${gateway.token}` };
const http = createHttp();

const echo = (method: Route['method'], path: string, scope: Route['scope']): Route => ({
  method,
  path,
  scope,
  handle: async ({ signal: _signal, ...seen }: ApiRequest) => ({
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(seen),
  }),
});

const serving = async (
  routes: readonly Route[],
  use: (server: HttpServer, lines: ReturnType<typeof createTestLog>['lines']) => Promise<void>,
  change: Partial<HttpServerOptions> = {},
): Promise<void> => {
  const { log, lines } = createTestLog();
  const server = await startHttpServer(
    routes,
    {
      host: '127.0.0.1',
      port: 0,
      consumers: [{ name: 'gw', sha256: gateway.sha256, scopes: ['posture.read'] }],
      closeWithinMs: 200,
      ...change,
    },
    systemClock,
    log,
  );
  try {
    await use(server, lines);
  } finally {
    await server.close();
  }
};

const ask = (
  server: HttpServer,
  path: string,
  headers: Readonly<Record<string, string>> = bearer,
  method: 'GET' | 'POST' | 'DELETE' = 'GET',
  body?: string,
) =>
  http({
    method,
    url: `${server.url}${path}`,
    headers,
    timeoutMs: 5_000,
    ...(body === undefined ? {} : { body }),
  });

describe('the listener', () => {
  it('hands a handler what was asked, and the name of who asks instead of the token', async () => {
    const routes = [echo('POST', '/v1/things/:name', 'posture.read')];
    await serving(routes, async (server) => {
      const reply = await ask(
        server,
        '/v1/things/a%2Fb%20c?wait=5&x=%C3%A9',
        { ...bearer, 'content-type': 'application/weird', 'x-one': 'Eins' },
        'POST',
        '{"a":1}',
      );
      assert.equal(reply.status, 200);
      assert.equal(reply.headers['x-content-type-options'], 'nosniff');
      const seen = JSON.parse(reply.body) as Omit<ApiRequest, 'signal'>;
      assert.deepEqual(seen.params, { name: 'a/b c' });
      assert.deepEqual(seen.query, { wait: '5', x: 'é' });
      assert.equal(seen.body, '{"a":1}');
      assert.equal(seen.caller, 'gw');
      assert.equal(seen.headers['x-one'], 'Eins');
      assert.ok(!reply.body.includes(gateway.token));
    });
  });

  it('serves a consumer by whatever name configuration gives it', async () => {
    const consumers = [
      { name: 'answered', sha256: gateway.sha256, scopes: ['posture.read' as const] },
    ];
    const use = async (server: HttpServer) => {
      const reply = await ask(server, '/v1/a');
      assert.equal((JSON.parse(reply.body) as ApiRequest).caller, 'answered');
    };
    await serving([echo('GET', '/v1/a', 'posture.read')], use, { consumers });
  });

  it('answers what is wrong with a problem body: 401, 403, 404, 405', async () => {
    const routes = [
      echo('GET', '/v1/posture', 'posture.read'),
      echo('POST', '/v1/posture', 'posture.read'),
      echo('GET', '/ssf/status', 'ssf.read'),
      echo('GET', '/.well-known/open', null),
    ];
    await serving(routes, async (server, lines) => {
      const cases = [
        ['/v1/posture', {}, 'GET', 401],
        ['/v1/posture', { authorization: 'Bearer plb_00000000_0' }, 'GET', 401],
        ['/ssf/status', bearer, 'GET', 403],
        ['/v1/nothing', bearer, 'GET', 404],
        ['/v1/posture/', bearer, 'GET', 404],
        ['/v1/posture', bearer, 'DELETE', 405],
        ['/v1/posture?wait=1&wait=2', bearer, 'GET', 400],
        ['/v1/%zz', bearer, 'GET', 400],
      ] as const;
      for (const [path, headers, method, status] of cases) {
        const reply = await ask(server, path, headers, method);
        assert.equal(reply.status, status, path);
        assert.equal(reply.headers['content-type'], 'application/problem+json', path);
        const body = JSON.parse(reply.body) as Record<string, unknown>;
        assert.equal(body['status'], status);
        assert.ok(typeof body['title'] === 'string' && typeof body['detail'] === 'string');
      }
      assert.equal(
        (await ask(server, '/v1/posture', bearer, 'DELETE')).headers['allow'],
        'GET, POST',
      );
      assert.match(
        (await ask(server, '/v1/posture', {})).headers['www-authenticate'] ?? '',
        /^Bearer /,
      );
      assert.equal((await ask(server, '/.well-known/open', {})).status, 200);
      const counts = server.counts();
      const { unauthenticated, forbidden, answered, refused } = counts;
      assert.deepEqual(
        { unauthenticated, forbidden, answered, refused },
        {
          ...{ unauthenticated: 3, forbidden: 1, answered: 1, refused: 4 },
        },
      );
      assert.equal(counts['not-found'], 2);
      // Said once for an address, and never with the token.
      const said = lines.filter(({ message }) => message.includes('nobody has'));
      assert.equal(said.length, 1);
      assert.ok(!JSON.stringify(lines).includes('plb_'));
    });
  });

  it('does not read the body of somebody who may not ask', async () => {
    let read = 0;
    const route: Route = {
      ...echo('POST', '/v1/control/poll', 'control.poll'),
      handle: async () => {
        read += 1;
        return { status: 200 };
      },
    };
    await serving([route], async (server) => {
      const reply = await ask(server, '/v1/control/poll', bearer, 'POST', 'x'.repeat(100));
      assert.equal(reply.status, 403);
      assert.equal(read, 0);
    });
  });

  it('bounds body, headers and path', async () => {
    await serving([echo('POST', '/v1/:x', 'posture.read')], async (server) => {
      const large = await ask(server, '/v1/a', bearer, 'POST', 'x'.repeat(1024 * 1024 + 1));
      assert.equal(large.status, 413);
      assert.equal(
        (await ask(server, '/v1/a', bearer, 'POST', 'x'.repeat(1024 * 1024))).status,
        200,
      );
      const headers = await ask(server, '/v1/a', { ...bearer, 'x-large': 'y'.repeat(20_000) });
      assert.equal(headers.status, 431);
      const long = await ask(server, `/v1/${'p'.repeat(600)}`, bearer, 'POST');
      assert.ok([400, 404, 414].includes(long.status), String(long.status));
    });
  });

  it('answers a broken request and goes on', async () => {
    await serving([echo('GET', '/v1/a', null)], async (server) => {
      const said = await new Promise<string>((resolve) => {
        let text = '';
        const socket = connect(server.port, '127.0.0.1', () => socket.write('NONSENSE\r\n\r\n'));
        socket.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        socket.on('close', () => resolve(text));
      });
      assert.match(said, /^HTTP\/1.1 400 /);
      assert.match(said, /application\/problem\+json/);
      assert.equal((await ask(server, '/v1/a', {})).status, 200);
    });
  });

  it('survives any bytes and any path, and tells nobody without a token anything', async () => {
    const secret = { status: 200, body: 'what only consumers read' };
    const routes = (['/v1/posture', '/v1/posture/:agent'] as const).map(
      (path): Route => ({ ...echo('GET', path, 'posture.read'), handle: async () => secret }),
    );
    const limits = { perMinute: 1e6, openMax: 64, strangersPerMinute: 1e6 };
    await serving(
      routes,
      async (server) => {
        const says = (bytes: Uint8Array) =>
          new Promise<string>((resolve) => {
            let text = '';
            const socket = connect(server.port, '127.0.0.1', () => socket.end(bytes));
            socket.on('error', () => resolve(text));
            socket.on('data', (chunk) => {
              text += chunk.toString('latin1');
            });
            socket.on('close', () => resolve(text));
          });
        const line = fc.tuple(
          fc.constantFrom('GET', 'POST', 'HEAD', 'TRACE', 'X'),
          fc.oneof(fc.webPath(), fc.string({ unit: 'binary' }), fc.constant('/v1/posture/%00%2f')),
          fc.array(fc.tuple(fc.string(), fc.string({ unit: 'binary' })), { maxLength: 4 }),
        );
        const asked = line.map(([method, path, headers]) => {
          const rest = headers.map(([name, value]) => `${name}: ${value}`).join('\r\n');
          return Buffer.from(`${method} ${path} HTTP/1.1\r\nHost: x\r\n${rest}\r\n\r\n`, 'utf8');
        });
        await fc.assert(
          fc.asyncProperty(fc.oneof(asked, fc.uint8Array({ maxLength: 600 })), async (bytes) => {
            assert.ok(!(await says(bytes)).includes(secret.body));
          }),
          { numRuns: 150 },
        );
        assert.equal((await ask(server, '/v1/posture')).body, secret.body);
        assert.equal(server.counts().failed, 0);
      },
      { limits, arriveWithinMs: 1_000 },
    );
  });

  it('cuts who sends no request, or half of one', async () => {
    await serving(
      [echo('POST', '/v1/a', null)],
      async (server) => {
        for (const begun of ['POST /v1/a HTTP/1.1\r\nHost: x\r\nX-Slow: ', ''])
          await new Promise<void>((resolve) => {
            const socket = connect(server.port, '127.0.0.1', () => socket.write(begun));
            socket.on('error', () => undefined);
            socket.resume().on('close', () => resolve());
          });
        assert.equal((await ask(server, '/v1/a', {}, 'POST', 'x')).status, 200);
      },
      { arriveWithinMs: 400 },
    );
  });

  it('speaks TLS where it is given a certificate, and nothing older than 1.2', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'plt-tls-'));
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    try {
      const words = `req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost -keyout ${key} -out ${cert}`;
      const names = ['-addext', 'subjectAltName=IP:127.0.0.1'];
      execFileSync('openssl', [...words.split(' '), ...names], { stdio: 'ignore' });
      const [keyText, certText] = [await readFile(key, 'utf8'), await readFile(cert, 'utf8')];
      const tls = { key: keyText, cert: certText };
      const routes = [echo('GET', '/v1/a', 'posture.read')];
      await serving(
        routes,
        async (server) => {
          assert.match(server.url, /^https:/);
          const secure = createHttp({ ca: certText });
          const url = `${server.url}/v1/a`;
          const request = { method: 'GET' as const, url, timeoutMs: 5_000 };
          assert.equal((await secure({ ...request, headers: bearer })).status, 200);
          assert.equal((await secure({ ...request, headers: {} })).status, 401);
          const old = await new Promise<string>((resolve) => {
            const socket = tlsConnect({
              ...{ host: '127.0.0.1', port: server.port, ca: certText },
              ...{ minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' },
            });
            socket
              .on('secureConnect', () => resolve('connected'))
              .on('error', () => resolve('cut'));
          });
          assert.equal(old, 'cut');
        },
        { tls },
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('tells who asks too often to wait', async () => {
    const limits = { perMinute: 2, openMax: 8, strangersPerMinute: 1 };
    await serving(
      [echo('GET', '/v1/a', 'posture.read')],
      async (server) => {
        await ask(server, '/v1/a');
        await ask(server, '/v1/a');
        const reply = await ask(server, '/v1/a');
        assert.equal(reply.status, 429);
        assert.ok(Number(reply.headers['retry-after']) >= 1);
        assert.equal((await ask(server, '/v1/a', {})).status, 401);
        assert.equal((await ask(server, '/v1/a', {})).status, 429);
      },
      { limits },
    );
  });

  it('lets nothing of a failure out: 503 where it may pass, 500 where not', async () => {
    const failing = (path: string, cause: Error): Route => ({
      ...echo('GET', path, null),
      handle: async () => {
        throw cause;
      },
    });
    const away = new OperatingError('DATABASE_UNREACHABLE', 'secret host', { retryable: true });
    const routes = [failing('/away', away), failing('/bug', new Error('secret detail'))];
    await serving(routes, async (server, lines) => {
      const first = await ask(server, '/away', {});
      assert.equal(first.status, 503);
      assert.equal(first.headers['retry-after'], '1');
      const second = await ask(server, '/bug', {});
      assert.equal(second.status, 500);
      assert.ok(!`${first.body}${second.body}${JSON.stringify(lines)}`.includes('secret'));
      assert.equal(server.counts().failed, 2);
    });
  });

  it('tells a handler when its caller hangs up', async () => {
    const ended = Promise.withResolvers<string>();
    const begun = Promise.withResolvers<void>();
    const waiting: Route = {
      ...echo('GET', '/wait', null),
      handle: async ({ signal }) => {
        begun.resolve();
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        ended.resolve('ended');
        return { status: 200 };
      },
    };
    await serving([waiting], async (server) => {
      const call = request(`${server.url}/wait`);
      call.on('error', () => undefined);
      call.end();
      await begun.promise;
      call.destroy();
      assert.equal(await ended.promise, 'ended');
    });
  });

  it('ends long polls and streams when it closes, and takes no more', async () => {
    const polling: Route = {
      ...echo('GET', '/wait', 'posture.read'),
      handle: async ({ signal }) => {
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        return { status: 304 };
      },
    };
    const streaming: Route = {
      ...echo('GET', '/stream', 'posture.read'),
      handle: async ({ signal }) => ({
        status: 200,
        headers: { 'content-type': 'text/event-stream' },
        body: (async function* () {
          yield 'data: one\n\n';
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
          yield 'data: last\n\n';
        })(),
      }),
    };
    await serving([polling, streaming], async (server) => {
      const wait = ask(server, '/wait');
      const stream = ask(server, '/stream');
      while (server.counts().open < 2) await systemClock.sleep(5);
      await server.close();
      assert.equal((await wait).status, 304);
      assert.equal((await stream).body, 'data: one\n\ndata: last\n\n');
      await assert.rejects(ask(server, '/wait'), { code: 'CONTROL_UNREACHABLE' });
      assert.equal(server.counts().open, 0);
    });
  });

  it('cuts what does not end when it closes', async () => {
    const begun = Promise.withResolvers<void>();
    const stuck: Route = {
      ...echo('GET', '/stuck', null),
      handle: () => {
        begun.resolve();
        return new Promise(() => undefined);
      },
    };
    await serving([stuck], async (server) => {
      const call = ask(server, '/stuck', {}).then(
        () => 'answered',
        () => 'cut',
      );
      await begun.promise;
      await server.close();
      assert.equal(await call, 'cut');
    });
  });

  it('lets only the proxies connect where there are some', async () => {
    const routes = [echo('GET', '/v1/a', null)];
    await serving(
      routes,
      async (server) => assert.equal((await ask(server, '/v1/a')).status, 200),
      {
        trustProxy: ['127.0.0.0/8'],
      },
    );
    await serving(
      routes,
      async (server) => assert.equal((await ask(server, '/v1/a')).status, 403),
      {
        trustProxy: ['10.0.0.0/8', 'fd00::/8'],
      },
    );
  });

  it('says which address cannot be listened on', async () => {
    await serving([], async (server) => {
      const second = startHttpServer(
        [],
        { host: '127.0.0.1', port: server.port, consumers: [] },
        systemClock,
        createTestLog().log,
      );
      await assert.rejects(second, {
        code: 'CONFIG_INVALID',
        message: `control.listener: 127.0.0.1:${server.port} is in use; stop what listens there or choose another port`,
      });
    });
  });
});
