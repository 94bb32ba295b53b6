/** Watching a folder: tells once that something below it changed and has settled. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../model/ports.ts';

/** A folder of detectors holds hundreds of files; one that holds more than this is the wrong folder. */
const ENTRIES_MAX = 20_000;

/**
 * Calls `changed` when files at or below `folder` changed and nothing has moved for `settleMs`, until
 * the signal aborts. An editor that saves in three steps is one change. A folder that cannot be
 * read is logged once: what runs goes on with what it has, and a folder that comes later is a change.
 *
 * It looks by itself every `settleMs` instead of asking to be told: `fs.watch` with `recursive` loses a
 * file on Linux as soon as an editor saves by renaming, and tells nothing at all on network drives
 * and of mounted folders that are exchanged as a whole.
 */
export function watchFolder(
  folder: string,
  settleMs: number,
  changed: () => void,
  log: Log,
  signal: AbortSignal,
): void {
  /** What `changed` was last called for, and what was there at the last look. */
  let told: string | null = null;
  let last: string | null = null;
  let isLost = false;
  const look = async (): Promise<void> => {
    try {
      const now = await printOf(folder);
      isLost = false;
      told ??= now;
      if (now !== told && now === last && !signal.aborted) {
        told = now;
        changed();
      }
      last = now;
    } catch (cause) {
      const code = (cause as { code?: string }).code ?? 'unknown';
      // A file that vanished between two looks is a change under way, and the next look tells.
      if (!isLost && !signal.aborted)
        log.warn({ folder, code }, 'the folder cannot be read: those in force stay');
      isLost = true;
      told ??= '';
    }
    if (!signal.aborted) timer = setTimeout(again, settleMs).unref();
  };
  const again = (): void => void look();
  let timer: NodeJS.Timeout | undefined;
  again();
  signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
}

/** Names, places, sizes and times of all files: equal as long as nothing was written. */
async function printOf(folder: string): Promise<string> {
  const names = (await readdir(folder, { recursive: true })).sort();
  if (names.length > ENTRIES_MAX)
    throw Object.assign(new Error('too many files'), { code: 'E2BIG' });
  const parts: string[] = [];
  for (const name of names) {
    const found = await stat(join(folder, name)).catch(() => null);
    // A folder's own time says nothing that the names do not; an editor's swap file would change it.
    if (found?.isFile() === true)
      parts.push(`${name}\0${found.ino}\0${found.size}\0${found.mtimeMs}\0${found.ctimeMs}`);
  }
  return parts.join('\n');
}
