/** A real Kafka broker from Maven jars: fetched once, formatted, started and stopped. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort, probeKafka } from './kafka-probe.ts';
import type { KafkaProvided } from './kafka-provided.ts';
import { type Secured, secure } from './kafka-secured.ts';

const run = promisify(execFile);
const POM = fileURLToPath(new URL('./kafka/pom.xml', import.meta.url));
const LIBS = fileURLToPath(new URL('../../target/kafka-libs/', import.meta.url));
const READY_DEADLINE_MS = 60_000;
const STOP_DEADLINE_MS = 5_000;
const LOG_LINES_SHOWN = 60;

/** What a run needs; rejects with a sentence saying what is missing and how to get it. */
export async function findKafkaJars(): Promise<{ version: string; classPath: string }> {
  await requireJava();
  const pom = await readFile(POM, 'utf8');
  const version = /<kafka\.version>([^<]+)<\/kafka\.version>/.exec(pom)?.[1];
  if (version === undefined) throw new Error(`no <kafka.version> in ${POM}`);
  const stamp = createHash('sha256').update(pom).digest('hex');
  const folder = join(LIBS, version);
  if ((await readStamp(folder)) !== stamp) await fetchJars(folder, stamp);
  // Listed and sorted, not dir/*: the order of a wildcard is unspecified.
  const jars = (await readdir(folder)).filter((name) => name.endsWith('.jar')).sort();
  return { version, classPath: jars.map((name) => join(folder, name)).join(':') };
}

/** The same broker, and its second listener, which is encrypted and asks who one is. */
export async function startSecuredKafka(): Promise<
  KafkaProvided & { readonly secured: { readonly brokers: readonly string[]; readonly ca: string } }
> {
  const { provided, secured } = await startBroker(secure);
  if (secured === null) throw new Error('no secured listener was made');
  const { port, ca } = secured;
  return { ...provided, secured: { brokers: [`127.0.0.1:${port}`], ca } };
}

/** Starts a broker on free ports of 127.0.0.1 in a fresh folder; resolves when a record went through. */
export async function startKafkaJars(): Promise<KafkaProvided> {
  return (await startBroker(async () => null)).provided;
}

async function startBroker(
  securing: (dir: string) => Promise<Secured | null>,
): Promise<{ readonly provided: KafkaProvided; readonly secured: Secured | null }> {
  const { version, classPath } = await findKafkaJars();
  const dir = await mkdtemp(join(tmpdir(), 'plumbline-kafka-'));
  const port = await freePort();
  const controllerPort = await freePort();
  const secured = await securing(dir);
  const properties = serverProperties(dir, port, controllerPort, secured);
  await writeFile(join(dir, 'server.properties'), properties);
  await writeFile(join(dir, 'log4j2.properties'), LOG4J);
  const logFile = join(dir, 'broker.log');
  const address = `127.0.0.1:${port}`;
  let broker: Running | null = null;

  const start = async () => {
    broker = launch(dir, classPath, logFile);
    try {
      await Promise.race([probeKafka(address, READY_DEADLINE_MS), broker.ended]);
    } catch (cause) {
      await broker.end(STOP_DEADLINE_MS);
      throw new Error(`Kafka from jars did not come up:\n${await lastLines(logFile)}`, { cause });
    }
  };
  const kill = async () => {
    await broker?.end(0);
    broker = null;
  };
  try {
    await format(dir, classPath, secured?.format ?? []);
    await start();
  } catch (cause) {
    await rm(dir, { recursive: true, force: true });
    throw cause;
  }
  const provided: KafkaProvided = {
    brokers: [address],
    version,
    source: 'jars',
    kill,
    freeze: () => broker?.signal('SIGSTOP'),
    thaw: () => broker?.signal('SIGCONT'),
    restart: async () => {
      await kill();
      await start();
    },
    stop: async () => {
      await broker?.end(STOP_DEADLINE_MS);
      broker = null;
      await rm(dir, { recursive: true, force: true });
    },
  };
  return { provided, secured };
}

interface Running {
  /** Rejects when the process ends; never resolves. */
  readonly ended: Promise<never>;
  /** SIGTERM, then after the deadline SIGKILL; resolves when the process is gone. */
  end(deadlineMs: number): Promise<void>;
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void;
}

