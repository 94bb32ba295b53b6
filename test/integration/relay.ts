/** A relay in front of a server: it can fall silent, or stand still, without closing anything. */
import { connect, createServer, type Server, type Socket } from 'node:net';

/** A relay under control. */
export interface Relay {
  /** The URL that was given, by way of it. */
  readonly url: string;
  /** What is sent from now on vanishes. */
  mute(): void;
  /**
   * Reads so many more bytes, about, of either side, and then nothing: whoever sends finds no room, as with
   * a process that was stopped.
   */
  freezeBehind(bytes: number): void;
  /** Breaks every connection. */
  close(): void;
}

/** Opens one on a port of this machine. */
export async function relay(url: string): Promise<Relay> {
  const target = new URL(url);
  const sockets = new Set<Socket>();
  let muted = false;
  let left = Number.POSITIVE_INFINITY;
  const server: Server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.on('data', (bytes) => {
        if (!muted) to.write(bytes);
        left -= bytes.length;
        if (left <= 0) for (const socket of sockets) socket.pause();
      });
      from.on('error', () => to.destroy());
      from.on('close', () => to.destroy());
    }
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  const through = new URL(url);
  through.port = String(typeof address === 'object' ? address?.port : '');
  return {
    url: through.href,
    mute: () => {
      muted = true;
    },
    freezeBehind: (bytes) => {
      left = bytes;
    },
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
