/** Bounds of a unit: when a session's unit is over and the next one begins (handbook 3). */

/** Actions of a unit; a longer session goes on in the next unit. */
export const UNIT_ACTIONS = 20;
/** Event time without a record after which a unit is over, ms. */
export const UNIT_IDLE_MS = 30 * 60_000;
/** Longest time a unit spans, ms. */
export const UNIT_AGE_MS = 60 * 60_000;
/** Sums of a session are told a little after its close, ms. */
export const CLOSE_GRACE_MS = 12_000;
/** Characters of a mandate that baselines look at. */
export const MANDATE_MAX = 4096;

/** How far a unit has come. Times are event times, ms. */
export interface Span {
  firstMs: number;
  lastMs: number;
  /** When governance closed the session; null while it is open. */
  closedMs: number | null;
}

/** Last moment at which a record still belongs to the unit, ms. Learning and scoring agree on it. */
export function dueOf({ firstMs, lastMs, closedMs }: Span): number {
  const due = Math.min(lastMs + UNIT_IDLE_MS, firstMs + UNIT_AGE_MS);
  return closedMs === null ? due : Math.min(due, closedMs + CLOSE_GRACE_MS);
}