function launch(dir: string, classPath: string, logFile: string): Running {
  const log = openSync(logFile, 'a');
  const child = spawn(
    'java',
    [
      '-Xms128m',
      '-Xmx384m',
      '-XX:+UseSerialGC',
      '-XX:TieredStopAtLevel=1',
      '-Xshare:auto',
      '-Djava.awt.headless=true',
      `-Dlog4j2.configurationFile=${join(dir, 'log4j2.properties')}`,
      '-cp',
      classPath,
      'kafka.Kafka',
      join(dir, 'server.properties'),
    ],
    { stdio: ['ignore', log, log], cwd: dir },
  );
  closeSync(log);
  const gone = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => resolve(`java ended with ${signal ?? code}`));
    child.once('error', (cause) => resolve(`java: ${cause.message}`));
  });
  const guard = guardAgainstOrphan(child);
  const ended = gone.then((text): never => {
    throw new Error(text);
  });
  ended.catch(() => guard?.kill()); // the guard must not outlive the process id it watches
  return {
    ended,
    signal: (signal) => void child.kill(signal),
    end: async (deadlineMs) => {
      child.kill(deadlineMs > 0 ? 'SIGTERM' : 'SIGKILL');
      const timer = setTimeout(() => child.kill('SIGKILL'), deadlineMs);
      await gone;
      clearTimeout(timer);
    },
  };
}

// A test process that is killed runs no exit handler; its end of this pipe closes all the same.
function guardAgainstOrphan(child: ChildProcess): ChildProcess | null {
  if (child.pid === undefined) return null;
  const script = 'read -r _; kill -9 "$0" 2>/dev/null';
  const guard = spawn('sh', ['-c', script, String(child.pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  guard.unref();
  return guard;
}

async function format(dir: string, classPath: string, more: readonly string[]): Promise<void> {
  let clusterId = '-';
  // The argument parser takes a leading dash for an option.
  while (clusterId.startsWith('-')) clusterId = randomBytes(16).toString('base64url');
  const properties = join(dir, 'server.properties');
  const args = ['format', '-t', clusterId, '-c', properties, '--ignore-formatted', ...more];
  await run('java', ['-cp', classPath, 'kafka.tools.StorageTool', ...args]);
}

async function requireJava(): Promise<void> {
  let text: string;
  try {
    text = (await run('java', ['-version'])).stderr;
  } catch (cause) {
    throw new Error('no java on the PATH; install a JDK or JRE of version 17 or newer', { cause });
  }
  const major = Number(/version "(?:1\.)?([0-9]+)/.exec(text)?.[1] ?? 0);
  if (major < 17) throw new Error(`java is version ${major}; Kafka 4 needs 17 or newer`);
}

async function fetchJars(folder: string, stamp: string): Promise<void> {
  // Into a folder of its own and renamed at the end: a cut download is never taken for complete.
  const fresh = `${folder}.${process.pid}`;
  await mkdir(fresh, { recursive: true });
  try {
    await run('mvn', [
      '-B',
      '-q',
      '-f',
      POM,
      'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies',
      '-DincludeScope=runtime',
      `-DoutputDirectory=${fresh}`,
    ]);
  } catch (cause) {
    await rm(fresh, { recursive: true, force: true });
    const missing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
    throw new Error(
      missing
        ? 'no mvn on the PATH; install Maven, it is needed once to fetch the broker'
        : 'Maven could not fetch the jars of Kafka; run it by hand on test/integration/kafka/pom.xml',
      { cause },
    );
  }
  await writeFile(join(fresh, 'stamp'), stamp);
  await rm(folder, { recursive: true, force: true });
  await rename(fresh, folder);
}

async function readStamp(folder: string): Promise<string | null> {
  try {
    return await readFile(join(folder, 'stamp'), 'utf8');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return null;
    throw cause;
  }
}

async function lastLines(file: string): Promise<string> {
  const lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
  return lines.slice(-LOG_LINES_SHOWN).join('\n');
}

function serverProperties(
  dir: string,
  port: number,
  controllerPort: number,
  secured: Secured | null,
): string {
  const also = secured === null ? '' : `,SECURED://127.0.0.1:${secured.port}`;
  return `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${controllerPort}
listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}${also}
advertised.listeners=PLAINTEXT://127.0.0.1:${port}${also}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SECURED:SASL_SSL
log.dirs=${join(dir, 'data')}
auto.create.topics.enable=false
num.partitions=4
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
log.cleaner.dedupe.buffer.size=2097152
num.network.threads=1
num.io.threads=2
num.recovery.threads.per.data.dir=1
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
${secured?.properties ?? ''}`;
}

const LOG4J = `status = warn
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{ISO8601} %p %c{1} %m%n
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
`;
