/** Ingest, wired: tokens bound to sources, the log they append to, the listener. */
import { type HttpServer, startHttpServer } from '../adapters/http-server.ts';
import { createKafkaPublisher } from '../adapters/kafka.ts';
import { type IngestSource, ingestRoutes } from '../api/ingest.ts';
import type { SourceConfig } from '../model/config/source.ts';
import type { Config } from '../model/config.ts';
import { durationMs } from '../model/duration.ts';
import { OperatingError } from '../model/errors.ts';
import type { IngestCounts, ItemTally } from '../model/ingest.ts';
import type { Clock, Database, Log } from '../model/ports.ts';
import type { Route } from '../model/route.ts';
import { createPressureGauge, WAITING_BOUNDS } from '../record/event-log-pressure.ts';
import { createEventLogRelay } from '../record/event-log-relay.ts';
import type { LogRetention } from '../record/event-log-retention.ts';
import { type Bell, createBell, createEventLogWriter } from '../record/event-log-writer.ts';
import { tallyLogs } from '../source/formats/otlp-logs.ts';
import { tallyMetrics } from '../source/formats/otlp-metrics.ts';
import { tallyTraces } from '../source/formats/otlp-traces.ts';
import { itemCheck } from '../source/item-check.ts';
import { RECORD_BYTES_MAX } from '../source/json.ts';
import { type Environment, secretOf } from './config.ts';
import { pathsOf, sentTo } from './ingest-options.ts';
import { kafkaAccess } from './kafka-access.ts';
import { serverOptions } from './listener-options.ts';
import { tokenDigest } from './token.ts';

/** What ingest is made of. */
export interface IngestParts {
  readonly config: Config;
  readonly db: Database;
  readonly environment: Environment;
  readonly clock: Clock;
  readonly log: Log;
}

/** Somebody who may send, as the listener's gate knows callers. */
export interface Sender {
  readonly name: string;
  readonly sha256: string;
  readonly scopes: readonly ['ingest'];
  readonly limits: { readonly perMinute: number; readonly openMax: number };
}

/** Ingest that is ready to listen. */
export interface OpenIngest {
  readonly routes: readonly Route[];
  readonly senders: readonly Sender[];
  /** Rings when this process has appended to the event log. */
  readonly bell: Bell;
  counts(): IngestCounts;
  /** Unread bytes of the event log, as last looked. */
  backlog(): number;
  /** Address of the listener of its own; null where control.listener has the routes. */
  readonly url: string | null;
  close(): Promise<void>;
}

const MIB = 1024 * 1024;
const TOKEN_MIN = 16;
const OPEN_MAX = 256;
const TELL_MS = 60_000;
/** A large body over a slow line takes its time. */
const ARRIVE_WITHIN_MS = 30_000;

const TALLIES: Readonly<Record<string, (body: Buffer) => ItemTally>> = {
  'otlp-traces/1': tallyTraces,
  'otlp-logs/1': tallyLogs,
  'otlp-metrics/1': tallyMetrics,
};

/** Opens it where sources are sent to; null where none is. Rejects with CONFIG_INVALID for bad tokens. */
export async function openIngest(parts: IngestParts): Promise<OpenIngest | null> {
  const { config, db, environment, clock, log } = parts;
  const sources = sentTo(config);
  if (sources.length === 0) return null;
  const {
    bodyMiB = 8,
    inflatedMiB = 64,
    perMinute = 60_000,
    backlogMiB = 1024,
  } = config.ingest ?? {};
  const { senders, bound } = await sendersOf(sources, environment, perMinute);
  const bell = createBell(clock);
  const { kafka } = config;
  const publisher =
    kafka === undefined
      ? null
      : createKafkaPublisher({
          ...(await kafkaAccess(kafka, environment)),
          log,
          clientId: `plumbline-${config.instance ?? 'plumbline'}-ingest`,
        });
  const writer =
    publisher === null ? createEventLogWriter(db, bell, clock) : createEventLogRelay(publisher, db);
  const topics = sources.map(({ topic }) => topic);
  const gauge = createPressureGauge(
    { db, group: kafka?.group ?? 'plumbline', topics, writer, clock, log },
    { ...WAITING_BOUNDS, backlogBytesMax: backlogMiB * MIB },
  );
  const ingest = ingestRoutes({
    sourceOf: (caller, path) => bound.get(`${caller} ${path}`) ?? null,
    log: { append: (entry) => writer.append(entry), pressure: () => gauge.now() },
    ...{ clock, notes: log, recordBytesMax: RECORD_BYTES_MAX },
    limits: { wireBytesMax: bodyMiB * MIB, inflatedBytesMax: inflatedMiB * MIB, ratioMax: 100 },
  });
  const ended = new AbortController();
  const watching = Promise.all([
    gauge.run(ended.signal),
    tellCounts(() => ingest.counts(), clock, log, ended.signal),
  ]);
  const own = await ownListener(parts, ingest.routes, senders);
  return {
    routes: ingest.routes,
    ...{ senders, bell },
    counts: () => ingest.counts(),
    backlog: () => gauge.backlog(),
    url: own?.url ?? null,
    close: async () => {
      await own?.close();
      ended.abort();
      await watching;
      await publisher?.close();
    },
  };
}

