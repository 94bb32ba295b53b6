/** Signals: the transmitter of a running daemon: keys, store, routes and courier. */
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { createCourier } from '../act/courier.ts';
import {
  caepOptions,
  courierOptions,
  receiverRules,
  SsfOptions,
  standingStreams,
} from '../act/drivers/ssf-options.ts';
import { createHttp } from '../adapters/control-http.ts';
import { createGivenKeys, createKeptKeys, parsePrivateKeys } from '../adapters/jose.ts';
import { signalRoutes } from '../api/ssf.ts';
import type { Config } from '../model/config.ts';
import { durationMs } from '../model/duration.ts';
import { OperatingError, type Problem } from '../model/errors.ts';
import type { Clock, Database, Log } from '../model/ports.ts';
import type { Route } from '../model/route.ts';
import { type Located, problemAt } from '../model/schema.ts';
import { CAEP_EVENTS, type SignalKeys, type SignalStore } from '../model/signals.ts';
import { createSignalStore } from '../record/ssf.ts';
import type { Environment } from './config.ts';
import { controlPlan } from './control.ts';
import { pluginOptions } from './plugin-options.ts';
import { readSecrets } from './plugin-secrets.ts';

/** What the transmitter is made of. */
export interface SignalParts {
  readonly config: Config;
  readonly db: Database;
  readonly environment: Environment;
  readonly clock: Clock;
  readonly log: Log;
}

/** The transmitter. One for each process: keys that rotate have one keeper. */
export interface Transmitter {
  readonly store: SignalStore;
  readonly keys: SignalKeys;
  readonly routes: readonly Route[];
  /** Makes the streams that stand by configuration: before the first action. May be called again. */
  prepare(): Promise<void>;
  /** Pushes what waits until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

const KEY_FILE = 'signal-keys.json';

/**
 * The transmitter, where a driver of type ssf is configured. Rejects with CONFIG_INVALID where its keys
 * cannot be used, and with SOURCE_UNREADABLE where those it keeps itself cannot be read or written.
 */
export async function transmitterOf(parts: SignalParts): Promise<Transmitter | null> {
  const { config, db, environment, clock, log } = parts;
  const [found] = ssfDrivers(config);
  if (found === undefined) return null;
  const [name, given] = found;
  const key = `control.drivers.${name}`;
  const checked = pluginOptions(SsfOptions, given, key);
  if (!checked.ok) return null;
  const options = checked.options as unknown as SsfOptions;
  const secrets = await readSecrets(checked.secrets, key, environment);
  const secret = (at: string) => secrets.get(at) ?? '';
  const keys = await keysOf(options, secret('jwks'), key, parts);
  const store = createSignalStore(db);
  const courier = createCourier(
    { store, keys, http: createHttp(), clock },
    courierOptions(options, secret),
  );
  const { tokenClaimsChange, ...always } = CAEP_EVENTS;
  const routes = signalRoutes(
    { store, keys, clock, nonce: randomUUID },
    {
      issuer: options.issuer,
      receivers: receiverRules(options),
      eventsSupported: [
        ...Object.values(always),
        ...(caepOptions(options).scopes === null ? [] : [tokenClaimsChange]),
      ],
      inactivityMs: durationMs(options.inactivity ?? '7d'),
    },
  );
  return {
    ...{ store, keys, routes },
    prepare: async () => await standingStreams(store, options),
    run: async (signal) => await courier.run(signal, log),
  };
}

async function keysOf(
  options: SsfOptions,
  jwks: string,
  key: string,
  { config, clock, log }: SignalParts,
): Promise<SignalKeys> {
  if (options.jwks !== undefined) {
    const parsed = await parsePrivateKeys(jwks);
    if (parsed.ok) return createGivenKeys(parsed.keys);
    const message = `${key}.jwks: ${parsed.problem}`;
    throw new OperatingError('CONFIG_INVALID', message, { retryable: false });
  }
  const file = path.resolve(config.dataDir ?? '.plumbline', KEY_FILE);
  const rotateEveryMs = durationMs(options.rotateEvery ?? '90d');
  const { keys, made } = await createKeptKeys({ file, rotateEveryMs }, clock);
  const what = made ? 'signing keys for signals made and kept' : 'signing keys for signals';
  log.info({ file, rotateEvery: options.rotateEvery ?? '90d' }, what);
  return keys;
}

function ssfDrivers(config: Config) {
  return Object.entries(config.control?.drivers ?? {}).filter(([, { type }]) => type === 'ssf');
}

/** What is wrong with the transmitter that the options of its driver cannot show. */
export function signalProblems(config: Config, where: Located): Problem[] {
  const listener = config.control?.listener;
  const found: Problem[] = [...loneSignals(config, where)];
  ssfDrivers(config).forEach(([name, given], at) => {
    const say = (message: string) =>
      found.push(problemAt(where, ['control', 'drivers', name], message));
    if (at > 0) say('a second driver of type ssf; one transmitter has all receivers');
    const receivers = Array.isArray(given['receivers']) ? given['receivers'] : [];
    for (const one of receivers as readonly Readonly<Record<string, unknown>>[]) {
      // What only listens to pushes never calls us.
      if (one['standing'] !== undefined && one['push'] !== undefined) continue;
      const scopes = listener?.consumers?.[String(one['name'])]?.scopes ?? [];
      if (!scopes.includes('ssf.read'))
        say(
          `receiver ${String(one['name'])} has to call us and cannot: give control.listener a consumer of that name with the scopes ssf.read and ssf.manage (plumbline tokens new NAME)`,
        );
    }
  });
  return found;
}

/** A signal obliges nobody: where it is all there is for a verb, nothing would be enforced. */
function loneSignals(config: Config, where: Located): Problem[] {
  const names = new Set(ssfDrivers(config).map(([name]) => name));
  const alone = [...controlPlan(config).chains]
    .filter(([, chain]) => chain.every((name) => names.has(name)))
    .map(([verb]) => verb);
  const [name] = names;
  if (alone.length === 0 || name === undefined) return [];
  const message = `signals are hints and never stand alone; add a driver that enforces ${alone.join(', ')}, or leave these verbs to others by control.chains`;
  return [problemAt(where, ['control', 'drivers', name], message)];
}
