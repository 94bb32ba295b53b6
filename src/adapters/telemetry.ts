/** Telemetry through OpenTelemetry: the only file that knows it. */
import { type Attributes, type Histogram, ValueType } from '@opentelemetry/api';
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import {
  AggregationTemporality,
  DataPointType,
  MeterProvider,
  type MetricData,
} from '@opentelemetry/sdk-metrics';
import { METRICS, type Metric, type MetricName, type MetricsOf } from '../model/metrics.ts';
import type { Exposition, Labels, Series, Telemetry } from '../model/telemetry.ts';

/** One series as it stands. */
interface Kept {
  readonly labels: Attributes;
  value: number;
  /** What `total` was last told; null where it was never told. */
  told: number | null;
}

/** The text bears no times: it says how things stand when it is asked for. */
const NEVER: [number, number] = [0, 0];
const ALL = Object.entries(METRICS) as readonly (readonly [MetricName, Metric])[];

type Table = Map<string, Kept>;

const LABEL_CHARACTERS_MAX = 128;
const SERIES_MAX = 200;
const DROPPED = 'plumbline_series_dropped_total';

/**
 * Makes the registry. Nothing is opened and nothing runs by itself: counters and gauges are numbers in
 * memory, which become metrics when somebody asks for the text. Observable instruments would do the
 * same, but go on telling the last value of a series that is gone: a source that was blind once, for ever.
 */
export function createTelemetry(): Telemetry & Exposition {
  return new Registry();
}

class Registry implements Telemetry, Exposition {
  readonly #reader = new PrometheusExporter({ preventServerStart: true });
  readonly #provider = new MeterProvider({ readers: [this.#reader] });
  // No resource and no scope: the instance is a label of whoever scrapes.
  readonly #serializer = new PrometheusSerializer('', false, undefined, true, true);
  readonly #tables = new Map<MetricName, Table>();
  readonly #histograms = new Map<MetricName, Histogram>();

  constructor() {
    const meter = this.#provider.getMeter('plumbline');
    for (const [name, metric] of ALL) {
      this.#tables.set(name, new Map());
      if (metric.type === 'histogram') {
        const advice = { explicitBucketBoundaries: [...(metric.buckets ?? [])] };
        const { help: description } = metric;
        this.#histograms.set(name, meter.createHistogram(name, { description, advice }));
      }
      // One without labels is there from the beginning: a rate over what was absent sees no first step.
      if (metric.type === 'counter' && metric.labels.length === 0) this.#seriesOf(name, {});
    }
  }

  add(name: MetricsOf<'counter'>, by: number, labels: Labels = {}): void {
    if (!(by >= 0) || !Number.isFinite(by)) return;
    const kept = this.#seriesOf(name, labels);
    if (kept !== null) kept.value += by;
  }

  total(name: MetricsOf<'counter'>, value: number, labels: Labels = {}): void {
    const kept = this.#seriesOf(name, labels);
    if (kept === null || !Number.isFinite(value)) return;
    // A counter that fell was begun anew elsewhere: what it shows since then is new.
    kept.value += kept.told === null || value < kept.told ? value : value - kept.told;
    kept.told = value;
  }

  set(name: MetricsOf<'gauge'>, value: number, labels: Labels = {}): void {
    const kept = this.#seriesOf(name, labels);
    if (kept !== null) kept.value = value;
  }

  replace(name: MetricsOf<'gauge'>, series: readonly Series[]): void {
    this.#tables.get(name)?.clear();
    for (const { value, labels } of series) this.set(name, value, labels);
  }

  observe(name: MetricsOf<'histogram'>, value: number, labels: Labels = {}): void {
    const kept = this.#seriesOf(name, labels);
    if (kept !== null && Number.isFinite(value))
      this.#histograms.get(name)?.record(value, kept.labels);
  }

  async text(): Promise<string> {
    const { resourceMetrics } = await this.#reader.collect();
    const { resource, scopeMetrics } = resourceMetrics;
    const metrics = ALL.flatMap(([name, metric]) => this.#dataOf(name, metric));
    const ours = { scope: { name: 'plumbline' }, metrics };
    return `${this.#serializer.serialize({ resource, scopeMetrics: [ours, ...scopeMetrics] })}`;
  }

  async close(): Promise<void> {
    await this.#provider.shutdown();
  }

  /** A counter or gauge as it stands; nothing where it has no series, or is a histogram. */
  #dataOf(name: MetricName, { type, help }: Metric): readonly MetricData[] {
    const table = this.#tables.get(name);
    if (type === 'histogram' || table === undefined || table.size === 0) return [];
    const descriptor = { name, description: help, unit: '', valueType: ValueType.DOUBLE };
    const aggregationTemporality = AggregationTemporality.CUMULATIVE;
    const dataPoints = [...table.values()].map(({ labels, value }) => ({
      ...{ startTime: NEVER, endTime: NEVER, attributes: labels, value },
    }));
    const common = { descriptor, aggregationTemporality, dataPoints };
    return type === 'counter'
      ? [{ ...common, dataPointType: DataPointType.SUM, isMonotonic: true }]
      : [{ ...common, dataPointType: DataPointType.GAUGE }];
  }

  /** The series of these labels; null where there is no room for another one. */
  #seriesOf(name: MetricName, labels: Labels): Kept | null {
    const metric: Metric = METRICS[name];
    const table = this.#tables.get(name);
    if (table === undefined) return null;
    let key = '';
    for (const label of metric.labels) key += `${labels[label] ?? ''}\u0000`;
    const known = table.get(key);
    if (known !== undefined) return known;
    if (Object.keys(labels).some((label) => !metric.labels.includes(label)))
      throw new TypeError(`${name} has no such label: ${Object.keys(labels).join(', ')}`);
    if (table.size >= (metric.seriesMax ?? SERIES_MAX)) {
      // The counter of what is dropped has one series for each metric, and so always room.
      this.add(DROPPED, 1, { metric: name });
      return null;
    }
    const said = metric.labels.map((label) => [label, worded(labels[label] ?? '')] as const);
    const kept: Kept = { labels: Object.fromEntries(said), value: 0, told: null };
    table.set(key, kept);
    return kept;
  }
}

/** Names come from configuration and files; whatever they hold, a line stays a line. */
function worded(text: string): string {
  return text
    .slice(0, LABEL_CHARACTERS_MAX)
    .toWellFormed()
    .replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '\ufffd');
}
