/** Git, read only: the files of a folder as they stood in a revision. The only home of `git`. */
import { execFile } from 'node:child_process';
import { OperatingError } from '../model/errors.ts';

/** A folder as it stood in a revision. */
export interface Revision {
  /** Full name of the commit. */
  readonly commit: string;
  /** Path below the folder → content. */
  readonly files: ReadonlyMap<string, Buffer>;
}

/** More than any folder of rules; a larger one is refused, not swallowed. */
const BYTES_MAX = 64 * 1024 * 1024;
const DEADLINE_MS = 60_000;

/**
 * Reads the files of `folder` whose path `wanted` accepts, as of revision `ref` (branch, tag, commit).
 * Changes nothing: no checkout, no worktree, no index. The folder must be there now, in a repository,
 * but need not hold the same files. Rejects with NOT_FOUND where there is no such revision, and with
 * SOURCE_UNREADABLE where git fails or is not installed.
 */
export async function readRevision(
  folder: string,
  ref: string,
  wanted: (path: string) => boolean,
): Promise<Revision> {
  // A name that begins with a dash would be taken for an option by older versions.
  if (ref === '' || ref.startsWith('-') || ref.includes('\0')) throw noRevision(folder, ref);
  const prefix = (await git(folder, ['rev-parse', '--show-prefix'])).toString('utf8').trimEnd();
  const commit = await commitOf(folder, ref);
  const listed = await git(folder, [
    'ls-tree',
    '-r',
    '-z',
    '--full-tree',
    commit,
    '--',
    `./${prefix}`,
  ]);
  const blobs = blobsIn(listed.toString('utf8'), prefix).filter(({ path }) => wanted(path));
  if (blobs.length === 0) return { commit, files: new Map() };
  const names = blobs.map(({ object }) => `${object}\n`).join('');
  const contents = splitBatch(await git(folder, ['cat-file', '--batch'], names), blobs.length);
  return { commit, files: new Map(blobs.map(({ path }, at) => [path, contents[at] as Buffer])) };
}

async function commitOf(folder: string, ref: string): Promise<string> {
  try {
    const said = await git(folder, ['rev-parse', '--verify', '--quiet', `${ref}^{commit}`]);
    return said.toString('utf8').trim();
  } catch (cause) {
    if (cause instanceof OperatingError) throw noRevision(folder, ref, cause);
    throw cause;
  }
}

function noRevision(folder: string, ref: string, cause?: unknown): OperatingError {
  const message = `${JSON.stringify(ref)} is neither a folder nor a revision of the git repository that ${folder} lies in`;
  return new OperatingError('NOT_FOUND', message, { retryable: false, cause });
}

interface Blob {
  readonly path: string;
  readonly object: string;
}

/** Plain files of a listing: links and submodules are no detector files. */
function blobsIn(listing: string, prefix: string): Blob[] {
  return listing.split('\0').flatMap((line) => {
    const match = /^100(?:644|755) blob ([0-9a-f]+)\t(.+)$/s.exec(line);
    const [, object, path] = match ?? [];
    if (object === undefined || path?.startsWith(prefix) !== true) return [];
    return [{ object, path: path.slice(prefix.length) }];
  });
}

/** Answers of `cat-file --batch`: a head with the size, the bytes, a newline. */
function splitBatch(output: Buffer, count: number): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at < output.length; ) {
    const end = output.indexOf(10, at);
    const head = output.subarray(at, end < 0 ? output.length : end).toString('latin1');
    const size = /^[0-9a-f]+ blob (\d+)$/.exec(head)?.[1];
    if (size === undefined) break;
    found.push(output.subarray(end + 1, end + 1 + Number(size)));
    at = end + 1 + Number(size) + 1;
  }
  if (found.length === count) return found;
  throw new OperatingError('SOURCE_UNREADABLE', `git gave ${found.length} of ${count} files`, {
    retryable: false,
  });
}

async function git(folder: string, args: readonly string[], input?: string): Promise<Buffer> {
  return await new Promise((resolve, reject) => {
    const options = {
      cwd: folder,
      encoding: 'buffer',
      maxBuffer: BYTES_MAX,
      timeout: DEADLINE_MS,
    } as const;
    const child = execFile('git', [...args], options, (cause, stdout, stderr) => {
      if (cause === null) resolve(stdout);
      else reject(failed(folder, args, cause, stderr));
    });
    // A git that ends early closes its input; its exit says why.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input ?? '');
  });
}

function failed(folder: string, args: readonly string[], cause: Error, stderr: Buffer): Error {
  const code = 'code' in cause ? String(cause.code) : 'unknown error';
  const said = stderr.toString('utf8').trim().split('\n')[0]?.slice(0, 200);
  const message =
    code === 'ENOENT'
      ? `${folder} cannot be read through git: is git installed, and the folder there?`
      : `git ${args[0]} in ${folder} failed (${code})${said === undefined || said === '' ? '' : `: ${said}`}`;
  return new OperatingError('SOURCE_UNREADABLE', message, { retryable: false, cause });
}
