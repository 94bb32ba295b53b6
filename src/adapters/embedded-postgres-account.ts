/** Whom the embedded server runs as, and where that account can reach its data. */
import { execFile } from 'node:child_process';
import { hash } from 'node:crypto';
import { chmod, mkdir, realpath, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { OperatingError } from '../model/errors.ts';
import type { Log } from '../model/ports.ts';

/** An operating-system user. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
  readonly name: string;
}

/** What a finished program said. */
export interface Ran {
  /** Exit code; null where it was killed or could not be run at all. */
  readonly code: number | null;
  readonly output: string;
  /** Why it could not be run: ENOENT, EACCES, … */
  readonly problem: string | null;
}

/** Where what root's own folders hide is kept instead. */
export const SHARED_HOME = '/var/lib/plumbline';
const OWN_ACCOUNT = 'plumbline-postgres';
// Not the caller's environment: PGDATA, PGPORT and their kind would redirect what we start.
const ENVIRONMENT = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LC_ALL: 'C',
};

/** Error of this adapter; `retryable` is false: a person has to do something. */
export function embeddedError(message: string, cause?: unknown): OperatingError {
  const more = cause === undefined ? {} : { cause };
  return new OperatingError('EMBEDDED_POSTGRES', message, { retryable: false, ...more });
}

/** Runs a program to its end, as another account where one is given. Never rejects. */
export async function run(
  file: string,
  args: readonly string[],
  account: Account | null,
): Promise<Ran> {
  const as = account === null ? {} : { uid: account.uid, gid: account.gid };
  const options = { ...as, env: ENVIRONMENT, cwd: '/', encoding: 'utf8' } as const;
  return await new Promise((done) => {
    execFile(file, args, options, (failure, stdout, stderr) => {
      const output = `${stdout}${stderr}`.trim();
      if (failure === null) return done({ code: 0, output, problem: null });
      const { code } = failure;
      if (typeof code === 'number') return done({ code, output, problem: null });
      return done({ code: null, output, problem: code ?? failure.signal ?? failure.message });
    });
  });
}

const accountNamed = async (name: string): Promise<Account | null> => {
  const uid = await run('id', ['-u', name], null);
  const gid = await run('id', ['-g', name], null);
  if (uid.code !== 0 || gid.code !== 0) return null;
  return { uid: Number(uid.output), gid: Number(gid.output), name };
};

const makeAccount = async (log: Log): Promise<Account> => {
  const args = ['--system', '--user-group', '--no-create-home', '--home-dir', '/nonexistent'];
  const made = await run('useradd', [...args, '--shell', '/usr/sbin/nologin', OWN_ACCOUNT], null);
  // Another start may have made it in the meantime, whatever useradd says.
  const account = await accountNamed(OWN_ACCOUNT);
  if (account === null) {
    throw embeddedError(
      'PostgreSQL does not run as root and its user could not be made: ' +
        `useradd: ${made.problem ?? made.output}. Make a system user named ${OWN_ACCOUNT}, ` +
        'run as another user, or set DATABASE_URL',
    );
  }
  log.warn(
    { user: OWN_ACCOUNT, uid: account.uid },
    `running as root: made the operating-system user ${OWN_ACCOUNT}, for PostgreSQL refuses to run as root`,
  );
  return account;
};

const ownerOf = async (path: string): Promise<Account | null> => {
  try {
    const { uid, gid } = await stat(path);
    const name = await run('id', ['-un', String(uid)], null);
    return { uid, gid, name: name.code === 0 ? name.output : String(uid) };
  } catch (cause) {
    if (isMissing(cause)) return null;
    throw cause;
  }
};

/** True for "no such file or folder". */
export function isMissing(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
}

/** True where something is at `path`. */
export async function exists(path: string): Promise<boolean> {
  return (await ownerOf(path)) !== null;
}

const mayEnter = async (folder: string, account: Account): Promise<boolean> => {
  const { mode, uid, gid } = await stat(folder);
  if (uid === account.uid) return (mode & 0o100) !== 0;
  if (gid === account.gid) return (mode & 0o010) !== 0;
  return (mode & 0o001) !== 0;
};

/** The first folder on the way to `path`, itself included, that the account may not enter. */
export async function blockedAt(path: string, account: Account): Promise<string | null> {
  const way: string[] = [];
  for (let at = await realpath(path); ; at = dirname(at)) {
    way.unshift(at);
    if (dirname(at) === at) break;
  }
  for (const folder of way) if (!(await mayEnter(folder, account))) return folder;
  return null;
}

/** Makes a folder and what is missing above it, each open to be entered by others. */
export async function makeFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return;
  for (let at = path; at.length >= first.length; at = dirname(at)) await chmod(at, 0o755);
}

/** Where the server's files are, and whom it runs as; null = as we do. */
export interface Home {
  readonly folder: string;
  readonly account: Account | null;
}

const accountForRoot = async (folder: string, log: Log): Promise<Account> => {
  const owner = await ownerOf(folder);
  if (owner !== null && owner.uid !== 0) return owner;
  const existing = (await accountNamed('postgres')) ?? (await accountNamed(OWN_ACCOUNT));
  if (existing === null) return await makeAccount(log);
  log.info({ user: existing.name }, `running as root: PostgreSQL runs as user ${existing.name}`);
  return existing;
};

const homeForRoot = async (dataDir: string, log: Log): Promise<Home> => {
  const beside = join(dataDir, 'postgres');
  const elsewhere = join(SHARED_HOME, hash('sha256', dataDir, 'hex').slice(0, 12), 'postgres');
  if (!(await exists(beside)) && (await exists(elsewhere))) {
    log.warn({ folder: elsewhere }, `the database of ${dataDir} is kept in ${elsewhere}`);
    return { folder: elsewhere, account: await accountForRoot(elsewhere, log) };
  }
  const account = await accountForRoot(beside, log);
  const blocked = await blockedAt(dataDir, account);
  if (blocked === null) return { folder: beside, account };
  if (await exists(beside)) {
    throw embeddedError(
      `${beside} holds a database that user ${account.name} cannot reach: ${blocked} is closed to ` +
        `it. Run "chmod o+x ${blocked}", or choose another dataDir`,
    );
  }
  await makeFolder(dirname(elsewhere));
  log.warn(
    { folder: elsewhere, blocked },
    `user ${account.name} cannot reach ${dataDir}, for ${blocked} is closed to it: the database is ` +
      `kept in ${elsewhere}. To keep it in dataDir, run "chmod o+x ${blocked}" before the first start`,
  );
  return { folder: elsewhere, account };
};

/** Chooses where the server's files are, below `dataDir` wherever its account can reach that. */
export async function chooseHome(dataDir: string, log: Log): Promise<Home> {
  const folder = resolve(dataDir);
  await makeFolder(folder);
  const ourUid = process.getuid?.() ?? null;
  if (ourUid === 0) return await homeForRoot(folder, log);
  const home = join(folder, 'postgres');
  const owner = await ownerOf(home);
  if (ourUid !== null && owner !== null && owner.uid !== ourUid) {
    throw embeddedError(
      `${home} belongs to user ${owner.name}: run as that user or as root, or choose another dataDir`,
    );
  }
  return { folder: home, account: null };
}
