/** The contract of a benchmark. */
import type { Result } from './measure.ts';

/** What a benchmark is asked for. */
export interface BenchOptions {
  /** Tiny, for equality only: its times mean nothing and are not kept. */
  readonly smoke: boolean;
  /** Other than the benchmark's own number. */
  readonly events: number | null;
  readonly pairs: number;
  /** Events a second at saturation, where a benchmark goes by it and is not to find it itself. */
  readonly rate: number | null;
  /** How long is measured, where a benchmark goes by time and is asked for another one than its own. */
  readonly seconds: number | null;
  /** The command line that gives this result again. */
  readonly command: string;
  readonly say: (line: string) => void;
}

/** A benchmark. */
export interface Bench {
  readonly name: string;
  /** What it measures, one line. */
  readonly claim: string;
  /** Throws where the work done was not what it should be. */
  run(options: BenchOptions): Promise<Result>;
}
