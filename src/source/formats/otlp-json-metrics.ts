/** Metrics in JSON, member by member. */
import type { Rejection } from '../json.ts';
import type { Batch, Wanted } from './otlp.ts';
import {
  attributesAt,
  batchOf,
  DOUBLES,
  enumAt,
  type Json,
  listAt,
  numberAt,
  objectAt,
  objectIn,
  ownAt,
  textAt,
  timeAt,
  wrong,
} from './otlp-json.ts';
import {
  BUCKETS_MAX,
  type ExponentialBuckets,
  type MetricKind,
  newMetric,
  newPoint,
  type OtlpMetric,
  POINTS_MAX,
  type Point,
} from './otlp-metric.ts';

/** Reads the JSON of an ExportMetricsServiceRequest. The value has passed the limits of decodeJson. */
export function metricsOf(value: unknown, wanted: Wanted): Batch<OtlpMetric> | Rejection {
  const names = { resources: 'resourceMetrics', scopes: 'scopeMetrics', items: 'metrics' };
  return batchOf(value, names, wanted, metricOf);
}

const INSTRUMENTS: Readonly<Record<string, MetricKind>> = {
  gauge: 'gauge',
  sum: 'sum',
  histogram: 'histogram',
  exponentialHistogram: 'exponential',
  summary: 'summary',
};
const TEMPORALITIES = ['UNSPECIFIED', 'DELTA', 'CUMULATIVE'].map(
  (name) => `AGGREGATION_TEMPORALITY_${name}`,
);

function metricOf(from: Json, wanted: Wanted): OtlpMetric {
  const metric = newMetric();
  metric.name = textAt(from, 'name');
  metric.description = textAt(from, 'description');
  metric.unit = textAt(from, 'unit');
  for (const [name, kind] of Object.entries(INSTRUMENTS)) {
    const instrument = objectAt(from, name);
    if (instrument === undefined) continue;
    metric.kind = kind;
    metric.temporality = enumAt(instrument, 'aggregationTemporality', TEMPORALITIES);
    metric.monotonic = ownAt(instrument, 'isMonotonic') === true;
    const points = atMost(listAt(instrument, 'dataPoints'), POINTS_MAX, 'dataPoints');
    metric.points = points.map((one) => pointOf(objectIn(one, 'dataPoints'), wanted));
  }
  return metric;
}

function pointOf(from: Json, wanted: Wanted): Point {
  const point = newPoint();
  point.raw = JSON.stringify(from);
  point.start = timeAt(from, 'startTimeUnixNano');
  point.time = timeAt(from, 'timeUnixNano');
  point.attributes = attributesAt(from, wanted);
  point.flags = numberAt(from, 'flags');
  point.value = numberValue(from);
  point.count = integerAt(from, 'count');
  point.sum = doubleAt(from, 'sum');
  point.min = doubleAt(from, 'min');
  point.max = doubleAt(from, 'max');
  point.bounds = numbersAt(from, 'explicitBounds');
  point.counts = numbersAt(from, 'bucketCounts');
  point.scale = integerAt(from, 'scale');
  point.zeroCount = integerAt(from, 'zeroCount');
  point.positive = bucketsAt(from, 'positive');
  point.negative = bucketsAt(from, 'negative');
  point.quantiles = atMost(listAt(from, 'quantileValues'), BUCKETS_MAX, 'quantileValues').map(
    (one) => {
      const entry = objectIn(one, 'quantileValues');
      return { quantile: doubleAt(entry, 'quantile') ?? 0, value: doubleAt(entry, 'value') ?? 0 };
    },
  );
  return point;
}

function numberValue(from: Json): number | bigint | null {
  const integer = ownAt(from, 'asInt');
  if (integer !== undefined) return BigInt.asIntN(64, bigintOf(integer, 'asInt'));
  return doubleAt(from, 'asDouble');
}

function bigintOf(value: unknown, name: string): bigint {
  if (typeof value === 'number' && Number.isInteger(value) && Math.abs(value) < 2 ** 64)
    return BigInt(value);
  if (typeof value !== 'string' || !/^-?\d{1,20}$/.test(value)) throw wrong(name, 'an integer');
  return BigInt(value);
}

function integerAt(from: Json, name: string): number {
  const value = ownAt(from, name);
  return value === undefined ? 0 : Number(bigintOf(value, name));
}

function doubleOf(value: unknown, name: string): number {
  const named = typeof value === 'string' && Object.hasOwn(DOUBLES, value);
  const number = named ? DOUBLES[value] : value;
  if (typeof number !== 'number') throw wrong(name, 'a number');
  return number;
}

function doubleAt(from: Json, name: string): number | null {
  const value = ownAt(from, name);
  return value === undefined ? null : doubleOf(value, name);
}

function numbersAt(from: Json, name: string): number[] {
  return atMost(listAt(from, name), BUCKETS_MAX, name).map((one) =>
    typeof one === 'string' && /^\d{1,20}$/.test(one) ? Number(one) : doubleOf(one, name),
  );
}

function bucketsAt(from: Json, name: string): ExponentialBuckets {
  const buckets = objectAt(from, name) ?? {};
  return { offset: integerAt(buckets, 'offset'), counts: numbersAt(buckets, 'bucketCounts') };
}

function atMost(list: readonly unknown[], most: number, name: string): readonly unknown[] {
  if (list.length > most) throw wrong(name, `a list of ${most} at most`);
  return list;
}
