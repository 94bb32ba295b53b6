/** Metrics in protobuf, field by field. */
import type { Rejection } from '../json.ts';
import type { Batch, Wanted } from './otlp.ts';
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
import {
  BYTES,
  bool,
  type Cursor,
  double,
  eachField,
  eachPacked,
  fixed64,
  instant,
  limited,
  needs,
  sfixed64,
  sint32,
  text,
  uint32,
  uint64,
} from './otlp-wire.ts';
import { readRequest } from './otlp-wire-request.ts';
import { pushAttribute } from './otlp-wire-values.ts';

/** Reads an ExportMetricsServiceRequest, which is also the value of the Collector's Kafka exporter. */
export function readMetrics(bytes: Buffer, wanted: Wanted): Batch<OtlpMetric> | Rejection {
  return readRequest(bytes, wanted, readMetric);
}

const INSTRUMENTS: Readonly<Record<number, MetricKind>> = {
  5: 'gauge',
  7: 'sum',
  9: 'histogram',
  10: 'exponential',
  11: 'summary',
};

type ReadField = (at: Cursor, point: Point, field: number, wire: number, to: number) => boolean;

const POINT_FIELDS: Readonly<Record<Exclude<MetricKind, 'none'>, ReadField>> = {
  gauge: numberField,
  sum: numberField,
  histogram: histogramField,
  exponential: exponentialField,
  summary: summaryField,
};

function readMetric(at: Cursor, end: number): OtlpMetric {
  const metric = newMetric();
  eachField(at, end, (_, field, wire, to) => {
    if (field === 1) metric.name = text(at, wire, to);
    else if (field === 2) metric.description = text(at, wire, to);
    else if (field === 3) metric.unit = text(at, wire, to);
    else {
      const kind = INSTRUMENTS[field];
      if (kind === undefined) return false;
      needs(wire, BYTES);
      readPoints(at, to, metric, kind);
    }
    return true;
  });
  metric.altered = at.altered;
  return metric;
}

/** Of several instruments in one metric the last counts, as with every choice of protobuf. */
function readPoints(at: Cursor, end: number, metric: OtlpMetric, kind: MetricKind): void {
  if (metric.kind !== kind) metric.points = [];
  metric.kind = kind;
  if (kind === 'none') return;
  const read = POINT_FIELDS[kind];
  eachField(at, end, (_, field, wire, to) => {
    if (field === 1) {
      needs(wire, BYTES);
      const point = newPoint();
      point.raw = at.bytes.subarray(at.reader.pos, to);
      eachField(at, to, (__, inner, innerWire, stop) => read(at, point, inner, innerWire, stop));
      limited(metric.points, POINTS_MAX, 'points').push(point);
    } else if (field === 2 && kind !== 'gauge' && kind !== 'summary')
      metric.temporality = uint32(at, wire);
    else if (field === 3 && kind === 'sum') metric.monotonic = bool(at, wire);
    else return false;
    return true;
  });
}

function numberField(at: Cursor, point: Point, field: number, wire: number, to: number): boolean {
  if (field === 2) point.start = instant(at, wire);
  else if (field === 3) point.time = instant(at, wire);
  else if (field === 4) point.value = double(at, wire);
  else if (field === 6) point.value = sfixed64(at, wire);
  else if (field === 7) pushAttribute(at, wire, to, point.attributes);
  else if (field === 8) point.flags = uint32(at, wire);
  else return false;
  return true;
}

function histogramField(
  at: Cursor,
  point: Point,
  field: number,
  wire: number,
  to: number,
): boolean {
  if (field === 2) point.start = instant(at, wire);
  else if (field === 3) point.time = instant(at, wire);
  else if (field === 4) point.count = fixed64(at, wire);
  else if (field === 5) point.sum = double(at, wire);
  else if (field === 6)
    eachPacked(at, wire, to, fixed64, (one) =>
      limited(point.counts, BUCKETS_MAX, 'buckets').push(one),
    );
  else if (field === 7)
    eachPacked(at, wire, to, double, (one) =>
      limited(point.bounds, BUCKETS_MAX, 'bounds').push(one),
    );
  else if (field === 9) pushAttribute(at, wire, to, point.attributes);
  else if (field === 10) point.flags = uint32(at, wire);
  else if (field === 11) point.min = double(at, wire);
  else if (field === 12) point.max = double(at, wire);
  else return false;
  return true;
}

function exponentialField(
  at: Cursor,
  point: Point,
  field: number,
  wire: number,
  to: number,
): boolean {
  if (field === 1) pushAttribute(at, wire, to, point.attributes);
  else if (field === 2) point.start = instant(at, wire);
  else if (field === 3) point.time = instant(at, wire);
  else if (field === 4) point.count = fixed64(at, wire);
  else if (field === 5) point.sum = double(at, wire);
  else if (field === 6) point.scale = sint32(at, wire);
  else if (field === 7) point.zeroCount = fixed64(at, wire);
  else if (field === 8) readBuckets(at, wire, to, point.positive);
  else if (field === 9) readBuckets(at, wire, to, point.negative);
  else if (field === 10) point.flags = uint32(at, wire);
  else if (field === 12) point.min = double(at, wire);
  else if (field === 13) point.max = double(at, wire);
  else return false;
  return true;
}

function readBuckets(at: Cursor, wire: number, end: number, into: ExponentialBuckets): void {
  needs(wire, BYTES);
  eachField(at, end, (_, field, kind, to) => {
    if (field === 1) into.offset = sint32(at, kind);
    else if (field === 2)
      eachPacked(at, kind, to, uint64, (one) =>
        limited(into.counts, BUCKETS_MAX, 'buckets').push(one),
      );
    else return false;
    return true;
  });
}

function summaryField(at: Cursor, point: Point, field: number, wire: number, to: number): boolean {
  if (field === 2) point.start = instant(at, wire);
  else if (field === 3) point.time = instant(at, wire);
  else if (field === 4) point.count = fixed64(at, wire);
  else if (field === 5) point.sum = double(at, wire);
  else if (field === 6) {
    needs(wire, BYTES);
    const made = { quantile: 0, value: 0 };
    eachField(at, to, (_, inner, kind) => {
      if (inner === 1) made.quantile = double(at, kind);
      else if (inner === 2) made.value = double(at, kind);
      else return false;
      return true;
    });
    limited(point.quantiles, BUCKETS_MAX, 'quantiles').push(made);
  } else if (field === 7) pushAttribute(at, wire, to, point.attributes);
  else if (field === 8) point.flags = uint32(at, wire);
  else return false;
  return true;
}
