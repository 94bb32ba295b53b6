/** A metric of OTLP as both encodings give it: points of numbers, histograms and summaries. */
import type { Instant } from '../time.ts';
import { type Attribute, NO_TIME } from './otlp.ts';

/** Instruments by what their points are. */
export type MetricKind = 'gauge' | 'sum' | 'histogram' | 'exponential' | 'summary' | 'none';

/** Buckets of an exponential histogram on one side of zero. */
export interface ExponentialBuckets {
  /** Index of the first bucket: bucket i holds what lies above base^i, up to base^(i + 1). */
  offset: number;
  counts: number[];
}

/** One point. What its instrument does not have stays as it is here. */
export interface Point {
  start: Instant;
  time: Instant;
  attributes: Attribute[];
  flags: number;
  /** Of gauges and sums; a `bigint` was an integer. Null: no value. */
  value: number | bigint | null;
  /** Of the others: how many values, and their sum where it is told. */
  count: number;
  sum: number | null;
  min: number | null;
  max: number | null;
  /** Explicit buckets: bound i is the upper one of bucket i; the last bucket has none. */
  bounds: number[];
  counts: number[];
  /** Exponential buckets: base = 2^(2^-scale). */
  scale: number;
  zeroCount: number;
  positive: ExponentialBuckets;
  negative: ExponentialBuckets;
  /** Quantiles of a summary. */
  quantiles: { quantile: number; value: number }[];
  /** The point as it was written: it is known by it. */
  raw: Uint8Array | string;
}

/** One metric. */
export interface OtlpMetric {
  name: string;
  description: string;
  unit: string;
  kind: MetricKind;
  /** 0 not given, 1 delta, 2 cumulative. */
  temporality: number;
  monotonic: boolean;
  points: Point[];
  altered: boolean;
}

/** Points of one metric at most, and entries of a point's lists. */
export const POINTS_MAX = 20_000;
/** Buckets, bounds and quantiles of one point at most. */
export const BUCKETS_MAX = 2000;

/** A metric without anything. */
export function newMetric(): OtlpMetric {
  return {
    ...{ name: '', description: '', unit: '', kind: 'none', temporality: 0 },
    ...{ monotonic: false, points: [], altered: false },
  };
}

/** A point without anything. */
export function newPoint(): Point {
  return {
    ...{ start: NO_TIME, time: NO_TIME, attributes: [], flags: 0, value: null },
    ...{ count: 0, sum: null, min: null, max: null, bounds: [], counts: [] },
    ...{ scale: 0, zeroCount: 0, quantiles: [], raw: '' },
    positive: { offset: 0, counts: [] },
    negative: { offset: 0, counts: [] },
  };
}

/**
 * An upper bound of a quantile, 0 < q <= 1, from the buckets of a histogram; null where they do not tell.
 * The true quantile lies in the bucket whose upper end this is.
 */
export function quantileBound(kind: MetricKind, point: Point, q: number): number | null {
  if (point.count <= 0) return null;
  const wanted = Math.ceil(q * point.count);
  if (kind === 'histogram') return explicitBound(point, wanted);
  return kind === 'exponential' ? exponentialBound(point, wanted) : null;
}

function explicitBound({ bounds, counts, max }: Point, wanted: number): number | null {
  let seen = 0;
  for (let at = 0; at < counts.length; at += 1) {
    seen += counts[at] ?? 0;
    if (seen >= wanted) return bounds[at] ?? max;
  }
  return null;
}

function exponentialBound(point: Point, wanted: number): number | null {
  const { scale, negative, positive, zeroCount } = point;
  // base^i without the rounding of base itself: 2^(i / 2^scale).
  const power = (index: number) => 2 ** (index * 2 ** -scale);
  let seen = 0;
  for (let at = negative.counts.length - 1; at >= 0; at -= 1) {
    seen += negative.counts[at] ?? 0;
    if (seen >= wanted) return finite(-power(negative.offset + at));
  }
  seen += zeroCount;
  if (seen >= wanted) return 0;
  for (let at = 0; at < positive.counts.length; at += 1) {
    seen += positive.counts[at] ?? 0;
    if (seen >= wanted) return finite(power(positive.offset + at + 1));
  }
  return null;
}

const finite = (value: number) => (Number.isFinite(value) ? value : null);
