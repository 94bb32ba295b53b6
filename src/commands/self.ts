/** Self: all that a daemon notes of itself, and where it is asked for it. */
import { HTTP_COUNTS, type HttpCounts } from '../adapters/http-counts.ts';
import { type HttpServer, startHttpServer } from '../adapters/http-server.ts';
import { type Runtime, watchRuntime } from '../adapters/runtime.ts';
import { createTelemetry } from '../adapters/telemetry.ts';
import { healthRoutes, metricsRoute, type Probes } from '../api/health.ts';
import type { Meter } from '../detect/meter.ts';
import type { Config } from '../model/config.ts';
import { NOTICE_CODES } from '../model/detection.ts';
import type { Clock, Database, Log } from '../model/ports.ts';
import type { Route } from '../model/route.ts';
import type { Exposition, Telemetry } from '../model/telemetry.ts';
import type { PipelineOptions } from '../pipeline/options.ts';
import type { Environment } from './config.ts';
import { createExposition, readyLagMs, sourceNames } from './exposition.ts';
import { liveness, readiness, startup } from './health.ts';
import { serverOptions } from './listener-options.ts';
import { beatingClock, type Observing, observedDatabase } from './observed.ts';
import { Standing } from './standing.ts';

/** What it is made of. */
export interface SelfParts {
  readonly config: Config;
  readonly db: Database;
  readonly environment: Environment;
  readonly clock: Clock;
  readonly log: Log;
}

/** Of so many facts one is timed. A prime: what comes in rounds is not met at the same place each time. */
const SAMPLE_EVERY = 509;

/** Times detectors on one fact in `every`, and estimates by it what they cost. */
export function createMeter(telemetry: Telemetry, now: () => number, every: number): Meter {
  let seen = 0;
  return {
    due: () => {
      seen += 1;
      if (seen < every) return false;
      seen = 0;
      telemetry.add('plumbline_detector_samples_total', 1);
      return true;
    },
    now,
    took: (detector, seconds) =>
      telemetry.add('plumbline_detector_cpu_seconds_total', seconds * every, { detector }),
  };
}

/** What a daemon knows of itself. */
export interface Self {
  /** Who counts what passes the ports of a lane. */
  observing(lane: number): Observing;
  readonly standing: Standing;
  readonly telemetry: Telemetry & Exposition;
  readonly runtime: Runtime;
  /** The database, noted. */
  readonly db: Database;
  /** For the loops that carry the work: that they wait is what shows that they live. */
  readonly clock: Clock;
  /** The same options, with detectors timed on a sample. */
  metered(options: PipelineOptions): PipelineOptions;
  /** Probes, and metrics for whoever has the scope. */
  readonly routes: readonly Route[];
  /** Whether this process does the work now, and goes on with it. */
  works(): boolean;
  /** A listener whose answers count. */
  answering(name: string, counts: () => HttpCounts): void;
  close(): Promise<void>;
}

const KEY = 'telemetry.listener';
const PORT = 9464;

/** Begins to note, and listens where `telemetry.listener` says so. */
export async function openSelf(parts: SelfParts): Promise<Self> {
  const { config, db, clock } = parts;
  const standing = new Standing(clock.nowMs());
  const telemetry = createTelemetry();
  const runtime = watchRuntime();
  const sourceOf = sourceNames(config);
  const now = () => runtime.now();
  begin(telemetry, config);
  const every = config.telemetry?.sampleEvery ?? SAMPLE_EVERY;
  const noted = observedDatabase(db, { telemetry, standing, clock });
  const listeners = new Map<string, () => HttpCounts>();
  const text = createExposition({
    ...{ config, db: noted, telemetry, standing, runtime, clock },
    answers: () =>
      Object.fromEntries([...listeners].map(([name, counts]) => [name, answersOf(counts())])),
  });
  const probes: Probes = {
    live: () => liveness(standing, clock.nowMs()),
    ready: () => readiness(standing, readyLagMs(config), clock.nowMs()),
    started: () => startup(standing),
  };
  const server = await listen(parts, [
    ...healthRoutes(probes),
    metricsRoute(text, config.telemetry?.listener?.metrics === 'open' ? null : 'metrics.read'),
  ]);
  if (server !== null) listeners.set('self', () => server.counts());
  return {
    observing: (lane) => ({ telemetry, standing, clock, now, sourceOf, lane }),
    ...{ standing, telemetry, runtime, db: noted },
    clock: beatingClock(clock, standing),
    metered: (options) =>
      every === 0 ? options : { ...options, meter: createMeter(telemetry, now, every) },
    routes: [...healthRoutes(probes), metricsRoute(text, 'metrics.read')],
    works: () => standing.lane.state === 'working' && probes.live().ok && probes.ready().ok,
    answering: (name, counts) => void listeners.set(name, counts),
    close: async () => {
      await server?.close();
      runtime.stop();
      await telemetry.close();
    },
  };
}

/** Series that are known beforehand begin with 0. */
function begin(telemetry: Telemetry, { sources }: Config): void {
  for (const code of NOTICE_CODES) telemetry.add('plumbline_notices_total', 0, { code });
  for (const outcome of ['done', 'fenced', 'failed'])
    telemetry.add('plumbline_commits_total', 0, { outcome });
  for (const { name: source } of sources) {
    telemetry.add('plumbline_records_total', 0, { source });
    telemetry.add('plumbline_pauses_total', 0, { source });
  }
}

async function listen(
  { config, environment, clock, log }: SelfParts,
  routes: readonly Route[],
): Promise<HttpServer | null> {
  const listener = config.telemetry?.listener;
  if (listener === undefined) return null;
  const { metrics: _metrics, ...rest } = listener;
  const options = await serverOptions({ port: PORT, ...rest }, environment, KEY);
  const server = await startHttpServer(routes, options, clock, log);
  log.info({ at: server.url }, 'answering probes and /metrics');
  return server;
}

function answersOf(counts: HttpCounts): Readonly<Record<string, number>> {
  return Object.fromEntries(HTTP_COUNTS.map((answer) => [answer, counts[answer]]));
}
