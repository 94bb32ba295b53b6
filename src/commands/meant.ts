/** Meant: the name that somebody misspelt, and where the right ones are listed. */
import { nearest } from '../detect/sigma/text.ts';

/** More names than this are a wall of text; then only the nearest is said and where all are listed. */
const LISTED_MAX = 12;

/**
 * `no such detector: "overreech"; did you mean overreach?`. Without a near one: all that are known,
 * where they are few, or `where` they are listed.
 */
export function notKnown(
  what: string,
  given: string,
  known: readonly string[],
  where: string,
): string {
  const said = `no such ${what}: ${JSON.stringify(given)}`;
  const near = nearest(given, known);
  if (near !== null) return `${said}; did you mean ${near}? ${where}`;
  return known.length > LISTED_MAX
    ? `${said}; ${where}`
    : `${said}; there are: ${known.join(', ')}`;
}

/** Where detectors are listed. */
export const DETECTORS_LISTED = '`plumbline detectors` lists all';
