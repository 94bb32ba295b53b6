/** Runs the example control plane: node examples/control-plane/main.ts --port 8090 */
import { parseArgs } from 'node:util';
import { startControlPlane } from './server.ts';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '8090' },
    host: { type: 'string', default: '127.0.0.1' },
    state: { type: 'string' },
  },
});
// biome-ignore lint/style/noProcessEnv: a program's entry reads its environment; a secret belongs there.
const secret = process.env['PLUMBLINE_CONTROL_SECRET'];
const port = /^[0-9]{1,5}$/.test(values.port) ? Number(values.port) : Number.NaN;

if (secret === undefined || !(port <= 65_535)) {
  process.stderr.write(
    'usage: PLUMBLINE_CONTROL_SECRET=whsec_<base64> node examples/control-plane/main.ts [--port 8090] [--host 127.0.0.1] [--state leases.json]\n',
  );
  process.exitCode = 2;
} else {
  try {
    const { host, state = null } = values;
    const plane = await startControlPlane({ port, host, secret, statePath: state });
    process.stdout.write(`control plane on ${plane.url}\n`);
    const stop = () => void plane.close();
    process.once('SIGINT', stop);
    process.once('SIGTERM', stop);
    // A parent that gave us a channel is gone, perhaps killed.
    process.once('disconnect', stop);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    process.stderr.write(`control plane cannot start: ${message}\n`);
    process.exitCode = 1;
  }
}
