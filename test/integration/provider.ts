/** Finds a real Kafka for the integration tests: given, by docker compose, or from jars. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startKafkaJars } from './kafka-jars.ts';
import { freePort, probeKafka } from './kafka-probe.ts';
import { type KafkaProvided, SOURCES, type Source } from './kafka-provided.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const ENV_DEADLINE_MS = 20_000;
// biome-ignore lint/style/noProcessEnv: the provider is chosen by the environment (see CONTRIBUTING)
const env = process.env;

/**
 * Provides Kafka: the run's shared one (PLUMBLINE_TEST_KAFKA) unless `own`, else KAFKA_BROKERS,
 * else docker compose, else jars. PLUMBLINE_TEST_PROVIDER forces one of them. Rejects with all
 * that was tried; a provider that was found but does not come up ends the search.
 */
export async function provideKafka(options: { own?: boolean } = {}): Promise<KafkaProvided> {
  const shared = env['PLUMBLINE_TEST_KAFKA'];
  if (shared !== undefined && options.own !== true) return readShared(shared);
  const forced = env['PLUMBLINE_TEST_PROVIDER'];
  if (forced !== undefined && !isSource(forced)) {
    throw new Error(`PLUMBLINE_TEST_PROVIDER=${forced}: write one of ${SOURCES.join(', ')}`);
  }
  const failures: string[] = [];
  for (const source of forced === undefined ? SOURCES : [forced]) {
    const missing = await whatIsMissing(source);
    if (missing === null) return await start(source);
    failures.push(`  ${source}: ${missing}`);
  }
  throw new Error(
    `no Kafka for the integration tests; tried\n${failures.join('\n')}\n` +
      'Any one of these helps: set KAFKA_BROKERS=host:port, start docker, or install a Java ' +
      'runtime (17 or newer) and Maven.',
  );
}

/** The text `provideKafka` reads from PLUMBLINE_TEST_KAFKA. */
export function writeShared(kafka: KafkaProvided): string {
  return [kafka.brokers[0], kafka.source, kafka.version].join(',');
}

function readShared(text: string): KafkaProvided {
  const [address, source, version] = text.split(',');
  if (address === undefined || source === undefined || !isSource(source) || version === undefined) {
    throw new Error(`PLUMBLINE_TEST_KAFKA=${text}: expected host:port,source,version`);
  }
  return { brokers: [address], version, source, stop: async () => undefined };
}

function isSource(text: string): text is Source {
  return (SOURCES as readonly string[]).includes(text);
}

async function whatIsMissing(source: Source): Promise<string | null> {
  if (source === 'env') {
    return env['KAFKA_BROKERS'] === undefined ? 'KAFKA_BROKERS is not set' : null;
  }
  const [program, ...args] =
    source === 'compose'
      ? ['docker', 'version', '--format', '{{.Server.Version}}']
      : ['java', '-version'];
  try {
    await run(program ?? '', args);
    if (source === 'compose') await run('docker', ['compose', 'version']);
    return null;
  } catch (cause) {
    const isAbsent = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
    return isAbsent ? `no ${program} on the PATH` : `${program} does not answer`;
  }
}

function start(source: Source): Promise<KafkaProvided> {
  switch (source) {
    case 'env':
      return useGiven();
    case 'compose':
      return startCompose();
    case 'jars':
      return startKafkaJars();
  }
}

async function useGiven(): Promise<KafkaProvided> {
  const brokers = (env['KAFKA_BROKERS'] ?? '').split(',');
  await probeKafka(brokers[0] ?? '', ENV_DEADLINE_MS);
  return { brokers, version: 'unknown', source: 'env', stop: async () => undefined };
}

async function startCompose(): Promise<KafkaProvided> {
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  const project = `plumbline-test-${process.pid}-${port}`;
  const compose = (...args: string[]) =>
    run('docker', ['compose', '-p', project, ...args], {
      cwd: ROOT,
      env: { ...env, PLUMBLINE_KAFKA_PORT: String(port) },
    });
  const up = async () => {
    await compose('up', '-d', '--wait', 'kafka');
    await probeKafka(address, ENV_DEADLINE_MS);
  };
  const kill = async () => {
    await compose('kill', 'kafka');
  };
  try {
    await up();
  } catch (cause) {
    await compose('down', '-v');
    throw cause;
  }
  const image = (await compose('config', '--images', 'kafka')).stdout.trim();
  return {
    brokers: [address],
    version: image.split(':').at(-1) ?? 'unknown',
    source: 'compose',
    kill,
    restart: async () => {
      await kill();
      await up();
    },
    stop: async () => {
      await compose('down', '-v');
    },
  };
}
