/** Exposition: reads what only shows when it is looked at, and makes the text of a scrape. */
import type { Runtime } from '../adapters/runtime.ts';
import type { Config } from '../model/config.ts';
import { durationMs } from '../model/duration.ts';
import { OperatingError } from '../model/errors.ts';
import type { MetricsOf } from '../model/metrics.ts';
import type { Clock, Database } from '../model/ports.ts';
import type { Exposition, Series, Telemetry } from '../model/telemetry.ts';
import type { Pipeline } from '../pipeline.ts';
import type { Percentiles } from '../record/response-times.ts';
import { readSelf, type SelfReading } from '../record/self.ts';
import { readiness } from './health.ts';
import { behindOf, LANE_STATES, type Standing } from './standing.ts';
import { VERSION } from './store.ts';

/** What an exposition is made of. */
export interface ExpositionParts {
  readonly config: Config;
  readonly db: Pick<Database, 'query'>;
  readonly telemetry: Telemetry & Exposition;
  readonly standing: Standing;
  readonly runtime: Runtime;
  readonly clock: Clock;
  /** Answers of our listeners so far, by listener. */
  readonly answers: () => Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** The record is asked no more often than this, however often is scraped, ms. */
const RECORD_EVERY_MS = 10_000;
/** A scrape waits no longer for the record than this; then it shows what was read last, ms. */
const RECORD_WAIT_MS = 2_000;
const RESPONSE_MS = 30 * 86_400_000;
const READY_LAG = '60s';

/** How far behind the observer may be and still be ready, ms. */
export function readyLagMs(config: Config): number {
  return durationMs(config.telemetry?.readyLag ?? READY_LAG);
}

/**
 * Makes the text. It waits for the record no longer than two seconds and never fails for it: a database
 * that is away is what somebody scrapes to find out.
 */
export function createExposition(parts: ExpositionParts): () => Promise<string> {
  const { telemetry, runtime, clock } = parts;
  const record = recordReader(parts);
  telemetry.set('plumbline_build_info', 1, { version: VERSION, node: runtime.version });
  telemetry.set('plumbline_start_time_seconds', runtime.startedSeconds);
  return async () => {
    const began = runtime.now();
    telemetry.set('plumbline_watchdog', 1);
    const waited = new AbortController();
    await Promise.race([record(), clock.sleep(RECORD_WAIT_MS, waited.signal)]);
    waited.abort();
    tellStanding(parts, clock.nowMs());
    tellRuntime(parts);
    for (const [listener, counts] of Object.entries(parts.answers()))
      for (const [answer, value] of Object.entries(counts))
        telemetry.total('plumbline_http_answers_total', value, { listener, answer });
    telemetry.set('plumbline_scrape_seconds', runtime.now() - began);
    return await telemetry.text();
  };
}

/** Reads the record, one at a time; two that ask meanwhile share the answer. Never rejects. */
function recordReader({ db, telemetry, standing, clock }: ExpositionParts): () => Promise<void> {
  let readMs = Number.NEGATIVE_INFINITY;
  let reading: Promise<void> | null = null;
  const read = async (): Promise<void> => {
    const nowMs = clock.nowMs();
    try {
      tellRecord(telemetry, await readSelf(db, nowMs - RESPONSE_MS, nowMs), nowMs);
      readMs = nowMs;
    } catch (cause) {
      // The database is away, which has a metric of its own; what was read last is old and is not shown.
      if (!(cause instanceof OperatingError)) throw cause;
      forget();
    }
  };
  const forget = (): void => {
    for (const name of OF_THE_RECORD) telemetry.replace(name, []);
    readMs = Number.NEGATIVE_INFINITY;
  };
  return async () => {
    if (!standing.database.up) forget();
    if (clock.nowMs() - readMs < RECORD_EVERY_MS) return;
    reading ??= read().finally(() => {
      reading = null;
    });
    await reading;
  };
}

/** Gauges that only the record can tell. */
const OF_THE_RECORD: readonly MetricsOf<'gauge'>[] = [
  'plumbline_outbox_open',
  'plumbline_outbox_oldest_seconds',
  'plumbline_leases_standing',
  'plumbline_leaked_calls',
  'plumbline_time_to_detect_seconds',
  'plumbline_time_to_act_seconds',
  'plumbline_time_to_verify_seconds',
  'plumbline_enforcement_points',
  'plumbline_alerts_open',
  'plumbline_alerts_oldest_seconds',
  'plumbline_alerts_dead',
  'plumbline_sink_failing_seconds',
  'plumbline_source_blind',
  'plumbline_baselines_in_force',
  'plumbline_baseline_age_seconds',
  'plumbline_checkpoint_age_seconds',
  'plumbline_journal_entries',
];

function tellRecord(telemetry: Telemetry, read: SelfReading, nowMs: number): void {
  const age = (ms: number | null) => (ms === null ? 0 : Math.max(0, nowMs - ms) / 1000);
  const by =
    <T>(list: readonly T[], label: string, nameOf: (one: T) => string) =>
    (name: MetricsOf<'gauge'>, figureOf: (one: T) => number) =>
      telemetry.replace(
        name,
        list.map((one) => ({ value: figureOf(one), labels: { [label]: nameOf(one) } })),
      );
  const steps = by(read.steps, 'driver', ({ driver }) => driver);
  steps('plumbline_outbox_open', ({ open }) => open);
  steps('plumbline_outbox_oldest_seconds', ({ oldestMs }) => age(oldestMs));
  const sinks = by(read.sinks, 'sink', ({ sink }) => sink);
  sinks('plumbline_alerts_open', ({ depth }) => depth);
  sinks('plumbline_alerts_oldest_seconds', ({ oldestMs }) => age(oldestMs));
  sinks('plumbline_alerts_dead', ({ dead }) => dead);
  sinks('plumbline_sink_failing_seconds', ({ failingSinceMs }) => age(failingSinceMs));
  by(read.blind, 'source', ({ source }) => source)('plumbline_source_blind', ({ books }) => books);
  const baselines = by(read.baselines, 'level', ({ level }) => level);
  baselines('plumbline_baselines_in_force', ({ count }) => count);
  baselines('plumbline_baseline_age_seconds', ({ oldestMs }) => age(oldestMs));
  telemetry.replace(
    'plumbline_leases_standing',
    read.leases.map(({ count, ...labels }) => ({ value: count, labels })),
  );
  const { response, pollers } = read;
  telemetry.set('plumbline_leaked_calls', response.leakedCalls);
  telemetry.replace('plumbline_time_to_detect_seconds', quantiles(response.toDetect));
  telemetry.replace('plumbline_time_to_act_seconds', quantiles(response.toAct));
  telemetry.replace('plumbline_time_to_verify_seconds', quantiles(response.toVerified));
  telemetry.set('plumbline_enforcement_points', pollers.asking, { state: 'asks' });
  telemetry.set('plumbline_enforcement_points', pollers.silent, { state: 'silent' });
  telemetry.set('plumbline_journal_entries', read.journalEntries);
  if (read.signedMs !== null) telemetry.set('plumbline_checkpoint_age_seconds', age(read.signedMs));
}

function quantiles({ p50, p99 }: Percentiles): readonly Series[] {
  const of = (quantile: string, ms: number | null) =>
    ms === null ? [] : [{ value: ms / 1000, labels: { quantile } }];
  return [...of('0.5', p50), ...of('0.99', p99)];
}

function tellStanding(parts: ExpositionParts, nowMs: number): void {
  const { config, telemetry, standing } = parts;
  const { lane, partitions, database } = standing;
  for (const state of LANE_STATES)
    telemetry.set('plumbline_lane_state', state === lane.state ? 1 : 0, { state });
  const cores = [...standing.lanes].flatMap(([at, { pipeline }]): [number, Pipeline][] =>
    pipeline === null ? [] : [[at, pipeline]],
  );
  const { ok } = readiness(standing, readyLagMs(config), nowMs);
  telemetry.set('plumbline_ready', ok ? 1 : 0);
  telemetry.set('plumbline_database_up', database.up ? 1 : 0);
  const sourceOf = sourceNames(config);
  const lags = partitions.map((one) => ({
    labels: { source: sourceOf(one.topic), partition: String(one.partition) },
    ...behindOf(one, nowMs),
  }));
  telemetry.replace(
    'plumbline_partition_lag_records',
    lags.map(({ labels, records }) => ({ value: records, labels })),
  );
  telemetry.replace(
    'plumbline_partition_lag_seconds',
    lags.map(({ labels, ms }) => ({ value: ms / 1000, labels })),
  );
  tellWorst(
    parts,
    'plumbline_source_silence_seconds',
    'least',
    partitions,
    ({ arrivedMs }) => nowMs - arrivedMs,
  );
  const known = cores
    .flatMap(([, core]) => core.standing())
    .filter(({ newestMs }) => newestMs >= 0);
  tellWorst(
    parts,
    'plumbline_source_event_lag_seconds',
    'least',
    known,
    ({ newestMs }) => nowMs - newestMs,
  );
  tellWorst(
    parts,
    'plumbline_source_watermark_delay_seconds',
    'most',
    known,
    ({ watermarkMs }) => nowMs - watermarkMs,
  );
  const of = (at: number, value: number) => ({ value, labels: { lane: String(at) } });
  telemetry.replace(
    'plumbline_buffered_events',
    cores.map(([at, { buffered }]) => of(at, buffered)),
  );
  const limit = config.correlate?.maxBuffered ?? 200_000;
  telemetry.replace(
    'plumbline_buffered_events_limit',
    cores.map(([at]) => of(at, limit)),
  );
  telemetry.replace(
    'plumbline_watermark_delay_seconds',
    cores.flatMap(([at, { watermarkMs }]) =>
      watermarkMs > 0 ? [of(at, (nowMs - watermarkMs) / 1000)] : [],
    ),
  );
}

/** One figure a source, of its partitions. */
function tellWorst<T extends { readonly topic: string }>(
  { config, telemetry }: ExpositionParts,
  name: MetricsOf<'gauge'>,
  which: 'least' | 'most',
  list: readonly T[],
  msOf: (one: T) => number,
): void {
  const sourceOf = sourceNames(config);
  const bySource = new Map<string, number>();
  for (const one of list) {
    const source = sourceOf(one.topic);
    const ms = msOf(one);
    const known = bySource.get(source);
    const better = known === undefined || (which === 'least' ? ms < known : ms > known);
    if (better) bySource.set(source, ms);
  }
  telemetry.replace(
    name,
    [...bySource].map(([source, ms]) => ({ value: ms / 1000, labels: { source } })),
  );
}

/** Name of the source that reads a topic; `internal` for one that only we write. */
export function sourceNames(config: Config): (topic: string) => string {
  const names = new Map(config.sources.map(({ topic, name }) => [topic, name]));
  return (topic) => names.get(topic) ?? 'internal';
}

function tellRuntime({ telemetry, runtime }: ExpositionParts): void {
  const { loopDelay, loopUse, gc, cpu, memory } = runtime.look();
  const delays = { '0.5': loopDelay.p50, '0.99': loopDelay.p99, '1': loopDelay.max };
  for (const [quantile, value] of Object.entries(delays))
    telemetry.set('plumbline_event_loop_delay_seconds', value, { quantile });
  telemetry.set('plumbline_event_loop_utilization_ratio', loopUse);
  for (const [kind, value] of Object.entries(gc))
    telemetry.total('plumbline_gc_seconds_total', value, { kind });
  for (const [mode, value] of Object.entries(cpu))
    telemetry.total('plumbline_process_cpu_seconds_total', value, { mode });
  for (const [kind, value] of Object.entries(memory))
    telemetry.set('plumbline_process_memory_bytes', value, { kind });
}
