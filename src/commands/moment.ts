/** Moments: a time as people write it, absolute or as a length of time before now. */
import { durationMs } from '../model/duration.ts';
import { usage } from './arguments.ts';

const ISO =
  /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2})?)?$/;

/** ms since 1970 of `2026-11-30`, `2026-11-30T14:00Z` (UTC where no zone stands) or `90d`: so long ago. */
export function momentOf(text: string, option: string, nowMs: number): number {
  if (/^[0-9]+(?:ms|s|m|h|d)$/.test(text)) return nowMs - durationMs(text);
  const hasZone = /(?:Z|[+-]\d{2}:\d{2})$/.test(text);
  const time =
    text.length === 10 ? `${text}T00:00:00Z` : `${text.replace(' ', 'T')}${hasZone ? '' : 'Z'}`;
  const ms = ISO.test(text) ? Date.parse(time) : Number.NaN;
  if (!Number.isFinite(ms))
    throw usage(
      `--${option} takes a time in UTC (2026-11-30, 2026-11-30T14:00Z) or how long ago (90d), not ${JSON.stringify(text)}`,
    );
  return ms;
}
