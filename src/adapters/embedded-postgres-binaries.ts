/** Finds the server's programs in the platform package, and makes sure that they run. */
import { cp, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Log } from '../model/ports.ts';
import {
  type Account,
  blockedAt,
  embeddedError,
  exists,
  makeFolder,
  run,
  SHARED_HOME,
} from './embedded-postgres-account.ts';

/** Programs of one server version. */
export interface Binaries {
  readonly initdb: string;
  readonly pgCtl: string;
  /** For example 18.4. */
  readonly version: string;
}

const packageName = (): string => {
  const system = process.platform === 'win32' ? 'windows' : process.platform;
  return `@embedded-postgres/${system}-${process.arch}`;
};

/** Folder `native` of the platform package. Resolved, never loaded; nor is its wrapper, whose hooks end the process. */
const nativeFolder = (name: string): string => {
  try {
    return join(dirname(dirname(fileURLToPath(import.meta.resolve(name)))), 'native');
  } catch (cause) {
    throw embeddedError(
      `no PostgreSQL comes with npm for this machine: ${name} is not installed. ` +
        'Run "npm ci --include=optional", or set DATABASE_URL to a server of your own',
      cause,
    );
  }
};

/** A copy that the account can reach, made once per version: 60 MB. */
const reachableCopy = async (native: string, blocked: string, log: Log): Promise<string> => {
  const description: unknown = JSON.parse(
    await readFile(join(dirname(native), 'package.json'), 'utf8'),
  );
  const version = (description as { version?: unknown }).version;
  const target = join(SHARED_HOME, `server-${String(version)}-${process.arch}`);
  if (await exists(target)) return target;
  log.warn(
    { folder: target, blocked },
    `the server's programs lie below ${blocked}, which its user cannot enter: they are copied to ${target}`,
  );
  await makeFolder(SHARED_HOME);
  const staging = `${target}.${process.pid}`;
  await cp(native, staging, { recursive: true, verbatimSymlinks: true });
  await run('chmod', ['-R', 'a+rX', staging], null);
  try {
    await rename(staging, target);
  } catch (cause) {
    await rm(staging, { recursive: true, force: true });
    if (!(await exists(target))) throw cause;
  }
  return target;
};

const programOf = (native: string, file: string): string =>
  join(native, 'bin', process.platform === 'win32' ? `${file}.exe` : file);

/** Version of the programs in a folder. Rejects with what to do when they cannot run. */
const versionOf = async (
  native: string,
  name: string,
  account: Account | null,
): Promise<string> => {
  const { code, output, problem } = await run(
    programOf(native, 'postgres'),
    ['--version'],
    account,
  );
  const match = /\(PostgreSQL\) (\S+)/.exec(output);
  if (code === 0 && match?.[1] !== undefined) return match[1];
  const repair = /shared librar|image not found|Library not loaded/i.test(output)
    ? `its install script did not run: run "npm rebuild ${name}"`
    : 'this system cannot run it (musl is not supported): set DATABASE_URL to a server of your own';
  throw embeddedError(`PostgreSQL of ${name} does not start: ${problem ?? output}; ${repair}`);
};

/** Locates the programs, where the account can reach them. Rejects with what to do. */
export async function findBinaries(account: Account | null, log: Log): Promise<Binaries> {
  const name = packageName();
  const native = nativeFolder(name);
  // Before it may be copied: a copy of a broken installation would outlive its repair.
  const version = await versionOf(native, name, null);
  const blocked = account === null ? null : await blockedAt(join(native, 'bin'), account);
  const used = blocked === null ? native : await reachableCopy(native, blocked, log);
  if (account !== null) await versionOf(used, name, account);
  return { initdb: programOf(used, 'initdb'), pgCtl: programOf(used, 'pg_ctl'), version };
}
