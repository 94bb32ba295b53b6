/** Entry: lends the process to the command line and ends with its exit code. */
import { enableCompileCache } from 'node:module';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const stop = new AbortController();
process.once('SIGINT', () => stop.abort());
process.once('SIGTERM', () => stop.abort());
// Who started us as a companion is gone, perhaps killed.
process.once('disconnect', () => stop.abort());
// A reader that has seen enough (`| head`) closes the pipe: that ends us, and is no error.
process.stdout.on('error', () => stop.abort());
// Before the rest of us is loaded, which is half of what a short command takes. It lies beside the packages: in the
// folder for everybody's temporary files, where it would lie by itself, somebody else could have put other code.
enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/plumbline', import.meta.url)));
const { dispatch } = await import('./commands/dispatch.ts');
process.exitCode = await dispatch(process.argv.slice(2), {
  environment: process.env,
  signal: stop.signal,
  stdout: (text) => process.stdout.write(text),
  stderr: (text) => process.stderr.write(text),
});
// Clients of the platform may leave timers behind that would keep an idle process alive for long.
process.stdout.write('', () => process.exit());
