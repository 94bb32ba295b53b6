/** Metrics as OpenTelemetry's SDK hands them to its serialisers, and their requests in both encodings. */
import { JsonMetricsSerializer, ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  DataPointType,
  type MetricData,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';

/** A time as the SDK has it, of ms. */
export const hrTime = (ms: number): [number, number] => [
  Math.floor(ms / 1000),
  (ms % 1000) * 1_000_000,
];

/** When these points were taken, and since when their processes count. */
export const AT_MS = 1_799_999_990_000;
export const SINCE_MS = AT_MS - 60_000;

type Attributes = Readonly<Record<string, string>>;
const timed = (attributes: Attributes, atMs: number, sinceMs: number) => ({
  ...{ attributes: { ...attributes }, startTime: hrTime(sinceMs), endTime: hrTime(atMs) },
});
const described = (name: string, unit: string) => ({
  descriptor: { name, unit, description: '', valueType: 1 as never },
});

/** A sum: monotonic and cumulative unless said otherwise. */
export function sum(
  name: string,
  value: number,
  attributes: Attributes = {},
  more: { delta?: boolean; falls?: boolean; atMs?: number; sinceMs?: number; unit?: string } = {},
): MetricData {
  const { atMs = AT_MS, sinceMs = SINCE_MS, unit = '' } = more;
  return {
    ...described(name, unit),
    aggregationTemporality:
      more.delta === true ? AggregationTemporality.DELTA : AggregationTemporality.CUMULATIVE,
    dataPointType: DataPointType.SUM,
    isMonotonic: more.falls !== true,
    dataPoints: [{ ...timed(attributes, atMs, sinceMs), value }],
  };
}

/** A gauge. */
export function gauge(name: string, value: number, attributes: Attributes = {}): MetricData {
  return {
    ...described(name, ''),
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
    dataPointType: DataPointType.GAUGE,
    dataPoints: [{ ...timed(attributes, AT_MS, SINCE_MS), value }],
  };
}

/** A histogram with these explicit buckets. */
export function histogram(
  name: string,
  of: { bounds: number[]; counts: number[]; sum: number; min?: number; max?: number },
  attributes: Attributes = {},
  more: { delta?: boolean; atMs?: number; sinceMs?: number } = {},
): MetricData {
  const { atMs = AT_MS, sinceMs = SINCE_MS } = more;
  const value = {
    buckets: { boundaries: of.bounds, counts: of.counts },
    count: of.counts.reduce((total, one) => total + one, 0),
    sum: of.sum,
    ...(of.min === undefined ? {} : { min: of.min }),
    ...(of.max === undefined ? {} : { max: of.max }),
  };
  return {
    ...described(name, 's'),
    aggregationTemporality:
      more.delta === true ? AggregationTemporality.DELTA : AggregationTemporality.CUMULATIVE,
    dataPointType: DataPointType.HISTOGRAM,
    dataPoints: [{ ...timed(attributes, atMs, sinceMs), value }],
  };
}

/** An exponential histogram. */
export function exponential(
  name: string,
  of: {
    scale: number;
    zeroCount?: number;
    positive: { offset: number; bucketCounts: number[] };
    negative?: { offset: number; bucketCounts: number[] };
    sum: number;
  },
  attributes: Attributes = {},
): MetricData {
  const { scale, zeroCount = 0, positive, negative = { offset: 0, bucketCounts: [] } } = of;
  const all = [...positive.bucketCounts, ...negative.bucketCounts, zeroCount];
  const count = all.reduce((total, one) => total + one, 0);
  return {
    ...described(name, 's'),
    aggregationTemporality: AggregationTemporality.DELTA,
    dataPointType: DataPointType.EXPONENTIAL_HISTOGRAM,
    dataPoints: [
      {
        ...timed(attributes, AT_MS, SINCE_MS),
        value: { count, sum: of.sum, scale, zeroCount, positive, negative } as never,
      },
    ],
  };
}

/** What one process exports at once. */
export function exported(
  metrics: readonly MetricData[],
  resource: Attributes = { 'service.name': 'shop' },
  scope = 'sdk',
): ResourceMetrics {
  return {
    resource: resourceFromAttributes(resource),
    scopeMetrics: [{ scope: { name: scope, version: '1' }, metrics: [...metrics] }],
  };
}

/** The request in protobuf, as OpenTelemetry serialises it. */
export const inProtobuf = (given: ResourceMetrics): Buffer =>
  Buffer.from(ProtobufMetricsSerializer.serializeRequest(given) ?? []);
/** The request in JSON, likewise. */
export const inJson = (given: ResourceMetrics): Buffer =>
  Buffer.from(JsonMetricsSerializer.serializeRequest(given) ?? []);
