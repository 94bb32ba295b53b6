/** `otlp-metrics/1`: points of gauges, sums and histograms in either encoding, as events. */
import type { Trust } from '../../model/event.ts';
import {
  type AskedOf,
  type ByteFormat,
  checkParts,
  type Draft,
  isRejection,
  type Outcome,
} from '../draft.ts';
import type { Facts, Rejection } from '../json.ts';
import { type Attribute, isGiven, plain, type ResourceItems } from './otlp.ts';
import {
  bytesOf,
  digestOf,
  type EncodingReaders,
  readBatch,
  rejected,
  tallyOf,
  textAt,
} from './otlp-batch.ts';
import { metricsOf } from './otlp-json-metrics.ts';
import { type OtlpMetric, type Point, quantileBound } from './otlp-metric.ts';
import { AGENT_KEYS, categoryOf, SESSION_KEYS, WORK_KEYS } from './otlp-metric-names.ts';
import { readMetrics } from './otlp-wire-metrics.ts';

const readers: EncodingReaders<OtlpMetric> = {
  // Points have few attributes, and all of them tell series apart.
  wanted: () => true,
  wire: readMetrics,
  json: metricsOf,
};

/** Points of one record at most; more are refused as a whole. */
const RECORD_POINTS_MAX = 20_000;
const ATTRS_MAX = 32;
const CUMULATIVE = 2;
/** Bit of a point's flags: there was nothing to record. */
const NO_VALUE = 1;

/** Counts the metrics of a request, for who answers it. */
export const tallyMetrics = (bytes: Buffer) => tallyOf(bytes, readers);

/**
 * Decoder of OTLP metrics: one event a point. It keeps nothing between records: what a cumulative reading
 * adds to the one before is worked out by the fold (correlate/series.ts).
 */
export const otlpMetrics: ByteFormat = {
  name: 'otlp-metrics/1',
  kinds: ['metrics'],
  decodeBytes: decodeMetrics,
};

/** What all points of a scope share. */
interface Around {
  readonly trust: Trust;
  readonly service: string | undefined;
  readonly instance: string | undefined;
  readonly scope: string;
  /** Digest of the resource, shortened. */
  readonly origin: string;
}

function decodeMetrics(
  bytes: Buffer,
  facts: Facts,
  { trust, maxBytes }: AskedOf,
): readonly Outcome[] | Rejection {
  const batch = readBatch(bytes, facts, maxBytes, readers);
  if ('reason' in batch) return batch;
  if (pointsIn(batch.groups) > RECORD_POINTS_MAX) {
    const detail = `more than ${RECORD_POINTS_MAX} points in one record`;
    return { reason: 'too-many-items', detail };
  }
  const outcomes = batch.broken.map((one) => rejected(one, one.raw ?? null));
  const seen = new Map<string, number>();
  for (const { resource, raw, scopes } of batch.groups) {
    const service = textAt(resource.attributes, 'service.name');
    const instance = textAt(resource.attributes, 'service.instance.id');
    const origin = digestOf(raw).slice(0, 16);
    for (const { scope, items } of scopes) {
      const around: Around = { trust, service, instance, scope: scope.name, origin };
      for (const read of items) {
        if (!read.ok) outcomes.push(rejected(read.rejection, read.raw));
        else if (read.item.points.length === 0) outcomes.push({ type: 'ignored' });
        else
          for (const point of read.item.points)
            outcomes.push(outcomeOf(read.item, point, around, seen));
      }
    }
  }
  return outcomes;
}

function pointsIn(groups: readonly ResourceItems<OtlpMetric>[]): number {
  let points = 0;
  for (const { scopes } of groups)
    for (const { items } of scopes)
      for (const read of items) if (read.ok) points += read.item.points.length;
  return points;
}

function outcomeOf(
  metric: OtlpMetric,
  point: Point,
  around: Around,
  seen: Map<string, number>,
): Outcome {
  if ((point.flags & NO_VALUE) !== 0) return { type: 'ignored' };
  const category =
    categoryOf(metric.name) ??
    (point.attributes.some(({ key }) => WORK_KEYS.has(key)) ? 'resource' : null);
  if (category === null) return { type: 'ignored' };
  if (!isGiven(point.time))
    return rejected(
      { reason: 'time-invalid', detail: 'the point has no time' },
      bytesOf(point.raw),
    );
  const reading = readingOf(metric, point);
  if (reading === null)
    return rejected(
      { reason: 'field-missing', detail: 'the point has no value that is a number' },
      bytesOf(point.raw),
    );
  const fields: Record<string, unknown> = {
    ...{ kind: 'metrics', category },
    metric: metricOf(metric, point, around, reading),
  };
  const agent = agentOf(point.attributes, around);
  if (agent !== undefined) fields['agent'] = agent;
  const session = firstOf(point.attributes, SESSION_KEYS);
  if (session !== undefined) fields['session'] = { id: session };
  if (metric.altered) fields['evidence'] = { level: 'L0', truncated: true };
  const parts = checkParts(fields);
  if (isRejection(parts)) return rejected(parts, bytesOf(point.raw));
  const named = `${metric.name}\u0000${metric.unit}\u0000${around.scope}`;
  const digest = `${around.origin}${digestOf(`${digestOf(named)}${digestOf(point.raw)}`)}`;
  const nth = seen.get(digest) ?? 0;
  seen.set(digest, nth + 1);
  const draft: Draft = {
    ...{ id: undefined, part: null, time: point.time, parts },
    ...{ item: { digest, nth }, duplicateKeys: duplicatesIn(point.attributes) },
  };
  return { type: 'draft', draft };
}

