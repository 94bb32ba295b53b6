/** Doctor's words: what one look found, and how people and programs read all of them. */
import { safe } from './output.ts';

/** How one look came out. */
export type Verdict = 'ok' | 'warn' | 'fail';

/** One look. */
export interface Look {
  /** Part of the installation it is about. */
  readonly area: string;
  readonly verdict: Verdict;
  /** What was seen, one line without secrets. */
  readonly says: string;
  /** What to do; null where there is nothing. */
  readonly advice: string | null;
}

/** All is well. */
export function ok(area: string, says: string): Look {
  return { area, verdict: 'ok', says, advice: null };
}

/** It works, and may not for long. */
export function warn(area: string, says: string, advice: string): Look {
  return { area, verdict: 'warn', says, advice };
}

/** It does not work, or what is recorded cannot be relied upon. */
export function fail(area: string, says: string, advice: string): Look {
  return { area, verdict: 'fail', says, advice };
}

const SAYS_MAX = 400;

/** Lines for people; whatever a server or a file said is escaped. */
export function lookLines(looks: readonly Look[]): string[] {
  const width = Math.max(...looks.map(({ area }) => area.length));
  return looks.flatMap(({ area, verdict, says, advice }) => [
    `${verdict.padEnd(4)}  ${area.padEnd(width)}  ${safe(says, SAYS_MAX)}`,
    ...(advice === null ? [] : [`${' '.repeat(6 + width + 2)}→ ${safe(advice, SAYS_MAX)}`]),
  ]);
}

/** How many came out how. */
export function tally(looks: readonly Look[]): Readonly<Record<Verdict, number>> {
  const of = (verdict: Verdict) => looks.filter((look) => look.verdict === verdict).length;
  return { ok: of('ok'), warn: of('warn'), fail: of('fail') };
}
