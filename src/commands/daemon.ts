/** Daemon: wires broker, store, core and executor, and keeps them running. */
import type { Notifier, NotifierStep } from '../act/notify.ts';
import type { Sink } from '../act/sink.ts';
import type { KafkaAccess } from '../adapters/kafka-face.ts';
import { countBuffersAsHeap, letHeapGrow } from '../adapters/runtime.ts';
import type { Config } from '../model/config.ts';
import { durationMs } from '../model/duration.ts';
import type { LaneCommit } from '../model/effects.ts';
import { OperatingError } from '../model/errors.ts';
import type { Clock, Log } from '../model/ports.ts';
import { createObserver, type Observer, type ObserverStep } from '../observer.ts';
import { createPipeline } from '../pipeline.ts';
import { patiently } from '../record/patience.ts';
import { askForCluster, brokerOf, sayUnread } from './broker.ts';
import type { Environment } from './config.ts';
import { beatHeart } from './heartbeat.ts';
import { type OpenIngest, openIngest } from './ingest.ts';
import { kafkaAccess } from './kafka-access.ts';
import { leaderLock } from './leader.ts';
import type { Library } from './library.ts';
import { openListener } from './listener.ts';
import { runMember } from './member.ts';
import { findingOptions, notifierOf } from './notifier.ts';
import { observedBroker, observedStore } from './observed.ts';
import { type GatewayView, laneStore, prepareLanes } from './prepare.ts';
import { type DetectorFolder, reloadOnChange } from './reload.ts';
import { openSelf, type Self } from './self.ts';
import { type Transmitter, transmitterOf } from './signals.ts';
import type { Store } from './store.ts';
import { tellBeside, tellWhileLeading } from './telling.ts';

/** Every point a crash may fall on. */
export type DaemonStep =
  | ObserverStep
  | 'broker-committed'
  | 'action-sending'
  | 'action-sent'
  | 'outcome-recorded'
  | NotifierStep;

/** What a daemon is made of. */
export interface DaemonParts {
  readonly config: Config;
  readonly file: string;
  readonly library: Library;
  readonly store: Store;
  readonly environment: Environment;
  readonly clock: Clock;
  readonly log: Log;
  /** Where detectors are read again from when they change; absent: they stay as they are. */
  readonly detectors?: DetectorFolder;
  /** Where people are told, by name; absent: nobody is told, and nothing is kept for later. */
  readonly sinks?: ReadonlyMap<string, Sink>;
}

/** How it is run. */
export interface DaemonOptions {
  readonly untilCaughtUp: boolean;
  /** Another Kafka cluster than before is meant. */
  readonly acceptClusterChange?: boolean;
  /** Batches that cannot be unpacked are skipped, whatever the configuration says. */
  readonly skipUndecodable?: boolean;
  readonly onStep?: (step: DaemonStep) => void;
  readonly onCommit?: (commit: LaneCommit) => void;
}

const LANE = 0;
const REBUILDS_MAX = 3;
const REBUILD_WINDOW_MS = 600_000;
const STANDS_BY = 'another observer holds this lane: waiting as standby';
/** How long what is read before the lane is claimed is tried again, ms. */
const PREPARE_PATIENCE_MS = 60_000;

/**
 * Runs until the signal aborts or, where asked, until caught up. Takes the leader's lock first and
 * waits as standby while another process holds it. After a failure that may heal, everything is
 * made anew and reading goes on from the stored positions; three such in ten minutes end the run.
 */
export async function runDaemon(
  parts: DaemonParts,
  options: DaemonOptions,
  signal: AbortSignal,
): Promise<void> {
  const { config, environment, clock, log } = parts;
  const self = await openSelf({ config, db: parts.store.db, environment, clock, log });
  try {
    const store = { ...parts.store, db: self.db };
    await serveAndObserve({ ...parts, store, self }, options, signal);
  } finally {
    await self.close();
  }
}

