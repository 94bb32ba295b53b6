/** Telemetry through OpenTelemetry: the only file that knows it. */
import type { Attributes, Histogram, Meter } from '@opentelemetry/api';
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { METRICS, type Metric, type MetricName, type MetricsOf } from '../model/metrics.ts';
import type { Exposition, Labels, Series, Telemetry } from '../model/telemetry.ts';

/** One series as it stands. */
interface Kept {
  readonly labels: Attributes;
  value: number;
  /** What `total` was last told; null where it was never told. */
  told: number | null;
}

type Table = Map<string, Kept>;

const LABEL_CHARACTERS_MAX = 128;
const SERIES_MAX = 200;
const DROPPED = 'plumbline_series_dropped_total';

/**
 * Makes the registry. Nothing is opened and nothing runs by itself: counters and gauges are numbers in
 * memory, and OpenTelemetry reads them when somebody asks for the text.
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
    for (const [name, metric] of Object.entries(METRICS) as [MetricName, Metric][]) {
      this.#tables.set(name, new Map());
      this.#instrument(meter, name, metric);
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
    return `${this.#serializer.serialize(resourceMetrics)}`;
  }

  async close(): Promise<void> {
    await this.#provider.shutdown();
  }

  #instrument(meter: Meter, name: MetricName, metric: Metric): void {
    const description = metric.help;
    if (metric.type === 'histogram') {
      const advice = { explicitBucketBoundaries: [...(metric.buckets ?? [])] };
      this.#histograms.set(name, meter.createHistogram(name, { description, advice }));
      return;
    }
    const made =
      metric.type === 'counter'
        ? meter.createObservableCounter(name, { description })
        : meter.createObservableGauge(name, { description });
    made.addCallback((result) => {
      for (const { value, labels } of this.#tables.get(name)?.values() ?? [])
        result.observe(value, labels);
    });
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
