/** Open sinks: makes what the configuration names; secrets are read, nothing is connected. */
import type { RoutedSink } from '../act/route.ts';
import type { Sink, SinkPorts } from '../act/sink.ts';
import { createHttp } from '../adapters/control-http.ts';
import { createKafkaPublisher } from '../adapters/kafka.ts';
import type { Config } from '../model/config.ts';
import { OperatingError } from '../model/errors.ts';
import type { Clock, Log, Publisher } from '../model/ports.ts';
import type { Located } from '../model/schema.ts';
import type { Environment } from './config.ts';
import { kafkaAccess } from './kafka-access.ts';
import { readSecrets } from './plugin-secrets.ts';
import { configuredSinks, SINK_TYPES, type SinkSection } from './sinks.ts';

/** A whole request to a sink, ms (handbook, outputs §2). */
const TIMEOUT_MS = 5_000;
const NOWHERE: Located = { file: 'plumbline.yaml', lineOf: () => null };

/** What sinks are made of. */
export interface SinkParts {
  readonly config: Config;
  readonly environment: Environment;
  readonly clock: Clock;
  readonly log: Log;
}

/** Sinks, and what they keep open. */
export interface OpenSinks {
  readonly sinks: ReadonlyMap<string, Sink>;
  close(): Promise<void>;
}

/** Makes the sinks. Nothing is connected before the first alert. Rejects with CONFIG_INVALID. */
export async function openSinks({
  config,
  environment,
  clock,
  log,
}: SinkParts): Promise<OpenSinks> {
  const publishers = new Map<string, Publisher>();
  const instance = config.instance ?? 'plumbline';
  // Its secrets are asked for only where some sink goes there.
  const isAsked = Object.values(config.sinks ?? {}).some(({ type }) => type === 'kafka');
  const { kafka } = config;
  const ours = kafka === undefined || !isAsked ? null : await kafkaAccess(kafka, environment);
  const publisher = (given: readonly string[] | null): Publisher | null => {
    // A cluster that a sink names by itself is told nothing of who we are to ours.
    const access = given === null ? ours : { brokers: given };
    if (access === null) return null;
    const key = given === null ? 'ours' : given.join(',');
    const known = publishers.get(key);
    if (known !== undefined) return known;
    const made = createKafkaPublisher({ ...access, clientId: `plumbline-${instance}-alerts`, log });
    publishers.set(key, made);
    return made;
  };
  const ports = { http: createHttp(), clock, publisher, instance, timeoutMs: TIMEOUT_MS };
  const sinks = await makeSinks(config, ports, environment);
  return {
    sinks,
    close: async () => {
      for (const one of publishers.values()) await one.close();
    },
  };
}

/**
 * Makes every sink; connects to none. Rejects with CONFIG_INVALID that names each key and reason, and
 * shows no secret.
 */
export async function makeSinks(
  config: SinkSection,
  ports: SinkPorts,
  environment: Environment,
): Promise<ReadonlyMap<string, Sink>> {
  const { plugins } = configuredSinks(config, NOWHERE);
  const sinks = new Map<string, Sink>();
  const problems: string[] = [];
  for (const [name, { type, options, secrets }] of plugins) {
    const key = `sinks.${name}`;
    try {
      const values = await readSecrets(secrets, key, environment);
      const made = SINK_TYPES[type]?.create(ports, options, values);
      if (made?.ok === true) sinks.set(name, made.sink);
      else if (made !== undefined)
        problems.push(`${key}.${made.problem.key}: ${made.problem.message}`);
    } catch (cause) {
      if (!(cause instanceof OperatingError)) throw cause;
      problems.push(cause.message);
    }
  }
  if (problems.length > 0)
    throw new OperatingError('CONFIG_INVALID', problems.join('\n'), { retryable: false });
  return sinks;
}

/** Sinks as routes see them. */
export function routedSinks(sinks: ReadonlyMap<string, Sink>): readonly RoutedSink[] {
  return [...sinks].map(([name, sink]) => ({ name, kinds: sink.capabilities().kinds }));
}
