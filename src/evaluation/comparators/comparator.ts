/** The contract of a comparator: another method on the same units, for the same nominal rate. */
import type { Uniform } from '../units.ts';

/** What a comparator learns from: the calibration rows of a cell, one score per source. */
export interface Training {
  readonly rows: readonly Float64Array[];
  /** The same by source, ascending. */
  readonly columns: readonly Float64Array[];
  /** Nominal: one false alarm in this many units. */
  readonly a: number;
  readonly uniform: Uniform;
}

/** A method that watches units in other ways than ours. */
export interface Comparator {
  readonly name: string;
  /** Its threshold in words. */
  readonly setting: string;
  /** Learns; the watcher it returns is that of one agent, so call it once per agent. */
  train(training: Training): () => Watcher;
}

/** Takes an agent's next unit; true: alarm. */
export type Watcher = (scores: Float64Array) => boolean;
