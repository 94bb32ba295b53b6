/** The HTTP client against real sockets: what it sends, cuts, refuses to follow, and how it fails. */
import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { test } from 'node:test';
import { createHttp } from '../../src/adapters/control-http.ts';
import { OperatingError } from '../../src/model/errors.ts';
import type { HttpRequest } from '../../src/model/ports.ts';

const listening = async <T>(server: Server, use: (url: string) => Promise<T>): Promise<T> => {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  try {
    return await use(`http://127.0.0.1:${address.port}`);
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }
};
const serving = <T>(answer: RequestListener, use: (url: string) => Promise<T>): Promise<T> =>
  listening(createServer(answer), use);
/** A server that speaks raw bytes, or nothing at all. */
const raw = <T>(answer: (socket: Socket) => void, use: (url: string) => Promise<T>): Promise<T> =>
  listening(
    createTcpServer((socket) => {
      socket.on('error', () => socket.destroy());
      answer(socket);
    }),
    use,
  );
const asking = (url: string, change: Partial<HttpRequest> = {}): HttpRequest => ({
  method: 'POST',
  url,
  headers: { 'x-one': 'eins' },
  body: 'Grüße',
  timeoutMs: 5_000,
  ...change,
});
const failureOf = async (pending: Promise<unknown>) => {
  const cause = await pending.then(
    () => null,
    (rejection: unknown) => rejection,
  );
  assert.ok(cause instanceof OperatingError, 'it should have failed');
  assert.equal(cause.code, 'CONTROL_UNREACHABLE');
  assert.equal(cause.retryable, true);
  return { message: cause.message, failure: cause.cause };
};

test('a request arrives whole and its answer comes back', async () => {
  await serving(
    (request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (chunk) => {
        body += chunk;
      });
      request.on('end', () => {
        response.writeHead(201, { 'Retry-After': '3', 'set-cookie': ['a=1', 'b=2'] });
        response.end(`${request.method} ${request.url} ${request.headers['x-one']} ${body}`);
      });
    },
    async (url) => {
      const response = await createHttp()(asking(`${url}/control?x=1`));
      assert.equal(response.status, 201);
      assert.equal(response.body, 'POST /control?x=1 eins Grüße');
      assert.equal(response.headers['retry-after'], '3');
      assert.equal(response.headers['set-cookie'], 'a=1, b=2');
    },
  );
});

test('a redirect is an answer, not an order', async () => {
  let asked = 0;
  await serving(
    (_request, response) => {
      asked += 1;
      response.writeHead(307, { location: '/elsewhere' }).end();
    },
    async (url) => {
      assert.equal((await createHttp()(asking(url))).status, 307);
      assert.equal(asked, 1);
    },
  );
});

test('an endless answer is cut at 64 KiB', async () => {
  await serving(
    (_request, response) => {
      const more = () => {
        while (response.write('x'.repeat(10_000)));
        response.once('drain', more);
      };
      more();
    },
    async (url) => {
      const response = await createHttp()(asking(url, { method: 'GET' }));
      assert.equal(response.body, 'x'.repeat(65_536));
    },
  );
});

test('nobody listens: not sent', async () => {
  const url = await raw(
    () => undefined,
    async (once) => once,
  );
  const { message, failure } = await failureOf(createHttp()(asking(`${url}/secret-path`)));
  assert.deepEqual(failure, { sent: false, code: 'ECONNREFUSED' });
  assert.match(message, /not sent \(ECONNREFUSED\)/);
  assert.ok(!message.includes('secret-path'));
});

test('a URL or header that cannot be sent: not sent', async () => {
  const bad = await failureOf(createHttp()(asking('nonsense')));
  assert.deepEqual(bad.failure, { sent: false, code: 'ERR_INVALID_URL' });
  const headers = { 'x-one': 'a\r\nx-two: b' };
  const split = await failureOf(createHttp()(asking('http://127.0.0.1:1/', { headers })));
  assert.deepEqual(split.failure, { sent: false, code: 'ERR_INVALID_CHAR' });
});

test('a connection cut before the answer: reply lost', async () => {
  await raw(
    (socket) => socket.once('data', () => socket.destroy()),
    async (url) => {
      const { message, failure } = await failureOf(createHttp()(asking(url)));
      assert.deepEqual(failure, { sent: true, code: 'ECONNRESET' });
      assert.match(message, /reply lost/);
    },
  );
});

test('an answer cut in the middle: reply lost', async () => {
  await raw(
    (socket) =>
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf')),
    async (url) => {
      const { failure } = await failureOf(createHttp()(asking(url)));
      assert.equal((failure as { sent: boolean }).sent, true);
    },
  );
});

test('an answer that is not HTTP: reply lost', async () => {
  await raw(
    (socket) => socket.once('data', () => socket.end('hello\r\n\r\n')),
    async (url) => {
      const { failure } = await failureOf(createHttp()(asking(url)));
      assert.equal((failure as { sent: boolean }).sent, true);
    },
  );
});

test('no answer in time: reply lost', async () => {
  await raw(
    () => undefined,
    async (url) => {
      const { failure } = await failureOf(createHttp()(asking(url, { timeoutMs: 500 })));
      assert.deepEqual(failure, { sent: true, code: 'TIMEOUT' });
    },
  );
});

test('a TLS handshake that never ends: not sent', async () => {
  await raw(
    () => undefined,
    async (url) => {
      const http = createHttp({ connectTimeoutMs: 50 });
      const { failure } = await failureOf(http(asking(url.replace('http:', 'https:'))));
      assert.deepEqual(failure, { sent: false, code: 'CONNECT_TIMEOUT' });
    },
  );
});
