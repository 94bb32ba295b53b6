/** How long to wait before the next try: full jitter, so that callers do not march in step. */

/** First ceiling of the pause, ms. */
export const BACKOFF_BASE_MS = 250;
/** Highest pause, ms; also the longest a target's Retry-After is honoured. */
export const BACKOFF_CAP_MS = 30_000;

/**
 * A pause in ms: uniform in [0, min(30 s, 250 ms · 2^attempts)], but never shorter than what the
 * target asked for. `random` yields [0, 1).
 */
export function backoffMs(attempts: number, askedMs: number, random: () => number): number {
  // 2^7 · 250 ms is beyond the cap: a higher exponent changes nothing and would overflow one day.
  const ceiling = Math.min(
    BACKOFF_CAP_MS,
    BACKOFF_BASE_MS * 2 ** Math.min(Math.max(attempts, 0), 7),
  );
  const jitter = Math.floor(random() * ceiling);
  return Math.min(BACKOFF_CAP_MS, Math.max(jitter, askedMs, 0));
}
