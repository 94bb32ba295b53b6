/** Reach: whether anybody accepts connections at an address; nothing is sent. */
import { connect } from 'node:net';

/** Resolves to null where somebody accepts, else to the code of the failure. */
export async function reach(host: string, port: number, withinMs: number): Promise<string | null> {
  const { promise, resolve } = Promise.withResolvers<string | null>();
  const socket = connect({ host, port });
  socket.setTimeout(withinMs, () => resolve('TIMEOUT'));
  socket.once('connect', () => resolve(null));
  socket.on('error', (cause) => resolve((cause as { code?: string }).code ?? 'FAILED'));
  const outcome = await promise;
  socket.destroy();
  return outcome;
}
