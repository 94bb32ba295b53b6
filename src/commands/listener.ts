/** Listener: the routes that enforcement points and receivers read, and who serves them. */
import { type HttpServer, startHttpServer } from '../adapters/http-server.ts';
import { allowListRoutes } from '../api/allow-list.ts';
import { createBoard } from '../api/board.ts';
import { flagdRoutes } from '../api/flagd.ts';
import { opaBundleRoutes } from '../api/opa-bundle.ts';
import { createPolls, type PostureParts, postureRoutes } from '../api/posture.ts';
import { NO_TENANT } from '../api/posture-document.ts';
import { pullRoutes } from '../api/pull.ts';
import { parseSigner, type Signer } from '../api/signature.ts';
import type { SecretReference } from '../model/config/secret.ts';
import type { Config } from '../model/config.ts';
import { durationMs } from '../model/duration.ts';
import { OperatingError } from '../model/errors.ts';
import type { Inventory } from '../model/expectation.ts';
import type { Clock, Database, Log } from '../model/ports.ts';
import type { Route } from '../model/route.ts';
import { settleOffer, takeOffers } from '../record/offers.ts';
import { noteSilence, readPosture, recordPoll } from '../record/posture.ts';
import type { Environment } from './config.ts';
import type { OpenIngest } from './ingest.ts';
import { serverOptions } from './listener-options.ts';
import { readSecrets } from './plugin-secrets.ts';

/** What a listener is made of. */
export interface ListenerParts {
  readonly config: Config;
  readonly db: Database;
  readonly inventory: Inventory;
  readonly environment: Environment;
  readonly clock: Clock;
  readonly log: Log;
  /** Routes of the transmitter of signals; none where there is none. */
  readonly signalRoutes?: readonly Route[];
  /** Probes and metrics. */
  readonly selfRoutes?: readonly Route[];
  /** Routes of ingest and who may use them, where it has no listener of its own. */
  readonly ingest?: Pick<OpenIngest, 'routes' | 'senders'> | null;
}

/** A running listener. */
export type Listening = Pick<HttpServer, 'url' | 'port' | 'counts' | 'close'>;

/** Lane whose journal holds what is about no lane. */
const COMMON = 0;
/** How often it is looked who has stopped asking, ms. */
const SILENCE_MS = 15_000;
const MAX_AGE = '30s';

/**
 * Every route there is. A new family of routes adds its line here; test/commands/listener.test.ts
 * demands a scope of each that is not public by its standard.
 */
export async function routesOf(parts: ListenerParts): Promise<readonly Route[]> {
  const { signalRoutes = [], selfRoutes = [], ingest } = parts;
  return [
    ...(await postureFamily(parts)),
    ...pullFamily(parts),
    ...signalRoutes,
    ...selfRoutes,
    ...(ingest?.routes ?? []),
  ];
}

/**
 * Starts the listener where one is configured. It serves as long as the process lives, standby or not:
 * what it serves stands in the database.
 */
export async function openListener(parts: ListenerParts): Promise<Listening | null> {
  const { config, environment, clock, log } = parts;
  const listener = config.control?.listener;
  if (listener === undefined) return null;
  const options = await serverOptions(listener, environment);
  const consumers = [...options.consumers, ...(parts.ingest?.senders ?? [])];
  const server = await startHttpServer(
    await routesOf(parts),
    { ...options, consumers },
    clock,
    log,
  );
  log.info({ at: server.url, consumers: consumers.length }, 'listening');
  const ended = new AbortController();
  const watching = watchSilence(parts, ended.signal);
  return {
    ...server,
    close: async () => {
      ended.abort();
      await Promise.all([server.close(), watching]);
      log.info({ ...server.counts() }, 'listened');
    },
  };
}

