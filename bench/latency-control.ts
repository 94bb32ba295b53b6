/** The control server of the latency benchmark: answers at once, and notes when each call came. */
import { createServer } from 'node:http';
import { answer, input } from './child.ts';
import { wallMs } from './latency-parts.ts';

/** A control call as it came. */
export interface Call {
  readonly session: string;
  /** `requested`, `renewed` or `released`. */
  readonly step: string;
  readonly key: string;
  readonly atMs: number;
}

const { port } = input<{ readonly port: number }>();
const calls: Call[] = [];
const reply = JSON.stringify({ state: 'applied' });
const server = createServer((request, response) => {
  const atMs = wallMs();
  const parts: Buffer[] = [];
  request.on('data', (part: Buffer) => parts.push(part));
  request.on('end', () => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(reply);
    const { type, data } = JSON.parse(Buffer.concat(parts).toString('utf8')) as {
      readonly type: string;
      readonly data: { readonly subject: { readonly session?: string } };
    };
    const step = type.split('.')[2] ?? '';
    const key = String(request.headers['webhook-id']);
    calls.push({ session: data.subject.session ?? '', step, key, atMs });
  });
});
server.listen(port, '127.0.0.1', () => process.send?.({ ready: true }));
process.on('message', (message) => {
  if (message === 'count') process.send?.({ count: calls.length });
  if (message !== 'stop') return;
  server.close();
  server.closeAllConnections();
  answer(calls);
});
