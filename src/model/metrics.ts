/** Metrics: everything the observer says of itself in numbers, by name, as data. */

/** Only grows while the process lives · may go either way · how measurements are spread. */
export type MetricType = 'counter' | 'gauge' | 'histogram';

/** One metric. The unit is the last part of its name, in front of `_total`. */
export interface Metric {
  readonly type: MetricType;
  /** What it says, one sentence; becomes HELP and the page of reference. */
  readonly help: string;
  /** Names of its labels. Values come from configuration, files of ours and closed lists only. */
  readonly labels: readonly string[];
  /** No more series than this; what finds no room is counted. Default: 200. */
  readonly seriesMax?: number;
  /** Upper ends of the buckets of a histogram. */
  readonly buckets?: readonly number[];
}

const counter = (help: string, labels: readonly string[] = [], seriesMax = 200) =>
  ({ type: 'counter', help, labels, seriesMax }) as const;
const gauge = (help: string, labels: readonly string[] = [], seriesMax = 200) =>
  ({ type: 'gauge', help, labels, seriesMax }) as const;
const seconds = (help: string, labels: readonly string[] = []) =>
  ({ type: 'histogram', help, labels, buckets: SECONDS }) as const;

/** Of what takes a millisecond, and of what takes half a minute. */
const SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] as const;
const PARTITIONS_MAX = 2000;
const DETECTORS_MAX = 2000;

