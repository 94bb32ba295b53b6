/** Telemetry: the port that takes what the observer says of itself in numbers. */
import type { MetricsOf } from './metrics.ts';

/** Values of the labels a metric declares, by name. */
export type Labels = Readonly<Record<string, string>>;

/** One series of a metric. */
export interface Series {
  readonly value: number;
  readonly labels?: Labels;
}

/**
 * Where numbers go. Names, types and labels are those of METRICS: another label is a fault of the
 * program. A metric that has as many series as it may is given no more: what is dropped is counted.
 * None of these waits, and none rejects or throws for what the world does.
 */
export interface Telemetry {
  /** Adds to a counter. `by` is not negative; 0 makes the series, so that its first step is seen. */
  add(name: MetricsOf<'counter'>, by: number, labels?: Labels): void;
  /** Total of a counter that is counted elsewhere; one that falls began anew. */
  total(name: MetricsOf<'counter'>, value: number, labels?: Labels): void;
  /** Sets one series of a gauge. */
  set(name: MetricsOf<'gauge'>, value: number, labels?: Labels): void;
  /** Sets all series of a gauge: those that are not named are gone. */
  replace(name: MetricsOf<'gauge'>, series: readonly Series[]): void;
  /** Puts one measurement into a histogram. */
  observe(name: MetricsOf<'histogram'>, value: number, labels?: Labels): void;
}

/** Everything that was told, for whoever scrapes it. */
export interface Exposition {
  /** Text of Prometheus, version 0.0.4. */
  text(): Promise<string>;
  close(): Promise<void>;
}

/** Takes everything and keeps nothing. */
export const NO_TELEMETRY: Telemetry = {
  add: () => undefined,
  total: () => undefined,
  set: () => undefined,
  replace: () => undefined,
  observe: () => undefined,
};
