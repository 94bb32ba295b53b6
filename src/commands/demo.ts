/** Demo: the configuration of the first run, and the programs it is watched with. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import process from 'node:process';
import { systemClock } from '../adapters/clock.ts';
import { createHttp } from '../adapters/control-http.ts';
import { exists } from '../adapters/files.ts';
import type { Config } from '../model/config.ts';
import { OperatingError } from '../model/errors.ts';
import { DEFAULT_SOURCES, type Environment } from './config.ts';
import { ROOT } from './library.ts';

/** The secret of a control plane that exists for the demo alone, on this machine alone. */
const SECRET = 'whsec_cGx1bWJsaW5lLWRlbW8tc2VjcmV0LW5vdC1mb3ItdXNl';
const SECRET_NAME = 'PLUMBLINE_DEMO_SECRET';
/** What the demo's daemon finds in its environment. */
export const DEMO_ENVIRONMENT: Environment = { [SECRET_NAME]: SECRET };
/** Length of a lease in the demo; a quarter of a minute of watching must be enough to learn from. */
export const DEMO_LEASE = '40s';
const AGENTS = 24;
/** The fleet has been at work for a while when the terminal opens. */
const BACK = '20s';
const STOP_WITHIN_MS = 5000;
const ANSWER_WITHIN_MS = 20_000;
const LOOK_MS = 50;

/** Where the demo keeps what it finds. */
export const DEMO_STORE = { instance: 'first-run', dataDir: '.plumbline' } as const;

/** The configuration of the demo: like a real one, but impatient, and everything may act. */
export function demoConfig(streams: string, control: string): Config {
  const sources = DEFAULT_SOURCES.map((source) => ({ ...source, lateness: '2s', idleAfter: '5s' }));
  return {
    ...DEMO_STORE,
    jsonl: { path: streams, follow: true },
    sources,
    correlate: { joinWindow: '5s', closeGrace: '5s' },
    roles: { default: { mode: 'autonomous' } },
    detectors: { maturity: { hard: 'enforce' } },
    control: {
      drivers: {
        hook: {
          ...{ type: 'webhook', url: `${control}/control`, grace: '3s' },
          ...{ secret: { env: SECRET_NAME }, ratePerMin: 600 },
        },
      },
    },
    guardrails: {
      leaseMax: DEMO_LEASE,
      coolDown: '10s',
      immunity: '1m',
      breakerFleetShare: 1,
      breakerRoleShare: 1,
    },
  };
}

/** The programs of the demo beside the daemon. */
export interface Companions {
  /** Rejects when one of them ends before `over`. */
  readonly diedEarly: Promise<never>;
  /** Ends them, and waits until they have. */
  stop(): Promise<void>;
}

/**
 * Starts the control plane and, once that answers, the fleet. They end with this process, however
 * it ends. Resolves when the daemon may begin to act.
 */
export async function startCompanions(options: {
  readonly port: number;
  readonly control: string;
  readonly state: string;
  readonly streams: string;
  readonly seed: string;
  readonly environment: Environment;
}): Promise<Companions> {
  const { port, control, state, streams, seed, environment } = options;
  const plane = ['--port', String(port), '--state', state];
  const fleet = ['simulate', '--quiet', '--to', 'files', '--dir', streams, '--gate', control];
  fleet.push('--agents', String(AGENTS), '--seed', seed, '--back', BACK);
  fleet.push('--sessions-per-hour', '900', '--bad-share', '0.3', '--relapse', '27s');
  const children: ChildProcess[] = [];
  const ends: Promise<void>[] = [];
  const early = Promise.withResolvers<never>();
  // Whether it happened is only asked while the demo runs.
  early.promise.catch(() => undefined);
  let isOver = false;
  const add = (script: string, args: readonly string[]) => {
    const child = companion(script, args, environment);
    const ended = (async () => {
      const code = await exitOf(child);
      const how = code === null ? 'by a signal' : `with exit code ${code}`;
      const message = `${script} ended early, ${how}; what it said stands above`;
      if (!isOver) early.reject(new OperatingError('CONTROL_UNREACHABLE', message, FINAL));
    })();
    children.push(child);
    ends.push(ended);
  };
  const stop = async () => {
    isOver = true;
    for (const child of children) child.kill('SIGTERM');
    const waited = new AbortController();
    const ended = Promise.all(ends).finally(() => waited.abort());
    await Promise.race([ended, systemClock.sleep(STOP_WITHIN_MS, waited.signal)]);
    for (const child of children) child.kill('SIGKILL');
    await ended;
  };
  try {
    add('examples/control-plane/main.ts', plane);
    await Promise.race([answering(control), early.promise]);
    add('src/main.ts', fleet);
  } catch (cause) {
    await stop();
    throw cause;
  }
  return { diedEarly: early.promise, stop };
}

/** Waits until the control plane answers: a daemon that is refused at once would wait for long. */
async function answering(control: string): Promise<void> {
  const http = createHttp();
  const endMs = systemClock.nowMs() + ANSWER_WITHIN_MS;
  for (;;) {
    try {
      await http({ method: 'GET', url: `${control}/leases`, headers: {}, timeoutMs: 1000 });
      return;
    } catch (cause) {
      if (!(cause instanceof OperatingError) || systemClock.nowMs() > endMs) throw cause;
      await systemClock.sleep(LOOK_MS);
    }
  }
}

const FINAL = { retryable: false } as const;

// Each in a group of its own: Ctrl-C must not end the control plane before the daemon has drained.
// The channel tells it when we are gone, also after a kill.
function companion(script: string, args: readonly string[], environment: Environment) {
  return spawn(process.execPath, [path.join(ROOT, script), ...args], {
    cwd: ROOT,
    detached: true,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: { PATH: environment['PATH'], PLUMBLINE_CONTROL_SECRET: SECRET },
  });
}

async function exitOf(child: ChildProcess): Promise<number | null> {
  const exited = Promise.withResolvers<number | null>();
  child.once('exit', (code) => exited.resolve(code));
  child.once('error', exited.reject);
  return await exited.promise;
}

/** The same port at every start, so that a control plane's state and its leases meet again. */
export async function keptPort(file: string): Promise<number> {
  if (await exists(file)) {
    const kept = Number(await readFile(file, 'utf8'));
    if (Number.isSafeInteger(kept) && (await listenOnce(kept)) !== null) return kept;
  }
  const port = await listenOnce(0);
  if (port === null)
    throw new OperatingError('CONTROL_UNREACHABLE', 'no port of 127.0.0.1 is free', FINAL);
  await writeFile(file, String(port));
  return port;
}

/** The port, if one could listen there just now (0 = any); null where somebody else does. */
async function listenOnce(port: number): Promise<number | null> {
  const result = Promise.withResolvers<number | null>();
  const server = createServer();
  server.once('error', () => result.resolve(null));
  server.listen(port, '127.0.0.1', () => {
    const address = server.address();
    const found = typeof address === 'object' && address !== null ? address.port : null;
    server.close(() => result.resolve(found));
  });
  return await result.promise;
}
