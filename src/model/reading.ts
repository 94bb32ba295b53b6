/** Readings: what baselines say of a unit at one moment; evidence is made of them. */
import type { Kind } from './event.ts';
import type { SessionView, WitnessRecord } from './fact.ts';

/** One dimension's score of a unit. Give one for each dimension in force, also where it abstains. */
export interface Reading {
  readonly dimension: string;
  /** The source that measures the action. */
  readonly source: Kind;
  /** Calibration cell, for example `L3/seen/work`. */
  readonly cell: string;
  /** Higher is stranger; null: nothing said yet (running) or it abstains (closed). */
  readonly score: number | null;
}

/** The score of the unit as a whole, `joint` or rehearsed. */
export type JointReading = Omit<Reading, 'source'>;

/** All that is known of a unit at one moment, dimensions in fixed order. */
export interface Readings {
  /** Event time, ms. */
  readonly ms: number;
  readonly dimensions: readonly Reading[];
  readonly joint: JointReading | null;
}

/** A unit as its baseline sees it: after a call, or at its close. */
export interface UnitReading {
  readonly session: SessionView;
  /** Unique within the agent: session and moment at which the unit began. */
  readonly unit: string;
  /** Baseline it is judged by: `role support-triage`, `fleet *`. */
  readonly baseline: string;
  readonly readings: Readings;
  /** Closed: this is the last word on the unit, and its one tick. */
  readonly isClosed: boolean;
  /** Event time at which it was said, ms. */
  readonly decidedMs: number;
  readonly late: boolean;
  /** The call just made; at the close the one at which the unit was strangest. */
  readonly witness: WitnessRecord;
  /** Sentences with figures, no payload text, by dimension; made when asked for. */
  because(dimensions: readonly string[]): readonly string[];
}
