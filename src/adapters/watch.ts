/** Watching a folder: tells once that something below it changed and has settled. */
import { watch } from 'node:fs';
import type { Log } from '../model/ports.ts';

/**
 * Calls `changed` when files at or below `folder` changed and nothing has moved for `settleMs`, until
 * the signal aborts. An editor that saves in three steps is one change. A folder that cannot be
 * watched is logged: what runs goes on with what it has.
 */
export function watchFolder(
  folder: string,
  settleMs: number,
  changed: () => void,
  log: Log,
  signal: AbortSignal,
): void {
  let timer: NodeJS.Timeout | undefined;
  const settle = (): void => {
    clearTimeout(timer);
    timer = setTimeout(changed, settleMs);
  };
  const lost = (cause: unknown): void => {
    const code = (cause as { code?: string }).code ?? 'unknown';
    log.warn({ folder, code }, 'the folder is not watched: a change in it needs a restart');
  };
  try {
    const watcher = watch(folder, { recursive: true, signal, persistent: false }, settle);
    watcher.on('error', (cause) => {
      if (!signal.aborted) lost(cause);
    });
  } catch (cause) {
    lost(cause);
  }
  signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
}
