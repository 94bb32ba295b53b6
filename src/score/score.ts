/** Scores: how suspicious a session is. First form: weights by level, no baseline. */
import type { Detection, Level } from '../model/detection.ts';

/** Risk weights of the levels (handbook, detection §1.3). */
export const RISK: Readonly<Record<Level, number>> = {
  informational: 1,
  low: 5,
  medium: 15,
  high: 40,
  critical: 80,
};

/**
 * Score of a session in [0, 100): grows with each distinct detector, saturates, and counts each
 * detector's repetitions at most half as much again, so that one noisy detector cannot carry it.
 */
export function sessionScore(detections: readonly Pick<Detection, 'detector' | 'level'>[]): number {
  const byDetector = new Map<string, { weight: number; count: number }>();
  for (const { detector, level } of detections) {
    const known = byDetector.get(detector);
    if (known === undefined) byDetector.set(detector, { weight: RISK[level], count: 1 });
    else known.count += 1;
  }
  let risk = 0;
  for (const { weight, count } of byDetector.values()) risk += weight * (1 + 0.5 * (1 - 1 / count));
  return (100 * risk) / (risk + 60);
}
