/** Connections that we can cut: the one way to be sure that a Kafka client is gone. */
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { KafkaTls } from './kafka-face.ts';

/** What kafkajs reports of connections that we cut ourselves. */
export const CUT = 'client is closed';

/** The connections of one client. */
export interface Sockets {
  /** `tls`: null where the connection is not to be encrypted. `onConnect`: it can be spoken over. */
  readonly open: (
    at: { readonly host: string; readonly port: number; readonly onConnect: () => void },
    tls: KafkaTls | null,
  ) => Socket;
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
    open: ({ host, port, onConnect }, tls) => {
      const socket =
        tls === null
          ? connectTcp({ host, port }, onConnect)
          : connectTls(
              { host, port, ...(isIP(host) === 0 ? { servername: host } : {}), ...tls },
              onConnect,
            );
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
