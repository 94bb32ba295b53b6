/** Observed ports: what passes a broker, store or database is counted, and unchanged. */
import type { LaneCommit } from '../model/effects.ts';
import { OperatingError } from '../model/errors.ts';
import { COUNTED_AS } from '../model/metrics.ts';
import type {
  Broker,
  Clock,
  Database,
  LaneHandler,
  PartitionLag,
  Query,
  Rec,
  SliceControl,
  SliceOutcome,
  TopicPartition,
} from '../model/ports.ts';
import type { Telemetry } from '../model/telemetry.ts';
import type { LaneStore } from '../observer.ts';
import type { Standing } from './standing.ts';

/** Who counts. */
export interface Observing {
  readonly telemetry: Telemetry;
  readonly standing: Standing;
  readonly clock: Clock;
  /** Monotonic, seconds. */
  readonly now: () => number;
  /** Name of the source that reads a topic. */
  readonly sourceOf: (topic: string) => string;
  /** Which lane it is about. */
  readonly lane: number;
}

/** A database whose answers and failures are noted. */
export function observedDatabase(
  db: Database,
  observing: Pick<Observing, 'telemetry' | 'standing' | 'clock'>,
): Database {
  const note = async <T>(work: () => Promise<T>): Promise<T> => {
    const { standing, clock, telemetry } = observing;
    try {
      const done = await work();
      standing.heard(null, clock.nowMs());
      return done;
    } catch (cause) {
      if (cause instanceof OperatingError) {
        telemetry.add('plumbline_database_errors_total', 1, { code: cause.code });
        if (AWAY.has(cause.code)) standing.heard(cause.code, clock.nowMs());
      }
      throw cause;
    }
  };
  const query: Query = (sql, params) => note(() => db.query(sql, params));
  return {
    query,
    transaction: (work) => note(() => db.transaction(work)),
    script: (on, sql) => db.script(on, sql),
    tryLock: (name, lost) => note(() => db.tryLock(name, lost)),
    close: () => db.close(),
  };
}

const AWAY: ReadonlySet<string> = new Set(['DATABASE_UNREACHABLE', 'DATABASE_TRANSIENT']);

/**
 * A clock for the loops that carry the work: each of them waits again and again, so that one which has
 * stopped waiting hangs in something that does not come back.
 */
export function beatingClock(clock: Clock, standing: Standing): Clock {
  return {
    nowMs: () => clock.nowMs(),
    sleep: async (ms, signal) => {
      standing.beat(clock.nowMs());
      await clock.sleep(ms, signal);
    },
  };
}

/** A store whose claims and commits are counted; what is counted was committed. */
export function observedStore(store: LaneStore, observing: Observing): LaneStore {
  const { telemetry, now } = observing;
  let counted: Readonly<Record<string, number>> = {};
  return {
    claim: async (partitions, take) => {
      const claimed = await store.claim(partitions, take);
      telemetry.add('plumbline_lane_claims_total', 1);
      counted = claimed.counters;
      return claimed;
    },
    commit: async (commit) => {
      const began = now();
      try {
        const outcome = await store.commit(commit);
        telemetry.add('plumbline_commits_total', 1, { outcome });
        if (outcome === 'done') {
          telemetry.observe('plumbline_commit_duration_seconds', now() - began);
          countCommit(commit, counted, telemetry);
          counted = commit.counters;
        }
        return outcome;
      } catch (cause) {
        telemetry.add('plumbline_commits_total', 1, { outcome: 'failed' });
        throw cause;
      }
    },
    requests: () => store.requests(),
  };
}

