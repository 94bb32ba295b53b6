/** Reach: connects, sends nothing, and says what kept it from connecting. */
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { reach } from '../../src/adapters/reach.ts';

test('says null where somebody accepts, and sends nothing', async () => {
  let bytes = 0;
  const closed = Promise.withResolvers<void>();
  const server = createServer((socket) => {
    socket.on('data', (chunk) => {
      bytes += chunk.length;
    });
    socket.on('error', () => undefined);
    socket.on('close', () => closed.resolve());
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as { port: number };
  assert.equal(await reach('127.0.0.1', port, 5_000), null);
  await closed.promise;
  await new Promise((done) => server.close(done));
  assert.equal(bytes, 0);
  assert.equal(await reach('127.0.0.1', port, 5_000), 'ECONNREFUSED');
});
