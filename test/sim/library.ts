/** The shipped library, read once in a process: whoever only reads it shares it, and its compiled rules. */
import { type Library, ROOT, readLibrary } from '../../src/commands/library.ts';

let known: Promise<Library> | undefined;

/** Detectors, mappings, inventory and levels as they are shipped. */
export function shippedLibrary(): Promise<Library> {
  known ??= readLibrary(`${ROOT}detectors`);
  return known;
}
