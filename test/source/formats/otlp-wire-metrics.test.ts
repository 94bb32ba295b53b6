/** Metrics: what OpenTelemetry's own package serialises reads field-equal, in both encodings. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MetricData } from '@opentelemetry/sdk-metrics';
import fc from 'fast-check';
import type { Batch } from '../../../src/source/formats/otlp.ts';
import { metricsOf } from '../../../src/source/formats/otlp-json-metrics.ts';
import type { OtlpMetric, Point } from '../../../src/source/formats/otlp-metric.ts';
import { readMetrics } from '../../../src/source/formats/otlp-wire-metrics.ts';
import type { Rejection } from '../../../src/source/json.ts';
import { formatNs } from '../../../src/source/time.ts';
import { seedOf } from '../seed.ts';
import { exported, inJson, inProtobuf } from './otlp-metrics-given.ts';

const everything = () => true;
const text = fc.string({ unit: 'binary', maxLength: 10 });
const attributes = fc.dictionary(text, text, { maxKeys: 3 });
const time = fc.tuple(fc.nat({ max: 4_000_000_000 }), fc.nat({ max: 999_999_999 }));
const number = fc.double({ noNaN: true, noDefaultInfinity: true });
const count = fc.nat({ max: 2 ** 40 });
const timed = { attributes, startTime: time, endTime: time };
const descriptor = fc.record({
  ...{ name: text, unit: text, description: text },
  valueType: fc.constantFrom(0, 1),
});
const buckets = fc.record({
  offset: fc.integer({ min: -2000, max: 2000 }),
  bucketCounts: fc.array(count, { maxLength: 6 }),
});

/** As the SDK has them: whole numbers where the instrument is of integers. */
const metric: fc.Arbitrary<MetricData> = descriptor.chain((given) => {
  const value = given.valueType === 0 ? fc.maxSafeInteger() : number;
  const common = { descriptor: fc.constant(given), aggregationTemporality: fc.nat({ max: 1 }) };
  const points = <T>(of: fc.Arbitrary<T>) =>
    fc.array(fc.record({ ...timed, value: of }), { minLength: 1, maxLength: 3 });
  return fc.oneof(
    fc.record({ ...common, dataPointType: fc.constant(2), dataPoints: points(value) }),
    fc.record({
      ...{ ...common, dataPointType: fc.constant(3), dataPoints: points(value) },
      isMonotonic: fc.boolean(),
    }),
    fc.record({
      ...{ ...common, dataPointType: fc.constant(0) },
      dataPoints: points(
        fc.record({
          buckets: fc.record({
            boundaries: fc.array(number, { maxLength: 5 }),
            counts: fc.array(count, { maxLength: 6 }),
          }),
          ...{ count, sum: number, min: number, max: number },
        }),
      ),
    }),
    fc.record({
      ...{ ...common, dataPointType: fc.constant(1) },
      dataPoints: points(
        fc.record({
          ...{ count, sum: number, min: number, max: number, zeroCount: count },
          scale: fc.integer({ min: -10, max: 20 }),
          ...{ positive: buckets, negative: buckets },
        }),
      ),
    }),
  ) as fc.Arbitrary<MetricData>;
});

const nanos = ([seconds, ns]: readonly [number, number]) =>
  String(BigInt(seconds) * 1_000_000_000n + BigInt(ns));

function itemsOf(read: Batch<OtlpMetric> | Rejection): OtlpMetric[] {
  assert.ok(!('reason' in read));
  assert.deepEqual(read.broken, []);
  return read.groups
    .flatMap(({ scopes }) => scopes)
    .flatMap(({ items }) => items)
    .map((one) => {
      assert.ok(one.ok);
      return one.item;
    });
}

/** A point by what was read of it; a whole number is the same as an integer and as a double. */
function told({ raw: _raw, value, start, time: at, ...rest }: Point) {
  const times = { start: formatNs(start), time: formatNs(at) };
  return { ...rest, ...times, value: value === null ? null : Number(value) };
}

