/** Connections that we can cut: the one way to be sure that a Kafka client is gone. */
import { connect as connectTcp, type Socket } from 'node:net';

/** What kafkajs reports of connections that we cut ourselves. */
export const CUT = 'client is closed';

/** The connections of one client. */
export interface Sockets {
  readonly open: (at: { host: string; port: number; onConnect: () => void }) => Socket;
  /** Cuts every connection and refuses further ones. */
  readonly close: () => void;
  readonly isClosed: () => boolean;
}

/**
 * Makes a client's connections and keeps count of them. kafkajs may go on connecting after
 * disconnect() when that came in the middle of a start (#1593): owning the sockets ends it for sure.
 */
export function createSockets(): Sockets {
  const live = new Set<Socket>();
  let closed = false;
  return {
    open: ({ host, port, onConnect }) => {
      const socket = connectTcp({ host, port }, onConnect);
      socket.setKeepAlive(true, 60_000);
      live.add(socket);
      socket.once('close', () => live.delete(socket));
      if (closed) socket.destroy(new Error(CUT));
      return socket;
    },
    close: () => {
      closed = true;
      // With an error, or kafkajs waits out its request time-out for answers that cannot come.
      for (const socket of live) socket.destroy(new Error(CUT));
    },
    isClosed: () => closed,
  };
}