interface Reading {
  readonly value: number | null;
  readonly count: number | null;
}

/** The value of a point; null where it has none that is finite. A histogram without a sum has its count. */
function readingOf({ kind }: OtlpMetric, { value, count, sum }: Point): Reading | null {
  if (kind === 'gauge' || kind === 'sum') {
    const number = value === null ? Number.NaN : Number(value);
    return Number.isFinite(number) ? { value: number, count: null } : null;
  }
  if (kind === 'none' || !Number.isFinite(count)) return null;
  return { value: sum !== null && Number.isFinite(sum) ? sum : null, count };
}

/** What adds up over time: sums, and histograms. The standing of a sum that may fall is a gauge. */
function addsUp({ kind, monotonic, temporality }: OtlpMetric): boolean {
  return (
    (kind === 'sum' && (monotonic || temporality !== CUMULATIVE)) ||
    !['gauge', 'sum', 'none'].includes(kind)
  );
}

function metricOf(
  metric: OtlpMetric,
  point: Point,
  around: Around,
  { value, count }: Reading,
): Record<string, unknown> {
  const adds = addsUp(metric);
  // A summary has no temporality of its own: it counts since its process began.
  const isCumulative = adds && (metric.temporality === CUMULATIVE || metric.kind === 'summary');
  const made: Record<string, unknown> = {
    name: metric.name,
    type: count !== null ? 'histogram' : adds ? 'counter' : 'gauge',
    temporality: isCumulative ? 'cumulative' : adds ? 'delta' : 'none',
  };
  if (metric.unit !== '') made['unit'] = metric.unit.slice(0, 64);
  if (value !== null) made['value'] = value;
  if (count !== null) made['count'] = count;
  if (isCumulative) {
    made['series'] = seriesOf(metric, point, around);
    if (isGiven(point.start)) made['startMs'] = point.start.ms;
  }
  made['attrs'] = attrsOf(metric, point, isCumulative);
  return made;
}

/** What tells a series from others: who counts, what is counted, and of what. */
function seriesOf({ name, unit }: OtlpMetric, { attributes }: Point, around: Around): string {
  const { service = '', instance = '', scope } = around;
  const named = attributes
    .map(({ key, value }) => JSON.stringify([key, plain(value)]))
    .sort()
    .join('\n');
  return digestOf(JSON.stringify([service, instance, scope, name, unit, named])).slice(0, 32);
}

function attrsOf(
  metric: OtlpMetric,
  point: Point,
  isCumulative: boolean,
): Readonly<Record<string, unknown>> {
  const made: Record<string, unknown> = Object.create(null);
  for (const { key, value } of point.attributes.slice(0, ATTRS_MAX)) made[key] = plain(value);
  if (metric.kind === 'gauge' || metric.kind === 'sum') return made;
  // Of all since the process began they would say nothing of this interval.
  if (isCumulative) return made;
  const { min, max } = point;
  const ends = { min, max, p50: quantileBound(metric.kind, point, 0.5) };
  const told = { ...ends, p99: quantileBound(metric.kind, point, 0.99) };
  for (const [name, bound] of Object.entries(told))
    if (bound !== null && Number.isFinite(bound)) made[name] = bound;
  return made;
}

/** As with spans: who is named on the point; a process's own name only where it is the agent's. */
function agentOf(
  attributes: readonly Attribute[],
  { trust, service, instance }: Around,
): Record<string, unknown> | undefined {
  const isIndependent = trust !== 'agent' && trust !== 'runtime';
  if (isIndependent) {
    const workload = textAt(attributes, 'src.identity');
    if (workload !== undefined) return { id: workload, basis: 'spiffe' };
    const subject = textAt(attributes, 'jwt.sub');
    if (subject !== undefined) return { id: subject, basis: 'jwt' };
  }
  const named = firstOf(attributes, AGENT_KEYS);
  const more = isIndependent || instance === undefined ? {} : { instance };
  if (named !== undefined) return { id: named, basis: 'self', ...more };
  if (isIndependent || service === undefined) return undefined;
  return { id: service, basis: 'service', ...more };
}

function firstOf(attributes: readonly Attribute[], keys: readonly string[]): string | undefined {
  for (const key of keys) {
    const found = textAt(attributes, key);
    if (found !== undefined) return found;
  }
  return undefined;
}

function duplicatesIn(attributes: readonly Attribute[]): number {
  return attributes.length - new Set(attributes.map(({ key }) => key)).size;
}