/** Counts what a commit added; `before`: the counters of the one before it, or as they were loaded. */
export function countCommit(
  { counters, effects }: LaneCommit,
  before: Readonly<Record<string, number>>,
  telemetry: Telemetry,
): void {
  for (const [name, value] of Object.entries(counters)) {
    const by = value - (before[name] ?? 0);
    if (by <= 0 || COUNTED_ELSEWHERE.has(name)) continue;
    const metric = COUNTED_AS.get(name);
    if (metric === undefined) telemetry.add('plumbline_counts_total', by, { count: name });
    else telemetry.add(metric, by);
  }
  for (const { source, reason } of effects.deadLetters)
    telemetry.add('plumbline_dead_letters_total', 1, { source, reason });
  for (const { code } of effects.notices) telemetry.add('plumbline_notices_total', 1, { code });
  for (const { detector, maturity, level } of effects.detections)
    telemetry.add('plumbline_detections_total', 1, { detector, maturity, level });
  for (const { taken, outcome, mode } of effects.decisions)
    telemetry.add('plumbline_decisions_total', 1, { rung: taken, outcome, mode });
  for (const { driver, verb, step } of effects.intentions)
    telemetry.add('plumbline_intentions_total', 1, { driver, verb, step });
}

/** Counted with labels that say more: by source, by detector. */
const COUNTED_ELSEWHERE: ReadonlySet<string> = new Set([
  'records',
  'dead-letters',
  'detections',
  'shadow-detections',
]);

/** A broker whose slices, pauses and assignments are counted. */
export function observedBroker(broker: Broker, observing: Observing): Broker {
  const { telemetry, sourceOf } = observing;
  const paused = new Map<string, string>();
  const tell = () => {
    const bySource = new Map<string, number>();
    for (const source of paused.values()) bySource.set(source, (bySource.get(source) ?? 0) + 1);
    telemetry.replace(
      'plumbline_paused_partitions',
      [...bySource].map(([source, value]) => ({ value, labels: { source } })),
    );
  };
  return {
    start: (handler) => broker.start(observedHandler(handler, observing)),
    lag: () => broker.lag(),
    stop: (deadlineMs) => broker.stop(deadlineMs),
    pause: (partitions) => {
      broker.pause(partitions);
      for (const at of partitions) {
        const source = sourceOf(at.topic);
        if (!paused.has(keyOf(at))) telemetry.add('plumbline_pauses_total', 1, { source });
        paused.set(keyOf(at), source);
      }
      if (partitions.length > 0) tell();
    },
    resume: (partitions) => {
      broker.resume(partitions);
      for (const at of partitions) paused.delete(keyOf(at));
      if (partitions.length > 0) tell();
    },
  };
}

/** Required: what a broker may tell and this does not pass on would be lost without a word. */
function observedHandler(handler: LaneHandler, observing: Observing): Required<LaneHandler> {
  const { telemetry, standing, clock, lane } = observing;
  return {
    assigned: async (partitions: readonly PartitionLag[]) => {
      standing.assigned(lane, partitions, clock.nowMs());
      const starts = await handler.assigned(partitions);
      for (const start of starts) standing.reads(lane, start, start.offset);
      standing.works(lane, clock.nowMs());
      return starts;
    },
    revoked: (partitions) => {
      telemetry.add('plumbline_revocations_total', 1);
      standing.left(clock.nowMs(), lane);
      handler.revoked(partitions);
    },
    slice: (records, control) => observedSlice(handler, observing, records, control),
    passed: async (partitions) => {
      await handler.passed?.(partitions);
      for (const at of partitions) standing.reads(lane, at, at.next);
      standing.ends(
        lane,
        partitions.map(({ topic, partition, next, end }) => ({
          ...{ topic, partition, next, end, low: 0 },
        })),
      );
    },
    progress: (lags) => {
      standing.ends(lane, lags);
      handler.progress(lags);
    },
    stuck: (partitions) => handler.stuck?.(partitions),
    freed: (partitions) => handler.freed?.(partitions),
    failed: (cause) => handler.failed(cause),
  };
}

async function observedSlice(
  handler: LaneHandler,
  { telemetry, standing, clock, now, sourceOf, lane }: Observing,
  records: readonly Rec[],
  control: SliceControl,
): Promise<SliceOutcome> {
  const began = now();
  const outcome = await handler.slice(records, control);
  const last = records.at(-1);
  telemetry.add('plumbline_slices_total', 1, { outcome });
  telemetry.observe('plumbline_slice_duration_seconds', now() - began);
  if (last === undefined || outcome === 'fenced') return outcome;
  telemetry.add('plumbline_records_total', records.length, { source: sourceOf(last.topic) });
  standing.read(lane, last, control.next ?? last.offset + 1, control.end, clock.nowMs());
  return outcome;
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}
