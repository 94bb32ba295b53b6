/** Meter: what detectors cost, on a sample of facts; nothing that decides ever sees it. */

/** Times detectors. Its clock is the caller's; the core only calls it. */
export interface Meter {
  /** Whether the fact at hand is one of the sample. Asked once for each fact. */
  due(): boolean;
  /** Monotonic, seconds. */
  now(): number;
  /** What a detector, or all rules together under `sigma`, took for that fact. */
  took(detector: string, seconds: number): void;
}