/** Every metric there is. Agents, sessions, cases and tools are never labels. */
export const METRICS = {
  plumbline_watchdog: gauge('Always 1 while the process can answer: alarm when it is gone.'),
  plumbline_build_info: gauge('Always 1; which version runs, on which Node.', ['version', 'node']),
  plumbline_start_time_seconds: gauge('When the process started, seconds since 1970.'),
  plumbline_lane_state: gauge('1 for the state the lane is in, 0 for the others.', ['state']),
  plumbline_ready: gauge('1 where /readyz answers 200.'),

  plumbline_records_total: counter('Records handed to the lane, again after a crash.', ['source']),
  plumbline_events_total: counter('Events read out of records that were committed.'),
  plumbline_events_late_total: counter('Events behind the watermark; folded all the same.'),
  plumbline_events_too_late_total: counter('Events so late that they were not evaluated.'),
  plumbline_events_repeated_total: counter('Events that came a second time and were dropped.'),
  plumbline_events_forged_total: counter('Events with the id of another and other content.'),
  plumbline_events_clamped_total: counter('Events with a time in the future.'),
  plumbline_records_missing_total: counter('Records that were gone before they were read.'),
  plumbline_dead_letters_total: counter(
    'Records, or parts of records, that could not be read.',
    ['source', 'reason'],
    1000,
  ),
  plumbline_counts_total: counter('Every other counter of the core, by its name there.', ['count']),
  plumbline_notices_total: counter(
    'What the observer had to say of itself: evictions, overflow, gaps, lateness, blindness.',
    ['code'],
  ),

  plumbline_partition_lag_records: gauge(
    'Records in the log behind what was read.',
    ['source', 'partition'],
    PARTITIONS_MAX,
  ),
  plumbline_partition_lag_seconds: gauge(
    'Age of the record last read where more are there; 0 at the end of the log.',
    ['source', 'partition'],
    PARTITIONS_MAX,
  ),
  plumbline_source_silence_seconds: gauge(
    'Since the last record of a source, or since the lane was taken where none came.',
    ['source'],
  ),
  plumbline_source_blind: gauge('Books of a source known to be blind now.', ['source']),
  plumbline_source_event_lag_seconds: gauge('The clock minus the newest event time of a source.', [
    'source',
  ]),
  plumbline_source_watermark_delay_seconds: gauge(
    'The clock minus the watermark of a source, by its slowest partition.',
    ['source'],
  ),
  plumbline_watermark_delay_seconds: gauge('The clock minus the watermark of the lane.', ['lane']),
  plumbline_buffered_events: gauge('Events that wait for the watermark.', ['lane']),
  plumbline_buffered_events_limit: gauge('Events that may wait before sources pause.', ['lane']),
  plumbline_paused_partitions: gauge('Partitions that are held back now.', ['source']),
  plumbline_pauses_total: counter('How often a partition was held back.', ['source']),

  plumbline_forwarded_records_total: counter('Records of sources forwarded to their lanes.'),
  plumbline_forwarded_bundles_total: counter('Records of the internal topic that held them.'),
  plumbline_forwarded_bytes_total: counter('Bytes of these.'),

  plumbline_slices_total: counter('Slices of records, by what came of them.', ['outcome']),
  plumbline_slice_duration_seconds: seconds('From a slice to its outcome.'),
  plumbline_commits_total: counter('Commits of the lane, by what came of them.', ['outcome']),
  plumbline_commit_duration_seconds: seconds('One try of a commit that was done.'),
  plumbline_lane_claims_total: counter('How often the lane was taken over and loaded.'),
  plumbline_revocations_total: counter('How often partitions were taken away: rebalances.'),
  plumbline_rebuilds_total: counter('How often everything was made anew after a failure.', [
    'code',
  ]),

  plumbline_detections_total: counter(
    'Detections that were committed.',
    ['detector', 'maturity', 'level'],
    DETECTORS_MAX,
  ),
  plumbline_decisions_total: counter('Decisions, by what was done.', ['rung', 'outcome', 'mode']),
  plumbline_intentions_total: counter('Steps asked of drivers.', ['driver', 'verb', 'step']),
  plumbline_detector_cpu_seconds_total: counter(
    'Time in a detector, estimated from a sample of facts; Sigma rules and correlations together are `sigma`.',
    ['detector'],
    DETECTORS_MAX,
  ),
  plumbline_detector_samples_total: counter('Facts for which detectors were timed.'),

  plumbline_leases_standing: gauge('Leases that stand, by how they stand.', [
    'driver',
    'verb',
    'state',
    'verification',
  ]),
  plumbline_leaked_calls: gauge('Calls that went through after the grace of a lease, 30 days.'),
  plumbline_time_to_detect_seconds: gauge('Event to recorded, 30 days.', ['quantile']),
  plumbline_time_to_act_seconds: gauge('Recorded to the yes of the target, 30 days.', ['quantile']),
  plumbline_time_to_verify_seconds: gauge('Yes of the target to an independent witness, 30 days.', [
    'quantile',
  ]),
  plumbline_outbox_open: gauge('Steps that are not settled.', ['driver']),
  plumbline_outbox_oldest_seconds: gauge('Age of the oldest step that is not settled.', ['driver']),
  plumbline_enforcement_points: gauge('Who asks for posture, and who has stopped.', ['state']),
  plumbline_alerts_open: gauge('Alerts on their way to a sink.', ['sink']),
  plumbline_alerts_oldest_seconds: gauge('Age of the oldest alert on its way.', ['sink']),
  plumbline_alerts_dead: gauge('Alerts that were given up and wait for a person.', ['sink']),
  plumbline_sink_failing_seconds: gauge('Since a sink takes nothing; 0 while it works.', ['sink']),
  plumbline_heartbeats_total: counter('Heartbeats sent to sinks.', ['sink', 'outcome']),
  plumbline_checkpoint_age_seconds: gauge('Since the record was last signed.'),
  plumbline_journal_entries: gauge('Entries of the journal.'),
  plumbline_baseline_age_seconds: gauge('Event time since the oldest baseline was approved.', [
    'level',
  ]),
  plumbline_baselines_in_force: gauge('Baselines in force.', ['level']),

  plumbline_database_up: gauge('1 where the last word of the database was an answer.'),
  plumbline_database_errors_total: counter('Statements and transactions that failed.', ['code']),
  plumbline_http_answers_total: counter('Answers of our listeners.', ['listener', 'answer']),
  plumbline_event_loop_delay_seconds: gauge('Delay of the event loop since the last scrape.', [
    'quantile',
  ]),
  plumbline_event_loop_utilization_ratio: gauge('Share of time the event loop worked.'),
  plumbline_process_cpu_seconds_total: counter('CPU of the process.', ['mode']),
  plumbline_process_memory_bytes: gauge('Memory of the process.', ['kind']),
  plumbline_gc_seconds_total: counter('Time in garbage collection.', ['kind']),
  plumbline_scrape_seconds: gauge('What making the last exposition took.'),
  plumbline_series_dropped_total: counter('Values without room for their series.', ['metric']),
} as const satisfies Readonly<Record<string, Metric>>;

/** Name of a metric. */
export type MetricName = keyof typeof METRICS;
/** Names of metrics of one type. */
export type MetricsOf<T extends MetricType> = {
  [N in MetricName]: (typeof METRICS)[N]['type'] extends T ? N : never;
}[MetricName];

/** Counters of the core that have a metric of their own; the others are `plumbline_counts_total`. */
export const COUNTED_AS: ReadonlyMap<string, MetricsOf<'counter'>> = new Map([
  ['events', 'plumbline_events_total'],
  ['late', 'plumbline_events_late_total'],
  ['too-late', 'plumbline_events_too_late_total'],
  ['repeats', 'plumbline_events_repeated_total'],
  ['forged-ids', 'plumbline_events_forged_total'],
  ['clamped', 'plumbline_events_clamped_total'],
  ['missing-offsets', 'plumbline_records_missing_total'],
]);