async function serveAndObserve(
  parts: DaemonParts & { readonly self: Self },
  options: DaemonOptions,
  signal: AbortSignal,
): Promise<void> {
  // Before the lock: a standby serves what the database holds as well as the leader does.
  const { config, store, library, environment, clock, log, self } = parts;
  const made = { config, db: store.db, environment, clock, log, selfRoutes: self.routes };
  const transmitter = await transmitterOf(made);
  const signalRoutes = transmitter?.routes ?? [];
  const ingest = await openIngest(made);
  // Bodies of many megabytes that strangers send must be collected soon; batches of a broker are bounded.
  if (ingest === null) {
    countBuffersAsHeap();
    letHeapGrow();
  }
  const listener = await openListener({
    ...{ ...made, inventory: library.inventory, signalRoutes },
    ingest: ingest?.url === null ? ingest : null,
  }).catch(async (cause) => {
    await ingest?.close();
    throw cause;
  });
  if (listener !== null) self.answering('control', () => listener.counts());
  const ended = new AbortController();
  const fatal: { cause: unknown }[] = [];
  // Signals wait in the database: a standby pushes them as well as the leader does.
  const until = AbortSignal.any([signal, ended.signal]);
  const ends = (cause: unknown): void => {
    fatal.push({ cause });
    ended.abort();
  };
  const pushing = transmitter?.run(until).catch(ends);
  const beating = heartOf(parts, until).catch(ends);
  try {
    await observe({ ...parts, ingest }, options, transmitter, until);
  } finally {
    ended.abort();
    await Promise.all([listener?.close(), pushing, beating]);
    await ingest?.close();
  }
  for (const { cause } of fatal) throw cause;
}

/** Beats where it is asked for, and somebody is there to hear it. */
async function heartOf(
  { config, sinks, library, self, clock, log }: DaemonParts & { readonly self: Self },
  signal: AbortSignal,
): Promise<void> {
  const every = config.telemetry?.heartbeat;
  if (every === undefined || sinks === undefined) return;
  const { telemetry, works } = self;
  const finding = findingOptions(config, library.taxonomy);
  const made = { instance: config.instance ?? 'plumbline', sinks, finding, telemetry };
  await beatHeart({ ...made, everyMs: durationMs(every), works, clock, log }, signal);
}

type Wired = DaemonParts & { readonly ingest: OpenIngest | null; readonly self: Self };
type Attempt = Wired & {
  readonly transmitter: Transmitter | null;
  readonly kafka: KafkaAccess | null;
};

async function observe(
  parts: Wired,
  options: DaemonOptions,
  transmitter: Transmitter | null,
  signal: AbortSignal,
): Promise<void> {
  const { config, store, log, self } = parts;
  const { clock, telemetry } = self;
  const { untilCaughtUp, onStep, acceptClusterChange } = options;
  // What a reload brought is what a lane is made of from then on.
  const held = { library: parts.library };
  const group = config.kafka?.group ?? 'plumbline';
  const telling = { locks: { db: store.db, clock, log }, group, untilCaughtUp };
  const failures: number[] = [];
  for (;;) {
    try {
      // Read anew each time: a password may have been changed meanwhile.
      const kafka =
        config.kafka === undefined ? null : await kafkaAccess(config.kafka, parts.environment);
      const made = { ...parts, transmitter, kafka };
      const { lanes } = config.kafka ?? {};
      await askForCluster(
        { config, kafka, db: store.db, log },
        group,
        acceptClusterChange === true,
      );
      if (lanes === undefined) await runAsLeader(made, held, options, group, signal);
      else
        await tellWhileLeading(tellerOf(parts, held, onStep), telling, async () =>
          runMember(made, held, options, lanes, group, signal),
        );
      return;
    } catch (cause) {
      const nowMs = clock.nowMs();
      failures.push(nowMs);
      const recent = failures.filter((ms) => ms > nowMs - REBUILD_WINDOW_MS).length;
      const mayHeal =
        cause instanceof OperatingError && (cause.retryable || cause.code === 'LANE_FENCED');
      if (!mayHeal || recent > REBUILDS_MAX || signal.aborted) throw cause;
      telemetry.add('plumbline_rebuilds_total', 1, { code: cause.code });
      log.warn(
        { code: cause.code, recent },
        `${cause.message}; starting anew from the stored positions`,
      );
      await clock.sleep(500 * 2 ** recent, signal);
    } finally {
      self.standing.left(clock.nowMs());
    }
    if (signal.aborted) return;
  }
}

