/** Circuit breaker of one driver: a target that keeps failing is left alone for a while. */

/** When it opens and for how long. */
export interface BreakerOptions {
  /** So many failures … */
  readonly failures?: number;
  /** … within this time open it, ms. */
  readonly windowMs?: number;
  /** It stays open this long, ms; then one request is let through. */
  readonly openMs?: number;
}

/** Whether a request may go out now. */
export type Admission =
  | { readonly type: 'send'; readonly probe: boolean }
  | { readonly type: 'wait'; readonly waitMs: number };

/** Closed → open after enough failures → half open: one probe decides. */
export interface Breaker {
  /** Asks to send. Every `send` must be answered by one `record` with the same `probe`. */
  admit(nowMs: number): Admission;
  /** Says how it went. Stragglers sent before the opening neither open nor close it again. */
  record(nowMs: number, failed: boolean, probe: boolean): void;
}

/** While a probe is out, the others ask again this soon, ms. */
const PROBE_WAIT_MS = 1_000;

/** A closed breaker: 5 failures in 30 s open it for 30 s unless told otherwise. */
export function createBreaker(options: BreakerOptions = {}): Breaker {
  const limit = options.failures ?? 5;
  const windowMs = options.windowMs ?? 30_000;
  const openMs = options.openMs ?? 30_000;
  let failedMs: number[] = [];
  let openUntilMs: number | null = null;
  let probing = false;

  const open = (nowMs: number) => {
    openUntilMs = nowMs + openMs;
    failedMs = [];
  };

  return {
    admit(nowMs) {
      if (openUntilMs === null) return { type: 'send', probe: false };
      if (nowMs < openUntilMs) return { type: 'wait', waitMs: openUntilMs - nowMs };
      if (probing) return { type: 'wait', waitMs: PROBE_WAIT_MS };
      probing = true;
      return { type: 'send', probe: true };
    },
    record(nowMs, failed, probe) {
      if (probe) {
        probing = false;
        if (failed) open(nowMs);
        else openUntilMs = null;
        return;
      }
      if (openUntilMs !== null || !failed) return;
      failedMs = failedMs.filter((at) => at > nowMs - windowMs);
      failedMs.push(nowMs);
      if (failedMs.length >= limit) open(nowMs);
    },
  };
}