/** The same of what went in. */
function given(data: MetricData) {
  return data.dataPoints.map((point) => {
    const value = point.value as never as Record<string, never>;
    const isNumber = typeof point.value === 'number';
    const explicit = (value?.['buckets'] ?? {}) as { boundaries?: number[]; counts?: number[] };
    return {
      start: nanos(point.startTime as [number, number]),
      time: nanos(point.endTime as [number, number]),
      attributes: Object.entries(point.attributes).map(([key, one]) => ({ key, value: one })),
      value: isNumber ? point.value : null,
      ...{ count: isNumber ? 0 : value['count'], sum: isNumber ? null : value['sum'] },
      ...{ min: isNumber ? null : value['min'], max: isNumber ? null : value['max'] },
      ...{ bounds: explicit.boundaries ?? [], counts: explicit.counts ?? [] },
      ...{ scale: value?.['scale'] ?? 0, zeroCount: value?.['zeroCount'] ?? 0 },
      positive: sided(value?.['positive']),
      negative: sided(value?.['negative']),
      ...{ quantiles: [], flags: 0 },
    };
  });
}

function sided(of: { offset: number; bucketCounts: number[] } | undefined) {
  return { offset: of?.offset ?? 0, counts: of?.bucketCounts ?? [] };
}

const KINDS = ['histogram', 'exponential', 'gauge', 'sum'];
/** JSON has no negative zero, and neither has a comparison by value. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

test('metrics: every request that OpenTelemetry serialises reads field-equal', (t) => {
  const check = fc.property(fc.array(metric, { minLength: 1, maxLength: 4 }), (metrics) => {
    const request = exported(metrics);
    const wire = itemsOf(readMetrics(inProtobuf(request), everything));
    const json = itemsOf(metricsOf(JSON.parse(inJson(request).toString('utf8')), everything));
    for (const read of [wire, json]) {
      assert.deepEqual(
        read.map(({ name, unit, description, kind, temporality, monotonic, points }) => ({
          ...{ name, unit, description, kind, monotonic },
          // A gauge has none, and protobuf leaves it out.
          temporality: kind === 'gauge' ? 0 : temporality,
          points: plain(points.map(told)),
        })),
        metrics.map((data) => ({
          name: data.descriptor.name,
          unit: data.descriptor.unit,
          description: data.descriptor.description,
          kind: KINDS[data.dataPointType],
          monotonic: 'isMonotonic' in data ? data.isMonotonic : false,
          temporality: KINDS[data.dataPointType] === 'gauge' ? 0 : data.aggregationTemporality + 1,
          points: plain(given(data)),
        })),
      );
    }
  });
  fc.assert(check, { seed: seedOf(t), numRuns: 500 });
});

test('buckets that are not packed, and a summary, are read as well', () => {
  // metrics{1: histogram point with bucket_counts 6 unpacked twice, bounds 7 unpacked once}
  const fixed = (n: bigint) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(n);
    return bytes;
  };
  const double = (n: number) => {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleLE(n);
    return bytes;
  };
  const field = (n: number, wire: number, body: Buffer) =>
    Buffer.concat([
      Buffer.from([n * 8 + wire]),
      ...(wire === 2 ? [Buffer.from([body.length])] : []),
      body,
    ]);
  const requestOf = (instrument: number, point: Buffer) => {
    const metricBytes = field(instrument, 2, field(1, 2, point));
    return field(1, 2, field(2, 2, field(2, 2, metricBytes)));
  };
  const histogram = Buffer.concat([
    field(6, 1, fixed(2n)),
    field(6, 1, fixed(3n)),
    field(7, 1, double(1.5)),
  ]);
  const [read] = itemsOf(readMetrics(requestOf(9, histogram), everything));
  assert.deepEqual([read?.points[0]?.counts, read?.points[0]?.bounds], [[2, 3], [1.5]]);
  const quantile = Buffer.concat([field(1, 1, double(0.99)), field(2, 1, double(7))]);
  const summary = Buffer.concat([field(4, 1, fixed(9n)), field(6, 2, quantile)]);
  const [sum] = itemsOf(readMetrics(requestOf(11, summary), everything));
  assert.deepEqual(
    [sum?.kind, sum?.points[0]?.count, sum?.points[0]?.quantiles],
    ['summary', 9, [{ quantile: 0.99, value: 7 }]],
  );
});