async function postureFamily(parts: ListenerParts): Promise<readonly Route[]> {
  const found = driversOfType(parts.config, 'posture')[0];
  if (found === undefined) return [];
  const [name, options] = found;
  const { config, db, environment, clock, log, inventory } = parts;
  const key = `control.drivers.${name}`;
  const signer = await signerAt(options, 'signingKey', key, environment);
  const bundleSigner = await signerAt(options, 'bundleKey', key, environment);
  if (bundleSigner?.algorithm === 'EdDSA')
    throw invalid(`${key}.bundleKey: OPA verifies no Ed25519; write EC P-256 or RSA`);
  const consumers = config.control?.listener?.consumers ?? {};
  const posture: PostureParts = {
    board: createBoard((nowMs) => readPosture(db, null, [name], nowMs), clock),
    clock,
    tenantOf: (consumer) => consumers[consumer]?.tenant ?? NO_TENANT,
    maxAgeSeconds: Math.ceil(durationMs(textOr(options['maxAge'], MAX_AGE)) / 1000),
    signer,
    polled: async (given) => await keepPoll(db, given, clock, log),
  };
  const polls = createPolls(posture);
  return [
    ...postureRoutes(posture, polls),
    ...allowListRoutes(posture, polls, inventory),
    ...opaBundleRoutes(posture, polls, bundleSigner),
    ...flagdRoutes(posture, polls),
  ];
}

function pullFamily({ config, db, clock }: ListenerParts): readonly Route[] {
  const drivers = driversOfType(config, 'pull');
  if (drivers.length === 0) return [];
  return pullRoutes({
    clock,
    driversOf: (consumer) =>
      drivers.filter(([, options]) => options['consumer'] === consumer).map(([name]) => name),
    work: {
      take: (names, limit, nowMs) => takeOffers(db, names, limit, nowMs),
      settle: (names, key, failure, nowMs) => settleOffer(db, names, key, failure, nowMs),
    },
  });
}

/** An answer is given whether or not it could be noted; what is not noted is not counted on. */
async function keepPoll(
  db: Database,
  given: Parameters<typeof recordPoll>[1],
  clock: Clock,
  log: Log,
): Promise<void> {
  try {
    await recordPoll(db, given, clock.nowMs());
  } catch (cause) {
    if (!(cause instanceof OperatingError)) throw cause;
    log.warn({ consumer: given.consumer, code: cause.code }, 'a poll could not be noted');
  }
}

async function watchSilence(
  { config, db, clock, log }: ListenerParts,
  signal: AbortSignal,
): Promise<void> {
  const names = Object.keys(config.control?.listener?.consumers ?? {});
  while (!signal.aborted) {
    await clock.sleep(SILENCE_MS, signal);
    if (signal.aborted) return;
    try {
      for (const consumer of await noteSilence(db, COMMON, names, clock.nowMs()))
        log.warn({ consumer }, 'an enforcement point has stopped asking for posture');
    } catch (cause) {
      if (!(cause instanceof OperatingError)) throw cause;
      log.warn({ code: cause.code }, 'it could not be looked who has stopped asking');
    }
  }
}

type Options = Readonly<Record<string, unknown>>;

function driversOfType(config: Config, type: string): readonly (readonly [string, Options])[] {
  return Object.entries(config.control?.drivers ?? {}).filter((one) => one[1].type === type);
}

async function signerAt(
  options: Options,
  member: string,
  key: string,
  environment: Environment,
): Promise<Signer | null> {
  const reference = options[member];
  if (reference === undefined) return null;
  // The driver's own schema has seen to its form.
  const secrets = new Map([[member, reference as SecretReference]]);
  const pem = (await readSecrets(secrets, key, environment)).get(member) ?? '';
  const parsed = parseSigner(pem);
  if (!parsed.ok) throw invalid(`${key}.${member}: ${parsed.problem}`);
  return parsed.signer;
}

function textOr(value: unknown, fallback: string): string {
  return typeof value === 'string' ? value : fallback;
}

function invalid(message: string): OperatingError {
  return new OperatingError('CONFIG_INVALID', message, { retryable: false });
}
