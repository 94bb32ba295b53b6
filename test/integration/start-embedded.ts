/** Starts an embedded server, says where it is, and waits to be killed: a child of a test. */
import { startEmbeddedPostgres } from '../../src/adapters/embedded-postgres.ts';
import { silentLog } from './postgres.ts';

const server = await startEmbeddedPostgres({ dataDir: process.argv[2] ?? '', log: silentLog });
process.stdout.write(`${JSON.stringify({ url: server.url, adopted: server.adopted })}\n`);
setInterval(() => undefined, 60_000);