/** Says each minute what became of the requests of each source where some came, and at the end. */
async function tellCounts(
  countsOf: () => IngestCounts,
  clock: Clock,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  const told = new Map<string, string>();
  while (!signal.aborted) {
    await clock.sleep(TELL_MS, signal);
    for (const [source, counts] of Object.entries(countsOf())) {
      const now = JSON.stringify(counts);
      if (told.get(source) !== now) log.info({ source, ...counts }, 'ingested');
      told.set(source, now);
    }
  }
}

async function ownListener(
  { config, environment, clock, log }: IngestParts,
  routes: readonly Route[],
  senders: readonly Sender[],
): Promise<HttpServer | null> {
  const listener = config.ingest?.listener;
  if (listener === undefined) return null;
  const key = 'ingest.listener';
  const options = await serverOptions({ port: 4318, ...listener }, environment, key);
  const more = { consumers: senders, arriveWithinMs: ARRIVE_WITHIN_MS, key };
  const server = await startHttpServer(routes, { ...options, ...more }, clock, log);
  log.info({ at: server.url, tokens: senders.length }, 'listening for what is sent');
  return server;
}

interface Bound {
  readonly senders: readonly Sender[];
  /** By caller and path. */
  readonly bound: ReadonlyMap<string, IngestSource>;
}

/** One sender for each token: what it may send to is decided by its token and the path alone. */
async function sendersOf(
  sources: readonly SourceConfig[],
  environment: Environment,
  perMinute: number,
): Promise<Bound> {
  const names = new Map<string, string>();
  const bound = new Map<string, IngestSource>();
  for (const source of sources) {
    const { name, topic, decoder } = source;
    const tally = Object.hasOwn(TALLIES, decoder) ? (TALLIES[decoder] ?? null) : null;
    for (const sha256 of await digestsOf(source, environment))
      for (const path of pathsOf(source)) {
        const sender = names.get(sha256) ?? `sender ${names.size + 1}`;
        names.set(sha256, sender);
        const place = `${sender} ${path}`;
        const other = bound.get(place);
        if (other !== undefined)
          throw invalid(
            `sources ${other.name} and ${name}: the same token on ${path}; each has one of its own`,
          );
        bound.set(place, { name, topic, tally, check: itemCheck(source.trust) });
      }
  }
  const limits = { perMinute, openMax: OPEN_MAX };
  const senders = [...names].map(([sha256, name]): Sender => {
    return { name, sha256, scopes: ['ingest'], limits };
  });
  return { senders, bound };
}

async function digestsOf(
  { name, http }: SourceConfig,
  environment: Environment,
): Promise<readonly string[]> {
  if (http?.token === undefined) return http?.sha256 ?? [];
  const token = await secretOf(http.token, `sources ${name}: http.token`, environment);
  if (token.length >= TOKEN_MIN && /^[\x21-\x7e]+$/.test(token)) return [tokenDigest(token)];
  throw invalid(
    `sources ${name}: http.token: ${TOKEN_MIN} characters or more, without spaces: plumbline tokens new makes one`,
  );
}

/** What the event log keeps. */
export function retentionOf({ ingest = {} }: Config): LogRetention {
  const { keep = '7d', keepMiB = 5120, unread = 'keep' } = ingest;
  return { keepMs: durationMs(keep), keepBytes: keepMiB * MIB, dropsUnread: unread === 'drop' };
}

function invalid(message: string): OperatingError {
  return new OperatingError('CONFIG_INVALID', message, { retryable: false });
}
