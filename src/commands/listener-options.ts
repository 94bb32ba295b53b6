/** Listener options: what is wrong with them, and what the server is made with. */
import { isIP } from 'node:net';
import type { HttpServerOptions } from '../adapters/http-server.ts';
import type { Listener } from '../model/config/listener.ts';
import type { SecretReference } from '../model/config/secret.ts';
import type { Config } from '../model/config.ts';
import { durationMs } from '../model/duration.ts';
import { OperatingError, type Problem } from '../model/errors.ts';
import type { SCOPES } from '../model/route.ts';
import { type Located, problemAt } from '../model/schema.ts';
import type { Environment } from './config.ts';
import { readSecrets } from './plugin-secrets.ts';

const KEY = 'control.listener';
const HEARTBEAT_MIN_MS = 30_000;
/** Alertmanager takes an alert for over that was not told again for five minutes. */
const HEARTBEAT_MAX_MS = 240_000;

/** Every mistake in our listeners, and in what drivers need of them, that no schema can see. */
export function listenerProblems(config: Config, where: Located): Problem[] {
  return [
    ...oneListener(config.control?.listener, ['control', 'listener'], where),
    ...selfProblems(config, where),
    ...heartbeatProblems(config, where),
    ...polledProblems(config, where),
  ];
}

function oneListener(
  listener: Listener | undefined,
  at: readonly string[],
  where: Located,
): Problem[] {
  if (listener === undefined) return [];
  const found: Problem[] = [];
  const say = (path: readonly string[], message: string) =>
    found.push(problemAt(where, [...at, ...path], message));
  const { host = '127.0.0.1', tls, trustProxy, consumers = {} } = listener;
  if (!isLoopback(host) && tls === undefined && trustProxy === undefined)
    say(
      ['host'],
      `${host} can be reached from other machines and tokens would travel in the clear; give tls, or trustProxy where a proxy of yours speaks TLS, or listen on 127.0.0.1`,
    );
  for (const [name, secret] of Object.entries(tls ?? {}))
    if ((secret.env === undefined) === (secret.file === undefined))
      say(['tls', name], 'give exactly one of `env` and `file`: secrets are never written inline');
  (trustProxy ?? []).forEach((one, at) => {
    if (!isNetwork(one)) say(['trustProxy', String(at)], `${one} is no address and no network`);
  });
  const owners = new Map<string, string>();
  for (const [name, { sha256 }] of Object.entries(consumers)) {
    const other = owners.get(sha256);
    if (other !== undefined)
      say(['consumers', name, 'sha256'], `the token of ${other} again; each has one of its own`);
    owners.set(sha256, name);
  }
  return found;
}

function heartbeatProblems({ telemetry }: Config, where: Located): Problem[] {
  const ms = durationMs(telemetry?.heartbeat ?? '60s');
  if (ms >= HEARTBEAT_MIN_MS && ms <= HEARTBEAT_MAX_MS) return [];
  return [
    problemAt(
      where,
      ['telemetry', 'heartbeat'],
      'from 30s to 4m: less disturbs sinks, more lets an alert end between two beats',
    ),
  ];
}

/** A port for probes alone may be open to other machines: no token travels to it. */
function selfProblems(config: Config, where: Located): Problem[] {
  const listener = config.telemetry?.listener;
  if (listener === undefined) return [];
  const { metrics = 'token', consumers = {} } = listener;
  const at = ['telemetry', 'listener'];
  const found: Problem[] = [];
  const say = (path: readonly string[], message: string) =>
    found.push(problemAt(where, [...at, ...path], message));
  const isOpen = metrics === 'open';
  if (isOpen && Object.keys(consumers).length > 0)
    say(['metrics'], 'open to everybody, and yet there are consumers with tokens: choose one');
  for (const [name, { scopes }] of Object.entries(consumers))
    for (const scope of scopes)
      if (scope !== 'metrics.read')
        say(['consumers', name, 'scopes'], `${scope} is good for nothing here; write metrics.read`);
  const asksForTokens = Object.keys(consumers).length > 0;
  return asksForTokens ? [...found, ...oneListener(listener, at, where)] : found;
}

/** Drivers whose targets ask, and nobody who could: such a driver would act on nobody. */
function polledProblems(config: Config, where: Located): Problem[] {
  const { drivers = {}, listener } = config.control ?? {};
  const consumers = listener?.consumers ?? {};
  const may = (name: string, scope: (typeof SCOPES)[number]) =>
    consumers[name]?.scopes.includes(scope) ?? false;
  const ofType = (type: string) => Object.entries(drivers).filter((one) => one[1].type === type);
  const found: Problem[] = [];
  const say = (name: string, message: string) =>
    found.push(problemAt(where, ['control', 'drivers', name], message));
  ofType('posture').forEach(([name], at) => {
    if (at > 0) say(name, 'a second driver of type posture; one document holds everything');
    if (!Object.keys(consumers).some((one) => may(one, 'posture.read')))
      say(
        name,
        'nobody could read its document; give control.listener a consumer with the scope posture.read (plumbline tokens new NAME)',
      );
  });
  for (const [name, { consumer }] of ofType('pull'))
    if (typeof consumer === 'string' && !may(consumer, 'control.poll'))
      say(
        name,
        `nobody could fetch its work; give control.listener a consumer ${consumer} with the scope control.poll`,
      );
  return found;
}

/** Settings of the server. Rejects with CONFIG_INVALID, naming the key, where a file cannot be read. */
export async function serverOptions(
  listener: Listener,
  environment: Environment,
  key = KEY,
): Promise<HttpServerOptions> {
  const { host = '127.0.0.1', port = 8443, tls, trustProxy, consumers = {} } = listener;
  const pem = tls === undefined ? null : await pemOf(tls, environment, key);
  return {
    ...{ host, port },
    ...(pem === null ? {} : { tls: pem }),
    ...(trustProxy === undefined ? {} : { trustProxy }),
    consumers: Object.entries(consumers).map(([name, { sha256, scopes }]) => ({
      ...{ name, sha256, scopes },
    })),
  };
}

async function pemOf(
  tls: Readonly<Record<'cert' | 'key', SecretReference>>,
  environment: Environment,
  at: string,
): Promise<{ cert: string; key: string }> {
  const references = new Map(Object.entries(tls));
  const texts = await readSecrets(references, `${at}.tls`, environment);
  const [cert = '', key = ''] = [texts.get('cert'), texts.get('key')];
  for (const [name, text] of [['cert', cert] as const, ['key', key] as const])
    if (!text.includes('-----BEGIN '))
      throw new OperatingError('CONFIG_INVALID', `${at}.tls.${name}: holds no PEM text`, {
        retryable: false,
      });
  return { cert, key };
}

/** Is it an address that only this machine reaches? */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/** Is it an address, or a network with its bits? */
export function isNetwork(text: string): boolean {
  const [address = '', bits] = text.split('/');
  const family = isIP(address);
  if (family === 0) return false;
  return bits === undefined || Number(bits) <= (family === 4 ? 32 : 128);
}
