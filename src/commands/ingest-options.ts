/** Ingest options: which source is sent to where, and what is wrong with `sources[].http`. */
import type { SourceConfig } from '../model/config/source.ts';
import type { Config } from '../model/config.ts';
import type { Problem } from '../model/errors.ts';
import { INGEST_PATHS, type IngestPath } from '../model/ingest.ts';
import { type Located, problemAt } from '../model/schema.ts';
import { isLoopback, isNetwork } from './listener-options.ts';

/** Decoders of OpenTelemetry, and the one path that each is sent to. */
const OTLP_PATHS: Readonly<Record<string, IngestPath>> = {
  'otlp-traces/1': '/v1/traces',
  'otlp-logs/1': '/v1/logs',
  'otlp-metrics/1': '/v1/metrics',
};

/** Where a source is sent to: by its decoder, since that is what the bodies are for. */
export function pathsOf({ decoder }: Pick<SourceConfig, 'decoder'>): readonly IngestPath[] {
  const own = Object.hasOwn(OTLP_PATHS, decoder) ? OTLP_PATHS[decoder] : undefined;
  if (own !== undefined) return [own];
  return INGEST_PATHS.filter((path) => path === '/v1/events' || path === '/v1/opa/logs');
}

/** Sources that are sent to over HTTP. */
export function sentTo(config: Config): readonly SourceConfig[] {
  return config.sources.filter(({ http }) => http !== undefined);
}

/** Does the lane read the event log: no Kafka, no files? */
export function readsEventLog(config: Config): boolean {
  return config.kafka === undefined && config.jsonl === undefined && sentTo(config).length > 0;
}

/** Every mistake in what is sent over HTTP that no schema can see. */
export function ingestProblems(config: Config, where: Located): Problem[] {
  const found: Problem[] = [];
  const say = (path: readonly (string | number)[], message: string) =>
    found.push(problemAt(where, path.map(String), message));
  const given = sentTo(config);
  if (given.length === 0) {
    if (config.ingest !== undefined)
      say(['ingest'], 'no source is sent to over HTTP; give one `http: { sha256: [...] }`');
    return found;
  }
  if (config.jsonl !== undefined)
    say(
      ['jsonl'],
      'a lane reads one log: with `http` sources leave `jsonl` away (plumbline replay reads files)',
    );
  const owners = new Map<string, string>();
  config.sources.forEach((source, at) => {
    if (source.http === undefined) {
      if (config.kafka === undefined && config.jsonl === undefined)
        say(
          ['sources', at],
          `where does ${source.name} come from? Give it \`http\`, or give \`kafka\``,
        );
      return;
    }
    const { token, sha256 } = source.http;
    if ((token === undefined) === (sha256 === undefined))
      say(['sources', at, 'http'], 'give exactly one of `token` and `sha256`');
    if (token !== undefined && (token.env === undefined) === (token.file === undefined))
      say(
        ['sources', at, 'http', 'token'],
        'give exactly one of `env` and `file`: secrets are never written inline',
      );
    const names = [...(sha256 ?? []), ...(token === undefined ? [] : [JSON.stringify(token)])];
    for (const name of names)
      for (const path of pathsOf(source)) {
        const other = owners.get(`${path} ${name}`);
        if (other !== undefined) {
          say(['sources', at, 'http'], `${path} with this token is ${other} already`);
          break;
        }
        owners.set(`${path} ${name}`, source.name);
      }
  });
  const { listener } = config.ingest ?? {};
  if (listener === undefined && config.control?.listener === undefined)
    say(
      ['sources'],
      'nothing listens for what is sent over HTTP; give `ingest: { listener: {} }` (127.0.0.1:4318) or control.listener',
    );
  if (listener !== undefined) found.push(...endpointProblems(listener, where));
  return found;
}

function endpointProblems(
  listener: NonNullable<NonNullable<Config['ingest']>['listener']>,
  where: Located,
): Problem[] {
  const found: Problem[] = [];
  const say = (path: readonly string[], message: string) =>
    found.push(problemAt(where, ['ingest', 'listener', ...path], message));
  const { host = '127.0.0.1', tls, trustProxy = [] } = listener;
  if (!isLoopback(host) && tls === undefined && listener.trustProxy === undefined)
    say(
      ['host'],
      `${host} can be reached from other machines and tokens would travel in the clear; give tls, or trustProxy where a proxy of yours speaks TLS, or listen on 127.0.0.1`,
    );
  for (const [name, secret] of Object.entries(tls ?? {}))
    if ((secret.env === undefined) === (secret.file === undefined))
      say(['tls', name], 'give exactly one of `env` and `file`: secrets are never written inline');
  trustProxy.forEach((one, at) => {
    if (!isNetwork(one)) say(['trustProxy', String(at)], `${one} is no address and no network`);
  });
  return found;
}
