/** Rank p-values whose tail goes on beyond the largest value seen, by an exponential fit. */
import { countBelow, type MovingWindow } from './moving-window.ts';

/** Share of the values that the tail is fitted on, and the fewest it is fitted on. */
const TAIL_SHARE = 0.02;
const TAIL_VALUES_MIN = 3;
/** Smallest scale of the fitted tail, as a share of the range: a tail of ties has none of its own. */
const SCALE_FLOOR = 1e-3;

/** No answer is smaller: its logarithm must stay finite, and no fit deserves more trust. */
export const TAIL_RANK_MIN = 1e-30;

const bounded = (p: number): number => Math.min(1, Math.max(TAIL_RANK_MIN, p));

/** The tail beyond `edge`: `(k+1)/(n+1) · exp(−(s − edge)/scale)`. */
function beyond(excess: number, scale: number, k: number, n: number): number {
  // A difference of numbers near the largest there is overflows; ∞/∞ would be NaN.
  if (scale === 0 || excess === Number.POSITIVE_INFINITY) return TAIL_RANK_MIN;
  return bounded(((k + 1) / (n + 1)) * Math.exp(-excess / scale));
}

/**
 * Tail-extended rank: how strange a large value is against the values of a window.
 * Claim: inside the body it is the conformal p `(1 + #{v >= s})/(n + 1)`; beyond the (k+1)-th
 * largest value, k = max(3, ⌊.02·n⌋), it falls on without a floor at 1/(n + 1), so that strange
 * and very strange differ. It ranks; it is no p-value in the tail and never evidence by itself.
 * Parameters: window - n >= 1 finite values; s - finite, higher is stranger.
 * Answers: in [1e-30, 1]; 1 for an empty window.
 * Cost: O(log n + k). Reference: statistics chapter §4.9.
 * @example upperTailRank([1, 2, 3, 4, 5, 6].reduce((w, x) => (pushValue(w, x), w), createMovingWindow(6)), 4) // 0.3466...
 */
export function upperTailRank(window: MovingWindow, s: number): number {
  const { sorted, size } = window;
  if (size === 0) return 1;
  const k = Math.min(size - 1, Math.max(TAIL_VALUES_MIN, Math.floor(TAIL_SHARE * size)));
  const edge = sorted[size - 1 - k] as number;
  if (s <= edge) return (1 + size - countBelow(sorted, size, s)) / (size + 1);
  let sum = 0;
  for (let i = size - k; i < size; i++) sum += (sorted[i] as number) - edge;
  const range = (sorted[size - 1] as number) - (sorted[0] as number);
  return beyond(s - edge, Math.max(k === 0 ? 0 : sum / k, SCALE_FLOOR * range), k, size);
}

/** The same for small values: `lowerTailRank(w, s)` is `upperTailRank` of the mirrored window. */
export function lowerTailRank(window: MovingWindow, s: number): number {
  const { sorted, size } = window;
  if (size === 0) return 1;
  const k = Math.min(size - 1, Math.max(TAIL_VALUES_MIN, Math.floor(TAIL_SHARE * size)));
  const edge = sorted[k] as number;
  if (s >= edge) {
    let notAbove = countBelow(sorted, size, s);
    while (notAbove < size && sorted[notAbove] === s) notAbove += 1;
    return (1 + notAbove) / (size + 1);
  }
  let sum = 0;
  for (let i = 0; i < k; i++) sum += edge - (sorted[i] as number);
  const range = (sorted[size - 1] as number) - (sorted[0] as number);
  return beyond(edge - s, Math.max(k === 0 ? 0 : sum / k, SCALE_FLOOR * range), k, size);
}

/** Either side: twice the smaller of the two ranks, at most 1. */
export function twoSidedTailRank(window: MovingWindow, s: number): number {
  return Math.min(1, 2 * Math.min(upperTailRank(window, s), lowerTailRank(window, s)));
}
