/** Runs the integration tests: starts Kafka and PostgreSQL once, says which, shares them. */
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { KafkaProvided } from './kafka-provided.ts';
import { type ProvidedPostgres, providePostgres } from './postgres.ts';
import { provideKafka, writeShared } from './provider.ts';

const HERE = fileURLToPath(new URL('./', import.meta.url));
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** Files that need a broker they may kill; a cluster that was given to us is not ours to kill. */
const NEED_OWN_BROKER = new Set(['kafka-restart.test.ts']);
/** Files that start a broker with settings of their own, from its jars. */
const NEED_JARS = new Set(['kafka-tls.test.ts']);
// biome-ignore lint/style/noProcessEnv: a runner hands its servers over by environment
const env = process.env;

/** Files whose processes are killed, cut off or timed: beside another file they would test the machine. */
const ALONE = new Set([
  ...['crash.test.ts', 'first-run.test.ts', 'kafka-broker.test.ts', 'kafka-restart.test.ts'],
  ...['ingest-http.test.ts', 'members.test.ts', 'operations.test.ts', 'response-chaos.test.ts'],
]);

const say = (line: string) => process.stdout.write(`${line}\n`);

async function main(): Promise<number> {
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => stopping.abort());
  }
  const servers: { stop(): Promise<void> }[] = [];
  try {
    const kafka = await provideKafka({ own: true });
    servers.push(kafka);
    const postgres = await providePostgres();
    servers.push(postgres);
    const line = providerLine(kafka, postgres);
    say(line);
    const { files, left } = await chooseFiles(process.argv.slice(2), kafka);
    for (const text of left) say(text);
    if (files.length === 0 || stopping.signal.aborted) {
      say('no integration test ran: nothing matches the command line');
      return 1;
    }
    const code = await runTests(files, kafka, postgres, stopping.signal);
    for (const text of left) say(text);
    say(line);
    return code;
  } finally {
    for (const server of servers.reverse()) await server.stop();
  }
}

function providerLine(kafka: KafkaProvided, postgres: ProvidedPostgres): string {
  return (
    `integration provider: kafka=${kafka.source} ${kafka.version} ${kafka.brokers.join(',')} · ` +
    `postgres=${postgres.source} ${postgres.version}`
  );
}

/** Everything, or what the command line names by a part of its path; and what cannot run here. */
async function chooseFiles(
  wanted: readonly string[],
  kafka: KafkaProvided,
): Promise<{ files: string[]; left: string[] }> {
  const all = (await readdir(HERE)).filter((name) => name.endsWith('.test.ts')).sort();
  const chosen = all.filter(
    (name) =>
      wanted.length === 0 || wanted.some((part) => relative(ROOT, join(HERE, name)).includes(part)),
  );
  const canRestart = kafka.restart !== undefined;
  const isJars = kafka.source === 'jars';
  const left = chosen.filter(
    (name) => (!canRestart && NEED_OWN_BROKER.has(name)) || (!isJars && NEED_JARS.has(name)),
  );
  return {
    files: chosen.filter((name) => !left.includes(name)).map((name) => join(HERE, name)),
    left: left.map(
      (name) =>
        `not run: ${name}, because provider ${kafka.source} cannot start a broker as it needs one`,
    ),
  };
}

/** Two files at once where they may; 0 only if tests ran, all passed and none was skipped. */
async function runTests(
  files: readonly string[],
  kafka: KafkaProvided,
  postgres: ProvidedPostgres,
  signal: AbortSignal,
): Promise<number> {
  const isAlone = (file: string) => ALONE.has(basename(file));
  const groups = [
    { files: files.filter((file) => !isAlone(file)), atOnce: 2 },
    { files: files.filter(isAlone), atOnce: 1 },
  ];
  let code = 0;
  for (const group of groups) {
    if (group.files.length === 0 || signal.aborted) continue;
    const ended = await runGroup(group.files, group.atOnce, kafka, postgres, signal);
    code = Math.max(code, ended);
  }
  return signal.aborted ? 1 : code;
}

async function runGroup(
  files: readonly string[],
  atOnce: number,
  kafka: KafkaProvided,
  postgres: ProvidedPostgres,
  signal: AbortSignal,
): Promise<number> {
  const scratch = await mkdtemp(join(tmpdir(), 'plumbline-run-'));
  const tap = join(scratch, 'tap');
  const child = spawn(
    process.execPath,
    [
      '--test',
      `--test-concurrency=${atOnce}`,
      '--test-reporter=spec',
      '--test-reporter-destination=stdout',
      '--test-reporter=tap',
      `--test-reporter-destination=${tap}`,
      ...files.map((file) => relative(ROOT, file)),
    ],
    {
      cwd: ROOT,
      stdio: 'inherit',
      env: {
        ...env,
        // Each file is a process of its own, and compiles what the one before it did.
        NODE_COMPILE_CACHE: join(ROOT, 'node_modules/.cache/plumbline'),
        PLUMBLINE_TEST_KAFKA: writeShared(kafka),
        PLUMBLINE_TEST_DATABASE: postgres.url,
        PLUMBLINE_TEST_DATABASE_SOURCE: postgres.source,
      },
    },
  );
  const kill = () => child.kill('SIGTERM');
  signal.addEventListener('abort', kill);
  const code = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (status) => resolve(status ?? 1));
  });
  signal.removeEventListener('abort', kill);
  try {
    return verdict(code, await readFile(tap, 'utf8'));
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

// node --test is content with no test at all, and with tests that skip themselves.
function verdict(code: number, tap: string): number {
  const total = (key: string) => Number(new RegExp(`^# ${key} ([0-9]+)$`, 'm').exec(tap)?.[1] ?? 0);
  if (total('pass') === 0) say('no integration test passed: nothing was proven');
  const left = total('skipped') + total('todo');
  if (left > 0) say(`${left} integration tests were skipped: that counts as a failure`);
  return code === 0 && total('pass') > 0 && left === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (cause) {
  process.stderr.write(
    `integration tests did not run: ${cause instanceof Error ? cause.message : cause}\n`,
  );
  if (cause instanceof Error && cause.cause !== undefined) {
    process.stderr.write(`because: ${String(cause.cause)}\n`);
  }
  process.exitCode = 1;
}
