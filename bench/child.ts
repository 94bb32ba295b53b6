/** A measured process of its own: its input by IPC channel, its figures back the same way. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** A child under way. */
export interface Running<T> {
  readonly process: ChildProcess;
  /** Resolves with what it answered; rejects when it ends without an answer. */
  readonly answer: Promise<T>;
}

/** Starts `file` (beside this one) with an input. `flags` are Node's. */
export function start<T>(file: string, given: unknown, flags: readonly string[] = []): Running<T> {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), [JSON.stringify(given)], {
    execArgv: [...flags],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const answered = Promise.withResolvers<T>();
  // Somebody may kill the child on purpose and not wait for its answer.
  answered.promise.catch(() => undefined);
  child.on('message', (message) => {
    const { answer: value } = message as { readonly answer?: T };
    if (value !== undefined) answered.resolve(value);
  });
  child.once('error', answered.reject);
  child.once('exit', (code, signal) => {
    const ended = () =>
      answered.reject(new Error(`${file} ended (${signal ?? code}) without an answer`));
    // A long answer may still be on its way through the channel.
    if (child.connected) child.once('disconnect', ended);
    else ended();
  });
  return { process: child, answer: answered.promise };
}

// A child whose parent died would measure on for nobody, and disturb whoever measures next.
const orphaned = () => process.exit(1);

/** In a child: what it was given. */
export function input<T>(): T {
  process.once('disconnect', orphaned);
  return JSON.parse(process.argv[2] ?? 'null') as T;
}

/** In a child: gives the figures back. */
export function answer(value: unknown): void {
  process.removeListener('disconnect', orphaned);
  if (process.send === undefined) process.stdout.write(`${JSON.stringify(value, null, 1)}\n`);
  else process.send({ answer: value }, () => process.disconnect?.());
}

/** CPU time of this process so far, all threads, µs. */
export function cpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}
