/** A real HTTP server that can be slow, refuse, lose replies and be away: what counterparts share. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How it behaves. `works` is what its published API says. */
export const MOODS = [
  'works',
  'slow',
  'refuses',
  'auth',
  'busy',
  'breaks',
  'loses-reply',
  'hangs',
] as const;
/** One of MOODS. */
export type Mood = (typeof MOODS)[number];

/** A request as it came. */
export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What is answered. */
export interface Answer {
  readonly status: number;
  readonly body?: unknown;
}

/** A running counterpart. */
export interface HttpCounterpart {
  readonly url: string;
  mood: Mood;
  /** Stops listening; open connections are cut. The address stays ours to come back to. */
  down(): Promise<void>;
  up(): Promise<void>;
  close(): Promise<void>;
}

/** `Retry-After` of a server that is busy, seconds. */
export const BUSY_S = 7;

const listen = (server: Server, port: number) =>
  new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve());
  });

const readAll = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
};

/** Starts one on a free port. `answer` is called for what really arrives and is looked at. */
export async function startCounterpart(
  answer: (received: Received) => Answer,
): Promise<HttpCounterpart> {
  const state = { mood: 'works' as Mood };
  const handle = async (request: IncomingMessage): Promise<Answer | 'cut' | 'never'> => {
    const received: Received = {
      method: request.method ?? '',
      path: request.url ?? '',
      headers: Object.fromEntries(
        Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
      ),
      body: await readAll(request),
    };
    switch (state.mood) {
      case 'works':
        return answer(received);
      case 'slow':
        return 'never';
      case 'refuses':
        return { status: 400, body: { message: 'bad request' } };
      case 'auth':
        return { status: 401 };
      case 'busy':
        return { status: 429 };
      case 'breaks':
        return { status: 503 };
      case 'loses-reply':
        answer(received);
        return 'cut';
      // It has it, and says nothing: the moment in which whoever sent it may die.
      case 'hangs':
        answer(received);
        return 'never';
    }
  };
  let port = 0;
  let server: Server;
  const up = async () => {
    server = createServer((request, response) => {
      handle(request).then(
        (given) => {
          if (given === 'never') return;
          if (given === 'cut') {
            response.destroy();
            return;
          }
          const text = given.body === undefined ? '' : JSON.stringify(given.body);
          response.writeHead(given.status, {
            'content-type': 'application/json',
            ...(given.status === 429 ? { 'retry-after': String(BUSY_S) } : {}),
          });
          response.end(text);
        },
        (cause: unknown) => {
          // A fault of the counterpart is a fault of the test: it must be seen.
          process.stderr.write(`${cause instanceof Error ? cause.stack : cause}\n`);
          response.destroy();
        },
      );
    });
    await listen(server, port);
    port = (server.address() as AddressInfo).port;
  };
  const down = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  await up();
  return {
    url: `http://127.0.0.1:${port}`,
    get mood() {
      return state.mood;
    },
    set mood(mood: Mood) {
      state.mood = mood;
    },
    down,
    up,
    close: down,
  };
}