/** One lane: whoever has the lock works, and is made anew where the lock was lost. */
async function runAsLeader(
  parts: Attempt,
  held: { library: Library },
  options: DaemonOptions,
  group: string,
  signal: AbortSignal,
): Promise<void> {
  const { store, log, self } = parts;
  const { clock, standing } = self;
  const locks = { db: store.db, clock, log };
  const wanted = {
    ...{ name: `plumbline lane ${group}`, waiting: STANDS_BY },
    standsBy: () => standing.waits(clock.nowMs()),
  };
  while (!signal.aborted) {
    const lost = new AbortController();
    const lock = await leaderLock(locks, wanted, lost, signal);
    if (lock === null) return;
    standing.begins(clock.nowMs());
    try {
      await runOnce(parts, held, options, group, AbortSignal.any([signal, lost.signal]));
      if (!lost.signal.aborted) return;
      log.warn({ group }, 'the leader lock was lost: its connection broke');
    } finally {
      standing.left(clock.nowMs());
      await lock.release();
    }
  }
}

async function runOnce(
  parts: Attempt,
  held: { library: Library },
  options: DaemonOptions,
  group: string,
  signal: AbortSignal,
): Promise<void> {
  const { config, store, log, self } = parts;
  const { clock } = self;
  const { untilCaughtUp, onStep, onCommit } = options;
  const prepared = await prepareLanes(parts, held, onStep, signal);
  const gatewayOf: { now: GatewayView } = {
    now: () => ({ watermarkMs: Number.MIN_SAFE_INTEGER, alive: false }),
  };
  const actor = prepared.actor(LANE, (tenant) => gatewayOf.now(tenant));
  await patiently(() => sayUnread(parts), { clock, log, forMs: PREPARE_PATIENCE_MS, signal });
  // The broker is made before the observer it reports to, and reports only once that runs.
  const source = brokerOf(
    { ...parts, db: store.db },
    {
      ...{ group, untilCaughtUp, skipUndecodable: options.skipUndecodable === true },
      onGap: (gap) => observer.missing(gap),
      ...(onStep === undefined ? {} : { onCommitted: () => onStep('broker-committed') }),
    },
  );
  const observer: Observer = createObserver(
    {
      broker: observedBroker(source.broker, self.observing(LANE)),
      store: observedStore(
        laneStore(store.db, group, config.instance ?? 'plumbline'),
        self.observing(LANE),
      ),
      pipeline: () => self.standing.made(LANE, createPipeline(self.metered(prepared.options()))),
      actor,
      clock,
      log,
    },
    {
      untilCaughtUp,
      ...(source.finished === null ? {} : { finished: source.finished }),
      ...(onStep === undefined ? {} : { onStep }),
      ...(onCommit === undefined ? {} : { onCommit }),
    },
  );
  gatewayOf.now = (tenant) => observer.gateway(tenant);
  const took = (library: Library): void => {
    held.library = library;
  };
  if (parts.detectors !== undefined) reloadOnChange(parts.detectors, observer, took, log, signal);
  const teller = tellerOf(parts, held, onStep);
  await tellBeside(teller?.() ?? null, untilCaughtUp, () => observer.run(signal));
}

/** Makes who tells people, as the library stands when it is made; null: nobody is told. */
function tellerOf(
  parts: DaemonParts,
  held: { readonly library: Library },
  onStep: DaemonOptions['onStep'],
): (() => Notifier) | null {
  const { sinks, store } = parts;
  if (sinks === undefined) return null;
  return () => notifierOf({ ...parts, taxonomy: held.library.taxonomy }, store.db, sinks, onStep);
}
