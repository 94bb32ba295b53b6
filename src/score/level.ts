/** Levels and maturities in order: which of two is the worse news. */
import { LEVELS, type Level, MATURITIES, type Maturity } from '../model/detection.ts';

/** Rank of a level, 0 = informational. */
export function rankOf(level: Level): number {
  return LEVELS.indexOf(level);
}

/** Rank of a maturity, 0 = shadow. */
export function weightOf(maturity: Maturity): number {
  return MATURITIES.indexOf(maturity);
}
