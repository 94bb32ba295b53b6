/** Good and bad events in buckets of time, and how fast an error budget burns. */

/** [good, bad] by the number of the bucket. */
export type Buckets = Record<string, [good: number, bad: number]>;

/** Plain data at three resolutions: five minutes, hours, days. */
export interface BurnCounts {
  readonly fine: Buckets;
  readonly hour: Buckets;
  readonly day: Buckets;
}

/** Names of the resolutions, finest first. */
export const RESOLUTIONS = ['fine', 'hour', 'day'] as const;
/** One of RESOLUTIONS. */
export type Resolution = (typeof RESOLUTIONS)[number];

const HOUR_MS = 3_600_000;
/** Width of a bucket and how far back they are kept, ms. */
const SHAPE: Readonly<Record<Resolution, { readonly width: number; readonly keep: number }>> = {
  fine: { width: 300_000, keep: 6 * HOUR_MS },
  hour: { width: HOUR_MS, keep: 72 * HOUR_MS },
  day: { width: 24 * HOUR_MS, keep: 90 * 24 * HOUR_MS },
};

/**
 * Empty counts.
 * @example createBurnCounts() // {fine:{},hour:{},day:{}}
 */
export function createBurnCounts(): BurnCounts {
  return { fine: {}, hour: {}, day: {} };
}

/**
 * Adds events at a time and forgets buckets that have left every window; names what changed, so that
 * a store can write just that.
 * Claim: at most 73 + 73 + 91 buckets are kept, whatever is added in whatever order of time.
 * Parameters: ms - event time; good, bad - counts to add, good < 0 where what was good no longer is;
 * newestMs - the latest time seen so far.
 * Cost: O(1) but for the forgetting, which costs as many steps as buckets are kept, once a bucket.
 */
export function addBurn(
  counts: BurnCounts,
  ms: number,
  good: number,
  bad: number,
  newestMs: number,
  changed: (resolution: Resolution, bucket: string) => void,
): void {
  for (const resolution of RESOLUTIONS) {
    const { width, keep } = SHAPE[resolution];
    if (newestMs - ms > keep) continue;
    const buckets = counts[resolution];
    const bucket = String(Math.floor(ms / width));
    const own = buckets[bucket];
    if (own === undefined) {
      const oldest = Math.floor((Math.max(ms, newestMs) - keep) / width);
      for (const each of Object.keys(buckets))
        if (Number(each) < oldest) {
          delete buckets[each];
          changed(resolution, each);
        }
      buckets[bucket] = [good, bad];
    } else {
      own[0] += good;
      own[1] += bad;
    }
    changed(resolution, bucket);
  }
}

/**
 * Events in the window that ends at a time. Whole buckets count: the window is longer than asked by
 * less than one bucket of its resolution (five minutes up to six hours, one hour up to three days).
 * Never below 0: what was good before the window, and turned bad within it, is one bad event of it.
 */
export function countWithin(
  counts: BurnCounts,
  ms: number,
  windowMs: number,
): { readonly good: number; readonly bad: number } {
  const resolution = RESOLUTIONS.find((each) => windowMs <= SHAPE[each].keep) ?? 'day';
  const { width } = SHAPE[resolution];
  const buckets = counts[resolution];
  const last = Math.floor(ms / width);
  let good = 0;
  let bad = 0;
  for (let at = Math.floor((ms - windowMs) / width) + 1; at <= last; at += 1) {
    const own = buckets[String(at)];
    if (own === undefined) continue;
    good += own[0];
    bad += own[1];
  }
  return { good: Math.max(0, good), bad };
}

/**
 * Burn rate: how many times faster than allowed the budget is spent. 1 spends exactly all of it over
 * the objective's window. 0 where nothing happened.
 * Parameters: target - share of good events promised, in (0, 1).
 * Reference: Beyer et al., The Site Reliability Workbook (2018), ch. 5.
 * @example Math.round(burnRate({ good: 90, bad: 10 }, 0.99)) // 10
 */
export function burnRate(
  { good, bad }: { readonly good: number; readonly bad: number },
  target: number,
): number {
  const all = good + bad;
  return all === 0 ? 0 : bad / all / (1 - target);
}

/**
 * Share of the error budget that is left, 1 untouched, below 0 overspent.
 * @example Math.round(100 * budgetLeft({ good: 995, bad: 5 }, 0.99)) // 50
 */
export function budgetLeft(
  counted: { readonly good: number; readonly bad: number },
  target: number,
): number {
  return 1 - burnRate(counted, target);
}
