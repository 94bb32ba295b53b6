/** Reloading: changed detectors are read, checked whole, and handed to the observer. */
import { watchFolder } from '../adapters/watch.ts';
import type { Log } from '../model/ports.ts';
import type { Observer } from '../observer.ts';
import { problemLines } from './config.ts';
import type { Library } from './library.ts';
import { count, safe } from './output.ts';

/** Where detectors lie, and how they are read. */
export interface DetectorFolder {
  readonly folder: string;
  /** Reads everything again; mistakes are in `problems`, never thrown. */
  readonly read: () => Promise<Library>;
}

/** Editors save in several steps, and deployments write many files. */
const SETTLE_MS = 500;

/**
 * Watches the folder until the signal aborts. With a single mistake anywhere in it the whole old set
 * stays, and every mistake is said. `took`: told of the library that is in force from then on.
 */
export function reloadOnChange(
  source: DetectorFolder,
  observer: Pick<Observer, 'reload' | 'refuse'>,
  took: (library: Library) => void,
  log: Log,
  signal: AbortSignal,
): void {
  let round: Promise<void> = Promise.resolve();
  const next = async (before: Promise<void>): Promise<void> => {
    await before;
    if (!signal.aborted) await reloadOnce(source, observer, took, log);
  };
  const changed = (): void => {
    round = next(round);
  };
  watchFolder(source.folder, SETTLE_MS, changed, log, signal);
  // What changed between the first reading and now would otherwise wait for the next change.
  changed();
}

/** One round: read, check, exchange. */
export async function reloadOnce(
  source: DetectorFolder,
  observer: Pick<Observer, 'reload' | 'refuse'>,
  took: (library: Library) => void,
  log: Log,
): Promise<void> {
  try {
    const library = await source.read();
    if (library.problems.length > 0) {
      const lines = problemLines(library.problems);
      for (const line of lines.slice(0, 50)) log.error({ problem: line }, 'detectors are refused');
      // The first of them, so that whoever has only the notice knows where to look.
      const detail = `${count(lines.length, 'mistake')} in the detectors; those in force stay: ${safe(lines[0] ?? '', 200)}`;
      await observer.refuse(detail);
      return;
    }
    took(library);
    const { detectors, exceptions } = library;
    const turns = await observer.reload({ detectors, exceptions }, 'a change of files');
    for (const { stem, from, to, untilMs } of turns)
      log.info({ detector: stem, from, to, untilMs }, 'a detector changes');
    log.info({ detectors: detectors.length, changed: turns.length }, 'detectors were read');
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    log.error(
      { cause: message.slice(0, 500) },
      'detectors could not be read again; those in force stay',
    );
  }
}
